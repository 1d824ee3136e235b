/* Reads the probabilities of frames from standard input, and writes the events of speech as lines `is_end sample`. The argument is the
 * number of samples of the recording. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

static void print(const model_speech_event *events, int count)
{
    for (int i = 0; i < count; i++)
        printf("%d %lu\n", events[i].is_end, (unsigned long)events[i].sample);
}

int main(int count, char **arguments)
{
    float scores[MODEL_CLASSES];
    model_speech speech;
    model_speech_event events[4];
    model_speech_init(&speech);
    while (fread(scores, sizeof scores, 1, stdin) == 1)
        print(events, model_speech_push(&speech, scores, events));
    print(events, model_speech_finish(&speech, count == 2 ? strtoul(arguments[1], 0, 10) : 0, events));
    return 0;
}
