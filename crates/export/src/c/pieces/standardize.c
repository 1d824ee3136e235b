/* (x - mean) / scale for T frames x [T, FEATURES], in place. */
static void standardize(float *x, int frames)
{
    for (int t = 0; t < frames; t++, x += FEATURES)
        for (int i = 0; i < FEATURES; i++)
            x[i] = (x[i] - feature_mean[i]) / feature_scale[i];
}
