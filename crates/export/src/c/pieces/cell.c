/* Weights of a recurrent layer with G gates: w_ih [G H, inputs], w_hh [G H, H], biases [G H] or NULL, as in PyTorch. */
typedef struct {
    const float *w_ih, *w_hh, *b_ih, *b_hh;
    int inputs, hidden;
} cell_layer;
