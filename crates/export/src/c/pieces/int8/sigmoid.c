/* 1 / (1 + exp(-x)), Q16 -> Q15. */
static int32_t fixed_sigmoid(int32_t x)
{
    return (32768 + fixed_tanh(x >> 1)) >> 1;
}
