/* y[t] = W x[t] + b for each of `rows` rows: x [rows, n], w [m, n], b [m] or NULL, y [rows, m].
 * Four outputs at a time, so that each x is loaded once for four products. */
static void linear(const float *w, const float *b, const float *x, float *y, int rows, int n, int m)
{
    for (int t = 0; t < rows; t++, x += n, y += m) {
        const float *row = w;
        int i = 0;
        for (; i + 4 <= m; i += 4, row += 4 * n) {
            const float *w0 = row, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n;
            float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            for (int j = 0; j < n; j++) {
                const float v = x[j];
                s0 += w0[j] * v;
                s1 += w1[j] * v;
                s2 += w2[j] * v;
                s3 += w3[j] * v;
            }
            y[i] = s0;
            y[i + 1] = s1;
            y[i + 2] = s2;
            y[i + 3] = s3;
        }
        for (int rest = m % 4; rest > 0; rest--, i++, row += n) {
            float sum = 0;
            for (int j = 0; j < n; j++)
                sum += row[j] * x[j];
            y[i] = sum;
        }
        for (i = 0; b && i < m; i++)
            y[i] += b[i];
    }
}
