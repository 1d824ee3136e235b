/* Sends the samples of the microphone to the page, 2048 at a time. */

const CHUNK = 2048;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.chunk = new Float32Array(CHUNK);
    this.filled = 0;
    this.isOpen = true;
    this.port.onmessage = () => {
      this.isOpen = false;
      this.port.postMessage(this.chunk.slice(0, this.filled));
      this.port.postMessage(null);
    };
  }

  process([channels]) {
    const samples = channels[0];
    for (let at = 0; this.isOpen && samples && at < samples.length; at++) {
      this.chunk[this.filled++] = samples[at];
      if (this.filled < CHUNK) continue;
      this.port.postMessage(this.chunk, [this.chunk.buffer]);
      this.chunk = new Float32Array(CHUNK);
      this.filled = 0;
    }
    return this.isOpen;
  }
}

registerProcessor("capture", Capture);
