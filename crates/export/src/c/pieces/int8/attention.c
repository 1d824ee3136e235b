/* exp(-x) for x >= 0, Q16 -> Q15. */
static int32_t exp_negative(int32_t x)
{
    const int64_t power = ((int64_t)x * 94548) >> 16; /* log2(e) in Q16 */
    const int64_t whole = power >> 16;
    return whole > 15 ? 0 : interpolate(power_table, (int32_t)(power & 0xffff), 10) >> whole;
}

/* Mean of T frames, weighted by the softmax of their scores in Q16: x [T, n], scores [T] -> y [n]; the scores are overwritten. */
static void attention(const int16_t *x, int32_t *scores, int16_t *y, int frames, int n)
{
    int32_t largest = scores[0];
    int64_t total = 0;
    for (int t = 1; t < frames; t++)
        if (scores[t] > largest)
            largest = scores[t];
    for (int t = 0; t < frames; t++) {
        scores[t] = exp_negative(largest - scores[t]);
        total += scores[t];
    }
    for (int i = 0; i < n; i++) {
        int64_t sum = 0;
        for (int t = 0; t < frames; t++)
            sum += (int64_t)scores[t] * x[t * n + i];
        y[i] = mean(sum, total);
    }
}
