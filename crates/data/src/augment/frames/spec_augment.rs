//! Bands and times blotted out.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Stream;

use crate::augment::draw::{Entry, always};
use crate::error::DataError;

/// Sets stretches of frames and bands of features to zero, which is their mean once they are normalised.
///
/// # Source
/// Park et al. 2019, SpecAugment, without the warping; a stretch is at most half of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecAugmentConfig {
    /// How often an example is masked, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// Stretches of frames.
    #[serde(default)]
    pub time_masks: usize,
    /// The longest stretch, in frames.
    #[serde(default)]
    pub time_frames: usize,
    /// Bands of features.
    #[serde(default)]
    pub feature_masks: usize,
    /// The widest band, in features.
    #[serde(default)]
    pub feature_width: usize,
}

impl SpecAugmentConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        Entry("augment.spec_augment").probability(self.probability)
    }

    pub(super) fn apply(&self, features: &mut Features, stream: &mut Stream) {
        let (frames, width) = (features.frames(), features.width());
        for _ in 0..self.time_masks {
            let length = stream.below(self.time_frames.min(frames / 2) + 1);
            let first = stream.below(frames - length + 1);
            features.values_mut()[first * width..(first + length) * width].fill(0.0);
        }
        for _ in 0..self.feature_masks {
            let band = stream.below(self.feature_width.min(width) + 1);
            let first = stream.below(width - band + 1);
            features
                .values_mut()
                .chunks_exact_mut(width)
                .for_each(|frame| frame[first..first + band].fill(0.0));
        }
    }
}
