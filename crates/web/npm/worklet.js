/* A stream on the audio thread: `createStreamNode` starts it. The model must be fast enough for it: one that computes all at once, such as a
 * net over windows of a second, belongs in a worker. */

import { open, stream } from "./stapes.js";

/* Samples that are sent to the page at a time. */
const CHUNK = 2048;

class StreamProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions: { module, bytes, options, withSamples } }) {
    super();
    this.isOpen = true;
    this.chunk = withSamples ? new Float32Array(CHUNK) : undefined;
    this.filled = 0;
    this.attempt(() => {
      this.stream = stream(open(bytes, module), Math.round(sampleRate), options);
    });
    this.port.onmessage = () => this.stop();
  }

  /* After an error, the samples are still sent. */
  attempt(work) {
    try {
      for (const event of work() ?? []) this.port.postMessage(event);
    } catch (error) {
      this.stream = undefined;
      this.port.postMessage({ type: "error", message: error.message });
    }
  }

  process([channels]) {
    const samples = channels[0];
    if (!this.isOpen || !samples) return this.isOpen;
    if (this.chunk) this.send(samples);
    if (this.stream) this.attempt(() => this.stream.push(samples));
    return true;
  }

  send(samples) {
    for (const sample of samples) {
      this.chunk[this.filled++] = sample;
      if (this.filled < CHUNK) continue;
      this.port.postMessage(this.chunk, [this.chunk.buffer]);
      this.chunk = new Float32Array(CHUNK);
      this.filled = 0;
    }
  }

  stop() {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.filled > 0) this.port.postMessage(this.chunk.slice(0, this.filled));
    if (this.stream) this.attempt(() => this.stream.finish());
    this.port.postMessage(null);
  }
}

registerProcessor("stapes", StreamProcessor);
