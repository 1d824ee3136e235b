/* y[t] = W x[t] + b for each of `rows` rows: x [rows, n], y [rows, m], sums [m]. */
static void linear(const products *p, const int16_t *x, int16_t *y, int32_t *sums, int rows, int n, int m)
{
    for (int t = 0; t < rows; t++, x += n, y += m) {
        product_sums(p, 0, x, sums, n, m);
        for (int i = 0; i < m; i++)
            y[i] = saturate(sums[i]);
    }
}
