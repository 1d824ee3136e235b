/* Puts a frame [WIDTH] before the stacking. */
static void stack_push(TYPE *d, const float *frame)
{
    memcpy(d->rows[d->count % SLOTS], frame, sizeof(float) * WIDTH);
    d->count++;
}

/* Returns 1 with the next frame and its neighbors [SLOTS, WIDTH], 0 if it waits for later frames; edge frames are repeated. */
static int stack_pop(TYPE *d, int ended, float *frame)
{
    const int center = d->emitted * EVERY;
    if (center + (ended ? 0 : RIGHT) >= d->count)
        return 0;
    for (int n = 0; n < SLOTS; n++) {
        int at = center + n - LEFT;
        at = at < 0 ? 0 : at < d->count ? at : d->count - 1;
        memcpy(frame + n * WIDTH, d->rows[at % SLOTS], sizeof(float) * WIDTH);
    }
    d->emitted++;
    return 1;
}
