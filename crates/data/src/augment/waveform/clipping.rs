//! An overloaded converter.

use serde::{Deserialize, Serialize};
use stapes_random::Stream;

use super::Change;
use crate::augment::draw::{Entry, always, between};
use crate::error::DataError;

/// Holds the samples within a share of their peak that is drawn for the example: x becomes -c p, x or c p, with p the
/// largest |x| of the example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClippingConfig {
    /// How often an example is clipped, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The least and the greatest c, from 0.01 to 1.
    pub share: [f32; 2],
}

impl ClippingConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let entry = Entry("augment.waveform.clipping");
        entry.probability(self.probability)?;
        entry.range("share", self.share, [0.01, 1.0])
    }
}

impl Change for ClippingConfig {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Stream) {
        let share = between(self.share, stream);
        let limit = share * samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        samples.iter_mut().for_each(|sample| *sample = sample.clamp(-limit, limit));
    }
}
