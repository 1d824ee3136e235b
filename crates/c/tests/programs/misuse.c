/* Calls each function with wrong arguments: each call must return its error with a message, and later calls must succeed.
 * usage: misuse VAD DIGITS */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stapes.h"

static int failures = 0;

/* Checks the status, and that the message of an error has a part. */
static void expect_at(int line, stapes_status found, stapes_status expected, const char *part) {
    if (found != expected || strstr(stapes_last_error(), part) == NULL) {
        fprintf(stderr, "line %d: status %d, expected %d with \"%s\": %s\n", line, (int)found, (int)expected, part,
                stapes_last_error());
        failures++;
    }
}

static void require_at(int line, int condition) {
    if (!condition) {
        fprintf(stderr, "line %d: %s\n", line, stapes_last_error());
        failures++;
    }
}

#define ARGUMENT(call, part) expect_at(__LINE__, call, STAPES_STATUS_INVALID_ARGUMENT, part)
#define MODEL(call, part) expect_at(__LINE__, call, STAPES_STATUS_INVALID_MODEL, part)
#define INPUT(call, part) expect_at(__LINE__, call, STAPES_STATUS_INVALID_INPUT, part)
#define REQUIRE(condition) require_at(__LINE__, condition)
#define OK(call) REQUIRE((call) == STAPES_STATUS_OK)

static uint8_t *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 20);
    if (file == NULL || bytes == NULL) {
        perror(path);
        exit(1);
    }
    *length = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void models(uint8_t *bytes, size_t length) {
    stapes_model *model;
    ARGUMENT(stapes_model_load(NULL, length, &model), "bytes is a null pointer");
    REQUIRE(model == NULL);
    ARGUMENT(stapes_model_load(bytes, length, NULL), "model is a null pointer");
    ARGUMENT(stapes_model_load(bytes, SIZE_MAX, &model), "more than memory has");
    MODEL(stapes_model_load(bytes, 0, &model), "not a complete model file");
    MODEL(stapes_model_load(NULL, 0, &model), "not a complete model file");
    for (size_t part = 1; part < length; part += length / 37) {
        MODEL(stapes_model_load(bytes, part, &model), "not a complete model file");
        REQUIRE(model == NULL);
    }
    bytes[length - 1] ^= 1;
    MODEL(stapes_model_load(bytes, length, &model), "not a complete model file");
    bytes[length - 1] ^= 1;
    REQUIRE(stapes_model_sample_rate_hz(NULL) == 0);
    REQUIRE(stapes_model_num_labels(NULL) == 0);
    REQUIRE(stapes_model_label(NULL, 0) == NULL);
    REQUIRE(!stapes_model_is_frame_level(NULL));
    REQUIRE(stapes_model_keyword_threshold(NULL, 0) > 1);
    stapes_model_free(NULL);
}

static void classification(const stapes_model *vad, const stapes_model *model) {
    float samples[8000] = {0}, probabilities[10];
    size_t rows = 7, labels = stapes_model_num_labels(model);
    REQUIRE(labels == 10 && stapes_model_label(model, 10) == NULL);
    REQUIRE(strstr(stapes_last_error(), "the model has 10") != NULL);
    ARGUMENT(stapes_classify(NULL, samples, 8000, 8000, probabilities, 10, &rows), "model is a null pointer");
    REQUIRE(rows == 0);
    ARGUMENT(stapes_classify(model, NULL, 8000, 8000, probabilities, 10, &rows), "samples is a null pointer");
    ARGUMENT(stapes_classify(model, samples, 8000, 8000, NULL, 10, &rows), "probabilities is a null pointer");
    ARGUMENT(stapes_classify(model, (float *)((char *)samples + 1), 10, 8000, probabilities, 10, &rows), "aligned");
    INPUT(stapes_classify(vad, samples, 0, 16000, probabilities, 10, &rows), "too few");
    INPUT(stapes_classify(vad, NULL, 0, 16000, probabilities, 10, NULL), "too few");
    INPUT(stapes_classify(model, samples, 8000, 0, probabilities, 10, &rows), "100");
    expect_at(__LINE__, stapes_classify(model, samples, 8000, 8000, probabilities, 9, &rows),
              STAPES_STATUS_BUFFER_TOO_SMALL, "there are 10 probabilities");
    REQUIRE(rows == 1);
    samples[77] = NAN;
    INPUT(stapes_classify(model, samples, 8000, 8000, probabilities, 10, &rows), "sample 77 is NaN");
    samples[77] = 1e30f;
    INPUT(stapes_classify(model, samples, 8000, 8000, probabilities, 10, &rows), "sample 77");
    samples[77] = 0;
    OK(stapes_classify(model, samples, 8000, 8000, probabilities, 10, NULL));
}

