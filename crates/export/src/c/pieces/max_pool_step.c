/* Maximum up to the current frame x [n] of a stream: the state [n] is also the result; frames counts from 1. */
static void max_pool_step(const float *x, float *state, float *y, int frames, int n)
{
    for (int i = 0; i < n; i++) {
        state[i] = frames == 1 || x[i] > state[i] ? x[i] : state[i];
        y[i] = state[i];
    }
}
