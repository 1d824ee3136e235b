//! Configuration of all augmentations.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Rng;

use crate::draws::sample_if;
use crate::error::{AugmentError, Incompatible};
use crate::frames::{
    DropConfig, JitterConfig, LevelConfig, RotationConfig, ScaleConfig, ShiftConfig, SpecAugmentConfig,
    StretchConfig, WarpConfig,
};
use crate::waveform::WaveformAugmentConfig;

/// Augmentation of training examples: of their samples before the front end (`waveform`), and of their frames after
/// normalization. Validation and test examples are not augmented.
///
/// Augmentations apply in the order of the fields. The result for an example depends only on the seed, the epoch and
/// the example. Each augmentation has its own random stream, except `shift`, `level` and `spec_augment`, which share
/// one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// Augmentation of the samples of recordings, by a [`WaveformAugmenter`](crate::WaveformAugmenter).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waveform: Option<WaveformAugmentConfig>,
    /// Stretching of the feature axis: vocal tract length perturbation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warp: Option<WarpConfig>,
    /// Stretching of the time axis: tempo perturbation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretch: Option<StretchConfig>,
    /// 2-D rotation, for pen strokes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationConfig>,
    /// Scaling of all values by one factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleConfig>,
    /// Noise on every value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<JitterConfig>,
    /// Dropping of single frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropConfig>,
    /// Shift in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftConfig>,
    /// Offset and slope over the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LevelConfig>,
    /// Masking of frequency bands and times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_augment: Option<SpecAugmentConfig>,
}

impl AugmentConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] with the key.
    pub fn check(&self) -> Result<(), AugmentError> {
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

    /// Checks that the augmentations are compatible with frames of `width` values, which may have a fixed number of
    /// frames or frame labels.
    ///
    /// `stretch` and `drop` change the number of frames, so they are incompatible with both. `speed` and `shift` of
    /// waveforms move the audio relative to frame labels. `rotation` needs pairs of features.
    ///
    /// # Errors
    /// [`Incompatible`] with the first incompatible key.
    ///
    /// # Example
    /// ```
    /// use stapes_augment::{AugmentConfig, DropConfig};
    ///
    /// let drop = Some(DropConfig { probability: 1.0, fraction: 0.1 });
    /// let augment = AugmentConfig { drop, ..AugmentConfig::default() };
    /// assert!(augment.check_frames(40, None, false).is_ok());
    /// assert_eq!(augment.check_frames(40, Some(98), false).unwrap_err().key, "augment.drop.fraction");
    /// ```
    pub fn check_frames(
        &self,
        width: usize,
        fixed: Option<usize>,
        frame_labels: bool,
    ) -> Result<(), Incompatible> {
        if let Some(rotation) = self.rotation.filter(|_| !width.is_multiple_of(2)) {
            let rule = "rotates pairs of features, but their number is odd; remove rotation";
            return Err(Incompatible {
                key: "augment.rotation.degrees",
                value: rotation.degrees.to_string(),
                rule,
            });
        }
        if let Some(waveform) = self.waveform.as_ref().filter(|_| frame_labels) {
            waveform.check_frame_labels()?;
        }
        let rule = match (fixed, frame_labels) {
            (Some(_), _) => {
                "changes the number of frames, but the model requires a fixed number; remove it, or remove the fixed \
                 length"
            }
            (None, true) => "changes the number of frames, but every frame has a label; remove it",
            (None, false) => return Ok(()),
        };
        if let Some(StretchConfig { factor: [low, high], .. }) = self.stretch {
            return Err(Incompatible {
                key: "augment.stretch.factor",
                value: format!("[{low}, {high}]"),
                rule,
            });
        }
        match self.drop {
            Some(drop) => {
                Err(Incompatible { key: "augment.drop.fraction", value: drop.fraction.to_string(), rule })
            }
            None => Ok(()),
        }
    }

    /// Augments the frames of one example in place, with all augmentations except `waveform`. The number of frames
    /// does not grow beyond `max_frames`, unless it was greater before.
    ///
    /// # Example
    /// ```
    /// use stapes_augment::{AugmentConfig, ShiftConfig};
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
    pub fn apply(&self, features: &mut Features, max_frames: usize, seed: u64, numbers: [u64; 2]) {
        if features.frames() == 0 {
            return;
        }
        let drawn = |entry, probability| sample_if(seed, entry, numbers, probability);
        if let Some(config) = &self.warp
            && let Some(mut stream) = drawn("augment warp", config.probability)
        {
            config.apply(features, &mut stream);
        }
        if let Some(config) = &self.stretch
            && let Some(mut stream) = drawn("augment stretch", config.probability)
        {
            config.apply(features, max_frames, &mut stream);
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
        self.apply_with_shared_stream(features, Rng::numbered(seed, "augment", numbers));
    }

    /// Augmentations with a common random stream, in the order of their draws.
    fn apply_with_shared_stream(&self, features: &mut Features, mut stream: Rng) {
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
