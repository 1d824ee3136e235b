//! Clipping.

use serde::{Deserialize, Serialize};
use stapes_random::Rng;

use super::Augmentation;
use crate::draws::{AugmentKey, default_probability, uniform};
use crate::error::AugmentError;

/// Clips the samples at a fraction of their peak, drawn for the example: x becomes -c p, x or c p, where p is the
/// maximum |x| of the example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClippingConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum c, from 0.01 to 1.
    pub threshold: [f32; 2],
}

impl ClippingConfig {
    pub(super) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.waveform.clipping");
        key.check_probability(self.probability)?;
        key.check_range("threshold", self.threshold, [0.01, 1.0])
    }
}

impl Augmentation for ClippingConfig {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng) {
        let threshold = uniform(self.threshold, stream);
        let limit = threshold * samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        samples.iter_mut().for_each(|sample| *sample = sample.clamp(-limit, limit));
    }
}
