//! The power spectrum of one frame.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{FftNum, RealFftPlanner, RealToComplex};

/// A real transform, its tables shared between clones, its buffers its own.
#[derive(Clone)]
pub(crate) struct PowerSpectrum<R: FftNum> {
    transform: Arc<dyn RealToComplex<R>>,
    frame: Vec<R>,
    bins: Vec<Complex<R>>,
    scratch: Vec<Complex<R>>,
}

impl<R: FftNum> PowerSpectrum<R> {
    /// Spectra of `points` points, at least 1.
    pub(crate) fn new(points: usize) -> PowerSpectrum<R> {
        let transform = RealFftPlanner::new().plan_fft_forward(points);
        PowerSpectrum {
            frame: transform.make_input_vec(),
            bins: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
        }
    }

    /// The number of frequencies, points / 2 + 1.
    pub(crate) fn bins(&self) -> usize {
        self.bins.len()
    }

    /// |X|^2 of a frame whose first samples `write` fills in; the others are zeros.
    ///
    /// # Shapes
    /// write \[filled\], filled at most `points` -> powers \[bins\]
    pub(crate) fn powers(&mut self, filled: usize, write: impl FnOnce(&mut [R]), powers: &mut [R]) {
        let (frame, zeros) = self.frame.split_at_mut(filled);
        write(frame);
        // The transform leaves its own numbers in its input.
        zeros.fill(R::zero());
        let transformed =
            self.transform.process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch);
        // The one thing it can object to is the length of its buffers, which it made itself.
        debug_assert!(transformed.is_ok());
        for (power, bin) in powers.iter_mut().zip(&self.bins) {
            *power = bin.re * bin.re + bin.im * bin.im;
        }
    }
}

impl<R: FftNum> fmt::Debug for PowerSpectrum<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PowerSpectrum").field("points", &self.frame.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn powers_equal_the_transforms_definition_again_and_again() {
        for (points, filled) in [(1usize, 1usize), (2, 2), (8, 5), (15, 15), (64, 40)] {
            let mut spectrum = PowerSpectrum::<f64>::new(points);
            assert_eq!(spectrum.bins(), points / 2 + 1);
            let mut powers = vec![f64::NAN; points / 2 + 1];
            for seed in [3usize, 7] {
                let sample = |n: usize| ((n * n * seed) % 23) as f64 - 9.0;
                let write = |frame: &mut [f64]| {
                    frame.iter_mut().enumerate().for_each(|(n, value)| *value = sample(n));
                };
                spectrum.powers(filled, write, &mut powers);
                for (k, power) in powers.iter().enumerate() {
                    let angle = |n: usize| TAU * ((k * n) % points) as f64 / points as f64;
                    let re: f64 = (0..filled).map(|n| sample(n) * angle(n).cos()).sum();
                    let im: f64 = (0..filled).map(|n| sample(n) * angle(n).sin()).sum();
                    assert!((power - (re * re + im * im)).abs() < 1e-9, "{points} {k}");
                }
            }
        }
    }
}
