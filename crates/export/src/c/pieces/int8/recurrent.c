/* One step of stacked layers, each of which has STATES H states; returns the output of the last, [H]. */
static const int16_t *CELL_stack(const cell_layer *layers, int num_layers, const int16_t *x, int16_t *states, int32_t *scratch)
{
    for (int n = 0; n < num_layers; n++) {
        CELL_step(&layers[n], x, states, scratch);
        x = states;
        states += STATES * layers[n].hidden;
    }
    return x;
}