static void speech(const stapes_model *vad, const stapes_model *digits) {
    float samples[16000];
    double first, hop;
    stapes_segment segments[1];
    stapes_stream_options options;
    size_t count = 7;
    for (int i = 0; i < 16000; i++) {
        samples[i] = 0.3f * sinf(0.03f * (float)i) * sinf(0.0007f * (float)i);
    }
    ARGUMENT(stapes_model_frame_times(NULL, &first, &hop), "model is a null pointer");
    ARGUMENT(stapes_model_frame_times(vad, NULL, &hop), "first_seconds is a null pointer");
    OK(stapes_model_frame_times(vad, &first, &hop));
    REQUIRE(hop == 0.01 && first > 0 && first < 0.1);
    REQUIRE(stapes_model_keyword_threshold(digits, 3) > 1 && stapes_model_keyword_threshold(digits, 99) > 1);

    OK(stapes_stream_options_init(vad, &options));
    ARGUMENT(stapes_speech_segments(NULL, samples, 16000, 16000, NULL, segments, 1, &count), "model is a null pointer");
    REQUIRE(count == 0);
    ARGUMENT(stapes_speech_segments(vad, NULL, 16000, 16000, NULL, segments, 1, &count), "samples is a null pointer");
    ARGUMENT(stapes_speech_segments(vad, samples, 16000, 16000, NULL, NULL, 1, &count), "segments is a null pointer");
    ARGUMENT(stapes_speech_segments(vad, samples, 16000, 16000, NULL, segments, 1, NULL), "num_segments is a null pointer");
    ARGUMENT(stapes_speech_segments(digits, samples, 8000, 8000, NULL, segments, 1, &count), "one class per recording");
    options.speech.threshold = 7;
    ARGUMENT(stapes_speech_segments(vad, samples, 16000, 16000, &options.speech, segments, 1, &count), "threshold is 7");
    /* Every frame is speech: one segment, of the whole recording. */
    options.speech.threshold = 0;
    expect_at(__LINE__, stapes_speech_segments(vad, samples, 16000, 16000, &options.speech, NULL, 0, &count),
              STAPES_STATUS_BUFFER_TOO_SMALL, "there are 1 segments");
    REQUIRE(count == 1);
    OK(stapes_speech_segments(vad, samples, 16000, 16000, &options.speech, segments, 1, &count));
    REQUIRE(count == 1 && segments[0].start_seconds == 0 && fabs(segments[0].end_seconds - 1) < 0.02);
    samples[9] = INFINITY;
    INPUT(stapes_speech_segments(vad, samples, 16000, 16000, NULL, segments, 1, &count), "sample 9 is inf");
    INPUT(stapes_speech_segments(vad, NULL, 0, 16000, NULL, segments, 1, &count), "too few");
}

