/* Reads a recording of float samples from standard input, and writes its scores. */
#include <stdio.h>

#include "model.h"

static model_model model;
static float samples[1 << 20], scores[1 << 20];

int main(void)
{
    int count = (int)fread(samples, sizeof(float), 1 << 20, stdin);
    int rows = model_classify(&model, samples, count, scores);
    fwrite(scores, sizeof(float) * MODEL_CLASSES, (size_t)rows, stdout);
    return 0;
}
