//! Shift in time.

use serde::{Deserialize, Serialize};
use stapes_random::Rng;

use super::Augmentation;
use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Shifts the samples in time by up to ±`seconds`; zeros fill the gap, and samples that leave the clip are lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveformShiftConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Maximum shift, in seconds.
    pub seconds: f32,
}

impl WaveformShiftConfig {
    pub(super) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.waveform.shift");
        key.check_probability(self.probability)?;
        key.check_non_negative("seconds", self.seconds)
    }

    pub(super) fn build(&self, rate_hz: u32) -> Box<dyn Augmentation> {
        Box::new(Shift { max_shift: (f64::from(self.seconds) * f64::from(rate_hz)).round() as usize })
    }
}

/// Shift in time by up to this number of samples.
struct Shift {
    max_shift: usize,
}

impl Augmentation for Shift {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng) {
        let length = samples.len();
        let max_shift = self.max_shift.min(length);
        let shift = stream.below(2 * max_shift + 1);
        if shift > max_shift {
            let later = shift - max_shift;
            samples.copy_within(..length - later, later);
            samples[..later].fill(0.0);
        } else {
            let earlier = max_shift - shift;
            samples.copy_within(earlier.., 0);
            samples[length - earlier..].fill(0.0);
        }
    }
}
