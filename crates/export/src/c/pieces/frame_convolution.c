/* Convolution along the n values of each frame, maximum over adjacent windows of `pool`, then the activation.
 * x [T, n], w [filters, window], y [T, filters, (n - window + 1) / pool]. */
static void frame_convolution(const float *w, const float *b, const float *x, float *y, int frames, int n, int filters,
                              int window, int pool)
{
    const int positions = (n - window + 1) / pool;
    for (int t = 0; t < frames; t++, x += n) {
        for (int f = 0; f < filters; f++) {
            for (int p = 0; p < positions; p++) {
                float best = 0; /* ReLU */
                for (int k = p * pool; k < (p + 1) * pool; k++) {
                    float sum = b[f];
                    for (int j = 0; j < window; j++)
                        sum += w[f * window + j] * x[k + j];
                    if (sum > best)
                        best = sum;
                }
                *y++ = ACTIVATION;
            }
        }
    }
}
