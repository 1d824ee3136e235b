/* Pooling of T frames of n values to one vector: x [T, n] -> y [n]. */
static void mean_pool(const int16_t *x, int16_t *y, int frames, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t sum = 0;
        for (int t = 0; t < frames; t++)
            sum += x[t * n + i];
        y[i] = mean(sum, frames);
    }
}
