//! Another place in time.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Stream;

use crate::augment::draw::{Entry, always};
use crate::error::DataError;

/// Moves the frames in time by up to `frames` either way; the first or last frame fills the gap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftConfig {
    /// How often an example is shifted, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The farthest shift, in frames.
    pub frames: usize,
}

impl ShiftConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        Entry("augment.shift").probability(self.probability)
    }

    pub(super) fn apply(&self, features: &mut Features, stream: &mut Stream) {
        let (frames, width) = (features.frames(), features.width());
        let farthest = self.frames.min(frames.saturating_sub(1));
        let shift = stream.below(2 * farthest + 1);
        let values = features.values_mut();
        if shift > farthest {
            // Later: frame t shows what frame t - shift did.
            let shift = (shift - farthest) * width;
            values.copy_within(..frames * width - shift, shift);
            let (gap, rest) = values.split_at_mut(shift);
            gap.chunks_exact_mut(width).for_each(|frame| frame.copy_from_slice(&rest[..width]));
        } else {
            let shift = (farthest - shift) * width;
            values.copy_within(shift.., 0);
            let (rest, gap) = values.split_at_mut(frames * width - shift);
            let last = &rest[rest.len() - width..];
            gap.chunks_exact_mut(width).for_each(|frame| frame.copy_from_slice(last));
        }
    }
}
