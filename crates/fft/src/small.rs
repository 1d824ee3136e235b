//! Transforms in little code, for WebAssembly modules: rustfft's planner compiles its code for every length, half a megabyte.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Direction, Fft, FftDirection, FftNum, Length};

/// Above it, a prime factor is transformed as a convolution.
const MAX_RADIX: usize = 31;

/// Returns the transform of a length.
pub(crate) fn plan<T: FftNum>(length: usize, direction: FftDirection) -> Arc<dyn Fft<T>> {
    let factors = factors(length);
    match factors.iter().any(|&factor| factor > MAX_RADIX) {
        true => Arc::new(Bluestein::new(length, direction)),
        false => Arc::new(Stockham::new(length, &factors, direction)),
    }
}

/// Returns the factors of a length: fours, then primes.
fn factors(mut length: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut factor = 4;
    while length > 1 {
        while length.is_multiple_of(factor) {
            found.push(factor);
            length /= factor;
        }
        factor = match factor {
            4 => 2,
            2 => 3,
            // What is left is a prime.
            _ if factor * factor > length => length,
            _ => factor + 2,
        };
    }
    found
}

/// Returns exp(-2 pi i n / length), conjugated for the inverse.
fn root<T: FftNum>(n: usize, length: usize, direction: FftDirection) -> Complex<T> {
    let turns = (n % length) as f64 / length as f64;
    let angle = match direction {
        FftDirection::Forward => -std::f64::consts::TAU * turns,
        FftDirection::Inverse => std::f64::consts::TAU * turns,
    };
    let number = |value: f64| T::from_f64(value).unwrap_or_else(T::zero);
    Complex::new(number(angle.cos()), number(angle.sin()))
}

/// Stockham's algorithm: one pass per factor, from one buffer to the other, without a permutation.
///
/// A pass with factor p over transforms of length n = p m at a stride s computes, for q < m and t < p,
/// y\[s (p q + t)\] = exp(-2 pi i q t / n) times the sum over r of x\[s (q + m r)\] exp(-2 pi i r t / p).
struct Stockham<T> {
    length: usize,
    direction: FftDirection,
    passes: Vec<Pass<T>>,
}

struct Pass<T> {
    radix: usize,
    /// m, the length of the transforms of the next pass.
    next: usize,
    /// Distance of the values of a transform.
    stride: usize,
    /// exp(-2 pi i q t / n), [m, p].
    twiddles: Vec<Complex<T>>,
    /// exp(-2 pi i r t / p), [p, p].
    roots: Vec<Complex<T>>,
}

impl<T: FftNum> Stockham<T> {
    fn new(length: usize, factors: &[usize], direction: FftDirection) -> Stockham<T> {
        let (mut rest, mut stride) = (length, 1);
        let pass = |&radix: &usize| {
            let (whole, next) = (rest, rest / radix);
            let grid = |rows: usize, length: usize| {
                let cells = (0..rows).flat_map(|row| (0..radix).map(move |column| row * column));
                cells.map(|n| root(n, length, direction)).collect()
            };
            let pass = Pass { radix, next, stride, twiddles: grid(next, whole), roots: grid(radix, radix) };
            (rest, stride) = (next, stride * radix);
            pass
        };
        Stockham { length, direction, passes: factors.iter().map(pass).collect() }
    }
}

impl<T: FftNum> Pass<T> {
    fn run(&self, from: &[Complex<T>], to: &mut [Complex<T>], direction: FftDirection) {
        let Pass { radix, next, stride, .. } = *self;
        for q in 0..next {
            let twiddles = &self.twiddles[q * radix..][..radix];
            let sources = |r: usize| &from[stride * (q + next * r)..][..stride];
            let block = &mut to[stride * radix * q..][..stride * radix];
            match radix {
                2 => {
                    let (a, b) = (sources(0), sources(1));
                    let (sums, differences) = block.split_at_mut(stride);
                    for k in 0..stride {
                        sums[k] = a[k] + b[k];
                        differences[k] = (a[k] - b[k]) * twiddles[1];
                    }
                }
                4 => {
                    let (a, b, c, d) = (sources(0), sources(1), sources(2), sources(3));
                    let (first, last) = block.split_at_mut(2 * stride);
                    let ((y0, y1), (y2, y3)) = (first.split_at_mut(stride), last.split_at_mut(stride));
                    for k in 0..stride {
                        let (even, odd) = (a[k] + c[k], b[k] + d[k]);
                        let (across, z) = (a[k] - c[k], b[k] - d[k]);
                        // Times -i, or i for the inverse.
                        let turned = match direction {
                            FftDirection::Forward => Complex::new(z.im, -z.re),
                            FftDirection::Inverse => Complex::new(-z.im, z.re),
                        };
                        y0[k] = even + odd;
                        y1[k] = (across + turned) * twiddles[1];
                        y2[k] = (even - odd) * twiddles[2];
                        y3[k] = (across - turned) * twiddles[3];
                    }
                }
                _ => {
                    for (t, row) in block.chunks_exact_mut(stride).enumerate() {
                        let roots = &self.roots[t * radix..][..radix];
                        row.copy_from_slice(sources(0));
                        for (r, &root) in roots.iter().enumerate().skip(1) {
                            for (y, &x) in row.iter_mut().zip(sources(r)) {
                                *y = *y + x * root;
                            }
                        }
                        row.iter_mut().for_each(|y| *y = *y * twiddles[t]);
                    }
                }
            }
        }
    }
}

