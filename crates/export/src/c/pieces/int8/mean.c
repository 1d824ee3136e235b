/* sum / count, rounded. */
static int16_t mean(int64_t sum, int64_t count)
{
    return (int16_t)((sum + (sum < 0 ? -(count / 2) : count / 2)) / count);
}
