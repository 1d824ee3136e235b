//! Level and spectral slope.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Adds one offset and slope to every frame: c + s (2 f / (F - 1) - 1) to feature f of F, with c and s drawn for the
/// example.
///
/// For logarithms of mel bands normalized per coefficient, this simulates another recording level and a microphone
/// that emphasizes low or high frequencies.
///
/// # Units
/// Units of the frames: standard deviations after normalization.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Maximum |c|: c is uniform in [-offset, offset].
    pub offset: f32,
    /// Maximum |s|: s is uniform in [-slope, slope].
    #[serde(default)]
    pub slope: f32,
}

impl LevelConfig {
    pub(crate) fn check(&self) -> Result<(), AugmentError> {
        let key = AugmentKey("augment.level");
        key.check_probability(self.probability)?;
        key.check_non_negative("offset", self.offset)?;
        key.check_non_negative("slope", self.slope)
    }

    pub(crate) fn apply(&self, features: &mut Features, stream: &mut Rng) {
        let (offset, slope) = (stream.symmetric(self.offset), stream.symmetric(self.slope));
        let width = features.width();
        // A single feature is in the middle.
        let place = |f: usize| if width > 1 { 2.0 * f as f32 / (width - 1) as f32 - 1.0 } else { 0.0 };
        let offsets: Vec<f32> = (0..width).map(|f| offset + slope * place(f)).collect();
        for frame in features.values_mut().chunks_exact_mut(width) {
            frame.iter_mut().zip(&offsets).for_each(|(value, offset)| *value += offset);
        }
    }
}