static void streams(const stapes_model *model) {
    float samples[1600] = {0};
    stapes_event event;
    stapes_stream *stream;
    ARGUMENT(stapes_stream_new(NULL, NULL, &stream), "model is a null pointer");
    REQUIRE(stream == NULL);
    ARGUMENT(stapes_stream_new(model, NULL, NULL), "stream is a null pointer");
    ARGUMENT(stapes_stream_push(NULL, samples, 1600), "stream is a null pointer");
    ARGUMENT(stapes_stream_finish(NULL), "stream is a null pointer");
    REQUIRE(!stapes_stream_next(NULL, &event));
    stapes_stream_free(NULL);

    OK(stapes_stream_new(model, NULL, &stream));
    REQUIRE(!stapes_stream_next(stream, NULL));
    REQUIRE(!stapes_stream_next(stream, &event));
    ARGUMENT(stapes_stream_push(stream, NULL, 1600), "samples is a null pointer");
    ARGUMENT(stapes_stream_push(stream, samples, SIZE_MAX), "more than memory has");
    /* Wrong arguments change nothing; nothing is also a chunk. */
    OK(stapes_stream_push(stream, NULL, 0));
    OK(stapes_stream_push(stream, samples, 1600));
    OK(stapes_stream_finish(stream));
    ARGUMENT(stapes_stream_finish(stream), "has ended");
    ARGUMENT(stapes_stream_push(stream, samples, 1600), "has ended");
    stapes_stream_free(stream);

    OK(stapes_stream_new(model, NULL, &stream));
    OK(stapes_stream_push(stream, samples, 1600));
    samples[5] = -INFINITY;
    INPUT(stapes_stream_push(stream, samples, 1600), "sample 1605 is -inf");
    samples[5] = 0;
    ARGUMENT(stapes_stream_push(stream, samples, 1600), "has ended");
    REQUIRE(!stapes_stream_next(stream, &event));
    stapes_stream_free(stream);
    /* Not one frame. */
    OK(stapes_stream_new(model, NULL, &stream));
    INPUT(stapes_stream_finish(stream), "0 samples are too few");
    REQUIRE(!stapes_stream_next(stream, &event));
    stapes_stream_free(stream);
    /* Never finished, never read. */
    OK(stapes_stream_new(model, NULL, &stream));
    OK(stapes_stream_push(stream, samples, 1600));
    stapes_stream_free(stream);
}

static void options(const stapes_model *vad, const stapes_model *digits) {
    float thresholds[10] = {0};
    stapes_stream_options options;
    stapes_stream *stream;
    ARGUMENT(stapes_stream_options_init(NULL, &options), "model is a null pointer");
    ARGUMENT(stapes_stream_options_init(vad, NULL), "options is a null pointer");
    OK(stapes_stream_options_init(vad, &options));
    options.sample_rate_hz = 0;
    ARGUMENT(stapes_stream_new(vad, &options, &stream), "must be within 100..=1000000 Hz");
    OK(stapes_stream_options_init(vad, &options));
    options.speech.threshold = NAN;
    ARGUMENT(stapes_stream_new(vad, &options, &stream), "threshold = NaN");
    options.speech.threshold = 0.5;
    options.speech.neg_threshold = NAN;
    ARGUMENT(stapes_stream_new(vad, &options, &stream), "neg_threshold = NaN");

    /* The model has no window of its own. */
    ARGUMENT(stapes_stream_new(digits, NULL, &stream), "window_seconds = 0");
    OK(stapes_stream_options_init(digits, &options));
    options.keywords.window_seconds = INFINITY;
    ARGUMENT(stapes_stream_new(digits, &options, &stream), "window_seconds = inf");
    options.keywords.window_seconds = 1;
    options.keywords.num_thresholds = 10;
    ARGUMENT(stapes_stream_new(digits, &options, &stream), "keywords.thresholds is a null pointer");
    options.keywords.thresholds = thresholds;
    options.keywords.num_thresholds = 9;
    ARGUMENT(stapes_stream_new(digits, &options, &stream), "the model has 10 labels");
    options.keywords.num_thresholds = 10;
    thresholds[3] = NAN;
    ARGUMENT(stapes_stream_new(digits, &options, &stream), "threshold of \"three\" is NaN");
    thresholds[3] = 2;
    OK(stapes_stream_new(digits, &options, &stream));
    stapes_stream_free(stream);
}

int main(int argc, char **argv) {
    size_t vad_length, digits_length;
    uint8_t *vad_bytes, *digits_bytes;
    stapes_model *vad, *digits;
    if (argc != 3 || stapes_last_error()[0] != '\0' || stapes_version()[0] == '\0') {
        return 2;
    }
    vad_bytes = read_file(argv[1], &vad_length);
    digits_bytes = read_file(argv[2], &digits_length);
    models(digits_bytes, digits_length);
    OK(stapes_model_load(vad_bytes, vad_length, &vad));
    OK(stapes_model_load(digits_bytes, digits_length, &digits));
    free(vad_bytes);
    free(digits_bytes);
    classification(vad, digits);
    speech(vad, digits);
    streams(vad);
    options(vad, digits);
    stapes_model_free(vad);
    stapes_model_free(digits);
    return failures > 0;
}
