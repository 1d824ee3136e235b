/* Sounds: files as samples, and samples as WAV. */

import { sampleRateOf } from "./sample-rate.js";

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
  const rate = sampleRateOf(new Uint8Array(bytes));
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    throw new Error(`"${file.name}" is not a sound that the browser can read; choose a WAV, FLAC, MP3, M4A or Ogg file.`);
  }
  if (decoded.length === 0) throw new Error(`"${file.name}" has no samples; choose another recording.`);
  return new Sound(file.name, mixed(decoded), decoded.sampleRate);
}

function mixed(buffer) {
  const samples = buffer.getChannelData(0);
  for (let channel = 1; channel < buffer.numberOfChannels; channel++) {
    buffer.getChannelData(channel).forEach((value, at) => (samples[at] += value));
  }
  if (buffer.numberOfChannels > 1) samples.forEach((value, at) => (samples[at] = value / buffer.numberOfChannels));
  return samples;
}

/** Returns a WAV file of samples with 16 bits, or with 32 bits as floating point. */
export function wav(samples, sampleRate, bits = 16) {
  const bytes = (samples.length * bits) / 8;
  const view = new DataView(new ArrayBuffer(44 + bytes));
  const text = (offset, letters) => [...letters].forEach((letter, at) => view.setUint8(offset + at, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, bits === 32 ? 3 : 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, (sampleRate * bits) / 8, true);
  view.setUint16(32, bits / 8, true);
  view.setUint16(34, bits, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  if (bits === 32) samples.forEach((value, at) => view.setFloat32(44 + 4 * at, value, true));
  else samples.forEach((value, at) => view.setInt16(44 + 2 * at, Math.max(-32768, Math.min(32767, Math.round(value * 32768))), true));
  return new Blob([view], { type: "audio/wav" });
}
