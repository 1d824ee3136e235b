/* y = x sigmoid(x), x and y at the same scale; the factor takes x to Q16. */
static void swish(const int16_t *x, int16_t *y, int32_t multiplier, int shift, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = (int16_t)shift_rounded(x[i] * fixed_sigmoid(rescale(x[i], multiplier, shift)), 15);
}
