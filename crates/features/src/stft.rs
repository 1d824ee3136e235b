//! Short-time spectra.

use std::sync::Arc;

use num_complex::Complex;

use crate::framing::{Framing, NonzeroRange};
use crate::sample::{Exponent, Sample};
use crate::simd::Aligned;
use crate::spectrum::Spectrum;

/// Spectra of windowed frames.
///
/// Product and transform are f64 for every sample type, as in librosa, whose window is f64.
#[derive(Clone, Debug)]
pub(crate) struct Stft {
    framing: Framing,
    window: Arc<Aligned<f64>>,
    /// Start of the window, which is in the middle of a frame.
    offset: usize,
    spectrum: Spectrum<f64>,
}

impl Stft {
    /// Builds the tables; the window must not be longer than a frame.
    pub(crate) fn new(framing: Framing, window: Vec<f64>) -> Stft {
        Stft {
            framing,
            offset: (framing.length - window.len()) / 2,
            window: Arc::new(Aligned::from_slice(&window)),
            spectrum: Spectrum::new(framing.length),
        }
    }

    pub(crate) fn framing(&self) -> &Framing {
        &self.framing
    }

    /// Returns the window and its first sample within a frame.
    pub(crate) fn window(&self) -> (usize, Vec<f64>) {
        (self.offset, self.window.to_vec())
    }

    /// Returns the number of bins, n_fft / 2 + 1.
    pub(crate) fn bins(&self) -> usize {
        self.spectrum.bins()
    }

    /// Returns true if frame `t` is all zeros, and its spectrum is therefore zero.
    pub(crate) fn is_silent(&self, t: usize, clip: &NonzeroRange) -> bool {
        self.framing.is_silent(t, self.offset..self.offset + self.window.len(), clip)
    }

    /// Computes |X|^exponent of frame `t`; infinite where it overflows the number type.
    ///
    /// # Shapes
    /// -> \[bins\]
    pub(crate) fn powers<S: Sample>(
        &mut self,
        samples: &[S],
        t: usize,
        exponent: Exponent,
        powers: &mut [S],
    ) {
        let Stft { framing, window, offset, spectrum } = self;
        let write = |frame: &mut [f64]| write_windowed(framing, samples, t, (*offset, window), frame);
        let frame = (*offset + window.len(), write);
        match exponent {
            Exponent::Two => spectrum.for_each_bin(frame, powers, S::power),
            Exponent::One => spectrum.for_each_bin(frame, powers, S::magnitude),
            Exponent::Other(exponent) => {
                spectrum.for_each_bin(frame, powers, |re, im| S::magnitude(re, im).raised(exponent));
            }
        }
    }
}

impl Stft {
    /// Writes the windowed samples of frame `t` as complex numbers.
    ///
    /// # Shapes
    /// -> \[n_fft\]
    pub(crate) fn windowed<S: Sample>(&self, samples: &[S], t: usize, frame: &mut [Complex<f64>]) {
        let mut product = vec![0.0; self.offset + self.window.len()];
        write_windowed(&self.framing, samples, t, (self.offset, &self.window), &mut product);
        frame.fill(Complex::new(0.0, 0.0));
        for (number, &product) in frame.iter_mut().zip(&product) {
            number.re = product;
        }
    }
}

