//! Another level.

use serde::{Deserialize, Serialize};
use stapes_random::Stream;

use super::Change;
use crate::augment::draw::{Entry, always, between};
use crate::error::DataError;

/// Multiplies the samples by 10^(g / 20), with g drawn for the example.
///
/// Nothing is held to [-1, 1]: samples are floats up to the front end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainConfig {
    /// How often an example's level is changed, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The least and the greatest g, in dB, from -120 to 120.
    pub db: [f32; 2],
}

impl GainConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let entry = Entry("augment.waveform.gain");
        entry.probability(self.probability)?;
        entry.range("db", self.db, [-120.0, 120.0])
    }
}

impl Change for GainConfig {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Stream) {
        let gain = 10.0f64.powf(f64::from(between(self.db, stream)) / 20.0) as f32;
        samples.iter_mut().for_each(|sample| *sample *= gain);
    }
}
