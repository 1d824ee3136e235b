/* Magnitudes of the bins of a frame of POINTS real samples; x has room for as many complex numbers, and z follows it. */
static void magnitudes(real *x, number *bins)
{
    real *z = x + 2 * POINTS;
    for (int n = POINTS - 1; n >= 0; n--) {
        x[2 * n] = x[n];
        x[2 * n + 1] = 0;
    }
    fft_parts(x, 1, z, POINTS, fft_factors);
    for (int k = 0; k <= POINTS / 2; k++)
        bins[k] = magnitude(z[2 * k], z[2 * k + 1]);
}
