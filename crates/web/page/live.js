/* A recording while it is made: its samples, its scores, and what the model detects. */

import { dispatch } from "./events.js";
import { startRecording } from "./recorder.js";
import { Sound } from "./sound.js";
import { Track } from "./track.js";

/** Length of a recording at which it ends, s: the limit of a server. */
export const MAX_SECONDS = 600;

/** A recording of the microphone with live scores. */
export class LiveRecording {
  /**
   * `handlers`: `update()` after new samples or scores, `note(text)` for events of the model, `scoresLost(error)` if there are no further
   * scores, and `full(text)` if the recording must end.
   */
  constructor(engine, model, options, handlers) {
    Object.assign(this, { engine, model, options, handlers, samples: new Float32Array(1 << 20), length: 0, peak: 0.02 });
    this.track = new Track(model.labels);
  }

  /** Starts the microphone. Rejects with a fact and advice. */
  async start() {
    const { engine, model, options } = this;
    const onLost = () => this.handlers.full("The microphone was disconnected; the recording so far is below.");
    const handlers = this.streamHandlers();
    /* Frames are computed where the samples arrive, if the engine can. */
    const isOnAudioThread = model.streams !== false && model.kind === "frames" && engine.captureNode !== undefined;
    const createNode = isOnAudioThread ? (context, onMessage) => engine.captureNode(context, model, options, onMessage) : undefined;
    const onEvent = (event) => dispatch(handlers, event);
    this.recorder = await startRecording({ onSamples: (samples) => this.push(samples), onLost, onEvent, createNode });
    this.sampleRate = this.recorder.sampleRate;
    if (model.streams !== false && !isOnAudioThread) this.open(handlers);
  }

  get seconds() {
    return this.length / this.sampleRate;
  }

  /** Returns the sound so far. */
  get sound() {
    const { length, sampleRate, peak, seconds } = this;
    return { samples: this.samples.subarray(0, length), sampleRate, peak, seconds };
  }

  open(handlers) {
    this.ended = new Promise((resolve) => (this.resolve = resolve));
    this.stream = this.engine.stream(this.model, this.sampleRate, this.options, handlers);
  }

  streamHandlers() {
    const isOfWindows = this.model.kind === "clips";
    return {
      scores: ({ seconds, probabilities }) => {
        this.track.push(seconds, probabilities, isOfWindows);
        this.handlers.update();
      },
      started: ({ seconds }) => this.handlers.note(`Speech from ${seconds.toFixed(1)} s`),
      stopped: ({ seconds }) => this.handlers.note(`Speech until ${seconds.toFixed(1)} s`),
      keyword: ({ seconds, label, score }) => this.handlers.note(`${label} at ${seconds.toFixed(1)} s (score ${score.toFixed(2)})`),
      error: (error) => {
        this.stream = undefined;
        this.handlers.scoresLost(error);
      },
      ended: () => this.resolve(),
    };
  }

  push(samples) {
    if (this.length + samples.length > this.samples.length) {
      const grown = new Float32Array(2 * this.samples.length);
      grown.set(this.samples);
      this.samples = grown;
    }
    this.samples.set(samples, this.length);
    this.length += samples.length;
    for (const sample of samples) this.peak = Math.max(this.peak, Math.abs(sample));
    this.stream?.push(samples);
    this.handlers.update();
    if (this.seconds >= MAX_SECONDS) this.handlers.full("The recording has ended after 10 minutes, the longest that the page makes.");
  }

  /** Ends the recording, and resolves to its sound when the last scores have arrived. */
  async stop() {
    await this.recorder.stop();
    if (this.stream) {
      this.stream.finish();
      await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 2000))]);
      this.stream?.close();
    }
    const now = new Date();
    const two = (value) => String(value).padStart(2, "0");
    const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
    const name = `recording-${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.wav`;
    return new Sound(name, this.samples.slice(0, this.length), this.sampleRate);
  }
}
