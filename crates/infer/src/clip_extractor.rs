//! Features of recordings of any sample rate.

use stapes_audio::Clip;
use stapes_features::{FeatureConfig, Features, FrontEnd};

use crate::error::InferError;

/// Front end that resamples recordings to its sample rate. Training and inference both compute their features with it.
#[derive(Clone)]
pub struct ClipExtractor {
    front_end: FrontEnd,
    sample_rate_hz: u32,
}

impl ClipExtractor {
    /// Creates an extractor with these settings.
    ///
    /// # Errors
    /// [`InferError::Features`] if the settings are impossible.
    pub fn new(config: &FeatureConfig) -> Result<ClipExtractor, InferError> {
        Ok(ClipExtractor { front_end: config.init()?, sample_rate_hz: config.sample_rate_hz })
    }

    /// Returns the front end.
    pub fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    /// Computes the frames of a recording, which is resampled if its rate differs from the front end's.
    ///
    /// # Errors
    /// [`InferError::Features`] if the recording has samples that are not finite; [`InferError::NoFrames`] if it is too
    /// short; [`InferError::Audio`] if it cannot be resampled.
    pub fn extract(&mut self, clip: &Clip) -> Result<Features, InferError> {
        let features = if clip.sample_rate_hz == self.sample_rate_hz {
            self.front_end.extract(&clip.samples)?
        } else {
            self.front_end.extract(&clip.resampled(self.sample_rate_hz)?.samples)?
        };
        if features.frames() == 0 {
            return Err(InferError::NoFrames { samples: clip.samples.len() });
        }
        Ok(features)
    }
}
