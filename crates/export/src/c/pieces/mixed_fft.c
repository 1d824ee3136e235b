/* Fourier transform of n complex numbers x, `stride` numbers apart, to y; n is the product of the factors.
 * roots[k] = exp(-2 pi i k / POINTS). */
static void fft_parts(const real *x, int stride, real *y, int n, const int *factors)
{
    const int p = factors[0], m = n / p;
    real part[2 * MAX_FACTOR];
    for (int r = 0; r < p; r++) {
        if (m == 1) {
            y[2 * r] = x[2 * r * stride];
            y[2 * r + 1] = x[2 * r * stride + 1];
        } else {
            fft_parts(x + 2 * r * stride, stride * p, y + 2 * r * m, m, factors + 1);
        }
    }
    for (int k = 0; k < m; k++) {
        for (int r = 0; r < p; r++) {
            part[2 * r] = y[2 * (r * m + k)];
            part[2 * r + 1] = y[2 * (r * m + k) + 1];
        }
        for (int q = 0; q < p; q++) {
            real re = 0, im = 0;
            for (int r = 0; r < p; r++) {
                const int at = (int)((long)r * (k + q * m) % n) * (POINTS / n);
                const real c = roots[2 * at], s = roots[2 * at + 1];
                re += c * part[2 * r] - s * part[2 * r + 1];
                im += c * part[2 * r + 1] + s * part[2 * r];
            }
            y[2 * (q * m + k)] = re;
            y[2 * (q * m + k) + 1] = im;
        }
    }
}
