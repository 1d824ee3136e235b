/* One step of a GRU whose reset gate precedes the recurrent product: x [inputs], h [H], scratch [6 H]. */
static void gru_reset_before_step(const cell_layer *layer, const float *x, float *h, float *scratch)
{
    const int hidden = layer->hidden, gates = 2 * hidden;
    float *a = scratch, *u = scratch + 3 * hidden;
    linear(layer->w_ih, layer->b_ih, x, a, 1, layer->inputs, 3 * hidden);
    linear(layer->w_hh, layer->b_hh, h, u, 1, hidden, gates);
    /* a[0..H) becomes r h, the input of the last recurrent product. */
    for (int i = 0; i < hidden; i++)
        a[i] = sigmoid(a[i] + u[i]) * h[i];
    linear(layer->w_hh + gates * hidden, layer->b_hh ? layer->b_hh + gates : 0, a, u + gates, 1, hidden, hidden);
    for (int i = 0; i < hidden; i++) {
        const float z = sigmoid(a[hidden + i] + u[hidden + i]);
        const float n = tanhf(a[gates + i] + u[gates + i]);
        h[i] = n + z * (h[i] - n);
    }
}
