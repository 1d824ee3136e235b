//! Mel bands in decibels.

use super::{LibrosaMel, LibrosaMelDbConfig};
use crate::decibel::{Decibels, Reference};
use crate::framing::NonzeroRange;
use crate::sample::Sample;
use crate::stream::{check_no_floor, check_uncentered, needs_whole_clip};
use crate::{Extractor, FeatureError, Streaming};

impl LibrosaMelDbConfig {
    /// Builds the extractor for clips with a sample rate.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelDbConfig::check`].
    pub fn init<S: Sample>(&self, sample_rate_hz: u32) -> Result<LibrosaMelDb<S>, FeatureError> {
        self.check(sample_rate_hz)?;
        let decibels = Decibels { reference: self.reference, min_power: self.amin, top_db: self.top_db };
        Ok(LibrosaMelDb { mel: self.mel().init(sample_rate_hz)?, decibels })
    }

    /// Builds the streaming extractor.
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
    ) -> Result<Streaming<LibrosaMelDb<S>, S>, FeatureError> {
        self.check_stream()?;
        Ok(Streaming::new(self.init(sample_rate_hz)?, self.mel().stft().uncentered_frames()))
    }

    /// Checks that no setting needs the whole clip.
    pub(super) fn check_stream(&self) -> Result<(), FeatureError> {
        check_uncentered(self.center)?;
        check_no_floor(self.top_db)?;
        match self.reference {
            Reference::Power(_) => Ok(()),
            Reference::Max => Err(needs_whole_clip("ref", "max", "use ref = 1, in training too")),
        }
    }
}

/// Extractor of mel bands in decibels; made by [`LibrosaMelDbConfig::init`].
#[derive(Clone, Debug)]
pub struct LibrosaMelDb<S> {
    mel: LibrosaMel<S>,
    decibels: Decibels,
}

impl<S: Sample> LibrosaMelDb<S> {
    /// Implements [`Extractor::extract_into`] and returns the nonzero range of the clip.
    pub(super) fn fill(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<NonzeroRange, FeatureError> {
        let frames = self.mel.stft.framing().require_frames(samples.len())?;
        let clip = NonzeroRange::from_samples(samples)?;
        let width = self.mel.width();
        values.clear();
        values.resize(frames * width, S::default());
        let silence = self.decibels.silence();
        let mut peak = silence;
        for (t, frame) in values.chunks_exact_mut(width).enumerate() {
            if self.is_silent(t, &clip) {
                frame.fill(silence.decibels());
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

    /// Returns true if frame `t` is all zeros; all such frames have the same decibels.
    pub(super) fn is_silent(&self, t: usize, clip: &NonzeroRange) -> bool {
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
