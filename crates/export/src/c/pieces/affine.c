/* Batch normalization: y = x * scale + shift for each channel of `each` values; x and y [channels, each]. */
static void affine(const float *scale, const float *shift, const float *x, float *y, int channels, int each)
{
    for (int c = 0; c < channels; c++)
        for (int j = 0; j < each; j++)
            *y++ = *x++ * scale[c] + shift[c];
}
