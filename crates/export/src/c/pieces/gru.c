/* One step of a GRU: x [inputs], h [H], scratch [6 H]. The reset gate follows the recurrent product, as in PyTorch. */
static void gru_step(const cell_layer *layer, const float *x, float *h, float *scratch)
{
    const int hidden = layer->hidden;
    float *a = scratch, *u = scratch + 3 * hidden;
    linear(layer->w_ih, layer->b_ih, x, a, 1, layer->inputs, 3 * hidden);
    linear(layer->w_hh, layer->b_hh, h, u, 1, hidden, 3 * hidden);
    for (int i = 0; i < hidden; i++) {
        const float r = sigmoid(a[i] + u[i]);
        const float z = sigmoid(a[hidden + i] + u[hidden + i]);
        const float n = tanhf(a[2 * hidden + i] + r * u[2 * hidden + i]);
        h[i] = n + z * (h[i] - n);
    }
}
