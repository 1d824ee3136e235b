/* The pictures of a sound on one axis of time: waveform, spectrogram, scores, and the position. */

import { clock, color } from "./dom.js";
import { drawScores } from "./scores.js";
import { Spectrogram } from "./spectrogram.js";
import { drawWaveform } from "./waveform.js";

const MIN_VIEW_SECONDS = 0.2;
const ZOOM = 2;
const TICK_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800];
const TICK_PIXELS = 70;

/** Draws a sound, its scores and segments, and reports the position that a reader chooses. */
export class Timeline {
  /** `onSeek(seconds)`: the position was set; `onPoint(seconds)`: the pointer is there, or undefined; `onToggle()`: Space was pressed. */
  constructor(root, { onSeek, onPoint, onToggle }) {
    Object.assign(this, { root, onSeek, onPoint, onToggle, sound: undefined, position: 0, view: { from: 0, to: 1 } });
    this.cursor = root.querySelector(".cursor");
    this.contexts = Object.fromEntries([...root.querySelectorAll("[data-plot]")].map((plot) => [plot.dataset.plot, plot.querySelector("canvas").getContext("2d")]));
    new ResizeObserver(() => this.draw()).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    root.addEventListener("click", (event) => this.seek(this.timeAt(event)));
    root.addEventListener("pointermove", (event) => this.point(this.timeAt(event)));
    root.addEventListener("pointerleave", () => this.point(undefined));
    root.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("wheel", (event) => this.pan(event), { passive: false });
  }

  /** Shows a sound: samples, sampleRate, peak, seconds. `isLive`: it grows, and cannot be sought. */
  show(sound, { isLive = false } = {}) {
    Object.assign(this, { sound, isLive, track: undefined, segments: [], position: 0, view: { from: 0, to: sound.seconds } });
    this.spectrogram = new Spectrogram(sound.sampleRate);
    this.cursor.hidden = isLive;
    this.draw();
  }

  /** Sets scores, lines, threshold or segments, and draws them. */
  set(values) {
    Object.assign(this, values);
    this.draw();
  }

  /** Moves the cursor, and the view with it if `follow` is true. */
  moveTo(seconds, follow = false) {
    this.position = seconds;
    const { from, to } = this.view;
    if (follow && (seconds < from || seconds > to)) this.look(seconds - (to - from) * 0.1, to - from);
    this.place();
  }

  /** Multiplies the length of the view around the position, or its center if the position is not in it. */
  zoom(factor) {
    const { from, to } = this.view;
    const fixed = this.position >= from && this.position <= to ? this.position : (from + to) / 2;
    const length = Math.min(Math.max((to - from) * factor, MIN_VIEW_SECONDS), this.sound.seconds);
    this.look(fixed - ((fixed - from) / (to - from)) * length, length);
  }

  get isWhole() {
    return !this.sound || this.view.to - this.view.from >= this.sound.seconds - 1e-9;
  }

  look(from, length) {
    const first = Math.max(0, Math.min(from, this.sound.seconds - length));
    this.view = { from: first, to: first + length };
    this.root.dispatchEvent(new Event("viewchange"));
    this.draw();
  }

  timeAt(event) {
    const box = this.root.getBoundingClientRect();
    const { from, to } = this.view;
    return from + ((to - from) * (event.clientX - box.left)) / box.width;
  }

  seek(seconds) {
    if (!this.sound || this.isLive) return;
    const position = Math.min(Math.max(seconds, 0), this.sound.seconds);
    this.moveTo(position, true);
    this.onSeek(position);
  }

  point(seconds) {
    if (this.sound && !this.isLive) this.onPoint(seconds);
  }

  pan(event) {
    if (!this.sound || this.isLive || this.isWhole || Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    const { from, to } = this.view;
    this.look(from + ((to - from) * event.deltaX) / this.root.clientWidth, to - from);
  }

  press(event) {
    if (!this.sound || this.isLive || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = Math.max(0.01, (this.view.to - this.view.from) / 100);
    const acts = {
      ArrowRight: () => this.seek(this.position + step),
      ArrowUp: () => this.seek(this.position + step),
      ArrowLeft: () => this.seek(this.position - step),
      ArrowDown: () => this.seek(this.position - step),
      PageUp: () => this.seek(this.position + 10 * step),
      PageDown: () => this.seek(this.position - 10 * step),
      Home: () => this.seek(0),
      End: () => this.seek(this.sound.seconds),
      "+": () => this.zoom(1 / ZOOM),
      "-": () => this.zoom(ZOOM),
      " ": () => this.onToggle(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  place() {
    const { from, to } = this.view;
    const x = (this.position - from) / (to - from);
    this.cursor.hidden = this.isLive || !(x >= 0 && x <= 1);
    this.cursor.style.transform = `translateX(${x * this.root.clientWidth}px)`;
    const { root } = this;
    root.setAttribute("aria-valuenow", this.position.toFixed(2));
  }

  draw() {
    if (!this.sound || this.root.clientWidth === 0) return;
    const ratio = window.devicePixelRatio;
    for (const { canvas } of Object.values(this.contexts)) {
      canvas.width = Math.round(canvas.clientWidth * ratio);
      canvas.height = Math.round(canvas.clientHeight * ratio);
    }
    const { waveform, spectrogram, scores, axis } = this.contexts;
    this.drawSegments(waveform);
    drawWaveform(waveform, this.sound, this.view, color("series-1"));
    this.spectrogram.draw(spectrogram, this.sound.samples, this.view);
    const series = [1, 2, 3, 4, 5, 6].map((number) => color(`series-${number}`));
    const colors = { grid: color("rule"), axis: color("axis"), text: color("text"), series };
    if (scores.canvas.width > 0) drawScores(scores, { track: this.track, shown: this.shown ?? [], threshold: this.threshold }, this.view, colors, ratio);
    this.drawAxis(axis, ratio);
    this.root.setAttribute("aria-valuemax", this.sound.seconds.toFixed(2));
    this.place();
  }

  drawSegments(context) {
    const { width, height } = context.canvas;
    const { from, to } = this.view;
    const x = (seconds) => ((seconds - from) / (to - from)) * width;
    const [ground, edge] = [color("correct-2"), color("series-1")];
    for (const { start, end } of this.segments ?? []) {
      if (end < from || start > to) continue;
      const left = Math.round(x(start));
      const right = Math.max(left + 1, Math.round(x(end)));
      context.fillStyle = ground;
      context.fillRect(left, 0, right - left, height);
      context.fillStyle = edge;
      context.fillRect(left, 0, 1, height);
      context.fillRect(right - 1, 0, 1, height);
    }
  }

  drawAxis(context, ratio) {
    const { width } = context.canvas;
    const { from, to } = this.view;
    const wanted = ((to - from) * TICK_PIXELS * ratio) / width;
    const step = TICK_SECONDS.find((seconds) => seconds >= wanted) ?? TICK_SECONDS.at(-1);
    context.font = `${12 * ratio}px ${getComputedStyle(this.root).fontFamily}`;
    context.textBaseline = "top";
    context.fillStyle = color("muted");
    for (let number = Math.ceil(from / step); number * step <= to; number++) {
      const seconds = number * step;
      const x = ((seconds - from) / (to - from)) * width;
      context.fillRect(Math.round(x), 0, ratio, 4 * ratio);
      const text = seconds >= 60 ? clock(seconds).replace(/\.0$/, "") : `${Number(seconds.toFixed(2))} s`;
      const half = context.measureText(text).width / 2;
      context.fillText(text, Math.min(Math.max(x - half, 0), width - 2 * half), 6 * ratio);
    }
  }
}
