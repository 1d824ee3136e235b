/* A convolution with its batch normalization folded into weights and bias. */
typedef struct {
    products products; /* weights [outputs, inputs / groups, kernel rows, kernel columns] */
    int inputs, outputs, groups;
    int height;                            /* rows of the input */
    int kernel[2], stride[2], dilation[2]; /* rows, columns */
    int padding[2][2];                     /* rows, columns: zeros before and after */
    int relu;
} convolution_layer;

/* Number of positions of the window along axis 0 (rows) or 1 (columns). */
static int conv_positions(const convolution_layer *c, int axis, int size)
{
    const int padded = size + c->padding[axis][0] + c->padding[axis][1];
    return (padded - (c->kernel[axis] - 1) * c->dilation[axis] - 1) / c->stride[axis] + 1;
}

/* Adds the products of one row of the kernel, w [kernel columns], with a row x [width] to the sums [columns]. */
static void conv_row(const convolution_layer *c, const int8_t *w, const int16_t *x, int width, int32_t *sums, int columns)
{
    const int stride = c->stride[1];
    for (int k = 0; k < c->kernel[1]; k++) {
        /* Column j of the output reads column j * stride + shift of the input. */
        const int shift = k * c->dilation[1] - c->padding[1][0];
        const int32_t weight = w[k];
        int first = shift < 0 ? (-shift + stride - 1) / stride : 0;
        int end = shift < width ? (width - 1 - shift) / stride + 1 : 0;
        if (end > columns)
            end = columns;
        for (int j = first; j < end; j++)
            sums[j] += weight * x[j * stride + shift];
    }
}

/* x [inputs, height, width] -> y [outputs, rows, columns], sums [columns]; returns the number of columns. */
static int convolution(const convolution_layer *c, const int16_t *x, int width, int16_t *y, int32_t *sums)
{
    const int rows = conv_positions(c, 0, c->height), columns = conv_positions(c, 1, width);
    const int inputs = c->inputs / c->groups, outputs = c->outputs / c->groups;
    for (int o = 0; o < c->outputs; o++) {
        const int16_t *channels = x + (o / outputs) * inputs * c->height * width;
        for (int row = 0; row < rows; row++, y += columns) {
            for (int j = 0; j < columns; j++)
                sums[j] = c->products.bias[o];
            for (int i = 0; i < inputs; i++) {
                for (int k = 0; k < c->kernel[0]; k++) {
                    const int from = row * c->stride[0] + k * c->dilation[0] - c->padding[0][0];
                    if (from < 0 || from >= c->height)
                        continue;
                    const int8_t *w = c->products.weights + ((o * inputs + i) * c->kernel[0] + k) * c->kernel[1];
                    conv_row(c, w, channels + (i * c->height + from) * width, width, sums, columns);
                }
            }
            for (int j = 0; j < columns; j++) {
                y[j] = saturate(rescale(sums[j], c->products.multipliers[o], c->products.shift));
                if (c->relu && y[j] < 0)
                    y[j] = 0;
            }
        }
    }
    return columns;
}
