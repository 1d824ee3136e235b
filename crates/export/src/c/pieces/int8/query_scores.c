/* Scores of T frames x [T, n] with a query [n], Q16. */
static void query_scores(const int16_t *query, const int16_t *x, int32_t *scores, int32_t multiplier, int shift, int frames, int n)
{
    for (int t = 0; t < frames; t++) {
        int64_t sum = 0;
        for (int i = 0; i < n; i++)
            sum += (int32_t)query[i] * x[t * n + i];
        scores[t] = rescale((int32_t)((sum + 16384) >> 15), multiplier, shift);
    }
}
