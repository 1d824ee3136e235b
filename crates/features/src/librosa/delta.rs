//! Savitzky-Golay delta filter of librosa; the deltas of the other toolkits use it too.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::serde_scalar::words;
use crate::{FeatureError, Features};

/// Extension of the frames beyond both ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeltaMode {
    /// Polynomial fitted to the first (last) `width` frames.
    #[default]
    Interp,
    /// Repetition of the edge frame.
    Nearest,
    /// Reflection about the edge frame, which is not repeated.
    Mirror,
    /// Zeros.
    Constant,
    /// Periodic continuation from the other end.
    Wrap,
}

words! {
    DeltaMode {
        Interp = "interp",
        Nearest = "nearest",
        Mirror = "mirror",
        Constant = "constant",
        Wrap = "wrap",
    }
}

impl DeltaMode {
    /// Maps a frame index that may be out of range to a frame; `None` for zeros.
    pub(crate) fn frame(self, at: isize, frames: usize) -> Option<usize> {
        let last = frames as isize - 1;
        if (0..=last).contains(&at) {
            return Some(at as usize);
        }
        match self {
            DeltaMode::Constant => None,
            DeltaMode::Interp | DeltaMode::Nearest => Some(at.clamp(0, last) as usize),
            DeltaMode::Wrap => Some(at.rem_euclid(frames as isize) as usize),
            DeltaMode::Mirror if last == 0 => Some(0),
            DeltaMode::Mirror => {
                let within = at.rem_euclid(2 * last);
                Some(within.min(2 * last - within) as usize)
            }
        }
    }
}

/// Derivatives along time by a Savitzky-Golay filter: a polynomial of degree `order` is fitted by least
/// squares to `width` frames, and its derivative of that order, in units of frames, is the delta.
///
/// # Shapes
/// \[T, F\] -> \[T, F\]
///
/// # Example
/// ```
/// use stapes_features::{DeltaConfig, Features};
///
/// let line = Features::new(1, (0..12).map(|t| 3.0 * t as f32).collect());
/// let slopes = DeltaConfig::default().init()?.apply(&line)?;
/// assert_eq!(slopes.values(), [3.0; 12]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// librosa.feature.delta 0.6 to 1.0. Its order 2 is one filter, not the delta of the delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeltaConfig {
    /// Order of the derivative.
    pub order: usize,
    /// Length of the filter, frames; odd.
    pub width: usize,
    /// Extension beyond the ends.
    pub mode: DeltaMode,
}

impl Default for DeltaConfig {
    fn default() -> DeltaConfig {
        DeltaConfig { order: 1, width: 9, mode: DeltaMode::Interp }
    }
}

/// Maximum width; a wider filter is a typing error.
const MAX_WIDTH: usize = 9999;

impl DeltaConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self) -> Result<(), FeatureError> {
        if self.width < 3 || self.width.is_multiple_of(2) || self.width > MAX_WIDTH {
            let nearest = (self.width | 1).clamp(3, MAX_WIDTH);
            let rule = format!("must be odd and within 3..={MAX_WIDTH}; use {nearest}");
            return Err(FeatureError::setting("width", self.width, rule));
        }
        if self.order == 0 || self.order >= self.width {
            let rule = format!("must be within 1..={}, below the width; use 1 or 2", self.width - 1);
            return Err(FeatureError::setting("order", self.order, rule));
        }
        Ok(())
    }

    /// Builds the filter with these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`DeltaConfig::check`].
    pub fn init(&self) -> Result<Delta, FeatureError> {
        self.check()?;
        Ok(Delta { kernel: savitzky_golay(self.width / 2, self.order), mode: self.mode })
    }
}

/// Delta filter; made by [`DeltaConfig::init`].
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// Weights \[width\], in time order.
    kernel: Vec<f64>,
    mode: DeltaMode,
}

impl Delta {
    /// Returns the weights, in time order.
    pub(crate) fn kernel(&self) -> &[f64] {
        &self.kernel
    }

    /// Returns the deltas of features.
    ///
    /// # Shapes
    /// \[T, F\] -> \[T, F\]
    ///
    /// # Errors
    /// [`FeatureError::TooFewFrames`] if mode is `interp` and T < width.
    pub fn apply<S: Sample>(&self, features: &Features<S>) -> Result<Features<S>, FeatureError> {
        let mut deltas = vec![S::default(); features.values().len()];
        self.apply_columns(features.values(), &mut deltas, Columns::all(features.width()))?;
        Ok(Features::new(features.width(), deltas))
    }

    /// Computes the deltas of columns of one matrix into columns of another; sums are f64.
    pub(crate) fn apply_columns<S: Sample>(
        &self,
        input: &[S],
        output: &mut [S],
        columns: Columns,
    ) -> Result<(), FeatureError> {
        let frames = input.len() / columns.input_width;
        let width = self.kernel.len();
        if self.mode == DeltaMode::Interp && frames < width {
            return Err(too_few_frames(frames, width));
        }
        let half = width / 2;
        for t in 0..frames {
            // The order of the derivative equals the degree of the polynomial: constant at the edge.
            let center = if self.mode == DeltaMode::Interp { t.clamp(half, frames - 1 - half) } else { t };
            for column in 0..columns.count {
                let mut sum = 0.0;
                for (tap, weight) in self.kernel.iter().enumerate() {
                    let at = center as isize + tap as isize - half as isize;
                    if let Some(frame) = self.mode.frame(at, frames) {
                        sum += weight * input[frame * columns.input_width + column].widen();
                    }
                }
                output[t * columns.output_width + columns.output_first + column] = S::narrow(sum);
            }
        }
        Ok(())
    }
}

