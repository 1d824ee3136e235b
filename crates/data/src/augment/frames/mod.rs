//! Augmentation of frames, an entry a file.

mod drop;
mod jitter;
mod level;
mod rotation;
mod scale;
mod shift;
mod spec_augment;
mod stretch;
mod warp;

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Stream;

use crate::augment::draw::due;
use crate::augment::waveform::WaveformAugmentConfig;
use crate::error::DataError;

pub use drop::DropConfig;
pub use jitter::JitterConfig;
pub use level::LevelConfig;
pub use rotation::RotationConfig;
pub use scale::ScaleConfig;
pub use shift::ShiftConfig;
pub use spec_augment::SpecAugmentConfig;
pub use stretch::StretchConfig;
pub use warp::WarpConfig;

/// What is done to a training example: to its samples before the front end (`waveform`), and to its frames after
/// normalisation; never to validation or test.
///
/// Entries apply in the order of the fields. What happens to an example depends on the seed, the epoch and the example
/// alone; each entry draws from a stream of its own, but for `shift`, `level` and `spec_augment`, which share one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// What is done to the samples of recordings, by a [`WaveformAugmenter`](crate::WaveformAugmenter).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waveform: Option<WaveformAugmentConfig>,
    /// The axis of the features stretched: another vocal tract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warp: Option<WarpConfig>,
    /// Time stretched: another tempo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretch: Option<StretchConfig>,
    /// A turn in the plane, for pen strokes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationConfig>,
    /// All values times one factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleConfig>,
    /// Noise on every value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<JitterConfig>,
    /// Single frames left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropConfig>,
    /// Shift in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftConfig>,
    /// Another level and slope over the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LevelConfig>,
    /// Bands and times blotted out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_augment: Option<SpecAugmentConfig>,
}

/// A setting of [`AugmentConfig`] that does not go with the frames or labels it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The key in the recipe.
    pub key: &'static str,
    /// The value there.
    pub value: String,
    /// What it needs, and what to do.
    pub rule: &'static str,
}

impl From<Misfit> for DataError {
    fn from(Misfit { key, value, rule }: Misfit) -> DataError {
        DataError::setting(key, value, rule)
    }
}

impl AugmentConfig {
    /// Whether the values are allowed.
    ///
    /// # Errors
    /// [`DataError::Setting`] names the key.
    pub fn check(&self) -> Result<(), DataError> {
        let checks = [
            self.waveform.as_ref().map(WaveformAugmentConfig::check),
            self.warp.map(|warp| warp.check()),
            self.stretch.map(|stretch| stretch.check()),
            self.rotation.map(|rotation| rotation.check()),
            self.scale.map(|scale| scale.check()),
            self.jitter.map(|jitter| jitter.check()),
            self.drop.map(|drop| drop.check()),
            self.shift.map(|shift| shift.check()),
            self.level.map(|level| level.check()),
            self.spec_augment.map(|spec_augment| spec_augment.check()),
        ];
        checks.into_iter().flatten().collect()
    }

