//! Magnitudes of the short-time Fourier transform.

use super::LibrosaStftConfig;
use crate::framing::{Framing, NonzeroRange};
use crate::sample::{Exponent, Sample, check_overflow};
use crate::stft::Stft;
use crate::stream::{UncenteredFrames, check_uncentered};
use crate::{Extractor, FeatureError, Streaming};

impl LibrosaStftConfig {
    /// Builds the extractor.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaStftConfig::check`].
    pub fn init(&self) -> Result<LibrosaStft, FeatureError> {
        self.check()?;
        let framing =
            Framing { length: self.n_fft, hop: self.hop(), pad: self.center.then_some(self.pad_mode) };
        Ok(LibrosaStft { stft: Stft::new(framing, self.window.periodic(self.window_length())) })
    }

    /// Builds the streaming extractor.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaStftConfig::check`]; [`FeatureError::NeedsWholeClip`] with
    /// `center`.
    pub fn stream<S: Sample>(&self) -> Result<Streaming<LibrosaStft, S>, FeatureError> {
        check_uncentered(self.center)?;
        Ok(Streaming::new(self.init()?, self.uncentered_frames()))
    }

    pub(super) fn uncentered_frames(&self) -> UncenteredFrames {
        UncenteredFrames { length: self.n_fft, hop: self.hop(), pad: 0 }
    }
}

/// Extractor of magnitudes of the short-time Fourier transform; made by [`LibrosaStftConfig::init`].
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
        let frames = self.stft.framing().require_frames(samples.len())?;
        let clip = NonzeroRange::from_samples(samples)?;
        let width = self.stft.bins();
        values.clear();
        values.resize(frames * width, S::default());
        for (t, frame) in values.chunks_exact_mut(width).enumerate() {
            if !self.stft.is_silent(t, &clip) {
                self.stft.powers(samples, t, Exponent::One, frame);
                check_overflow(frame, t)?;
            }
        }
        Ok(frames)
    }
}