/// Bluestein's algorithm, for lengths with large prime factors: since n k = (n^2 + k^2 - (k - n)^2) / 2, the transform is a
/// convolution with exp(pi i n^2 / N), here by transforms of a power of two.
struct Bluestein<T> {
    length: usize,
    direction: FftDirection,
    forward: Stockham<T>,
    inverse: Stockham<T>,
    /// exp(-pi i n^2 / N).
    chirp: Vec<Complex<T>>,
    /// Transform of the conjugated chirp, divided by its length.
    kernel: Vec<Complex<T>>,
}

impl<T: FftNum> Bluestein<T> {
    fn new(length: usize, direction: FftDirection) -> Bluestein<T> {
        let padded = (2 * length - 1).next_power_of_two();
        let factors = factors(padded);
        let forward = Stockham::new(padded, &factors, FftDirection::Forward);
        let inverse = Stockham::new(padded, &factors, FftDirection::Inverse);
        // The square is reduced while it is an integer, so that the angle is exact.
        let square = |n: usize| (n as u128 * n as u128 % (2 * length as u128)) as usize;
        let chirp: Vec<Complex<T>> = (0..length).map(|n| root(square(n), 2 * length, direction)).collect();
        let mut kernel = vec![Complex::new(T::zero(), T::zero()); padded];
        let scale = T::from_f64(1.0 / padded as f64).unwrap_or_else(T::zero);
        for (n, value) in chirp.iter().enumerate() {
            kernel[n] = value.conj() * scale;
            kernel[(padded - n) % padded] = kernel[n];
        }
        forward.process(&mut kernel);
        Bluestein { length, direction, forward, inverse, chirp, kernel }
    }
}

/// Implements rustfft's trait by a function of a buffer and its scratch.
macro_rules! transform {
    ($name:ident, $scratch_length:expr, $run:expr) => {
        impl<T> Length for $name<T> {
            fn len(&self) -> usize {
                self.length
            }
        }

        impl<T> Direction for $name<T> {
            fn fft_direction(&self) -> FftDirection {
                self.direction
            }
        }

        impl<T: FftNum> Fft<T> for $name<T> {
            fn process_with_scratch(&self, buffer: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
                let scratch = &mut scratch[..self.get_inplace_scratch_len()];
                for values in buffer.chunks_exact_mut(self.length) {
                    $run(self, values, scratch);
                }
            }

            fn process_outofplace_with_scratch(
                &self,
                input: &mut [Complex<T>],
                output: &mut [Complex<T>],
                scratch: &mut [Complex<T>],
            ) {
                self.process_immutable_with_scratch(input, output, scratch);
            }

            fn process_immutable_with_scratch(
                &self,
                input: &[Complex<T>],
                output: &mut [Complex<T>],
                scratch: &mut [Complex<T>],
            ) {
                output.copy_from_slice(input);
                self.process_with_scratch(output, scratch);
            }

            fn get_inplace_scratch_len(&self) -> usize {
                $scratch_length(self)
            }

            fn get_outofplace_scratch_len(&self) -> usize {
                self.get_inplace_scratch_len()
            }

            fn get_immutable_scratch_len(&self) -> usize {
                self.get_inplace_scratch_len()
            }
        }
    };
}

transform!(
    Stockham,
    |fft: &Stockham<T>| fft.length,
    |fft: &Stockham<T>, values: &mut [Complex<T>], scratch: &mut [Complex<T>]| {
        let (mut from, mut to) = (&mut *values, scratch);
        for pass in &fft.passes {
            pass.run(from, to, fft.direction);
            (from, to) = (to, from);
        }
        if !fft.passes.len().is_multiple_of(2) {
            to.copy_from_slice(from);
        }
    }
);

transform!(
    Bluestein,
    |fft: &Bluestein<T>| 2 * fft.kernel.len(),
    |fft: &Bluestein<T>, values: &mut [Complex<T>], scratch: &mut [Complex<T>]| {
        let (padded, scratch) = scratch.split_at_mut(fft.kernel.len());
        padded.fill(Complex::new(T::zero(), T::zero()));
        for ((to, &value), &chirp) in padded.iter_mut().zip(&*values).zip(&fft.chirp) {
            *to = value * chirp;
        }
        fft.forward.process_with_scratch(padded, scratch);
        padded.iter_mut().zip(&fft.kernel).for_each(|(value, &factor)| *value = *value * factor);
        fft.inverse.process_with_scratch(padded, scratch);
        for ((to, &value), &chirp) in values.iter_mut().zip(&*padded).zip(&fft.chirp) {
            *to = value * chirp;
        }
    }
);
