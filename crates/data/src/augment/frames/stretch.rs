//! Another tempo.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Stream;

use crate::augment::draw::{Entry, always, between};
use crate::error::DataError;

/// Factors that still leave a likeness.
const FACTORS: [f32; 2] = [0.1, 10.0];

/// Stretches time: T frames become T a, rounded, at least one, with a drawn for the example.
///
/// The first and the last frame stay where they are, and those between are interpolated linearly; a single frame that
/// is left is the middle of the example. Where the network takes fewer frames than that, the example is stretched to
/// as many as it takes.
///
/// # Source
/// Ko et al. 2015, tempo perturbation, on frames instead of on samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StretchConfig {
    /// How often an example is stretched, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The least and the greatest a, from 0.1 to 10; above 1 is slower.
    pub factor: [f32; 2],
}

impl StretchConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let entry = Entry("augment.stretch");
        entry.probability(self.probability)?;
        entry.range("factor", self.factor, FACTORS)
    }

    pub(super) fn apply(&self, features: &mut Features, most_frames: usize, stream: &mut Stream) {
        let factor = between(self.factor, stream);
        let (frames, width) = (features.frames(), features.width());
        let stretched = (frames as f64 * f64::from(factor)).round() as usize;
        let stretched = stretched.min(most_frames).max(1);
        let place = |t: usize| match stretched {
            1 => (frames - 1) as f64 / 2.0,
            _ => t as f64 * (frames - 1) as f64 / (stretched - 1) as f64,
        };
        let mut values = Vec::with_capacity(stretched * width);
        for t in 0..stretched {
            let place = place(t);
            let way = place.fract() as f32;
            let below = features.frame(place as usize);
            // Rounding must not lead beyond the last frame.
            let above = features.frame((place.ceil() as usize).min(frames - 1));
            values.extend(below.iter().zip(above).map(|(below, above)| below + way * (above - below)));
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

    fn stretched(frames: usize, factor: [f32; 2], most_frames: usize, epoch: u64) -> Features {
        let stretch = Some(StretchConfig { probability: 1.0, factor });
        let mut features = ramp(frames);
        AugmentConfig { stretch, ..AugmentConfig::default() }.apply(
            &mut features,
            most_frames,
            1,
            [epoch, 0],
        );
        features
    }

    #[test]
    fn a_ramp_stays_a_ramp_with_its_ends_and_gets_the_lengths_of_the_range() {
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
    fn one_frame_is_left_at_least_and_no_more_than_the_network_takes() {
        assert_eq!(stretched(5, [0.1, 0.1], usize::MAX, 1).values(), [2.0, -2.0]);
        assert_eq!(stretched(1, [3.0, 3.0], usize::MAX, 1).values(), [0.0, 0.0].repeat(3));
        let held = stretched(10, [2.0, 2.0], 12, 1);
        assert_eq!((held.frames(), held.frame(11)[0]), (12, 9.0));
        assert_eq!(stretched(10, [1.0, 1.0], usize::MAX, 1), ramp(10));
    }
}
