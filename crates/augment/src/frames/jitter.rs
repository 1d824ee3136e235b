//! Additive noise.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Adds normally distributed noise to every value.
///
/// # Units
/// Units of the frames: standard deviations after normalization.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JitterConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Standard deviation of the noise.
    pub std: f32,
}

impl JitterConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.jitter");
        key.check_probability(self.probability)?;
        key.check_non_negative("std", self.std)
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
        features.values_mut().iter_mut().for_each(|value| *value += self.std * stream.normal() as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AugmentConfig;

    #[test]
    fn the_noise_is_normal_with_the_requested_std() {
        let jitter = Some(JitterConfig { probability: 1.0, std: 0.25 });
        let mut features = Features::new(4, vec![5.0; 40_000]);
        AugmentConfig { jitter, ..AugmentConfig::default() }.apply(&mut features, usize::MAX, 1, [1, 2]);
        let noise: Vec<f64> = features.values().iter().map(|&value| f64::from(value) - 5.0).collect();
        let mean = noise.iter().sum::<f64>() / 40_000.0;
        let std = (noise.iter().map(|value| value * value).sum::<f64>() / 40_000.0).sqrt();
        assert!(mean.abs() < 0.005 && (std - 0.25).abs() < 0.004, "{mean} {std}");
        // In a normal distribution 68.3 % are within one standard deviation, 95.4 % within two.
        let within = |limit: f64| noise.iter().filter(|value| value.abs() < limit).count();
        assert!((27_000..27_640).contains(&within(0.25)) && (37_950..38_420).contains(&within(0.5)));
    }
}
