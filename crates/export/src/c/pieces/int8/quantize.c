/* The values nearest to x / scale; `inverse` is 1 / scale. */
static void quantize(const float *x, int16_t *y, float inverse, int n)
{
    for (int i = 0; i < n; i++) {
        float scaled = x[i] * inverse;
        scaled = scaled > 32767.0f ? 32767.0f : scaled > -32767.0f ? scaled : -32767.0f;
        y[i] = (int16_t)(scaled < 0 ? scaled - 0.5f : scaled + 0.5f);
    }
}
