/* Value of a table at x, in steps of 2^step. */
static int32_t interpolate(const int16_t *table, int32_t x, int step)
{
    const int32_t low = table[x >> step], high = table[(x >> step) + 1];
    return low + shift_rounded((high - low) * (x & ((1 << step) - 1)), step);
}
