//! Another level and slope over the features.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Stream;

use crate::augment::draw::{Entry, always};
use crate::error::DataError;

/// Adds the same to every frame: to feature f of F the offset c + s (2 f / (F - 1) - 1), with c and s drawn for the
/// example.
///
/// On logarithms of mel bands that are normalised a coefficient this is a recording at another level, through a
/// microphone that prefers low or high frequencies.
///
/// # Units
/// those of the frames: standard deviations, once they are normalised
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelConfig {
    /// How often an example's level is changed, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The largest |c|: c is drawn evenly up to it, either way.
    pub offset: f32,
    /// The largest |s|, drawn likewise.
    #[serde(default)]
    pub slope: f32,
}

impl LevelConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let entry = Entry("augment.level");
        entry.probability(self.probability)?;
        entry.size("offset", self.offset)?;
        entry.size("slope", self.slope)
    }

    pub(super) fn apply(&self, features: &mut Features, stream: &mut Stream) {
        let (offset, slope) = (stream.symmetric(self.offset), stream.symmetric(self.slope));
        let width = features.width();
        // Of one feature the middle is all there is.
        let place = |f: usize| if width > 1 { 2.0 * f as f32 / (width - 1) as f32 - 1.0 } else { 0.0 };
        let offsets: Vec<f32> = (0..width).map(|f| offset + slope * place(f)).collect();
        for frame in features.values_mut().chunks_exact_mut(width) {
            frame.iter_mut().zip(&offsets).for_each(|(value, offset)| *value += offset);
        }
    }
}
