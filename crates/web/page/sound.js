/* Sounds: files as samples. */

import { sampleRateOf } from "./sample-rate.js";
import { readWav } from "./wav.js";

/* Larger files need more memory than a browser has, because they are decoded as a whole. */
const MAX_BYTES = 300e6;

/** A mono recording: samples from -1 to 1 with their rate. */
export class Sound {
  constructor(name, samples, sampleRate) {
    Object.assign(this, { name, samples, sampleRate });
    /* At least .02, so that silence is not drawn as noise. */
    this.peak = samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0.02);
  }

  get seconds() {
    return this.samples.length / this.sampleRate;
  }
}

/** Decodes a file at its own sample rate; channels are averaged. Rejects with a fact and advice. */
export async function decode(file) {
  if (file.size === 0) throw new Error(`"${file.name}" is empty; choose a recording.`);
  if (file.size > MAX_BYTES) throw new Error(`"${file.name}" has more than 300 MB; cut the recording into parts.`);
  let bytes;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    throw new Error(`"${file.name}" cannot be read; check that it is a file that you may open.`);
  }
  const own = readWav(new DataView(bytes));
  if (own?.samples.length > 0) return new Sound(file.name, own.samples, own.sampleRate);
  const rate = sampleRateOf(new Uint8Array(bytes));
  let decoded;
  try {
    decoded = await decoderFor(rate).decodeAudioData(bytes);
  } catch {
    throw new Error(`"${file.name}" is not a sound that the browser can read; choose a WAV, FLAC, MP3, M4A or Ogg file.`);
  }
  if (decoded.length === 0) throw new Error(`"${file.name}" has no samples; choose another recording.`);
  return new Sound(file.name, mixed(decoded), decoded.sampleRate);
}

/* Some browsers have no context of a low rate; the file is resampled there. */
function decoderFor(rate) {
  try {
    return new OfflineAudioContext(1, 1, rate);
  } catch {
    return new OfflineAudioContext(1, 1, 48_000);
  }
}

function mixed(buffer) {
  const samples = buffer.getChannelData(0);
  for (let channel = 1; channel < buffer.numberOfChannels; channel++) {
    buffer.getChannelData(channel).forEach((value, at) => (samples[at] += value));
  }
  if (buffer.numberOfChannels > 1) samples.forEach((value, at) => (samples[at] = value / buffer.numberOfChannels));
  return samples;
}
