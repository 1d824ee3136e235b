/* Mean of each channel: x [channels, n] -> y [channels]. */
static void global_mean(const int16_t *x, int16_t *y, int channels, int n)
{
    for (int c = 0; c < channels; c++, x += n) {
        int64_t sum = 0;
        for (int i = 0; i < n; i++)
            sum += x[i];
        y[c] = mean(sum, n);
    }
}
