/* Mean of T frames, weighted by the softmax of query x[t] + bias: x [T, n], query [n], weights [T] -> y [n]. */
static void attention(const float *query, float bias, const float *x, float *weights, float *y, int frames, int n)
{
    for (int t = 0; t < frames; t++) {
        linear(query, 0, x + t * n, &weights[t], 1, n, 1);
        weights[t] += bias;
    }
    softmax(weights, frames);
    memset(y, 0, sizeof(float) * (size_t)n);
    for (int t = 0; t < frames; t++)
        for (int i = 0; i < n; i++)
            y[i] += weights[t] * x[t * n + i];
}
