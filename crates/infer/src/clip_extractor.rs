//! From a recording to the frames that a model reads.

use stapes_audio::Clip;
use stapes_features::{FeatureConfig, Features, FrontEnd};

use crate::error::InferError;

/// A front end that takes recordings of any rate.
///
/// Training and every kind of use compute their features here.
#[derive(Clone)]
pub struct Extractor {
    front_end: FrontEnd,
    sample_rate_hz: u32,
}

impl Extractor {
    /// An extractor with these settings.
    ///
    /// # Errors
    /// [`InferError::Features`] if the settings are impossible.
    pub fn new(config: &FeatureConfig) -> Result<Extractor, InferError> {
        Ok(Extractor { front_end: config.init()?, sample_rate_hz: config.sample_rate_hz })
    }

    /// The front end itself.
    pub fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    /// The frames of a recording, which is resampled if its rate is another than the settings'.
    ///
    /// # Errors
    /// [`InferError::Features`] if the recording holds NaN or infinity; [`InferError::NoFrames`] if it is
    /// too short; [`InferError::Audio`] if it cannot be resampled.
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
