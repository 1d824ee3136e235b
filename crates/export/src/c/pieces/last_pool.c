/* Last state of each direction: the forward half of the last frame, the backward half of the first; x [T, n] -> y [n]. */
static void last_pool(const float *x, float *y, int frames, int n, int directions)
{
    const int half = n / directions;
    memcpy(y, x + (frames - 1) * n, sizeof(float) * (size_t)half);
    if (directions == 2)
        memcpy(y + half, x + half, sizeof(float) * (size_t)half);
}
