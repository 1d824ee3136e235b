//! Frame stacking and subsampling.

use crate::FeatureError;
use crate::check::require_within;
use crate::settings_macro::config;

config! {
    /// Stacking of each frame with its neighbors, and subsampling of frames.
    ///
    /// Frame t becomes the frames t - left to t + right, in time order; beyond the ends the edge frame is
    /// repeated. Every `every`-th frame is kept, starting with the first: ceil(T / every) of T.
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
    #[derive(Copy, Eq)]
    pub struct StackingConfig {
        /// Number of earlier frames stacked before each frame.
        left: usize = 0, "frames";
        /// Number of later frames stacked after each frame.
        right: usize = 0, "frames";
        /// Subsampling: 1 keeps all frames, 3 every third.
        every: usize = 1, "frames";
    }
}

/// Maximum of each setting; a larger value is a typing error.
const MAX_CONTEXT: usize = 1000;

impl StackingConfig {
    /// Returns true if frames stay unchanged.
    pub fn is_none(&self) -> bool {
        *self == StackingConfig::default()
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self) -> Result<(), FeatureError> {
        require_within("left", self.left, 0, MAX_CONTEXT)?;
        require_within("right", self.right, 0, MAX_CONTEXT)?;
        require_within("every", self.every, 1, MAX_CONTEXT)
    }

    /// Returns the number of frames kept of `frames`.
    pub(crate) fn frames(&self, frames: usize) -> usize {
        frames.div_ceil(self.every)
    }

    /// Returns the number of frames in a stack.
    pub(crate) fn stack_len(&self) -> usize {
        self.left + 1 + self.right
    }
}

/// Streaming frame stacking.
#[derive(Clone, Debug)]
pub(crate) struct StreamingStack {
    config: StackingConfig,
    width: usize,
    /// Ring buffer of the latest frames, one stack long.
    rows: Vec<f32>,
    /// Number of frames received and number of frames emitted.
    count: usize,
    emitted: usize,
}

impl StreamingStack {
    /// Checks the settings and builds the stage for frames of `width` values.
    pub(crate) fn new(config: StackingConfig, width: usize) -> Result<StreamingStack, FeatureError> {
        config.check()?;
        let rows = vec![0.0; config.stack_len() * width];
        Ok(StreamingStack { config, width, rows, count: 0, emitted: 0 })
    }

    /// Returns F, the number of values per stack.
    pub(crate) fn width(&self) -> usize {
        self.rows.len()
    }

    /// Resets to the start of a clip.
    pub(crate) fn reset(&mut self) {
        (self.count, self.emitted) = (0, 0);
    }

    /// Receives a frame and appends the stacks that are complete.
    pub(crate) fn push(&mut self, frame: &[f32], frames: &mut Vec<f32>) {
        let at = self.count % self.config.stack_len() * self.width;
        self.rows[at..at + self.width].copy_from_slice(frame);
        self.count += 1;
        self.advance(self.config.right, frames);
    }

    /// Ends the clip: appends the remaining stacks.
    pub(crate) fn finish(&mut self, frames: &mut Vec<f32>) {
        self.advance(0, frames);
    }

    fn advance(&mut self, ahead: usize, frames: &mut Vec<f32>) {
        while self.emitted * self.config.every + ahead < self.count {
            let center = self.emitted * self.config.every;
            for slot in 0..self.config.stack_len() {
                let frame = (center + slot).saturating_sub(self.config.left).min(self.count - 1);
                let at = frame % self.config.stack_len() * self.width;
                frames.extend_from_slice(&self.rows[at..at + self.width]);
            }
            self.emitted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_stacked_with_neighbors_and_edges_repeat() {
        for left in 0..5 {
            for right in 0..5 {
                for every in 1..5 {
                    let config = StackingConfig { left, right, every };
                    let mut stack = StreamingStack::new(config, 2).unwrap();
                    for count in 0..12usize {
                        let mut frames = Vec::new();
                        stack.reset();
                        for t in 0..count {
                            stack.push(&[t as f32, 100.0 + t as f32], &mut frames);
                            let complete = (t + 1).saturating_sub(right).div_ceil(every);
                            assert_eq!(frames.len(), complete * stack.width(), "{config:?} {t}");
                        }
                        stack.finish(&mut frames);
                        assert_eq!(frames.len(), config.frames(count) * stack.width());
                        for (n, frame) in frames.chunks(stack.width()).enumerate() {
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
    fn invalid_settings_are_rejected_with_the_nearest_value() {
        let rejected =
            |left, every| StackingConfig { left, right: 0, every }.check().unwrap_err().to_string();
        assert_eq!(rejected(0, 0), "every = 0: must be within 1..=1000; use 1");
        assert_eq!(rejected(1001, 1), "left = 1001: must be within 0..=1000; use 1000");
        assert!(StackingConfig::default().check().is_ok() && StackingConfig::default().is_none());
    }
}
