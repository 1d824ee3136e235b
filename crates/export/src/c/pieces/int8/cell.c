/* A recurrent layer with G gates: products of the input [G H, inputs] and of the state [G H, H], Q16, in PyTorch's order. */
typedef struct {
    products input, state;
    int inputs, hidden;
    int32_t multiplier; /* RNN with ReLU: from Q16 to the scale of the state */
    int shift;
    int cell_bits; /* LSTM: bits after the point of c */
} cell_layer;
