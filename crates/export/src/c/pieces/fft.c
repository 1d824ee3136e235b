/* Fourier transform of POINTS / 2 complex numbers x, in place; roots[k] = exp(-2 pi i k / POINTS). */
static void fft(real *x)
{
    const int m = POINTS / 2;
    for (int i = 0, j = 0; i < m; i++) {
        if (i < j) {
            const real re = x[2 * i], im = x[2 * i + 1];
            x[2 * i] = x[2 * j];
            x[2 * i + 1] = x[2 * j + 1];
            x[2 * j] = re;
            x[2 * j + 1] = im;
        }
        /* j is i + 1 with its bits reversed. */
        int bit = m / 2;
        for (; bit && (j & bit); bit /= 2)
            j ^= bit;
        j |= bit;
    }
    for (int half = 1; half < m; half *= 2) {
        for (int k = 0; k < half; k++) {
            const real c = roots[2 * k * (m / half)], s = roots[2 * k * (m / half) + 1];
            for (real *a = x + 2 * k; a < x + 2 * m; a += 4 * half) {
                real *b = a + 2 * half;
                real re = b[0], im = b[1];
                if (k > 0) { /* the first root is 1 */
                    re = c * b[0] - s * b[1];
                    im = c * b[1] + s * b[0];
                }
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] += re;
                a[1] += im;
            }
        }
    }
}
