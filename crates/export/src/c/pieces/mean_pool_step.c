/* Pooling of a stream up to the current frame x [n]: the state is the pooled values [n]; frames counts from 1. */
static void mean_pool_step(const float *x, float *state, float *y, int frames, int n)
{
    for (int i = 0; i < n; i++) {
        state[i] = frames == 1 ? x[i] : state[i] + x[i];
        y[i] = state[i] / (float)frames;
    }
}
