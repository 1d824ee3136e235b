/* One step of an LSTM: x [inputs], h [H] in Q15 followed by c [H], scratch [8 H]. */
static void lstm_step(const cell_layer *layer, const int16_t *x, int16_t *h, int32_t *scratch)
{
    const int hidden = layer->hidden, bits = layer->cell_bits;
    int32_t *a = scratch, *u = scratch + 4 * hidden;
    int16_t *c = h + hidden;
    product_sums(&layer->input, 0, x, a, layer->inputs, 4 * hidden);
    product_sums(&layer->state, 0, h, u, hidden, 4 * hidden);
    for (int i = 0; i < hidden; i++) {
        const int32_t in = fixed_sigmoid(a[i] + u[i]);
        const int32_t forget = fixed_sigmoid(a[hidden + i] + u[hidden + i]);
        const int32_t candidate = fixed_tanh(a[2 * hidden + i] + u[2 * hidden + i]);
        const int32_t out = fixed_sigmoid(a[3 * hidden + i] + u[3 * hidden + i]);
        c[i] = saturate(shift_rounded(forget * c[i] + shift_rounded(in * candidate, 15 - bits), 15));
        h[i] = saturate(shift_rounded(out * fixed_tanh((int32_t)c[i] * (1 << (16 - bits))), 15));
    }
}
