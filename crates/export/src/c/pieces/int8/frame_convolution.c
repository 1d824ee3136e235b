/* Convolution along the n values of each frame, maximum over adjacent windows of `pool`, then ReLU.
 * x [T, n], weights [filters, window], y [T, filters, (n - window + 1) / pool]. */
static void frame_convolution(const products *p, const int16_t *x, int16_t *y, int frames, int n, int filters, int window,
                              int pool)
{
    const int positions = (n - window + 1) / pool;
    for (int t = 0; t < frames; t++, x += n) {
        for (int f = 0; f < filters; f++) {
            for (int i = 0; i < positions; i++) {
                int32_t best = 0; /* ReLU */
                for (int k = i * pool; k < (i + 1) * pool; k++) {
                    int32_t sum = p->bias[f];
                    for (int j = 0; j < window; j++)
                        sum += p->weights[f * window + j] * (int32_t)x[k + j];
                    sum = rescale(sum, p->multipliers[f], p->shift);
                    if (sum > best)
                        best = sum;
                }
                *y++ = saturate(best);
            }
        }
    }
}
