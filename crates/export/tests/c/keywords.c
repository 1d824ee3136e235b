/* Reads the probabilities of windows from standard input, and writes the index of the detected label, or -1, as a line for each. */
#include <stdio.h>

#include "model.h"

int main(void)
{
    float scores[MODEL_CLASSES];
    model_keywords keywords;
    model_keywords_init(&keywords);
    while (fread(scores, sizeof scores, 1, stdin) == 1)
        printf("%d\n", model_keywords_push(&keywords, scores));
    return 0;
}
