/* The spectrogram: power in decibels over time and frequency, in the colors of the report pages. */

import { Fft } from "./fft.js";

const WINDOW_SECONDS = 0.03;
const MAX_HZ = 8000;
/* Decibels between the darkest and the brightest color. */
const RANGE_DB = 60;
/* The brightest color begins below the loudest value, which is often a single one. */
const BELOW_PEAK_DB = 8;
/* The scale does not become louder than the background noise of a quiet recording. */
const MIN_PEAK_DB = -60;

const STOPS = [
  [0x44, 0x01, 0x54],
  [0x31, 0x68, 0x8e],
  [0x35, 0xb7, 0x79],
  [0xfd, 0xe7, 0x25],
];

/* The 256 colors as pixels, little-endian. */
const COLORS = Uint32Array.from({ length: 256 }, (_, level) => {
  const position = (level / 255) * (STOPS.length - 1);
  const stop = Math.min(Math.floor(position), STOPS.length - 2);
  const mix = (channel) => Math.round(STOPS[stop][channel] + (position - stop) * (STOPS[stop + 1][channel] - STOPS[stop][channel]));
  return 0xff000000 | (mix(2) << 16) | (mix(1) << 8) | mix(0);
});

/** Computes columns of a spectrogram and draws them. */
export class Spectrogram {
  constructor(sampleRate) {
    const size = 2 ** Math.round(Math.log2(sampleRate * WINDOW_SECONDS));
    this.sampleRate = sampleRate;
    this.fft = new Fft(size);
    this.window = Float32Array.from({ length: size }, (_, at) => (0.5 - 0.5 * Math.cos((2 * Math.PI * at) / size)) * (4 / size));
    this.windowed = new Float32Array(size);
    this.power = new Float32Array(size / 2);
    this.maxHz = Math.min(MAX_HZ, sampleRate / 2);
    this.rows = Math.max(1, Math.round((this.maxHz * size) / sampleRate));
    this.cache = new Map();
    this.image = document.createElement("canvas");
  }

  /** Returns the decibels of the window around a time, [rows], low frequencies first. */
  column(samples, seconds) {
    const { size } = this.fft;
    const first = Math.round(seconds * this.sampleRate) - size / 2;
    for (let at = 0; at < size; at++) this.windowed[at] = (samples[first + at] ?? 0) * this.window[at];
    this.fft.power(this.windowed, this.power);
    return Float32Array.from({ length: this.rows }, (_, row) => 10 * Math.log10(this.power[row] + 1e-12));
  }

  /**
   * Draws the time from `from` to `to`. Columns are on a grid of time, so that those of a moving view are computed once; `samples`
   * may have grown since.
   */
  draw(context, samples, { from, to }) {
    const { width, height } = context.canvas;
    const step = (to - from) / Math.min(width, 600);
    if (this.step === undefined || Math.abs(this.step / step - 1) > 1e-6) {
      this.cache.clear();
      this.step = step;
    }
    const [first, last] = [Math.floor(from / this.step), Math.ceil(to / this.step)];
    const end = samples.length / this.sampleRate - WINDOW_SECONDS / 2;
    const columns = [];
    let peak = MIN_PEAK_DB;
    for (let number = first; number < last; number++) {
      const seconds = (number + 0.5) * this.step;
      let column = this.cache.get(number);
      if (!column && seconds >= 0 && seconds < end + WINDOW_SECONDS) {
        column = this.column(samples, seconds);
        if (seconds < end) this.cache.set(number, column);
      }
      for (const value of column ?? []) peak = Math.max(peak, value);
      columns.push(column);
    }
    if (this.cache.size > 5000) this.cache.clear();
    this.paint(columns, peak - BELOW_PEAK_DB);
    const scale = width / (to - from);
    const x = (first * this.step - from) * scale;
    context.imageSmoothingEnabled = true;
    context.drawImage(this.image, x, 0, columns.length * this.step * scale, height);
  }

  paint(columns, top) {
    const { image, rows } = this;
    image.width = Math.max(1, columns.length);
    image.height = rows;
    const context = image.getContext("2d");
    const data = context.createImageData(image.width, rows);
    const pixels = new Uint32Array(data.data.buffer);
    columns.forEach((column, x) => {
      if (!column) return;
      for (let row = 0; row < rows; row++) {
        const level = Math.round((255 * (column[row] - top + RANGE_DB)) / RANGE_DB);
        pixels[(rows - 1 - row) * image.width + x] = COLORS[Math.min(Math.max(level, 0), 255)];
      }
    });
    context.putImageData(data, 0, 0);
  }
}
