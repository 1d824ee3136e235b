/* One step of a GRU whose reset gate precedes the recurrent product: x [inputs], h [H] in Q15 followed by r h [H], scratch [6 H]. */
static void gru_reset_before_step(const cell_layer *layer, const int16_t *x, int16_t *h, int32_t *scratch)
{
    const int hidden = layer->hidden, gates = 2 * hidden;
    int32_t *a = scratch, *u = scratch + 3 * hidden;
    int16_t *reset = h + hidden;
    product_sums(&layer->input, 0, x, a, layer->inputs, 3 * hidden);
    product_sums(&layer->state, 0, h, u, hidden, gates);
    for (int i = 0; i < hidden; i++)
        reset[i] = saturate(shift_rounded(fixed_sigmoid(a[i] + u[i]) * h[i], 15));
    product_sums(&layer->state, gates, reset, u + gates, hidden, hidden);
    for (int i = 0; i < hidden; i++) {
        const int32_t z = fixed_sigmoid(a[hidden + i] + u[hidden + i]);
        const int32_t n = fixed_tanh(a[gates + i] + u[gates + i]);
        h[i] = saturate(shift_rounded(z * h[i] + (32768 - z) * n, 15));
    }
}
