/* One step of an LSTM: x [inputs], h [H] followed by c [H], scratch [8 H]. */
static void lstm_step(const cell_layer *layer, const float *x, float *h, float *scratch)
{
    const int hidden = layer->hidden;
    float *a = scratch, *u = scratch + 4 * hidden, *c = h + hidden;
    linear(layer->w_ih, layer->b_ih, x, a, 1, layer->inputs, 4 * hidden);
    linear(layer->w_hh, layer->b_hh, h, u, 1, hidden, 4 * hidden);
    for (int i = 0; i < hidden; i++) {
        const float in = sigmoid(a[i] + u[i]);
        const float forget = sigmoid(a[hidden + i] + u[hidden + i]);
        const float candidate = tanhf(a[2 * hidden + i] + u[2 * hidden + i]);
        const float out = sigmoid(a[3 * hidden + i] + u[3 * hidden + i]);
        c[i] = forget * c[i] + in * candidate;
        h[i] = out * tanhf(c[i]);
    }
}
