//! Spectrum of one frame.

use std::fmt;
use std::sync::Arc;

use bytemuck::Pod;
use num_complex::Complex;
use stapes_fft::{Fft, Number};

use crate::sample::Sample;
use crate::simd::{Aligned, with_simd};

/// Number of pairs of bins computed at once.
const LANES: usize = 8;

/// Number type of spectra.
pub(crate) trait Real: Sample + Number + Pod {}

impl Real for f32 {}
impl Real for f64 {}

/// Fourier transform of real frames of one length; clones share the tables and own their buffers.
///
/// For an even length N = 2 M, pairs of samples are M complex numbers z with the transform Z, and the
/// spectrum is X\[k\] = h + t, X\[M - k\] = conj(h - t) with h = (Z\[k\] + conj(Z\[M - k\])) / 2 and
/// t = (Z\[k\] - conj(Z\[M - k\])) exp(-2 pi i k / N) / 2i.
#[derive(Clone)]
pub(crate) struct Spectrum<R: Real> {
    points: usize,
    transform: Arc<dyn Fft<R>>,
    /// exp(-2 pi i k / N) / 2 for k = 1.., real and imaginary parts; empty for an odd length.
    twiddles: Arc<[Aligned<R>; 2]>,
    /// The frame, then its transform: pairs of samples, or samples and zeros for an odd length.
    packed: Aligned<Complex<R>>,
    /// Scratch of the transform; then the real and the imaginary parts of its result.
    scratch: Aligned<Complex<R>>,
}

impl<R: Real> Spectrum<R> {
    /// Builds the tables for `points` points, at least 1.
    pub(crate) fn new(points: usize) -> Spectrum<R> {
        let even = points.is_multiple_of(2);
        let length = if even { points / 2 } else { points };
        let transform = R::forward(length);
        let angles = (1..if even { length.div_ceil(2) } else { 1 })
            .map(|k| -std::f64::consts::TAU * k as f64 / points as f64);
        let halves = |part: fn(f64) -> f64| {
            Aligned::from_slice(&angles.clone().map(|angle| R::narrow(0.5 * part(angle))).collect::<Vec<_>>())
        };
        let twiddles = [halves(f64::cos), halves(f64::sin)];
        let zero = <R as Default>::default();
        Spectrum {
            points,
            packed: Aligned::filled(Complex::new(zero, zero), length),
            scratch: Aligned::filled(
                Complex::new(zero, zero),
                transform.get_inplace_scratch_len().max(length),
            ),
            twiddles: Arc::new(twiddles),
            transform,
        }
    }

    /// Returns the length of the transform.
    pub(crate) fn points(&self) -> usize {
        self.points
    }

    /// Returns the number of bins, points / 2 + 1.
    pub(crate) fn bins(&self) -> usize {
        self.points / 2 + 1
    }

    /// Computes |X|^2 of each bin of a frame; see [`Spectrum::for_each_bin`].
    pub(crate) fn powers(&mut self, filled: usize, write: impl FnOnce(&mut [R]), powers: &mut [R]) {
        self.for_each_bin((filled, write), powers, |re, im| re * re + im * im);
    }

    /// Computes `map` of the real and imaginary part of each bin of a frame. `write` fills in its first
    /// samples; the others are zeros. The sign of a part is unspecified.
    ///
    /// # Shapes
    /// write \[filled\], filled at most `points` -> values \[bins\]
    pub(crate) fn for_each_bin<S: Sample>(
        &mut self,
        (filled, write): (usize, impl FnOnce(&mut [R])),
        values: &mut [S],
        map: impl Fn(R, R) -> S + Copy,
    ) {
        let frame: &mut [R] = bytemuck::cast_slice_mut(&mut self.packed);
        let (frame, _) = frame.split_at_mut(self.points);
        let (written, zeros) = frame.split_at_mut(filled);
        write(written);
        // Overwrites the previous transform.
        zeros.fill(<R as Default>::default());
        if self.points.is_multiple_of(2) {
            self.transform.process_with_scratch(&mut self.packed, &mut self.scratch);
            let Spectrum { packed, scratch, twiddles, .. } = self;
            let parts: &mut [R] = bytemuck::cast_slice_mut(&mut scratch[..packed.len()]);
            let (re, im) = parts.split_at_mut(packed.len());
            with_simd(
                #[inline(always)]
                || {
                    split_complex(packed, re, im);
                    unpack_pairs((re, im), twiddles, values, map);
                },
            );
        } else {
            interleave_zeros(&mut self.packed);
            self.transform.process_with_scratch(&mut self.packed, &mut self.scratch);
            for (value, bin) in values.iter_mut().zip(&self.packed[..self.points / 2 + 1]) {
                *value = map(bin.re, bin.im);
            }
        }
    }
}

/// Expands samples in the first half to complex numbers with imaginary parts of zero.
fn interleave_zeros<R: Real>(packed: &mut [Complex<R>]) {
    let frame: &mut [R] = bytemuck::cast_slice_mut(packed);
    for n in (0..frame.len() / 2).rev() {
        frame[2 * n] = frame[n];
        frame[2 * n + 1] = <R as Default>::default();
    }
}

