/* y += x at the scale of y: y [channels, height, width]; x [channels, rows, width], whose row is added to every row if `rows` is 1. */
static void add(const int16_t *x, int16_t *y, int32_t multiplier, int shift, int channels, int rows, int height, int width)
{
    for (int c = 0; c < channels; c++, x += rows * width)
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++, y++)
                *y = saturate(*y + rescale(x[(rows == 1 ? 0 : i) * width + j], multiplier, shift));
}
