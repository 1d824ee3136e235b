/* Runs stacked layers over T frames, from the last to the first if `backward`.
 * x: frames of x_stride values, y: frames of y_stride values, of which H are written. */
static void CELL_frames(const cell_layer *layers, int num_layers, const int16_t *x, int x_stride, int16_t *y, int y_stride,
                        int frames, int backward, int16_t *states, int32_t *scratch)
{
    const int hidden = layers->hidden;
    memset(states, 0, sizeof(int16_t) * (size_t)(STATES * hidden * num_layers));
    for (int n = 0; n < frames; n++) {
        const int t = backward ? frames - 1 - n : n;
        const int16_t *h = CELL_stack(layers, num_layers, x + t * x_stride, states, scratch);
        memcpy(y + t * y_stride, h, sizeof(int16_t) * (size_t)hidden);
    }
}
