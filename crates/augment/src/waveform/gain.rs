//! Gain.

use serde::{Deserialize, Serialize};
use stapes_random::Rng;

use super::Augmentation;
use crate::draws::{AugmentKey, default_probability, uniform};
use crate::error::AugmentError;

/// Multiplies the samples by 10^(g / 20), with g drawn for the example.
///
/// The result is not clipped to [-1, 1]: samples are floats up to the front end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum g, in dB, from -120 to 120.
    pub db: [f32; 2],
}

impl GainConfig {
    pub(super) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.waveform.gain");
        key.check_probability(self.probability)?;
        key.check_range("db", self.db, [-120.0, 120.0])
    }
}

impl Augmentation for GainConfig {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng) {
        let gain = 10.0f64.powf(f64::from(uniform(self.db, stream)) / 20.0) as f32;
        samples.iter_mut().for_each(|sample| *sample *= gain);
    }
}