/// Returns the error for fewer frames than the filter is wide, with the widest (odd) filter that fits.
pub(crate) fn too_few_frames(frames: usize, width: usize) -> FeatureError {
    FeatureError::TooFewFrames { frames, width, widest: frames.saturating_sub(1) / 2 * 2 + 1 }
}

/// Source and destination columns of [`Delta::apply_columns`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub input_width: usize,
    pub count: usize,
    pub output_width: usize,
    pub output_first: usize,
}

impl Columns {
    fn all(width: usize) -> Columns {
        Columns { input_width: width, count: width, output_width: width, output_first: 0 }
    }
}

/// Returns the Savitzky-Golay weights of 2 half + 1 points: order! times the leading coefficient of the
/// least-squares polynomial of degree `order`, which is order! p(k) / sum p^2 with p the monic orthogonal
/// polynomial of that degree on these points.
pub(crate) fn savitzky_golay(half: usize, order: usize) -> Vec<f64> {
    let points: Vec<f64> = (0..2 * half + 1).map(|n| n as f64 - half as f64).collect();
    let square = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    let mut before = vec![0.0; points.len()];
    let mut polynomial = vec![1.0; points.len()];
    let mut factorial = 1.0;
    for degree in 0..order {
        let ratio = if degree == 0 { 0.0 } else { square(&polynomial) / square(&before) };
        let next = (0..points.len()).map(|n| points[n] * polynomial[n] - ratio * before[n]).collect();
        before = std::mem::replace(&mut polynomial, next);
        factorial *= (degree + 1) as f64;
    }
    let norm = square(&polynomial);
    polynomial.iter().map(|value| factorial * value / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?} {expected:?}");
    }

    #[test]
    fn weights_of_width_nine_equal_specification() {
        close(&savitzky_golay(4, 1), &[-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0].map(|k| k / 60.0));
        close(
            &savitzky_golay(4, 2),
            &[28.0, 7.0, -8.0, -17.0, -20.0, -17.0, -8.0, 7.0, 28.0].map(|k| k / 462.0),
        );
        close(&savitzky_golay(1, 1), &[-0.5, 0.0, 0.5]);
        close(&savitzky_golay(1, 2), &[1.0, -2.0, 1.0]);
    }

    #[test]
    fn deltas_of_a_polynomial_equal_its_derivative_everywhere() {
        for order in 1..5 {
            let values: Vec<f64> = (0..15).map(|t| (f64::from(t) - 6.0).powi(order) * 0.25).collect();
            let factorial: f64 = (1..=order).map(f64::from).product();
            let config = DeltaConfig { order: order as usize, width: 9, mode: DeltaMode::Interp };
            let deltas = config.init().unwrap().apply(&Features::new(1, values)).unwrap();
            assert!(
                deltas.values().iter().all(|delta| (delta - 0.25 * factorial).abs() < 1e-8),
                "{deltas:?}"
            );
        }
    }

    #[test]
    fn every_mode_extends_the_frames() {
        let deltas = |mode, values: &[f64]| {
            let config = DeltaConfig { order: 1, width: 5, mode };
            config.init().unwrap().apply(&Features::new(1, values.to_vec())).unwrap().values()[0] * 10.0
        };
        let frames = [3.0, 5.0, 11.0, 2.0, 7.0];
        let ahead = 5.0 + 2.0 * 11.0;
        close(&[deltas(DeltaMode::Nearest, &frames)], &[ahead - 3.0 - 2.0 * 3.0]);
        close(&[deltas(DeltaMode::Mirror, &frames)], &[ahead - 5.0 - 2.0 * 11.0]);
        close(&[deltas(DeltaMode::Constant, &frames)], &[ahead]);
        close(&[deltas(DeltaMode::Wrap, &frames)], &[ahead - 7.0 - 2.0 * 2.0]);
        close(&[deltas(DeltaMode::Interp, &frames)], &[2.0 + 2.0 * 7.0 - 5.0 - 2.0 * 3.0]);
        for mode in [DeltaMode::Nearest, DeltaMode::Mirror, DeltaMode::Wrap] {
            close(&[deltas(mode, &[4.0])], &[0.0]);
        }
    }

    #[test]
    fn columns_do_not_mix() {
        let features = Features::new(2, (0..12).flat_map(|t| [t as f32, -5.0]).collect());
        let deltas = DeltaConfig::default().init().unwrap().apply(&features).unwrap();
        assert!((0..12).all(|t| deltas.frame(t)[0] == 1.0 && deltas.frame(t)[1].abs() < 1e-6));
    }

    #[test]
    fn too_few_frames_are_an_error_with_the_widest_filter() {
        let delta = DeltaConfig::default().init().unwrap();
        for (frames, widest) in [(8, 7), (7, 7), (4, 3)] {
            let error = delta.apply(&Features::new(1, vec![0.0; frames])).unwrap_err();
            assert_eq!(error, FeatureError::TooFewFrames { frames, width: 9, widest });
        }
    }

    #[test]
    fn invalid_filters_are_rejected_with_the_nearest_value() {
        let rejected = |order, width| {
            DeltaConfig { order, width, mode: DeltaMode::Nearest }.init().unwrap_err().to_string()
        };
        assert_eq!(rejected(1, 8), "width = 8: must be odd and within 3..=9999; use 9");
        assert_eq!(rejected(1, 1), "width = 1: must be odd and within 3..=9999; use 3");
        assert_eq!(rejected(0, 9), "order = 0: must be within 1..=8, below the width; use 1 or 2");
        assert!(rejected(9, 9).starts_with("order = 9: "));
    }
}
