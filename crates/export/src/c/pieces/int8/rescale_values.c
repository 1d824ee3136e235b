/* y = x at another scale. */
static void rescale_values(const int16_t *x, int16_t *y, int32_t multiplier, int shift, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = saturate(rescale(x[i], multiplier, shift));
}
