//! Mel bands in decibels.

use super::{LibrosaMel, LibrosaMelDbConfig};
use crate::decibel::{Decibels, Reference};
use crate::framing::Sounding;
use crate::sample::Sample;
use crate::stream::{needs_whole_clip, uncentred, without_floor};
use crate::{Extractor, FeatureError, Uncentred};

impl LibrosaMelDbConfig {
    /// The extractor of these settings for clips of a sample rate, which places the bands.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelDbConfig::check`].
    pub fn init<S: Sample>(&self, sample_rate_hz: u32) -> Result<LibrosaMelDb<S>, FeatureError> {
        self.check(sample_rate_hz)?;
        let decibels = Decibels { reference: self.reference, least_power: self.amin, top_db: self.top_db };
        Ok(LibrosaMelDb { mel: self.mel().init(sample_rate_hz)?, decibels })
    }

    /// The same for samples that arrive piece by piece.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelDbConfig::check`]; [`FeatureError::NeedsWholeClip`] with `center`, `top_db` or
    /// `ref = "max"`.
    pub fn stream<S: Sample>(
        &self,
        sample_rate_hz: u32,
    ) -> Result<Uncentred<LibrosaMelDb<S>, S>, FeatureError> {
        self.check_stream()?;
        Ok(Uncentred::new(self.init(sample_rate_hz)?, self.mel().stft().cut()))
    }

    /// Checks that nothing waits for the end of the clip.
    pub(super) fn check_stream(&self) -> Result<(), FeatureError> {
        uncentred(self.center)?;
        without_floor(self.top_db)?;
        match self.reference {
            Reference::Power(_) => Ok(()),
            Reference::Max => Err(needs_whole_clip("ref", "max", "use ref = 1, in training too")),
        }
    }
}

/// Mel bands in decibels; made by [`LibrosaMelDbConfig::init`].
#[derive(Clone, Debug)]
pub struct LibrosaMelDb<S> {
    mel: LibrosaMel<S>,
    decibels: Decibels,
}

impl<S: Sample> LibrosaMelDb<S> {
    /// As [`Extractor::extract_into`]; gives where the clip sounds.
    pub(super) fn fill(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<Sounding, FeatureError> {
        let frames = self.mel.stft.framing().at_least_one(samples.len())?;
        let clip = Sounding::of(samples)?;
        let width = self.mel.width();
        values.clear();
        values.resize(frames * width, S::default());
        let silence = self.decibels.silence();
        let mut peak = silence;
        for (t, frame) in values.chunks_exact_mut(width).enumerate() {
            if self.is_silent(t, &clip) {
                frame.fill(silence.floor());
            } else {
                self.mel.frame(samples, t, frame);
                if !self.decibels.convert(frame, &mut peak) {
                    return Err(FeatureError::Overflow { frame: t });
                }
            }
        }
        self.decibels.finish(values, peak);
        Ok(clip)
    }

    /// Whether frame `t` is all zeros; such frames have equal decibels.
    pub(super) fn is_silent(&self, t: usize, clip: &Sounding) -> bool {
        self.mel.stft.is_silent(t, clip)
    }
}

impl<S: Sample> Extractor<S> for LibrosaMelDb<S> {
    fn width(&self) -> usize {
        self.mel.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.mel.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        self.fill(samples, values)?;
        Ok(values.len() / self.mel.width())
    }
}
