//! Another place in time.

use serde::{Deserialize, Serialize};
use stapes_random::Stream;

use super::Change;
use crate::augment::draw::{Entry, always};
use crate::error::DataError;

/// Moves the samples in time by up to `seconds` either way; zeros fill the gap and what leaves the clip is lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveformShiftConfig {
    /// How often an example is shifted, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The farthest shift, in seconds.
    pub seconds: f32,
}

impl WaveformShiftConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let entry = Entry("augment.waveform.shift");
        entry.probability(self.probability)?;
        entry.size("seconds", self.seconds)
    }

    pub(super) fn prepared(&self, rate_hz: u32) -> Box<dyn Change> {
        Box::new(Shift { farthest: (f64::from(self.seconds) * f64::from(rate_hz)).round() as usize })
    }
}

/// By up to so many samples.
struct Shift {
    farthest: usize,
}

impl Change for Shift {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Stream) {
        let length = samples.len();
        let farthest = self.farthest.min(length);
        let shift = stream.below(2 * farthest + 1);
        if shift > farthest {
            let later = shift - farthest;
            samples.copy_within(..length - later, later);
            samples[..later].fill(0.0);
        } else {
            let earlier = farthest - shift;
            samples.copy_within(earlier.., 0);
            samples[length - earlier..].fill(0.0);
        }
    }
}
