/* Recordings for the tests, from the spoken digits of FSDD. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Samples per second of FSDD. */
export const RATE = 8000;

const folder = join(process.env.STAPES_DATA, "fsdd/recordings");

/** Reason for which tests are skipped, or false; without the recordings they fail if fixtures are required. */
export const skip = existsSync(folder) || process.env.STAPES_REQUIRE_FIXTURES === "1" ? false : "STAPES_DATA: folder fsdd/recordings is missing";

/** Path of a recording of "seven". */
export const SEVEN = join(folder, "7_theo_3.wav");

/** Returns the samples of a WAV file with 16 bits. */
export function samples(bytes) {
  const at = bytes.indexOf("data") + 8;
  return Array.from({ length: (bytes.length - at) / 2 }, (_, number) => bytes.readInt16LE(at + 2 * number));
}

function wav(values) {
  const bytes = Buffer.alloc(44 + 2 * values.length);
  bytes.write("RIFF");
  bytes.writeUInt32LE(36 + 2 * values.length, 4);
  bytes.write("WAVEfmt ", 8);
  [16, 1 | (1 << 16), RATE, 2 * RATE, 2 | (16 << 16)].forEach((value, at) => bytes.writeUInt32LE(value, 16 + 4 * at));
  bytes.write("data", 36);
  bytes.writeUInt32LE(2 * values.length, 40);
  values.forEach((value, at) => bytes.writeInt16LE(value, 44 + 2 * at));
  return bytes;
}

/* Noise that is the same in every run, at about -66 dB. */
function noise(seconds) {
  let state = 1;
  return Array.from({ length: seconds * RATE }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.round((state / 2 ** 31 - 0.5) * 50);
  });
}

/** Writes phrases of digits with pauses of two seconds, and returns the path. */
export function writePhrases(path) {
  const digit = (number, speaker, take) => samples(readFileSync(join(folder, `${number}_${speaker}_${take}.wav`)));
  const phrase = (speaker) => [3, 1, 7, 2, 9].flatMap((number) => digit(number, speaker, 5));
  writeFileSync(path, wav([...noise(1), ...phrase("theo"), ...noise(2), ...phrase("jackson"), ...noise(2), ...phrase("nicolas"), ...noise(1)]));
  return path;
}
