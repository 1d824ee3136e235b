/* Rows first..first + m of W x + b: x [n], sums [m]. Four outputs at a time, so that each x is loaded once for four products. */
static void product_sums(const products *p, int first, const int16_t *x, int32_t *sums, int n, int m)
{
    const int8_t *row = p->weights + first * n;
    const int32_t *bias = p->bias + first, *multipliers = p->multipliers + first;
    int i = 0;
    for (; i + 4 <= m; i += 4, row += 4 * n) {
        const int8_t *w0 = row, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n;
        int32_t s0 = bias[i], s1 = bias[i + 1], s2 = bias[i + 2], s3 = bias[i + 3];
        for (int j = 0; j < n; j++) {
            const int32_t v = x[j];
            s0 += w0[j] * v;
            s1 += w1[j] * v;
            s2 += w2[j] * v;
            s3 += w3[j] * v;
        }
        sums[i] = rescale(s0, multipliers[i], p->shift);
        sums[i + 1] = rescale(s1, multipliers[i + 1], p->shift);
        sums[i + 2] = rescale(s2, multipliers[i + 2], p->shift);
        sums[i + 3] = rescale(s3, multipliers[i + 3], p->shift);
    }
    for (int rest = m % 4; rest > 0; rest--, i++, row += n) {
        int32_t sum = bias[i];
        for (int j = 0; j < n; j++)
            sum += row[j] * (int32_t)x[j];
        sums[i] = rescale(sum, multipliers[i], p->shift);
    }
}
