//! Magnitudes of the short-time spectrum.

use super::LibrosaStftConfig;
use crate::framing::{Framing, Sounding};
use crate::sample::{Exponent, Sample, all_numbers};
use crate::stft::Stft;
use crate::stream::{Cut, uncentred};
use crate::{Extractor, FeatureError, Uncentred};

impl LibrosaStftConfig {
    /// The extractor of these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaStftConfig::check`].
    pub fn init(&self) -> Result<LibrosaStft, FeatureError> {
        self.check()?;
        let framing =
            Framing { length: self.n_fft, hop: self.hop(), pad: self.center.then_some(self.pad_mode) };
        Ok(LibrosaStft { stft: Stft::new(framing, self.window.periodic(self.window_length())) })
    }

    /// The same for samples that arrive piece by piece.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaStftConfig::check`]; [`FeatureError::NeedsWholeClip`] with `center`.
    pub fn stream<S: Sample>(&self) -> Result<Uncentred<LibrosaStft, S>, FeatureError> {
        uncentred(self.center)?;
        Ok(Uncentred::new(self.init()?, self.cut()))
    }

    pub(super) fn cut(&self) -> Cut {
        Cut { length: self.n_fft, hop: self.hop(), pad: 0 }
    }
}

/// Magnitudes of the short-time spectrum; made by [`LibrosaStftConfig::init`].
#[derive(Clone, Debug)]
pub struct LibrosaStft {
    pub(super) stft: Stft,
}

impl<S: Sample> Extractor<S> for LibrosaStft {
    fn width(&self) -> usize {
        self.stft.bins()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.stft.framing().frames(samples)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        let frames = self.stft.framing().at_least_one(samples.len())?;
        let clip = Sounding::of(samples)?;
        let width = self.stft.bins();
        values.clear();
        values.resize(frames * width, S::default());
        for (t, frame) in values.chunks_exact_mut(width).enumerate() {
            if !self.stft.is_silent(t, &clip) {
                self.stft.powers(samples, t, Exponent::One, frame);
                all_numbers(frame, t)?;
            }
        }
        Ok(frames)
    }
}
