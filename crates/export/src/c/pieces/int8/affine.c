/* Batch normalization: y = x factor + addend for each channel of `each` values; x and y [channels, each]. */
static void affine(const int32_t *multipliers, int shift, const int32_t *addends, const int16_t *x, int16_t *y, int channels,
                   int each)
{
    for (int c = 0; c < channels; c++)
        for (int j = 0; j < each; j++)
            *y++ = saturate(rescale(*x++, multipliers[c], shift) + addends[c]);
}
