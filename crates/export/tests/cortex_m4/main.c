/* Runs the exported model on the recording of its test, on the board mps2-an386 of QEMU with -icount shift=0, and prints the
 * number of instructions, the largest difference of the scores and the use of the stack. With SIZE_ONLY it has the model alone,
 * so that its size is that of the model. */
#include <stdint.h>

#include "model.c"

static model_model model;

#ifdef SIZE_ONLY
float *volatile recording;
const float *volatile result;

int main(void)
{
#ifdef CLIP
    static float scores[MODEL_CLASSES];
    model_classify(&model, recording, 16000, scores);
    result = scores;
#else
    const float *scores;
    model_init(&model);
    model_push(&model, recording, 160, &scores);
    result = scores;
    result = model_finish(&model);
#endif
    return 0;
}

static void print(const char *text)
{
    (void)text;
}
#else
#include "test_data.h"

/* Timer 0 of the board counts down at 25 MHz; an instruction takes 1 ns, so that a tick is 40 instructions. */
#define TIMER ((volatile uint32_t *)0x40000000)
#define INSTRUCTIONS_PER_TICK 40
#define STACK_BYTES 65536

#ifdef NETWORK_BITS
#include "network_data.h"

/* Runs the network alone on frames, and returns the number of scores whose bits differ. */
static int different_bits(void)
{
    int different = 0;
    const int16_t *expected = network_scores;
#ifdef CLIP
    memcpy(network_input(&model), network_frames, sizeof network_frames);
#ifdef FRAMES
    const int16_t *clip_scores = network(&model, NETWORK_FRAMES);
#else
    const int16_t *clip_scores = network(&model);
#endif
    for (int k = 0; k < NETWORK_SCORES; k++)
        different += clip_scores[k] != expected[k];
#else
    model_init(&model);
    for (int t = 0; t < NETWORK_ROWS; t++, expected += NETWORK_SCORES) {
        memcpy(network_input(&model), network_frames + t * NETWORK_FEATURES, sizeof(int16_t) * NETWORK_FEATURES);
        const int16_t *scores = network(&model);
        for (int k = 0; k < NETWORK_SCORES; k++)
            different += scores[k] != expected[k];
    }
#endif
    return different;
}
#endif

static int row;
static float largest;

static void print(const char *text)
{
    register int call __asm("r0") = 4; /* SYS_WRITE0 */
    register const char *argument __asm("r1") = text;
    __asm volatile("bkpt 0xab" : "+r"(call) : "r"(argument) : "memory");
}

static void print_number(const char *name, uint64_t value)
{
    char digits[24];
    int at = 23;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    print(name);
    print(" ");
    print(digits + at);
    print("\n");
}

static void compare(const float *scores)
{
    for (int k = 0; row < TEST_ROWS && k < MODEL_CLASSES; k++) {
        float difference = scores[k] - test_scores[row * MODEL_CLASSES + k];
        difference = difference < 0 ? -difference : difference;
        if (!(difference <= largest))
            largest = difference;
    }
    row++;
}

static void run(void)
{
#ifdef CLIP
    static float samples[TEST_SAMPLES], scores[MODEL_CLASSES];
    for (int i = 0; i < TEST_SAMPLES; i++)
        samples[i] = (float)test_samples[i] / 32768.0f;
    for (int rows = model_classify(&model, samples, TEST_SAMPLES, scores); rows > 0; rows--)
        compare(scores);
#else
    const float *scores;
    model_init(&model);
    for (int at = 0; at < TEST_SAMPLES;) {
        float samples[160];
        int count = TEST_SAMPLES - at < 160 ? TEST_SAMPLES - at : 160;
        for (int i = 0; i < count; i++)
            samples[i] = (float)test_samples[at + i] / 32768.0f;
        at += (int)model_push(&model, samples, (size_t)count, &scores);
        if (scores)
            compare(scores);
    }
    while ((scores = model_finish(&model)))
        compare(scores);
#endif
}

int main(void)
{
    uint32_t *top = (uint32_t *)__builtin_frame_address(0) - 64, *bottom = top - STACK_BYTES / 4;
    for (uint32_t *word = bottom; word < top; word++)
        *word = 0xa5a5a5a5;
    TIMER[2] = 0xffffffff;
    TIMER[1] = 0xffffffff;
    TIMER[0] = 1;
    uint32_t start = TIMER[1];
    run();
    uint32_t ticks = start - TIMER[1];
    uint32_t *used = bottom;
    while (used < top && *used == 0xa5a5a5a5)
        used++;
    print_number("instructions", (uint64_t)ticks * INSTRUCTIONS_PER_TICK);
    print_number("rows", (uint64_t)row);
    print_number("expected_rows", TEST_ROWS);
    print_number("difference_e9", (uint64_t)(largest * 1e9f));
    print_number("stack_bytes", (uint64_t)((top - used) * 4));
    print_number("state_bytes", sizeof model);
#ifdef NETWORK_BITS
    print_number("different_bits", (uint64_t)different_bits());
#endif
    return 0;
}
#endif

void quit(void)
{
    register int call __asm("r0") = 0x18; /* SYS_EXIT */
    register int argument __asm("r1") = 0x20026;
    __asm volatile("bkpt 0xab" : : "r"(call), "r"(argument));
    for (;;)
        ;
}

void fault(void)
{
    print("fault\n");
    quit();
}

void reset(void)
{
    *(volatile uint32_t *)0xe000ed88 |= 0xf << 20; /* CPACR: the floating-point unit */
    __asm volatile("dsb\n\tisb");
    main();
    quit();
}

extern uint32_t stack_top;
__attribute__((section(".vectors"), used)) void *const vectors[] = {&stack_top, (void *)reset, (void *)fault, (void *)fault,
                                                                   (void *)fault, (void *)fault, (void *)fault};
