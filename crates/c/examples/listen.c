/* Listens to raw samples (signed 16 bits, little endian, mono) and prints events:
 *
 *     cc -std=c99 -Iinclude listen.c -L../../target/release -lstapes -o listen
 *     arecord -t raw -f S16_LE -r 16000 | ./listen model.safetensors - 16000
 *
 * usage: listen MODEL SAMPLES RATE [--scores] [--window SECONDS] [--threshold P] [--clip]
 * --threshold is that of speech, or of every label of a model of clips. --clip classifies the samples as one recording. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stapes.h"

/* Samples that are read at a time. */
enum { CHUNK = 1000 };

static void check(stapes_status status, const char *action) {
    if (status != STAPES_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", action, stapes_last_error());
        exit(1);
    }
}

static FILE *open_file(const char *path) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

/* Appends the rest of a file to memory that grows; the caller frees it. */
static uint8_t *read_all(FILE *file, size_t *length) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    *length = 0;
    do {
        size += 1 << 16;
        bytes = realloc(bytes, size);
        if (bytes == NULL) {
            perror("memory");
            exit(1);
        }
        *length += fread(bytes + *length, 1, size - *length, file);
    } while (*length == size);
    return bytes;
}

/* Converts samples of 16 bits to [-1, 1). */
static void convert(const uint8_t *bytes, size_t count, float *samples) {
    for (size_t i = 0; i < count; i++) {
        int value = bytes[2 * i] | bytes[2 * i + 1] << 8;
        samples[i] = (float)(value < 32768 ? value : value - 65536) / 32768.0f;
    }
}

static stapes_model *load(const char *path) {
    FILE *file = open_file(path);
    size_t length;
    uint8_t *bytes = read_all(file, &length);
    stapes_model *model;
    fclose(file);
    check(stapes_model_load(bytes, length, &model), path);
    free(bytes);
    return model;
}

static void print_row(const stapes_model *model, const float *row) {
    for (size_t k = 0; k < stapes_model_num_labels(model); k++) {
        printf(" %s=%.9g", stapes_model_label(model, k), row[k]);
    }
    printf("\n");
}

static void print_events(const stapes_model *model, stapes_stream *stream) {
    stapes_event event;
    while (stapes_stream_next(stream, &event)) {
        switch (event.kind) {
        case STAPES_EVENT_KIND_SPEECH_START:
            printf("start %.17g\n", event.seconds);
            break;
        case STAPES_EVENT_KIND_SPEECH_END:
            printf("end %.17g\n", event.seconds);
            break;
        case STAPES_EVENT_KIND_KEYWORD:
            printf("keyword %.17g %s=%.9g\n", event.seconds, stapes_model_label(model, event.label), event.score);
            break;
        case STAPES_EVENT_KIND_SCORES:
            printf("scores %.17g", event.seconds);
            print_row(model, event.probabilities);
            break;
        }
    }
}

static void listen(const stapes_model *model, FILE *file, const stapes_stream_options *options) {
    uint8_t bytes[2 * CHUNK];
    float samples[CHUNK];
    stapes_stream *stream;
    size_t count;
    check(stapes_stream_new(model, options, &stream), "stream");
    while ((count = fread(bytes, 2, CHUNK, file)) > 0) {
        convert(bytes, count, samples);
        check(stapes_stream_push(stream, samples, count), "samples");
        print_events(model, stream);
    }
    check(stapes_stream_finish(stream), "end of the samples");
    print_events(model, stream);
    stapes_stream_free(stream);
}

static void classify(const stapes_model *model, FILE *file, uint32_t rate) {
    size_t length, rows, labels = stapes_model_num_labels(model);
    uint8_t *bytes = read_all(file, &length);
    float *samples = calloc(length / 2 + 1, sizeof *samples), *probabilities;
    convert(bytes, length / 2, samples);
    /* The first call returns the size. */
    if (stapes_classify(model, samples, length / 2, rate, NULL, 0, &rows) != STAPES_STATUS_BUFFER_TOO_SMALL) {
        check(STAPES_STATUS_INTERNAL, "samples");
    }
    probabilities = calloc(rows * labels, sizeof *probabilities);
    check(stapes_classify(model, samples, length / 2, rate, probabilities, rows * labels, &rows), "samples");
    for (size_t t = 0; t < rows; t++) {
        printf("row");
        print_row(model, probabilities + t * labels);
    }
    free(probabilities);
    free(samples);
    free(bytes);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: listen MODEL SAMPLES RATE [--scores] [--window SECONDS] [--threshold P] [--clip]\n");
        return 2;
    }
    stapes_model *model = load(argv[1]);
    FILE *file = open_file(argv[2]);
    size_t labels = stapes_model_num_labels(model);
    float *thresholds = calloc(labels, sizeof *thresholds);
    int is_clip = 0;
    stapes_stream_options options;
    check(stapes_stream_options_init(model, &options), argv[1]);
    options.sample_rate_hz = (uint32_t)strtoul(argv[3], NULL, 10);
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "--scores") == 0) {
            options.report_scores = 1;
        } else if (strcmp(argv[i], "--clip") == 0) {
            is_clip = 1;
        } else if (strcmp(argv[i], "--window") == 0 && i + 1 < argc) {
            options.keywords.window_seconds = strtod(argv[++i], NULL);
        } else if (strcmp(argv[i], "--threshold") == 0 && i + 1 < argc) {
            options.speech.threshold = strtod(argv[++i], NULL);
            for (size_t k = 0; k < labels; k++) {
                thresholds[k] = (float)options.speech.threshold;
            }
            options.keywords.thresholds = thresholds;
            options.keywords.num_thresholds = labels;
        }
    }
    if (is_clip) {
        classify(model, file, options.sample_rate_hz);
    } else {
        listen(model, file, &options);
    }
    free(thresholds);
    fclose(file);
    stapes_model_free(model);
    return 0;
}
