/* The waveform: minimum and maximum of the samples of each pixel. */

/** Draws the samples from `from` to `to` seconds; `peak` is the highest value of the vertical scale. */
export function drawWaveform(context, { samples, sampleRate, peak }, { from, to }, color) {
  const { width, height } = context.canvas;
  const perPixel = ((to - from) * sampleRate) / width;
  const y = (value) => (height / 2) * (1 - (0.94 * value) / peak);
  context.fillStyle = color;
  for (let x = 0; x < width; x++) {
    const first = Math.max(0, Math.floor(from * sampleRate + x * perPixel));
    const end = Math.min(samples.length, Math.max(first + 1, Math.floor(from * sampleRate + (x + 1) * perPixel)));
    if (first >= end) continue;
    let [low, high] = [Infinity, -Infinity];
    /* With the sample before, so that the line has no gaps where a sample is wider than a pixel. */
    for (let at = Math.max(0, first - 1); at < end; at++) {
      if (samples[at] < low) low = samples[at];
      if (samples[at] > high) high = samples[at];
    }
    const top = y(high);
    context.fillRect(x, top, 1, Math.max(1, y(low) - top));
  }
}
