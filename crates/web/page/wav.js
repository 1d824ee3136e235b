/* WAV files. */

const PCM = 1;
const EXTENSIBLE = 0xfffe;

/**
 * Returns samples and sample rate of a file with 16 bits, the most common kind; channels are averaged. Other files are undefined. The
 * samples are those of the command line; `decodeAudioData` of some browsers has another scale for positive ones.
 */
export function readWav(view) {
  const letters = (at) => (at + 4 <= view.byteLength ? String.fromCharCode(...new Uint8Array(view.buffer, at, 4)) : "");
  if (letters(0) !== "RIFF" || letters(8) !== "WAVE") return undefined;
  let format;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    const [start, end] = [at + 8, Math.min(at + 8 + size, view.byteLength)];
    if (letters(at) === "fmt " && end - start >= 16) format = readFormat(view, start, end);
    if (letters(at) === "data") return format && { samples: readSamples(view, start, end, format.channels), sampleRate: format.sampleRate };
    at = start + size + (size % 2);
  }
  return undefined;
}

function readFormat(view, start, end) {
  const tag = view.getUint16(start, true);
  const kind = tag === EXTENSIBLE && end - start >= 26 ? view.getUint16(start + 24, true) : tag;
  const [channels, sampleRate, bits] = [view.getUint16(start + 2, true), view.getUint32(start + 4, true), view.getUint16(start + 14, true)];
  const isKnown = kind === PCM && bits === 16 && channels > 0 && sampleRate >= 100 && sampleRate <= 768_000;
  return isKnown ? { channels, sampleRate } : undefined;
}

function readSamples(view, start, end, channels) {
  const samples = new Float32Array(Math.floor((end - start) / 2 / channels));
  for (let at = 0; at < samples.length; at++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += view.getInt16(start + 2 * (at * channels + channel), true) / 32768;
    samples[at] = sum / channels;
  }
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
