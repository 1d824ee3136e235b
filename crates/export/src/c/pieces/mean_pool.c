/* Pooling of T frames of n values to one vector: x [T, n] -> y [n]. */
static void mean_pool(const float *x, float *y, int frames, int n)
{
    memset(y, 0, sizeof(float) * (size_t)n);
    for (int t = 0; t < frames; t++)
        for (int i = 0; i < n; i++)
            y[i] += x[t * n + i];
    for (int i = 0; i < n; i++)
        y[i] /= (float)frames;
}
