//! 2-D rotation.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Rotates the features 0 and 1, 2 and 3 and so on as points of a plane: (x, y) becomes (x cos a - y sin a, x sin a +
/// y cos a), with one angle a drawn for the example.
///
/// For pen strokes, whose features are coordinates or differences of coordinates. The center is the origin, which is
/// the mean of normalized frames; the number of features must be even.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Maximum |a| in degrees, from 0 to 180: a is uniform in [-max, max].
    pub degrees: f32,
}

impl RotationConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.rotation");
        key.check_probability(self.probability)?;
        match (0.0..=180.0).contains(&self.degrees) {
            true => Ok(()),
            false => Err(key.error("degrees", self.degrees, "must be from 0 to 180")),
        }
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
        let (sine, cosine) = stream.symmetric(self.degrees).to_radians().sin_cos();
        let width = features.width();
        for frame in features.values_mut().chunks_exact_mut(width) {
            for point in frame.chunks_exact_mut(2) {
                let (x, y) = (point[0], point[1]);
                (point[0], point[1]) = (x * cosine - y * sine, x * sine + y * cosine);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AugmentConfig;

    #[test]
    fn all_points_of_an_example_rotate_by_one_angle_within_the_limit() {
        let rotation = Some(RotationConfig { probability: 1.0, degrees: 30.0 });
        let augment = AugmentConfig { rotation, ..AugmentConfig::default() };
        let (mut least, mut greatest) = (0.0f32, 0.0f32);
        for epoch in 0..300 {
            // (2, 0), (0, 1), (3, 3), (-1, 0)
            let mut features = Features::new(4, vec![2.0, 0.0, 0.0, 1.0, 3.0, 3.0, -1.0, 0.0]);
            let was = features.clone();
            augment.apply(&mut features, usize::MAX, 1, [epoch, 0]);
            let angle = features.values()[1].atan2(features.values()[0]);
            for (new, old) in features.values().chunks_exact(2).zip(was.values().chunks_exact(2)) {
                let (length, turned) = (old[0].hypot(old[1]), old[1].atan2(old[0]) + angle);
                let expected = [length * turned.cos(), length * turned.sin()];
                assert!(
                    (new[0] - expected[0]).abs() < 1e-5 && (new[1] - expected[1]).abs() < 1e-5,
                    "{new:?}"
                );
            }
            let degrees = angle.to_degrees();
            (least, greatest) = (least.min(degrees), greatest.max(degrees));
        }
        assert!((-30.0..-29.0).contains(&least) && (29.0..=30.0).contains(&greatest), "{least} {greatest}");
    }
}
