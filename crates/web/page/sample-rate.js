/* The sample rate in the header of a sound file. `decodeAudioData` resamples to the rate of its context, so it must be known before. */

/* Rate for formats without a header that is read here; Opus has always this one. */
const USUAL_HZ = 48_000;

const MPEG_HZ = { 3: [44_100, 48_000, 32_000], 2: [22_050, 24_000, 16_000], 0: [11_025, 12_000, 8000] };

/** Returns the sample rate of a file, in Hz; 48000 if its header is not known or has an impossible one. */
export function sampleRateOf(bytes) {
  const rate = [wavRate, flacRate, vorbisRate, mp3Rate].map((read) => read(bytes)).find((found) => found !== undefined);
  return rate >= 3000 && rate <= 768_000 ? rate : USUAL_HZ;
}

const letters = (bytes, offset, count) => String.fromCharCode(...bytes.subarray(offset, offset + count));
const little = (bytes, offset) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);

function wavRate(bytes) {
  if (letters(bytes, 0, 4) !== "RIFF" || letters(bytes, 8, 4) !== "WAVE") return undefined;
  let at = 12;
  while (at + 16 <= bytes.length) {
    if (letters(bytes, at, 4) === "fmt ") return little(bytes, at + 12);
    const size = little(bytes, at + 4);
    at += 8 + size + (size % 2);
  }
  return undefined;
}

function flacRate(bytes) {
  if (letters(bytes, 0, 4) !== "fLaC" || bytes.length < 42) return undefined;
  return (bytes[18] << 12) | (bytes[19] << 4) | (bytes[20] >> 4);
}

function vorbisRate(bytes) {
  if (letters(bytes, 0, 4) !== "OggS" || bytes.length < 60) return undefined;
  return letters(bytes, 29, 6) === "vorbis" ? little(bytes, 40) : undefined;
}

/* The first frame of layer III, after the tags. */
function mp3Rate(bytes) {
  let at = 0;
  if (letters(bytes, 0, 3) === "ID3" && bytes.length > 10) {
    at = 10 + ((bytes[6] << 21) | (bytes[7] << 14) | (bytes[8] << 7) | bytes[9]);
  }
  if (!(bytes[at] === 0xff && (bytes[at + 1] & 0xe6) === 0xe2)) return undefined;
  return MPEG_HZ[(bytes[at + 1] >> 3) & 3]?.[(bytes[at + 2] >> 2) & 3];
}
