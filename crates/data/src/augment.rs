//! Augmentation of frames: training examples are changed a little, differently in each epoch.

use serde::{Deserialize, Serialize};
use stapes_features::Features;
use stapes_random::Stream;

use crate::error::DataError;

/// What is done to a training example's frames, after normalisation; never to validation or test.
///
/// What happens to an example depends on the seed, the epoch and the example alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
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

/// Sets stretches of frames and bands of features to zero, which is their mean once they are normalised.
///
/// # Source
/// Park et al. 2019, SpecAugment, without the warping; a stretch is at most half of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecAugmentConfig {
    /// How often an example is masked, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// Stretches of frames.
    #[serde(default)]
    pub time_masks: usize,
    /// The longest stretch, in frames.
    #[serde(default)]
    pub time_frames: usize,
    /// Bands of features.
    #[serde(default)]
    pub feature_masks: usize,
    /// The widest band, in features.
    #[serde(default)]
    pub feature_width: usize,
}

fn always() -> f32 {
    1.0
}

impl AugmentConfig {
    /// Whether the values are allowed.
    ///
    /// # Errors
    /// [`DataError::Setting`] names the key.
    pub fn check(&self) -> Result<(), DataError> {
        let probabilities = [
            ("augment.shift.probability", self.shift.map(|shift| shift.probability)),
            ("augment.level.probability", self.level.map(|level| level.probability)),
            ("augment.spec_augment.probability", self.spec_augment.map(|masks| masks.probability)),
        ];
        for (key, probability) in probabilities {
            if let Some(value) = probability.filter(|value| !(0.0..=1.0).contains(value)) {
                return Err(DataError::setting(key, value, "must be from 0 to 1"));
            }
        }
        let sizes = [
            ("augment.level.offset", self.level.map(|level| level.offset)),
            ("augment.level.slope", self.level.map(|level| level.slope)),
        ];
        for (key, size) in sizes {
            if let Some(value) = size.filter(|size| !(*size >= 0.0 && size.is_finite())) {
                return Err(DataError::setting(key, value, "must be a number, 0 or more"));
            }
        }
        Ok(())
    }

    /// Changes the frames of one example in place.
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
    ///     augment.apply(&mut features, 1, [epoch, 0]);
    ///     features.values().to_vec()
    /// };
    /// assert_eq!(shifted(1), shifted(1));
    /// let possible = [vec![1.0, 1.0, 2.0], vec![1.0, 2.0, 3.0], vec![2.0, 3.0, 3.0]];
    /// assert!((0..20).all(|epoch| possible.contains(&shifted(epoch))));
    /// ```
    pub fn apply(&self, features: &mut Features, seed: u64, [epoch, example]: [u64; 2]) {
        let mut stream = Stream::numbered(seed, "augment", [epoch, example]);
        if let Some(config) = &self.shift
            && stream.uniform() < config.probability
        {
            shift(features, config.frames, &mut stream);
        }
        if let Some(config) = &self.level
            && stream.uniform() < config.probability
        {
            change_level(features, config, &mut stream);
        }
        if let Some(config) = &self.spec_augment
            && stream.uniform() < config.probability
        {
            mask(features, config, &mut stream);
        }
    }
}

