/* One step of an Elman cell: x [inputs], h [H], scratch [2 H]. */
static void CELL_step(const cell_layer *layer, const float *x, float *h, float *scratch)
{
    const int hidden = layer->hidden;
    float *a = scratch, *u = scratch + hidden;
    linear(layer->w_ih, layer->b_ih, x, a, 1, layer->inputs, hidden);
    linear(layer->w_hh, layer->b_hh, h, u, 1, hidden, hidden);
    for (int i = 0; i < hidden; i++) {
        const float sum = a[i] + u[i];
        h[i] = ACTIVATION;
    }
}
