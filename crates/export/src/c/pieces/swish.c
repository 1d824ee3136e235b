/* y = x sigmoid(x). */
static void swish(const float *x, float *y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = x[i] * sigmoid(x[i]);
}
