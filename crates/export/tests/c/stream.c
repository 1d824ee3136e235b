/* Reads a recording of float samples from standard input in chunks of the size of the argument, and writes its scores. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

static model_model model;
static float samples[1 << 20];

int main(int count, char **arguments)
{
    const float *scores;
    size_t chunk = count == 2 ? (size_t)atoi(arguments[1]) : 1, read;
    model_init(&model);
    while ((read = fread(samples, sizeof(float), chunk, stdin)) > 0) {
        for (size_t at = 0; at < read;) {
            at += model_push(&model, samples + at, read - at, &scores);
            if (scores)
                fwrite(scores, sizeof(float), MODEL_CLASSES, stdout);
        }
    }
    while ((scores = model_finish(&model)))
        fwrite(scores, sizeof(float), MODEL_CLASSES, stdout);
    return 0;
}
