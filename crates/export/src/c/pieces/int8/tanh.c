/* tanh(x), Q16 -> Q15. */
static int32_t fixed_tanh(int32_t x)
{
    const int32_t size = x < 0 ? -x : x;
    const int32_t y = interpolate(tanh_table, size < 524287 ? size : 524287, 11);
    return x < 0 ? -y : y;
}
