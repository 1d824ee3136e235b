/* One step of an Elman cell: x [inputs], h [H], scratch [2 H]. */
static void CELL_step(const cell_layer *layer, const int16_t *x, int16_t *h, int32_t *scratch)
{
    const int hidden = layer->hidden;
    int32_t *a = scratch, *u = scratch + hidden;
    product_sums(&layer->input, 0, x, a, layer->inputs, hidden);
    product_sums(&layer->state, 0, h, u, hidden, hidden);
    for (int i = 0; i < hidden; i++) {
        const int32_t sum = a[i] + u[i];
        h[i] = saturate(ACTIVATION);
    }
}
