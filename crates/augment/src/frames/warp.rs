//! Vocal tract length perturbation (VTLP).

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Stretches the feature axis: feature f of every frame becomes the former value at f a, with a drawn for the example
/// from [1 - s, 1 + s].
///
/// Values between features are interpolated linearly; beyond the last feature its value is repeated. For logarithms
/// of mel bands this approximates a voice with another vocal tract length. Only for spectra: cepstra, pen coordinates
/// and deltas have no frequency axis.
///
/// # Source
/// Jaitly and Hinton 2013, vocal tract length perturbation, applied to the bands instead of the filters' frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarpConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Range s of the factor, in [0, 1).
    pub spread: f32,
}

impl WarpConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.warp");
        key.check_probability(self.probability)?;
        match (0.0..1.0).contains(&self.spread) {
            true => Ok(()),
            false => Err(key.error("spread", self.spread, "must be at least 0 and below 1")),
        }
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
        let factor = 1.0 + stream.symmetric(self.spread);
        let width = features.width();
        let last = (width - 1) as f32;
        // For each feature: the features below and above its position, and the interpolation weight.
        let places: Vec<(usize, usize, f32)> = (0..width)
            .map(|f| (f as f32 * factor).min(last))
            .map(|place| (place as usize, place.ceil() as usize, place.fract()))
            .collect();
        let mut original = vec![0.0; width];
        for frame in features.values_mut().chunks_exact_mut(width) {
            original.copy_from_slice(frame);
            for (value, &(below, above, weight)) in frame.iter_mut().zip(&places) {
                *value = original[below] + weight * (original[above] - original[below]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AugmentConfig;

    fn warped(features: &Features, spread: f32, epoch: u64) -> Features {
        let warp = Some(WarpConfig { probability: 1.0, spread });
        let mut features = features.clone();
        AugmentConfig { warp, ..AugmentConfig::default() }.apply(&mut features, usize::MAX, 1, [epoch, 0]);
        features
    }

    #[test]
    fn warp_changes_the_slope_of_a_ramp_and_repeats_its_end() {
        // Feature f of frame t is f + 100 t.
        let ramp = Features::new(21, (0..42).map(|n| (n % 21 + n / 21 * 100) as f32).collect());
        let (mut lowest, mut highest) = (2.0f32, 0.0f32);
        for epoch in 0..300 {
            let warped = warped(&ramp, 0.25, epoch);
            let factor = warped.frame(0)[10] / 10.0;
            (lowest, highest) = (lowest.min(factor), highest.max(factor));
            for t in 0..2 {
                for (f, value) in warped.frame(t).iter().enumerate() {
                    let expected = (f as f32 * factor).min(20.0) + 100.0 * t as f32;
                    assert!((value - expected).abs() < 1e-4, "{factor}: {value} for {expected}");
                }
            }
        }
        assert!((0.75..0.76).contains(&lowest) && (1.24..=1.25).contains(&highest), "{lowest} {highest}");
        let single = Features::new(1, vec![3.0, 4.0]);
        assert_eq!(warped(&single, 0.5, 1), single);
        assert_eq!(warped(&ramp, 0.0, 1), ramp);
    }
}
