/* Integers as real numbers. Qn has n bits after the point. A right shift of a negative number must round down, as all
 * common compilers do; otherwise this line is an error. */
typedef char right_shift_rounds_down[(-1 >> 1) == -1 ? 1 : -1];

/* Weights of W x + b, with a factor multiplier / 2^shift per output. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias, *multipliers;
    int shift;
} products;

/* x multiplier / 2^shift, rounded and clamped to +-2^29. */
static int32_t rescale(int32_t x, int32_t multiplier, int shift)
{
    const int64_t y = ((int64_t)x * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
    return (int32_t)(y > 536870912 ? 536870912 : y < -536870912 ? -536870912 : y);
}

static int16_t saturate(int32_t x)
{
    return (int16_t)(x > 32767 ? 32767 : x < -32767 ? -32767 : x);
}
