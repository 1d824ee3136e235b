/* Magnitudes of the bins of a frame x [POINTS] of real samples, of which pairs are complex numbers z with the transform Z:
 * X[k] = h + t and X[m - k] = conj(h - t), h = (Z[k] + conj Z[m - k]) / 2, t = (Z[k] - conj Z[m - k]) exp(-2 pi i k / POINTS) / 2i. */
static void magnitudes(real *x, number *bins)
{
    const int m = POINTS / 2;
    TRANSFORM
    bins[0] = magnitude(z[0] + z[1], 0);
    bins[m] = magnitude(z[0] - z[1], 0);
    for (int k = 1; k <= m - k; k++) {
        const real *low = z + 2 * k, *high = z + 2 * (m - k);
        const real c = roots[2 * k] / 2, s = roots[2 * k + 1] / 2;
        const real h_re = (low[0] + high[0]) / 2, h_im = (low[1] - high[1]) / 2;
        const real sum = low[1] + high[1], difference = low[0] - high[0];
        const real t_re = sum * c + difference * s, t_im = sum * s - difference * c;
        bins[k] = magnitude(h_re + t_re, h_im + t_im);
        bins[m - k] = magnitude(h_re - t_re, h_im - t_im);
    }
}
