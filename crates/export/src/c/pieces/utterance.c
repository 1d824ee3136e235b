/* Normalizes T frames x [T, n] to mean 0, and to variance 1 if `variance`, in place. */
static void normalize_utterance(float *x, int frames, int n, int variance)
{
    for (int i = 0; i < n; i++) {
        double sum = 0, squares = 0;
        for (int t = 0; t < frames; t++)
            sum += (double)x[t * n + i];
        const double mean = sum / frames;
        for (int t = 0; t < frames; t++)
            squares += ((double)x[t * n + i] - mean) * ((double)x[t * n + i] - mean);
        /* A column that is constant up to the rounding of the sums keeps its scale. */
        const double rounding = frames * mean * 2.220446049250313e-16, spread = squares / frames;
        const int constant = spread <= frames * 2.220446049250313e-16 * spread + rounding * rounding;
        const double scale = variance && !constant ? sqrt(spread) : 1.0;
        for (int t = 0; t < frames; t++)
            x[t * n + i] = (float)(((double)x[t * n + i] - mean) / scale);
    }
}
