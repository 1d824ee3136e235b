//! Tempo perturbation.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability, uniform};
use crate::error::AugmentError;

/// Permitted factors; beyond them an example becomes unrecognizable.
const FACTORS: [f32; 2] = [0.1, 10.0];

/// Stretches time: T frames become T a, rounded, at least one, with a drawn for the example.
///
/// The first and last frame are kept, and the frames between them are interpolated linearly; if a single frame
/// remains, it is the middle of the example. If the network accepts fewer frames, the example is stretched to the
/// maximum.
///
/// # Source
/// Ko et al. 2015, tempo perturbation, applied to frames instead of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StretchConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum a, from 0.1 to 10; above 1 is slower.
    pub factor: [f32; 2],
}

impl StretchConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.stretch");
        key.check_probability(self.probability)?;
        key.check_range("factor", self.factor, FACTORS)
    }

    pub(crate) fn apply(&self, features: &mut Features, max_frames: usize, stream: &mut Rng) {
        let factor = uniform(self.factor, stream);
        let (frames, width) = (features.frames(), features.width());
        let stretched = (frames as f64 * f64::from(factor)).round() as usize;
        let stretched = stretched.min(max_frames).max(1);
        let place = |t: usize| match stretched {
            1 => (frames - 1) as f64 / 2.0,
            _ => t as f64 * (frames - 1) as f64 / (stretched - 1) as f64,
        };
        let mut values = Vec::with_capacity(stretched * width);
        for t in 0..stretched {
            let place = place(t);
            let weight = place.fract() as f32;
            let below = features.frame(place as usize);
            // Rounding must not exceed the last frame.
            let above = features.frame((place.ceil() as usize).min(frames - 1));
            values.extend(below.iter().zip(above).map(|(below, above)| below + weight * (above - below)));
        }
        *features = Features::new(width, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AugmentConfig;

    /// [T, 2]: frame t is t and -t.
    fn ramp(frames: usize) -> Features {
        Features::new(2, (0..frames).flat_map(|t| [t as f32, -(t as f32)]).collect())
    }

    fn stretched(frames: usize, factor: [f32; 2], max_frames: usize, epoch: u64) -> Features {
        let stretch = Some(StretchConfig { probability: 1.0, factor });
        let mut features = ramp(frames);
        AugmentConfig { stretch, ..AugmentConfig::default() }.apply(&mut features, max_frames, 1, [epoch, 0]);
        features
    }

    #[test]
    fn stretch_keeps_a_ramp_with_its_ends_for_all_lengths_of_the_range() {
        let mut lengths = Vec::new();
        for epoch in 0..300 {
            let features = stretched(41, [0.5, 1.5], usize::MAX, epoch);
            let frames = features.frames();
            lengths.push(frames);
            for t in 0..frames {
                let expected = 40.0 * t as f32 / (frames - 1) as f32;
                let frame = features.frame(t);
                assert!((frame[0] - expected).abs() < 1e-4 && frame[1] == -frame[0], "{t}: {frame:?}");
            }
            assert_eq!(features.frame(frames - 1)[0], 40.0);
        }
        lengths.sort_unstable();
        assert_eq!((lengths[0], lengths[299]), (21, 61));
        assert!((36..46).contains(&lengths[150]), "{}", lengths[150]);
    }

    #[test]
    fn stretch_keeps_at_least_one_frame_and_at_most_the_limit() {
        assert_eq!(stretched(5, [0.1, 0.1], usize::MAX, 1).values(), [2.0, -2.0]);
        assert_eq!(stretched(1, [3.0, 3.0], usize::MAX, 1).values(), [0.0, 0.0].repeat(3));
        let held = stretched(10, [2.0, 2.0], 12, 1);
        assert_eq!((held.frames(), held.frame(11)[0]), (12, 9.0));
        assert_eq!(stretched(10, [1.0, 1.0], usize::MAX, 1), ramp(10));
    }
}
