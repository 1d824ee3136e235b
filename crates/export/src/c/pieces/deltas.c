/* Puts a frame [WIDTH] before the delta filters. */
static void DELTAS_push(TYPE *d, const float *frame)
{
    memcpy(d->rows[0][d->counts[0] % SLOTS], frame, sizeof(float) * WIDTH);
    d->counts[0]++;
}

/* Computes the deltas whose neighbors have arrived, or all after the end. */
static void DELTAS_advance(TYPE *d, int ended)
{
    for (int f = 0; f < FILTERS; f++) {
        const int source = DELTAS_filters[f].source, reach = DELTAS_filters[f].reach;
        while (d->counts[f + 1] < d->counts[source]) {
            const int last = d->counts[source] - 1;
            int center = d->counts[f + 1];
            CENTER
            if (!ended && center + reach > last)
                break;
            for (int i = 0; i < WIDTH; i++) {
                double sum = 0;
                for (int n = 0; n <= 2 * reach; n++) {
                    int at = center + n - reach;
                    EDGE
                    sum += DELTAS_filters[f].weights[n] * (double)d->rows[source][at % SLOTS][i];
                }
                d->rows[f + 1][d->counts[f + 1] % SLOTS][i] = (float)sum;
            }
            d->counts[f + 1]++;
        }
    }
}

/* Returns 1 with the next frame and its deltas [FILTERS + 1, WIDTH], 0 if it waits for later frames. */
static int DELTAS_pop(TYPE *d, float *frame)
{
    for (int f = 0; f <= FILTERS; f++)
        if (d->counts[f] == d->emitted)
            return 0;
    for (int f = 0; f <= FILTERS; f++)
        memcpy(frame + f * WIDTH, d->rows[f][d->emitted % SLOTS], sizeof(float) * WIDTH);
    d->emitted++;
    return 1;
}