/// Writes the part of frame `t` up to the end of the window: zeros, then windowed samples.
fn write_windowed<S: Sample>(
    framing: &Framing,
    samples: &[S],
    t: usize,
    (offset, window): (usize, &[f64]),
    frame: &mut [f64],
) {
    let (before, product) = frame.split_at_mut(offset);
    before.fill(0.0);
    framing.windowed(samples, t, (offset, window), product);
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::Window;
    use crate::framing::PadMode;

    /// Returns |X_k| by the definition of the transform.
    fn naive(frame: &[f64]) -> Vec<f64> {
        let n = frame.len();
        let bin = |k: usize| {
            let part = |wave: fn(f64) -> f64| -> f64 {
                let angle = |i: usize| TAU * ((k * i) % n) as f64 / n as f64;
                frame.iter().enumerate().map(|(i, x)| x * wave(angle(i))).sum()
            };
            part(f64::cos).hypot(part(f64::sin))
        };
        (0..=n / 2).map(bin).collect()
    }

    #[test]
    fn magnitudes_equal_their_definition_for_every_length_and_window() {
        for length in [1usize, 2, 3, 8, 15, 30, 64, 100] {
            for window_length in [1, length.div_ceil(2), length] {
                let framing = Framing { length, hop: 3, pad: Some(PadMode::Constant) };
                let window = Window::Hamming.periodic(window_length);
                let mut stft = Stft::new(framing, window.clone());
                let samples: Vec<f64> = (0..80).map(|n| f64::from(n * n % 23) - 9.0).collect();
                let mut magnitudes = vec![0.0; stft.bins()];
                for t in 0..framing.frames(samples.len()) {
                    stft.powers(&samples, t, Exponent::One, &mut magnitudes);
                    let mut frame = vec![0.0; length];
                    for (n, weight) in window.iter().enumerate() {
                        let at = n + (length - window_length) / 2;
                        let sample = (t * 3 + at).checked_sub(length / 2).and_then(|at| samples.get(at));
                        frame[at] = sample.unwrap_or(&0.0) * weight;
                    }
                    for (got, expected) in magnitudes.iter().zip(naive(&frame)) {
                        assert!(
                            (got - expected).abs() < 1e-10,
                            "{length} {window_length} {t}: {got} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn magnitudes_of_f32_samples_differ_by_rounding_only() {
        let framing = Framing { length: 64, hop: 16, pad: None };
        let samples: Vec<f64> = (0..64).map(|n| f64::from(n * n % 29) - 14.0).collect();
        let narrow: Vec<f32> = samples.iter().map(|&sample| sample as f32).collect();
        let window = Window::Hann.periodic(64);
        let windowed: Vec<f64> =
            samples.iter().zip(&window).map(|(sample, weight)| sample * weight).collect();
        let mut stft = Stft::new(framing, window);
        let (mut one, mut two) = (vec![0f32; 33], vec![0f32; 33]);
        stft.powers(&narrow, 0, Exponent::One, &mut one);
        stft.powers(&narrow, 0, Exponent::Two, &mut two);
        for (k, magnitude) in naive(&windowed).into_iter().enumerate() {
            // Rounding of both parts and of the root.
            let bound = magnitude * 2f64.powi(-23) + 1e-12;
            assert!((f64::from(one[k]) - magnitude).abs() <= bound, "{k}");
            assert!((f64::from(two[k]) - magnitude * magnitude).abs() <= 2.0 * magnitude * bound, "{k}");
        }
    }

    #[test]
    fn tiny_and_huge_f32_magnitudes_do_not_vanish_or_overflow() {
        let framing = Framing { length: 8, hop: 8, pad: None };
        let mut stft = Stft::new(framing, Window::Rectangular.periodic(8));
        let mut magnitudes = [0f32; 5];
        stft.powers(&[1e18f32; 8], 0, Exponent::Two, &mut magnitudes);
        assert!((magnitudes[0] / 6.4e37 - 1.0).abs() < 1e-6);
        for scale in [1e-30f32, 1e-22, 1e20, 1e30] {
            let samples = [scale, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            stft.powers(&samples, 0, Exponent::One, &mut magnitudes);
            for magnitude in magnitudes {
                assert!((magnitude / scale - 1.0).abs() < 1e-6, "{scale} {magnitude}");
            }
        }
        stft.powers(&[1e30f32; 8], 0, Exponent::Two, &mut magnitudes);
        assert_eq!(magnitudes[0], f32::INFINITY);
    }
}
