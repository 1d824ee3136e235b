/* Maximum over T frames of n values: x [T, n] -> y [n]. */
static void max_pool(const float *x, float *y, int frames, int n)
{
    memcpy(y, x, sizeof(float) * (size_t)n);
    for (int t = 1; t < frames; t++)
        for (int i = 0; i < n; i++)
            if (x[t * n + i] > y[i])
                y[i] = x[t * n + i];
}
