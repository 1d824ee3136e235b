//! Short-time Fourier transform with its phases.

use std::sync::Arc;

use num_complex::Complex;
use stapes_fft::{Fft, Number};

use super::LibrosaStftConfig;
use crate::FeatureError;
use crate::framing::NonzeroRange;
use crate::sample::Sample;
use crate::stft::Stft;

impl LibrosaStftConfig {
    /// Builds the transform with phases.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaStftConfig::check`].
    ///
    /// # Example
    /// ```
    /// use stapes_features::LibrosaStftConfig;
    ///
    /// let mut stft = LibrosaStftConfig { n_fft: 8, ..Default::default() }.init_complex()?;
    /// let spectrum = stft.extract(&[0.0, 0.0, 0.0, 1.0, 0.0])?;
    /// // The impulse is at sample 3 of frame 2, which starts at sample 0.
    /// assert_eq!(spectrum.len(), 3 * stft.width());
    /// assert!(spectrum[2 * 5 + 1].re < 0.0 && spectrum[2 * 5 + 1].im < 0.0);
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn init_complex(&self) -> Result<LibrosaComplexStft, FeatureError> {
        let stft = self.init()?.stft;
        let transform = f64::forward(self.n_fft);
        let zero = Complex::new(0.0, 0.0);
        let scratch = vec![zero; transform.get_inplace_scratch_len()];
        Ok(LibrosaComplexStft { stft, transform, frame: vec![zero; self.n_fft], scratch })
    }
}

/// Short-time Fourier transform X\[k\] = sum_n x\[n\] exp(-2 pi i k n / n_fft) of each frame; made by
/// [`LibrosaStftConfig::init_complex`].
#[derive(Clone)]
pub struct LibrosaComplexStft {
    stft: Stft,
    transform: Arc<dyn Fft<f64>>,
    frame: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl LibrosaComplexStft {
    /// Returns the number of bins, n_fft / 2 + 1.
    pub fn width(&self) -> usize {
        self.stft.bins()
    }

    /// Returns the spectra of a clip, computed in f64.
    ///
    /// # Shapes
    /// samples \[L\] -> \[T, n_fft / 2 + 1\], the transpose of librosa's
    ///
    /// # Errors
    /// Those of [`Extractor::extract_into`](crate::Extractor::extract_into).
    pub fn extract<S: Sample>(&mut self, samples: &[S]) -> Result<Vec<Complex<S>>, FeatureError> {
        let frames = self.stft.framing().require_frames(samples.len())?;
        let clip = NonzeroRange::from_samples(samples)?;
        let width = self.width();
        let mut spectra = vec![Complex::new(S::default(), S::default()); frames * width];
        for (t, spectrum) in spectra.chunks_exact_mut(width).enumerate() {
            if self.stft.is_silent(t, &clip) {
                continue;
            }
            self.stft.windowed(samples, t, &mut self.frame);
            self.transform.process_with_scratch(&mut self.frame, &mut self.scratch);
            for (bin, value) in spectrum.iter_mut().zip(&self.frame) {
                *bin = Complex::new(S::narrow(value.re), S::narrow(value.im));
                if !(bin.re.is_finite() && bin.im.is_finite()) {
                    return Err(FeatureError::Overflow { frame: t });
                }
            }
        }
        Ok(spectra)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::{Extractor, Window};

    #[test]
    fn spectra_equal_their_definition_and_the_magnitudes() {
        for n_fft in [7usize, 8, 30] {
            let config = LibrosaStftConfig { n_fft, hop_length: Some(3), ..Default::default() };
            let samples: Vec<f64> = (0..60).map(|n| f64::from(n * n % 23) - 9.0).collect();
            let mut stft = config.init_complex().unwrap();
            let spectra = stft.extract(&samples).unwrap();
            let magnitudes = config.init().unwrap().extract(&samples).unwrap();
            for (bin, magnitude) in spectra.iter().zip(magnitudes.values()) {
                assert!((bin.norm() - magnitude).abs() < 1e-9);
            }
            let window = Window::Hann.periodic(n_fft);
            for (index, bin) in spectra.iter().enumerate() {
                let (t, k) = (index / stft.width(), index % stft.width());
                let term = |n: usize| {
                    let at = (t * 3 + n).checked_sub(n_fft / 2);
                    let sample = at.and_then(|at| samples.get(at)).unwrap_or(&0.0);
                    let angle = -TAU * ((k * n) % n_fft) as f64 / n_fft as f64;
                    Complex::from_polar(window[n] * sample, angle)
                };
                let expected: Complex<f64> = (0..n_fft).map(term).sum();
                assert!((bin - expected).norm() < 1e-9, "{n_fft} {t} {k}: {bin} {expected}");
            }
        }
    }
}