fn shift(features: &mut Features, farthest: usize, stream: &mut Stream) {
    let (frames, width) = (features.frames(), features.width());
    let farthest = farthest.min(frames.saturating_sub(1));
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

fn change_level(features: &mut Features, config: &LevelConfig, stream: &mut Stream) {
    let (offset, slope) = (stream.symmetric(config.offset), stream.symmetric(config.slope));
    let width = features.width();
    // Of one feature the middle is all there is.
    let place = |f: usize| if width > 1 { 2.0 * f as f32 / (width - 1) as f32 - 1.0 } else { 0.0 };
    let offsets: Vec<f32> = (0..width).map(|f| offset + slope * place(f)).collect();
    for frame in features.values_mut().chunks_exact_mut(width) {
        frame.iter_mut().zip(&offsets).for_each(|(value, offset)| *value += offset);
    }
}

fn mask(features: &mut Features, config: &SpecAugmentConfig, stream: &mut Stream) {
    let (frames, width) = (features.frames(), features.width());
    for _ in 0..config.time_masks {
        let length = stream.below(config.time_frames.min(frames / 2) + 1);
        let first = stream.below(frames - length + 1);
        features.values_mut()[first * width..(first + length) * width].fill(0.0);
    }
    for _ in 0..config.feature_masks {
        let band = stream.below(config.feature_width.min(width) + 1);
        let first = stream.below(width - band + 1);
        features.values_mut().chunks_exact_mut(width).for_each(|frame| frame[first..first + band].fill(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(frames: usize, width: usize) -> Features {
        Features::new(width, (1..=frames * width).map(|value| value as f32).collect())
    }

    #[test]
    fn masks_blot_out_whole_stretches_and_bands_within_their_limits() {
        let config = SpecAugmentConfig {
            probability: 1.0,
            time_masks: 1,
            time_frames: 5,
            feature_masks: 1,
            feature_width: 3,
        };
        let augment = AugmentConfig { spec_augment: Some(config), ..AugmentConfig::default() };
        let (mut longest, mut widest) = (0, 0);
        for epoch in 0..200 {
            let mut features = ramp(20, 8);
            augment.apply(&mut features, 1, [epoch, 3]);
            let stretch = (0..20).filter(|&t| features.frame(t).iter().all(|&value| value == 0.0)).count();
            let band = (0..8).filter(|&f| (0..20).all(|t| features.frame(t)[f] == 0.0)).count();
            let zeros = features.values().iter().filter(|&&value| value == 0.0).count();
            assert_eq!(zeros, stretch * 8 + band * 20 - stretch * band);
            assert!(stretch <= 5 && band <= 3);
            (longest, widest) = (longest.max(stretch), widest.max(band));
        }
        assert_eq!((longest, widest), (5, 3));
    }

    #[test]
    fn examples_and_epochs_are_changed_differently() {
        let shift = Some(ShiftConfig { probability: 1.0, frames: 9 });
        let augment = AugmentConfig { shift, ..AugmentConfig::default() };
        let shifted = |numbers| {
            let mut features = ramp(40, 1);
            augment.apply(&mut features, 1, numbers);
            features
        };
        let changed = (0..20).filter(|&n| shifted([n, 0]) != shifted([0, n])).count();
        assert!(changed > 10, "{changed}");
        let single = Features::new(2, vec![1.0, 2.0]);
        let mut one_frame = single.clone();
        augment.apply(&mut one_frame, 1, [1, 1]);
        assert_eq!(one_frame, single);
    }

    #[test]
    fn an_impossible_probability_is_refused() {
        let shift = Some(ShiftConfig { probability: 1.5, frames: 9 });
        let augment = AugmentConfig { shift, ..AugmentConfig::default() };
        assert!(augment.check().unwrap_err().to_string().contains("augment.shift.probability"));
    }

    #[test]
    fn a_level_is_one_line_over_the_features_for_all_frames_of_an_example() {
        let config = |offset, slope| AugmentConfig {
            level: Some(LevelConfig { probability: 0.8, offset, slope }),
            ..AugmentConfig::default()
        };
        let (mut changed, mut highest, mut steepest) = (0, 0.0f32, 0.0f32);
        for epoch in 0..300 {
            let mut features = ramp(4, 5);
            config(2.0, 0.5).apply(&mut features, 1, [epoch, 7]);
            let added: Vec<f32> =
                features.values().iter().zip(ramp(4, 5).values()).map(|(new, old)| new - old).collect();
            for frame in added.chunks_exact(5) {
                for (added, first) in frame.iter().zip(&added[..5]) {
                    assert!((added - first).abs() < 1e-5);
                }
                let slope = (frame[4] - frame[0]) / 2.0;
                assert!((frame[1] - (frame[2] - slope / 2.0)).abs() < 1e-5, "{frame:?}");
                (highest, steepest) = (highest.max(frame[2].abs()), steepest.max(slope.abs()));
            }
            changed += usize::from(added.iter().any(|added| *added != 0.0));
        }
        assert!((210..270).contains(&changed), "{changed}");
        assert!((1.8..=2.0).contains(&highest) && (0.45..=0.501).contains(&steepest), "{highest} {steepest}");
        let mut single = Features::new(1, vec![1.0, 2.0]);
        config(0.0, 3.0).apply(&mut single, 1, [0, 0]);
        assert_eq!(single.values(), [1.0, 2.0]);
        for (offset, slope, key) in
            [(-1.0, 0.0, "augment.level.offset"), (1.0, f32::NAN, "augment.level.slope")]
        {
            assert!(config(offset, slope).check().unwrap_err().to_string().contains(key));
        }
    }
}
