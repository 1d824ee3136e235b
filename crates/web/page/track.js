/* Scores over time. */

/** Probabilities of `labels` at the times `first`, `first + hop`, …; they may still arrive. */
export class Track {
  constructor(labels, { first = 0, hop = 0.01, frames = 0, probabilities = new Float32Array(0) } = {}) {
    Object.assign(this, { labels, first, hop, frames, probabilities });
  }

  /** Adds the scores of a stream. Frames come with the time of their center, and windows with that of their end. */
  push(seconds, scores, isOfWindows) {
    const classes = this.labels.length;
    if ((this.frames + 1) * classes > this.probabilities.length) {
      const grown = new Float32Array(Math.max(4096, 2 * this.probabilities.length));
      grown.set(this.probabilities);
      this.probabilities = grown;
    }
    this.probabilities.set(scores, this.frames * classes);
    if (this.frames === 0) {
      /* The first window begins with the sound, so its end is its length. */
      this.first = isOfWindows ? seconds / 2 : seconds;
      this.started = seconds;
    }
    if (this.frames === 1) this.hop = seconds - this.started;
    this.frames += 1;
  }

  /** Returns the probability of a class at a frame. */
  at(frame, label) {
    return this.probabilities[frame * this.labels.length + label];
  }

  /** Returns the frame at a time; before the first and after the last one, that frame for a hop or 50 ms, else undefined. */
  frameAt(seconds) {
    const position = (seconds - this.first) / this.hop;
    const frame = Math.min(Math.max(Math.round(position), 0), this.frames - 1);
    return Math.abs(position - frame) <= Math.max(1, 0.05 / this.hop) ? frame : undefined;
  }

  /** Returns the labels with the highest peaks, at most `count`, in the order of the model. */
  highest(count) {
    const peaks = this.labels.map(() => 0);
    for (let frame = 0; frame < this.frames; frame++) {
      for (let label = 0; label < peaks.length; label++) peaks[label] = Math.max(peaks[label], this.at(frame, label));
    }
    const order = [...peaks.keys()].sort((a, b) => peaks[b] - peaks[a]);
    return order.slice(0, count).sort((a, b) => a - b);
  }
}
