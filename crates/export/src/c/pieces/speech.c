/* Samples of a duration, rounded down or up. */
#define UPPER_FLOOR(ms) ((uint64_t)UPPER_RATE * (ms) / 1000)
#define UPPER_CEIL(ms) (((uint64_t)UPPER_RATE * (ms) + 999) / 1000)

/* Events of one call. The times of frames begin OFFSET samples after the start of the recording. */
typedef struct {
    NAME_speech_event *events;
    int count;
} speech_events;

static void add_event(speech_events *list, int is_end, uint64_t sample)
{
    /* Speech from the first frame on starts with the recording. */
    list->events[list->count].sample = !is_end && sample == 0 ? 0 : sample + OFFSET;
    list->events[list->count++].is_end = is_end;
}

/* Reports the end of the last speech and the start of this one. */
static void report_start(NAME_speech *speech, speech_events *list)
{
    const uint64_t pad = UPPER_CEIL(UPPER_SPEECH_PAD_MS), start = speech->start, silence = start - speech->end;
    const uint64_t padded = start > pad ? start - pad : 0;
    speech->is_reported = 1;
    if (!speech->has_end) {
        add_event(list, 0, padded);
        return;
    }
    speech->has_end = 0;
    if (start < speech->end + UPPER_CEIL(2 * UPPER_SPEECH_PAD_MS)) {
        add_event(list, 1, speech->end + silence / 2);
        add_event(list, 0, start - silence / 2);
    } else {
        add_event(list, 1, speech->end + UPPER_FLOOR(UPPER_SPEECH_PAD_MS));
        add_event(list, 0, padded);
    }
}

/* Ends speech that is longer than the minimum. */
static void end_speech(NAME_speech *speech, uint64_t end, speech_events *list)
{
    speech->in_speech = 0;
    if (end <= speech->start || end - speech->start <= UPPER_FLOOR(UPPER_MIN_SPEECH_MS))
        return;
    if (!speech->is_reported)
        report_start(speech, list);
    speech->end = end;
    speech->has_end = 1;
}

void NAME_speech_init(NAME_speech *speech)
{
    memset(speech, 0, sizeof *speech);
}

int NAME_speech_push(NAME_speech *speech, const float *scores, NAME_speech_event events[4])
{
    speech_events list = {events, 0};
    const float probability = PROBABILITY;
    const uint64_t now = speech->now;
    speech->now += HOP;
    if (!speech->in_speech) {
        if (probability >= UPPER_SPEECH_THRESHOLD) {
            speech->in_speech = 1;
            speech->start = now;
            speech->in_silence = speech->is_reported = 0;
        }
    } else if (probability >= UPPER_SPEECH_THRESHOLD) {
        speech->in_silence = 0;
    }
    if (speech->in_speech && speech->start != now && probability < UPPER_SPEECH_END_THRESHOLD) {
        if (!speech->in_silence) {
            speech->in_silence = 1;
            speech->silence = now;
        }
        if (now >= speech->silence + UPPER_CEIL(UPPER_MIN_SILENCE_MS))
            end_speech(speech, speech->silence, &list);
    }
    /* An end is certain when no speech can be so close that both share the silence between. */
    const uint64_t next = speech->in_speech && !speech->is_reported ? speech->start : speech->now;
    const uint64_t padded_end = speech->end + UPPER_FLOOR(UPPER_SPEECH_PAD_MS);
    if (speech->has_end && next >= speech->end + UPPER_CEIL(2 * UPPER_SPEECH_PAD_MS) && padded_end <= now) {
        speech->has_end = 0;
        add_event(&list, 1, padded_end);
    }
    if (speech->in_speech && !speech->is_reported && !speech->in_silence &&
        now - speech->start > UPPER_FLOOR(UPPER_MIN_SPEECH_MS))
        report_start(speech, &list);
    return list.count;
}

int NAME_speech_finish(NAME_speech *speech, uint64_t samples, NAME_speech_event events[4])
{
    speech_events list = {events, 0};
    const uint64_t end = samples > OFFSET ? samples - OFFSET : 0;
    if (speech->in_speech)
        end_speech(speech, end, &list);
    if (speech->has_end) {
        const uint64_t padded = speech->end + UPPER_FLOOR(UPPER_SPEECH_PAD_MS);
        add_event(&list, 1, padded < end ? padded : end);
    }
    for (int i = 0; i < list.count; i++)
        if (events[i].sample > samples)
            events[i].sample = samples;
    speech->in_speech = speech->has_end = 0;
    return list.count;
}
