//! Features of recordings of any sample rate.

use stapes_audio::Clip;
use stapes_features::{FeatureConfig, FeatureError, Features, FrontEnd};

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
    /// [`InferError::Features`] if the recording has samples that are not finite, [`InferError::TooLarge`] if some are too
    /// large; [`InferError::NoFrames`] if it is too
    /// short; [`InferError::Audio`] if it cannot be resampled.
    pub fn extract(&mut self, clip: &Clip) -> Result<Features, InferError> {
        let features = if clip.sample_rate_hz == self.sample_rate_hz {
            self.front_end.extract(&clip.samples)
        } else {
            self.front_end.extract(&clip.resampled(self.sample_rate_hz)?.samples)
        };
        let features = features.map_err(|error| match error {
            FeatureError::Overflow { .. } => too_large(&clip.samples),
            error => InferError::from(error),
        })?;
        // An empty clip of a fixed length would be all zeros.
        if features.frames() == 0 || clip.samples.is_empty() {
            return Err(InferError::NoFrames { samples: clip.samples.len() });
        }
        Ok(features)
    }
}

/// Returns the error that names the largest sample.
fn too_large(samples: &[f32]) -> InferError {
    let largest = samples.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let (sample, &value) = largest.unwrap_or((0, &0.0));
    InferError::TooLarge { sample, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_too_large_is_named_by_its_index_in_the_recording() {
        for (rate_hz, scale) in
            [(16_000, stapes_features::Scale::Unit), (8000, stapes_features::Scale::Int16)]
        {
            let config = FeatureConfig { scale, ..Default::default() };
            let mut clip = Clip { samples: vec![0.1; 9000], sample_rate_hz: rate_hz };
            clip.samples[3000] = -1e29;
            let error = ClipExtractor::new(&config).unwrap().extract(&clip).unwrap_err().to_string();
            assert_eq!(
                error,
                "sample 3000 is -1e29, and the power of its frame overflows; scale the samples to [-1, 1]"
            );
        }
    }
}