/// Splits complex numbers into real and imaginary parts.
#[inline(always)]
fn split_complex<R: Real>(numbers: &[Complex<R>], re: &mut [R], im: &mut [R]) {
    for ((number, re), im) in numbers.iter().zip(re).zip(im) {
        *re = number.re;
        *im = number.im;
    }
}

/// Computes the bins of a frame from the transform of its pairs of samples.
#[inline(always)]
fn unpack_pairs<R: Real, S: Sample>(
    (re, im): (&[R], &[R]),
    [cosines, sines]: &[Aligned<R>; 2],
    values: &mut [S],
    map: impl Fn(R, R) -> S + Copy,
) {
    let (length, pairs) = (re.len(), cosines.len());
    let zero = <R as Default>::default();
    values[0] = map(re[0] + im[0], zero);
    values[length] = map(re[0] - im[0], zero);
    if length.is_multiple_of(2) {
        values[length / 2] = map(re[length / 2], im[length / 2]);
    }
    let (low, high) = values[1..length].split_at_mut(pairs);
    let high_from = high.len() - pairs;
    let high = &mut high[high_from..];
    let tail = length - pairs;
    let bins = Bins { low: [&re[1..=pairs], &im[1..=pairs]], high: [&re[tail..], &im[tail..]] };
    let whole = pairs / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        bins.compute_block::<S, LANES>([cosines, sines], at, (low, high), map);
    }
    for at in whole..pairs {
        bins.compute_block::<S, 1>([cosines, sines], at, (low, high), map);
    }
}

/// Low bins 1.. and the high bins paired with them, which end with the last bin.
struct Bins<'a, R> {
    low: [&'a [R]; 2],
    high: [&'a [R]; 2],
}

impl<R: Real> Bins<'_, R> {
    /// Computes WIDTH pairs from index `at` on.
    #[inline(always)]
    fn compute_block<S: Sample, const WIDTH: usize>(
        &self,
        [cosines, sines]: [&[R]; 2],
        at: usize,
        (low, high): (&mut [S], &mut [S]),
        map: impl Fn(R, R) -> S,
    ) {
        let mirrored = cosines.len() - at - WIDTH;
        let [re, im] = self.low.map(|part| lanes::<R, WIDTH>(part, at));
        let [mut re_high, mut im_high] = self.high.map(|part| lanes::<R, WIDTH>(part, mirrored));
        re_high.reverse();
        im_high.reverse();
        let (cosines, sines) = (lanes::<R, WIDTH>(cosines, at), lanes::<R, WIDTH>(sines, at));
        let half = R::narrow(0.5);
        let (mut rising, mut falling) = ([S::default(); WIDTH], [S::default(); WIDTH]);
        for lane in 0..WIDTH {
            let (sum_re, sum_im) = (re[lane] + re_high[lane], im[lane] + im_high[lane]);
            let (apart_re, apart_im) = (re[lane] - re_high[lane], im[lane] - im_high[lane]);
            let t_re = sum_im * cosines[lane] + apart_re * sines[lane];
            let t_im = sum_im * sines[lane] - apart_re * cosines[lane];
            let (h_re, h_im) = (half * sum_re, half * apart_im);
            rising[lane] = map(h_re + t_re, h_im + t_im);
            falling[lane] = map(h_re - t_re, h_im - t_im);
        }
        falling.reverse();
        low[at..at + WIDTH].copy_from_slice(&rising);
        high[mirrored..mirrored + WIDTH].copy_from_slice(&falling);
    }
}

/// Returns WIDTH values from index `at` on, or zeros if there are too few.
#[inline(always)]
fn lanes<R: Real, const WIDTH: usize>(values: &[R], at: usize) -> [R; WIDTH] {
    match values[at..].first_chunk::<WIDTH>() {
        Some(lanes) => *lanes,
        None => [<R as Default>::default(); WIDTH],
    }
}

impl<R: Real> fmt::Debug for Spectrum<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Spectrum").field("points", &self.points).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn powers_equal_their_definition_on_repeated_use() {
        for (points, filled) in [
            (1usize, 1usize),
            (2, 2),
            (3, 3),
            (4, 4),
            (6, 6),
            (8, 5),
            (15, 15),
            (30, 30),
            (64, 40),
            (100, 99),
        ] {
            let mut spectrum = Spectrum::<f64>::new(points);
            assert_eq!(spectrum.bins(), points / 2 + 1);
            // Room after the bins stays unchanged.
            let mut powers = vec![7.0; points / 2 + 9];
            for seed in [3usize, 7] {
                let sample = |n: usize| ((n * n * seed) % 23) as f64 - 9.0;
                let write = |frame: &mut [f64]| {
                    frame.iter_mut().enumerate().for_each(|(n, value)| *value = sample(n));
                };
                spectrum.powers(filled, write, &mut powers);
                assert_eq!(powers[points / 2 + 1..], [7.0; 8]);
                for (k, power) in powers[..points / 2 + 1].iter().enumerate() {
                    let angle = |n: usize| TAU * ((k * n) % points) as f64 / points as f64;
                    let re: f64 = (0..filled).map(|n| sample(n) * angle(n).cos()).sum();
                    let im: f64 = (0..filled).map(|n| sample(n) * angle(n).sin()).sum();
                    assert!((power - (re * re + im * im)).abs() < 1e-9, "{points} {k}");
                }
            }
        }
    }
}
