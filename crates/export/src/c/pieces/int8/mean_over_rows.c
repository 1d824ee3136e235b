/* Mean over the rows of each column: x [channels, height, width] -> y [channels, width]. */
static void mean_over_rows(const int16_t *x, int16_t *y, int channels, int height, int width)
{
    for (int c = 0; c < channels; c++, x += height * width) {
        for (int j = 0; j < width; j++) {
            int64_t sum = 0;
            for (int i = 0; i < height; i++)
                sum += x[i * width + j];
            *y++ = mean(sum, height);
        }
    }
}
