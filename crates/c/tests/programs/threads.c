/* Threads that share a model: each has the probabilities and the events of one thread alone.
 * usage: threads VAD */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stapes.h"

enum { THREADS = 4, SAMPLES = 16000, MAX_VALUES = 1000 };

/* What a thread finds; values are probabilities of the recording, then of the stream. */
typedef struct {
    const stapes_model *model;
    const float *samples;
    float values[2 * MAX_VALUES];
    size_t count;
    int failures;
} result;

static void check(result *found, stapes_status status) {
    if (status != STAPES_STATUS_OK) {
        fprintf(stderr, "%s\n", stapes_last_error());
        found->failures++;
    }
}

static void *find(void *argument) {
    result *found = argument;
    size_t rows, labels = stapes_model_num_labels(found->model);
    stapes_stream_options options;
    stapes_stream *stream;
    stapes_event event;
    check(found, stapes_classify(found->model, found->samples, SAMPLES, 16000, found->values, MAX_VALUES, &rows));
    found->count = rows * labels;
    check(found, stapes_stream_options_init(found->model, &options));
    options.report_scores = 1;
    check(found, stapes_stream_new(found->model, &options, &stream));
    for (size_t first = 0; first < SAMPLES; first += 160) {
        check(found, stapes_stream_push(stream, found->samples + first, 160));
        while (stapes_stream_next(stream, &event)) {
            if (event.kind == STAPES_EVENT_KIND_SCORES && found->count + labels <= 2 * MAX_VALUES) {
                memcpy(found->values + found->count, event.probabilities, labels * sizeof(float));
                found->count += labels;
            }
        }
    }
    stapes_stream_free(stream);
    /* The message of an error belongs to the thread. */
    if (stapes_stream_finish(NULL) != STAPES_STATUS_INVALID_ARGUMENT || strstr(stapes_last_error(), "null") == NULL) {
        found->failures++;
    }
    return NULL;
}

int main(int argc, char **argv) {
    static float samples[SAMPLES];
    static result alone, results[THREADS];
    pthread_t threads[THREADS];
    uint8_t *bytes = malloc(1 << 20);
    stapes_model *model;
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL || bytes == NULL ||
        stapes_model_load(bytes, fread(bytes, 1, 1 << 20, file), &model) != STAPES_STATUS_OK) {
        fprintf(stderr, "no model: %s\n", stapes_last_error());
        return 2;
    }
    fclose(file);
    free(bytes);
    for (size_t n = 0; n < SAMPLES; n++) {
        samples[n] = 0.3f * sinf(0.1f * (float)n) * sinf(0.001f * (float)n);
    }
    alone.model = model;
    alone.samples = samples;
    find(&alone);
    for (size_t t = 0; t < THREADS; t++) {
        results[t].model = model;
        results[t].samples = samples;
        if (pthread_create(&threads[t], NULL, find, &results[t]) != 0) {
            return 2;
        }
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        if (results[t].failures > 0 || results[t].count != alone.count ||
            memcmp(results[t].values, alone.values, sizeof alone.values) != 0) {
            fprintf(stderr, "thread %d: %d errors, %d values\n", (int)t, results[t].failures, (int)results[t].count);
            return 1;
        }
    }
    stapes_model_free(model);
    return alone.count > 300 && alone.failures == 0 ? 0 : 1;
}
