/* Pooling of a stream up to the current frame x [n]: the state is the sums [n]; frames counts from 1. */
static void mean_pool_step(const int16_t *x, int64_t *state, int16_t *y, int frames, int n)
{
    for (int i = 0; i < n; i++) {
        state[i] = frames == 1 ? x[i] : state[i] + x[i];
        y[i] = mean(state[i], frames);
    }
}
