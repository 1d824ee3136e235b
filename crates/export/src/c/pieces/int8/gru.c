/* One step of a GRU: x [inputs], h [H] in Q15, scratch [6 H]. The reset gate follows the recurrent product, as in PyTorch. */
static void gru_step(const cell_layer *layer, const int16_t *x, int16_t *h, int32_t *scratch)
{
    const int hidden = layer->hidden;
    int32_t *a = scratch, *u = scratch + 3 * hidden;
    product_sums(&layer->input, 0, x, a, layer->inputs, 3 * hidden);
    product_sums(&layer->state, 0, h, u, hidden, 3 * hidden);
    for (int i = 0; i < hidden; i++) {
        const int32_t r = fixed_sigmoid(a[i] + u[i]);
        const int32_t z = fixed_sigmoid(a[hidden + i] + u[hidden + i]);
        const int32_t reset = (int32_t)(((int64_t)u[2 * hidden + i] * r + 16384) >> 15);
        const int32_t n = fixed_tanh(a[2 * hidden + i] + reset);
        h[i] = saturate(shift_rounded(z * h[i] + (32768 - z) * n, 15));
    }
}
