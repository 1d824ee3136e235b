//! Masking of frequency bands and times.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Sets ranges of frames and bands of features to zero, which is their mean after normalization.
///
/// # Source
/// Park et al. 2019, SpecAugment, without time warping; a masked range is at most half of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecAugmentConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Number of masked ranges of frames.
    #[serde(default)]
    pub time_masks: usize,
    /// Maximum length of a range, in frames.
    #[serde(default)]
    pub time_frames: usize,
    /// Number of masked bands of features.
    #[serde(default)]
    pub feature_masks: usize,
    /// Maximum width of a band, in features.
    #[serde(default)]
    pub feature_width: usize,
}

impl SpecAugmentConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        AugmentKey("augment.spec_augment").check_probability(self.probability)
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
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
