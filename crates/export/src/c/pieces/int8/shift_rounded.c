/* x / 2^bits, rounded. */
static int32_t shift_rounded(int32_t x, int bits)
{
    return bits == 0 ? x : (x + ((int32_t)1 << (bits - 1))) >> bits;
}
