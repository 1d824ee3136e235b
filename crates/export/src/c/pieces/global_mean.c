/* Mean of each channel: x [channels, n] -> y [channels]. */
static void global_mean(const float *x, float *y, int channels, int n)
{
    for (int c = 0; c < channels; c++, x += n) {
        float sum = 0;
        for (int i = 0; i < n; i++)
            sum += x[i];
        y[c] = sum / (float)n;
    }
}
