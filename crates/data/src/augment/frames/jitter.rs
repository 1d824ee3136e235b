//! Noise on the values.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Stream;

use crate::augment::draw::{Entry, always};
use crate::error::DataError;

/// Adds normally distributed noise, drawn for every value.
///
/// # Units
/// those of the frames: standard deviations, once they are normalised
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JitterConfig {
    /// How often an example gets noise, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The standard deviation of the noise.
    pub deviation: f32,
}

impl JitterConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let entry = Entry("augment.jitter");
        entry.probability(self.probability)?;
        entry.size("deviation", self.deviation)
    }

    pub(super) fn apply(&self, features: &mut Features, stream: &mut Stream) {
        features.values_mut().iter_mut().for_each(|value| *value += self.deviation * stream.normal() as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AugmentConfig;

    #[test]
    fn the_noise_is_normal_with_the_deviation_asked_for() {
        let jitter = Some(JitterConfig { probability: 1.0, deviation: 0.25 });
        let mut features = Features::new(4, vec![5.0; 40_000]);
        AugmentConfig { jitter, ..AugmentConfig::default() }.apply(&mut features, usize::MAX, 1, [1, 2]);
        let noise: Vec<f64> = features.values().iter().map(|&value| f64::from(value) - 5.0).collect();
        let mean = noise.iter().sum::<f64>() / 40_000.0;
        let deviation = (noise.iter().map(|value| value * value).sum::<f64>() / 40_000.0).sqrt();
        assert!(mean.abs() < 0.005 && (deviation - 0.25).abs() < 0.004, "{mean} {deviation}");
        // Of a normal distribution 68.3 % are within one deviation, 95.4 % within two.
        let within = |limit: f64| noise.iter().filter(|value| value.abs() < limit).count();
        assert!((27_000..27_640).contains(&within(0.25)) && (37_950..38_420).contains(&within(0.5)));
    }
}
