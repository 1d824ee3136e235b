/* Kaldi's cepstral mean and variance normalization of T frames x [T, n], in place. */
static void cmvn(float *x, int frames, int n, int variance)
{
    for (int i = 0; i < n; i++) {
        double sum = 0, squares = 0;
        for (int t = 0; t < frames; t++) {
            sum += (double)x[t * n + i];
            squares += (double)x[t * n + i] * (double)x[t * n + i];
        }
        const double mean = sum / frames, spread = squares / frames - mean * mean;
        const double scale = variance ? 1.0 / sqrt(spread > 1e-20 ? spread : 1e-20) : 1.0;
        const float factor = (float)scale, offset = (float)(-mean * scale);
        for (int t = 0; t < frames; t++)
            x[t * n + i] = x[t * n + i] * factor + offset;
    }
}
