/* One step of stacked layers, each of which has STATES H states; returns the output of the last, [H]. */
static const float *CELL_stack(const cell_layer *layers, int num_layers, const float *x, float *states, float *scratch)
{
    for (int n = 0; n < num_layers; n++) {
        CELL_step(&layers[n], x, states, scratch);
        x = states;
        states += STATES * layers[n].hidden;
    }
    return x;
}
