//! Frame dropping.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Drops single frames, each with the same probability and independently; if none remained, the first is kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Probability of each frame to be dropped, in [0, 1).
    pub fraction: f32,
}

impl DropConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.drop");
        key.check_probability(self.probability)?;
        match (0.0..1.0).contains(&self.fraction) {
            true => Ok(()),
            false => Err(key.error("fraction", self.fraction, "must be at least 0 and below 1")),
        }
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
        let width = features.width();
        let frames = features.values().chunks_exact(width);
        let mut kept: Vec<f32> =
            frames.filter(|_| stream.uniform() >= self.fraction).flatten().copied().collect();
        if kept.is_empty() {
            kept.extend_from_slice(features.frame(0));
        }
        *features = Features::new(width, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AugmentConfig;

    #[test]
    fn frames_are_dropped_with_the_fraction_in_order_and_one_remains() {
        let dropped = |frames: usize, fraction, epoch| {
            let drop = Some(DropConfig { probability: 1.0, fraction });
            let mut features = Features::new(2, (0..2 * frames).map(|value| value as f32).collect());
            let augment = AugmentConfig { drop, ..AugmentConfig::default() };
            augment.apply(&mut features, usize::MAX, 1, [epoch, 0]);
            features
        };
        let mut times = [0usize; 20];
        for epoch in 0..2000 {
            let features = dropped(20, 0.3, epoch);
            let left: Vec<usize> =
                (0..features.frames()).map(|t| features.frame(t)[0] as usize / 2).collect();
            assert!(
                left.is_sorted_by(|a, b| a < b)
                    && (0..left.len()).all(|t| features.frame(t)[1] as usize % 2 == 1)
            );
            left.iter().for_each(|&t| times[t] += 1);
        }
        // Standard deviation: 20.
        assert!(times.iter().all(|time| (1_310..1_490).contains(time)), "{times:?}");
        let shortest = (0..200).map(|epoch| dropped(3, 0.9, epoch).frames()).min();
        assert_eq!(shortest, Some(1));
        assert_eq!(dropped(20, 0.0, 1).frames(), 20);
    }
}