    /// Whether the entries go with frames of `width` values, which come in a fixed number or whose truth is of moments.
    ///
    /// `stretch` and `drop` change how many frames an example has: they suit neither. `speed` and `shift` of waveforms move
    /// moments away from their labels. `rotation` needs pairs.
    ///
    /// # Errors
    /// [`Misfit`] names the first key that does not.
    ///
    /// # Example
    /// ```
    /// use stapes_data::{AugmentConfig, DropConfig};
    ///
    /// let drop = Some(DropConfig { probability: 1.0, share: 0.1 });
    /// let augment = AugmentConfig { drop, ..AugmentConfig::default() };
    /// assert!(augment.check_frames(40, None, false).is_ok());
    /// assert_eq!(augment.check_frames(40, Some(98), false).unwrap_err().key, "augment.drop.share");
    /// ```
    pub fn check_frames(&self, width: usize, fixed: Option<usize>, of_moments: bool) -> Result<(), Misfit> {
        if let Some(rotation) = self.rotation.filter(|_| !width.is_multiple_of(2)) {
            let rule = "turns pairs of features, and their number is odd: leave rotation out";
            return Err(Misfit {
                key: "augment.rotation.degrees",
                value: rotation.degrees.to_string(),
                rule,
            });
        }
        if let Some(waveform) = self.waveform.as_ref().filter(|_| of_moments) {
            waveform.check_moments()?;
        }
        let rule = match (fixed, of_moments) {
            (Some(_), _) => {
                "changes the number of frames, and the model reads a fixed number: leave it out, or leave out what fixes \
                 the length"
            }
            (None, true) => {
                "changes the number of frames, and every frame has a label of its own: leave it out"
            }
            (None, false) => return Ok(()),
        };
        if let Some(StretchConfig { factor: [low, high], .. }) = self.stretch {
            return Err(Misfit { key: "augment.stretch.factor", value: format!("[{low}, {high}]"), rule });
        }
        match self.drop {
            Some(drop) => Err(Misfit { key: "augment.drop.share", value: drop.share.to_string(), rule }),
            None => Ok(()),
        }
    }

    /// Changes the frames of one example in place, by all entries but `waveform`; it gets no longer than `most_frames`, unless it was.
    ///
    /// # Example
    /// ```
    /// use stapes_data::{AugmentConfig, ShiftConfig};
    /// use stapes_features::Features;
    ///
    /// let shift = Some(ShiftConfig { probability: 1.0, frames: 1 });
    /// let augment = AugmentConfig { shift, ..AugmentConfig::default() };
    /// let shifted = |epoch| {
    ///     let mut features = Features::new(1, vec![1.0, 2.0, 3.0]);
    ///     augment.apply(&mut features, usize::MAX, 1, [epoch, 0]);
    ///     features.values().to_vec()
    /// };
    /// assert_eq!(shifted(1), shifted(1));
    /// let possible = [vec![1.0, 1.0, 2.0], vec![1.0, 2.0, 3.0], vec![2.0, 3.0, 3.0]];
    /// assert!((0..20).all(|epoch| possible.contains(&shifted(epoch))));
    /// ```
    pub fn apply(&self, features: &mut Features, most_frames: usize, seed: u64, numbers: [u64; 2]) {
        if features.frames() == 0 {
            return;
        }
        let drawn = |entry, probability| due(seed, entry, numbers, probability);
        if let Some(config) = &self.warp
            && let Some(mut stream) = drawn("augment warp", config.probability)
        {
            config.apply(features, &mut stream);
        }
        if let Some(config) = &self.stretch
            && let Some(mut stream) = drawn("augment stretch", config.probability)
        {
            config.apply(features, most_frames, &mut stream);
        }
        if let Some(config) = &self.rotation
            && let Some(mut stream) = drawn("augment rotation", config.probability)
        {
            config.apply(features, &mut stream);
        }
        if let Some(config) = &self.scale
            && let Some(mut stream) = drawn("augment scale", config.probability)
        {
            config.apply(features, &mut stream);
        }
        if let Some(config) = &self.jitter
            && let Some(mut stream) = drawn("augment jitter", config.probability)
        {
            config.apply(features, &mut stream);
        }
        if let Some(config) = &self.drop
            && let Some(mut stream) = drawn("augment drop", config.probability)
        {
            config.apply(features, &mut stream);
        }
        self.apply_of_one_stream(features, Stream::numbered(seed, "augment", numbers));
    }

    /// The entries that share a stream: each draws behind those before it.
    fn apply_of_one_stream(&self, features: &mut Features, mut stream: Stream) {
        if let Some(config) = &self.shift
            && stream.uniform() < config.probability
        {
            config.apply(features, &mut stream);
        }
        if let Some(config) = &self.level
            && stream.uniform() < config.probability
        {
            config.apply(features, &mut stream);
        }
        if let Some(config) = &self.spec_augment
            && stream.uniform() < config.probability
        {
            config.apply(features, &mut stream);
        }
    }
}

#[cfg(test)]
mod tests;
