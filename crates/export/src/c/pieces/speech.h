/* Speech over time, as `stapes vad` reports it. Define other values before this line, or when compiling. */
#ifndef UPPER_SPEECH_THRESHOLD
#define UPPER_SPEECH_THRESHOLD THRESHOLD     /* probability from which a frame is speech */
#define UPPER_SPEECH_END_THRESHOLD END_VALUE /* probability below which a frame ends speech */
#endif
#ifndef UPPER_MIN_SPEECH_MS
#define UPPER_MIN_SPEECH_MS MIN_SPEECH   /* speech of at most this duration is dropped */
#define UPPER_MIN_SILENCE_MS MIN_SILENCE /* silence that ends speech */
#define UPPER_SPEECH_PAD_MS SPEECH_PAD   /* added to both ends, at most half of the silence between */
#endif

typedef struct {
    int is_end;      /* 0: speech starts, 1: speech ends */
    uint64_t sample; /* at UPPER_RATE, from the start of the recording */
} NAME_speech_event;

/* State of the speech over time; the members are private. */
typedef struct {
    uint64_t now, start, silence, end;
    int in_speech, in_silence, is_reported, has_end;
} NAME_speech;

/* Starts a recording. */
void NAME_speech_init(NAME_speech *speech);

/* Reads the probabilities of the next frame, writes the events that are certain now, and returns their number, at most 4. */
int NAME_speech_push(NAME_speech *speech, const float *scores, NAME_speech_event events[4]);

/* Ends a recording of `samples` samples, writes the remaining events, and returns their number, at most 4. */
int NAME_speech_finish(NAME_speech *speech, uint64_t samples, NAME_speech_event events[4]);
