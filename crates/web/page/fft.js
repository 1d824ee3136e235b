/* Power spectrum of real samples. */

/** A Fourier transform of `size` samples, a power of two. */
export class Fft {
  constructor(size) {
    this.size = size;
    this.real = new Float32Array(size);
    this.imaginary = new Float32Array(size);
    this.reversed = new Uint32Array(size);
    for (let at = 0; at < size; at++) this.reversed[at] = (this.reversed[at >> 1] >> 1) | (at & 1 ? size >> 1 : 0);
    const angles = Array.from({ length: size / 2 }, (_, at) => (-2 * Math.PI * at) / size);
    this.cosine = Float32Array.from(angles, Math.cos);
    this.sine = Float32Array.from(angles, Math.sin);
  }

  /** Writes the power of the frequencies 0 to half the sample rate, [size / 2], of windowed samples. */
  power(samples, result) {
    const { size, real, imaginary, reversed, cosine, sine } = this;
    for (let at = 0; at < size; at++) real[reversed[at]] = samples[at];
    imaginary.fill(0);
    for (let length = 2; length <= size; length *= 2) {
      const half = length / 2;
      const stride = size / length;
      for (let block = 0; block < size; block += length) {
        for (let at = 0; at < half; at++) {
          const low = block + at;
          const high = low + half;
          const c = cosine[at * stride];
          const s = sine[at * stride];
          const re = real[high] * c - imaginary[high] * s;
          const im = real[high] * s + imaginary[high] * c;
          real[high] = real[low] - re;
          imaginary[high] = imaginary[low] - im;
          real[low] += re;
          imaginary[low] += im;
        }
      }
    }
    for (let at = 0; at < size / 2; at++) result[at] = real[at] * real[at] + imaginary[at] * imaginary[at];
  }
}
