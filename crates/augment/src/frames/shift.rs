//! Shift in time.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Shifts the frames in time by up to ±`frames`; the first or last frame fills the gap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Maximum shift, in frames.
    pub frames: usize,
}

impl ShiftConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        AugmentKey("augment.shift").check_probability(self.probability)
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
        let (frames, width) = (features.frames(), features.width());
        let max_shift = self.frames.min(frames.saturating_sub(1));
        let shift = stream.below(2 * max_shift + 1);
        let values = features.values_mut();
        if shift > max_shift {
            // Later: frame t becomes the former frame t - shift.
            let shift = (shift - max_shift) * width;
            values.copy_within(..frames * width - shift, shift);
            let (gap, rest) = values.split_at_mut(shift);
            gap.chunks_exact_mut(width).for_each(|frame| frame.copy_from_slice(&rest[..width]));
        } else {
            let shift = (max_shift - shift) * width;
            values.copy_within(shift.., 0);
            let (rest, gap) = values.split_at_mut(frames * width - shift);
            let last = &rest[rest.len() - width..];
            gap.chunks_exact_mut(width).for_each(|frame| frame.copy_from_slice(last));
        }
    }
}
