/* Runs the network of a model on integers alone: reads int16 frames of FEATURES values from standard input, and writes its scores,
 * of which the argument is the number, in a stream per row. */
#include <stdio.h>
#include <stdlib.h>

#include "model.c"

static model_model model;
static int16_t frames[1 << 20];
static size_t num_scores;

static void write_scores(const int16_t *scores)
{
    if (scores)
        fwrite(scores, sizeof(int16_t), num_scores, stdout);
}

int main(int argc, char **arguments)
{
    num_scores = argc == 2 ? (size_t)atoi(arguments[1]) : 0;
    const size_t count = fread(frames, sizeof(int16_t) * FEATURES, (1 << 20) / FEATURES, stdin);
#ifdef STREAM
    model_init(&model);
    for (size_t t = 0; t < count; t++) {
        memcpy(network_input(&model), frames + t * FEATURES, sizeof(int16_t) * FEATURES);
        write_scores(network(&model));
    }
#else
    memcpy(network_input(&model), frames, sizeof(int16_t) * FEATURES * count);
#ifdef FRAMES
    write_scores(network(&model, (int)count));
#else
    write_scores(network(&model));
#endif
#endif
    return 0;
}
