/* Convolution of a stream: puts a column x [inputs, height] into the latest columns [inputs, height, window].
 * Returns 1 if the column completes an output y [outputs, rows], 0 between two steps of the stride. */
static int convolution_step(const convolution_layer *c, int stride, const int16_t *x, int16_t *columns, int *phase, int16_t *y,
                            int32_t *sums)
{
    const int window = (c->kernel[1] - 1) * c->dilation[1] + 1;
    for (int row = 0; row < c->inputs * c->height; row++, columns += window) {
        memmove(columns, columns + 1, sizeof(int16_t) * (size_t)(window - 1));
        columns[window - 1] = x[row];
    }
    const int has_output = *phase == 0;
    *phase = (*phase + 1) % stride;
    if (has_output)
        convolution(c, columns - c->inputs * c->height * window, window, y, sums);
    return has_output;
}
