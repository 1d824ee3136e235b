/* Compares the scores of the C code with those of stapes. */
#include <math.h>
#include <stdio.h>

#include "NAME.h"
#include "test_data.h"

#ifndef TEST_TOLERANCE
#define TEST_TOLERANCE TOLERANCE
#endif

static int row;
static double largest;

/* Compares a row of scores. */
static void compare(const float *scores)
{
    for (int k = 0; row < TEST_ROWS && k < UPPER_CLASSES; k++) {
        double difference = fabs((double)scores[k] - (double)test_scores[row * UPPER_CLASSES + k]);
        /* A score that is not a number is not below the tolerance either. */
        if (!(difference <= largest))
            largest = difference;
    }
    row++;
}

int main(void)
{
    static NAME_model model;
    static float samples[TEST_SAMPLES];
    for (int i = 0; i < TEST_SAMPLES; i++)
        samples[i] = (float)test_samples[i] / 32768.0f;
    /* calls */
    int same = row == TEST_ROWS && largest <= TEST_TOLERANCE;
    printf("%d of %d rows of scores, largest difference %.2e: %s\n", row, TEST_ROWS, largest, same ? "same" : "DIFFERENT");
    return !same;
}
