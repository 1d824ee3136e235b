/* Mean over windows of rows x columns, in place: x [channels, height, width]; returns the new width. */
static int average_pool(int16_t *x, int channels, int height, int width, int rows, int columns)
{
    const int16_t *from = x;
    const int new_height = height / rows, new_width = width / columns;
    for (int c = 0; c < channels; c++, from += height * width) {
        for (int i = 0; i < new_height; i++) {
            for (int j = 0; j < new_width; j++) {
                int64_t sum = 0;
                for (int row = 0; row < rows; row++)
                    for (int column = 0; column < columns; column++)
                        sum += from[(i * rows + row) * width + j * columns + column];
                *x++ = mean(sum, rows * columns);
            }
        }
    }
    return new_width;
}
