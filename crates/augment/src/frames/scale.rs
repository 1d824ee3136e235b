//! Scaling.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability, uniform};
use crate::error::AugmentError;

/// Multiplies all values of an example by one factor, drawn for the example: a pen stroke becomes larger or smaller.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum factor, from 0 to 1000.
    pub factor: [f32; 2],
}

impl ScaleConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.scale");
        key.check_probability(self.probability)?;
        key.check_range("factor", self.factor, [0.0, 1000.0])
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
        let factor = uniform(self.factor, stream);
        features.values_mut().iter_mut().for_each(|value| *value *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AugmentConfig;

    #[test]
    fn all_values_of_an_example_are_scaled_by_one_factor() {
        let scale = Some(ScaleConfig { probability: 1.0, factor: [0.8, 1.6] });
        let augment = AugmentConfig { scale, ..AugmentConfig::default() };
        let (mut least, mut greatest) = (9.0f32, 0.0f32);
        for epoch in 0..300 {
            let mut features = Features::new(2, vec![1.0, -2.0, 4.0, 0.0]);
            augment.apply(&mut features, usize::MAX, 1, [epoch, 0]);
            let factor = features.values()[0];
            assert_eq!(features.values(), [factor, -2.0 * factor, 4.0 * factor, 0.0]);
            (least, greatest) = (least.min(factor), greatest.max(factor));
        }
        assert!((0.8..0.81).contains(&least) && (1.59..=1.6).contains(&greatest), "{least} {greatest}");
    }
}
