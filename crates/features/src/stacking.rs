//! Frames beside their neighbours.

use serde::{Deserialize, Serialize};

use crate::FeatureError;

/// Each frame with its neighbours as one, and only every so many frames kept.
///
/// Frame t becomes the frames t - left to t + right, from the earliest to the latest; beyond the ends the edge
/// frame stands again and again. Of T frames ceil(T / every) are kept, the first one first.
///
/// # Shapes
/// \[T, F\] -> \[ceil(T / every), (left + 1 + right) F\]
///
/// # Example
/// ```
/// use stapes_features::{FeatureConfig, StackingConfig};
///
/// let stacking = StackingConfig { left: 2, right: 1, every: 3 };
/// let mut front_end = FeatureConfig { stacking, ..Default::default() }.init()?;
/// let features = front_end.extract(&[0.25; 16_000])?;
/// assert_eq!((features.frames(), features.width()), (11, 4 * 20));
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// Kaldi's splice-feats and subsample-feats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StackingConfig {
    /// How many earlier frames stand before each.
    pub left: usize,
    /// How many later frames stand behind each.
    pub right: usize,
    /// Which frames are kept: 1 for all, 3 for every third.
    pub every: usize,
}

impl Default for StackingConfig {
    fn default() -> StackingConfig {
        StackingConfig { left: 0, right: 0, every: 1 }
    }
}

/// More neighbours or a longer step would be a typing error.
const FARTHEST: usize = 1000;

impl StackingConfig {
    /// Whether frames stay as they are.
    pub fn is_none(&self) -> bool {
        *self == StackingConfig::default()
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self) -> Result<(), FeatureError> {
        for (key, value, least) in
            [("left", self.left, 0), ("right", self.right, 0), ("every", self.every, 1)]
        {
            if !(least..=FARTHEST).contains(&value) {
                let rule =
                    format!("must be within {least}..={FARTHEST}; use {}", value.clamp(least, FARTHEST));
                return Err(FeatureError::setting(key, value, rule));
            }
        }
        Ok(())
    }

    /// How many of so many frames are kept.
    pub(crate) fn frames(&self, frames: usize) -> usize {
        frames.div_ceil(self.every)
    }

    /// How many frames stand side by side.
    pub(crate) fn beside(&self) -> usize {
        self.left + 1 + self.right
    }
}

/// Stacks frames that arrive one after the other.
#[derive(Clone, Debug)]
pub(crate) struct StackLine {
    config: StackingConfig,
    width: usize,
    /// The latest frames, as many as stand side by side.
    rows: Vec<f32>,
    /// How many frames there have been, and how many have been given.
    count: usize,
    given: usize,
}

impl StackLine {
    /// For frames of `width` values and settings that have been checked.
    pub(crate) fn new(config: StackingConfig, width: usize) -> StackLine {
        StackLine { config, width, rows: vec![0.0; config.beside() * width], count: 0, given: 0 }
    }

    /// F, neighbours included.
    pub(crate) fn width(&self) -> usize {
        self.rows.len()
    }

    /// Back to the start of a clip.
    pub(crate) fn reset(&mut self) {
        (self.count, self.given) = (0, 0);
    }

    /// Takes in a frame and appends those that are complete.
    pub(crate) fn push(&mut self, frame: &[f32], frames: &mut Vec<f32>) {
        let at = self.count % self.config.beside() * self.width;
        self.rows[at..at + self.width].copy_from_slice(frame);
        self.count += 1;
        self.advance(self.config.right, frames);
    }

    /// Appends the frames that waited for others, at the end of the clip.
    pub(crate) fn finish(&mut self, frames: &mut Vec<f32>) {
        self.advance(0, frames);
    }

    fn advance(&mut self, ahead: usize, frames: &mut Vec<f32>) {
        while self.given * self.config.every + ahead < self.count {
            let centre = self.given * self.config.every;
            for place in 0..self.config.beside() {
                let frame = (centre + place).saturating_sub(self.config.left).min(self.count - 1);
                let at = frame % self.config.beside() * self.width;
                frames.extend_from_slice(&self.rows[at..at + self.width]);
            }
            self.given += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_stand_beside_their_neighbours_and_the_edges_repeat() {
        for left in 0..5 {
            for right in 0..5 {
                for every in 1..5 {
                    let config = StackingConfig { left, right, every };
                    let mut line = StackLine::new(config, 2);
                    for count in 0..12usize {
                        let mut frames = Vec::new();
                        line.reset();
                        for t in 0..count {
                            line.push(&[t as f32, 100.0 + t as f32], &mut frames);
                            let complete = (t + 1).saturating_sub(right).div_ceil(every);
                            assert_eq!(frames.len(), complete * line.width(), "{config:?} {t}");
                        }
                        line.finish(&mut frames);
                        assert_eq!(frames.len(), config.frames(count) * line.width());
                        for (n, frame) in frames.chunks(line.width()).enumerate() {
                            for (place, pair) in frame.chunks(2).enumerate() {
                                let at = (n * every + place) as isize - left as isize;
                                let at = at.clamp(0, count as isize - 1) as f32;
                                assert_eq!(pair, [at, 100.0 + at], "{config:?} {count} {n} {place}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn impossible_settings_are_refused_with_the_nearest_choice() {
        let refused = |left, every| StackingConfig { left, right: 0, every }.check().unwrap_err().to_string();
        assert_eq!(refused(0, 0), "every = 0: must be within 1..=1000; use 1");
        assert_eq!(refused(1001, 1), "left = 1001: must be within 0..=1000; use 1000");
        assert!(StackingConfig::default().check().is_ok() && StackingConfig::default().is_none());
    }
}
