//! Mean and variance normalization of features.

use serde::{Deserialize, Serialize};

use crate::serde_scalar::words;
use crate::{FeatureError, Features, KaldiCmvn};

/// Normalization of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normalization {
    /// No normalization.
    #[default]
    None,
    /// Mean and standard deviation of each coefficient over all training frames; see [`StandardScaler`].
    PerCoefficient,
    /// Mean and standard deviation of each coefficient over the frames of the utterance.
    PerUtterance,
    /// Mean of each coefficient over the frames of the utterance.
    PerUtteranceMean,
    /// Kaldi's CMVN over the frames of the utterance; see [`KaldiCmvn::MeanVar`].
    Cmvn,
    /// Kaldi's CMVN without the variance; see [`KaldiCmvn::Mean`].
    CmvnMean,
}

words! {
    Normalization {
        None = "none",
        PerCoefficient = "per-coefficient",
        PerUtterance = "per-utterance",
        PerUtteranceMean = "per-utterance-mean",
        Cmvn = "cmvn",
        CmvnMean = "cmvn-mean",
    }
}

impl Normalization {
    /// Normalizes the frames of one utterance. [`Normalization::PerCoefficient`] needs a [`StandardScaler`]
    /// and changes nothing here.
    ///
    /// # Shapes
    /// \[T, F\]
    pub fn apply_to_utterance(self, features: &mut Features) {
        let width = features.width();
        self.apply_to_values(features.values_mut(), width);
    }

    pub(crate) fn apply_to_values(self, values: &mut [f32], width: usize) {
        match self {
            Normalization::None | Normalization::PerCoefficient => {}
            Normalization::PerUtterance => normalize_utterance(values, width, true),
            Normalization::PerUtteranceMean => normalize_utterance(values, width, false),
            Normalization::Cmvn => KaldiCmvn::MeanVar.apply(values, width),
            Normalization::CmvnMean => KaldiCmvn::Mean.apply(values, width),
        }
    }

    /// Returns the name in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Normalization::None => "none",
            Normalization::PerCoefficient => "per-coefficient",
            Normalization::PerUtterance => "per-utterance",
            Normalization::PerUtteranceMean => "per-utterance-mean",
            Normalization::Cmvn => "cmvn",
            Normalization::CmvnMean => "cmvn-mean",
        }
    }
}

/// Standardization of each coefficient: (x - mean) / scale.
///
/// The variance is the population variance (divided by the number of frames), computed in f64. The scale of a
/// coefficient that is constant up to rounding is 1.
///
/// # Shapes
/// mean, scale \[F\]
///
/// # Example
/// ```
/// use stapes_features::{Features, StandardScaler};
///
/// let mut clip = Features::new(2, vec![1.0, 7.0, 3.0, 7.0]);
/// let scaler = StandardScaler::fit([&clip])?;
/// assert_eq!((&*scaler.mean, &*scaler.scale), (&[2.0, 7.0][..], &[1.0, 1.0][..]));
/// scaler.apply(&mut clip)?;
/// assert_eq!(clip.values(), [-1.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// scikit-learn's StandardScaler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardScaler {
    /// Mean of each coefficient.
    pub mean: Vec<f32>,
    /// Divisor of each coefficient.
    pub scale: Vec<f32>,
}

impl StandardScaler {
    /// Fits mean and standard deviation to all frames of some clips.
    ///
    /// # Shapes
    /// clips \[T_i, F\] -> \[F\]
    ///
    /// # Errors
    /// [`FeatureError::NoFrames`] without a frame, [`FeatureError::Width`] if the clips' widths differ.
    pub fn fit<'a>(clips: impl IntoIterator<Item = &'a Features>) -> Result<StandardScaler, FeatureError> {
        let mut total: Option<Moments> = None;
        for clip in clips.into_iter().filter(|clip| clip.frames() > 0) {
            let moments = Moments::of(clip);
            total = Some(match total {
                None => moments,
                Some(earlier) => earlier.merge(moments)?,
            });
        }
        let total = total.ok_or(FeatureError::NoFrames)?;
        Ok(StandardScaler {
            scale: (0..total.means.len()).map(|column| total.scale(column) as f32).collect(),
            mean: total.means.iter().map(|&mean| mean as f32).collect(),
        })
    }

    /// Replaces each value x by (x - mean) / scale.
    ///
    /// # Shapes
    /// \[T, F\]
    ///
    /// # Errors
    /// [`FeatureError::Width`] if the features have another width.
    pub fn apply(&self, features: &mut Features) -> Result<(), FeatureError> {
        self.check_width(features.width())?;
        self.apply_to(features.values_mut());
        Ok(())
    }

    pub(crate) fn check_width(&self, got: usize) -> Result<(), FeatureError> {
        let expected = self.mean.len();
        if got == expected { Ok(()) } else { Err(FeatureError::Width { expected, got }) }
    }

    pub(crate) fn apply_to(&self, values: &mut [f32]) {
        for frame in values.chunks_exact_mut(self.mean.len()) {
            for ((value, mean), scale) in frame.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = (*value - mean) / scale;
            }
        }
    }
}

/// Normalizes the frames of one utterance to mean 0, and to variance 1 if `variance` is set.
fn normalize_utterance(values: &mut [f32], width: usize, variance: bool) {
    let frames = values.len() / width;
    for column in 0..width {
        let (mean, squares) = moments(values, width, column);
        let scale = if variance { scale(frames as f64, mean, squares / frames as f64) } else { 1.0 };
        for t in 0..frames {
            let value = &mut values[t * width + column];
            *value = ((f64::from(*value) - mean) / scale) as f32;
        }
    }
}

/// Means and sums of squared deviations, in f64.
struct Moments {
    frames: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn of(clip: &Features) -> Moments {
        let columns = (0..clip.width()).map(|column| moments(clip.values(), clip.width(), column));
        let (means, squares) = columns.unzip();
        Moments { frames: clip.frames() as f64, means, squares }
    }

    /// Merges the moments of two sets of frames.
    fn merge(mut self, other: Moments) -> Result<Moments, FeatureError> {
        let (expected, got) = (self.means.len(), other.means.len());
        if got != expected {
            return Err(FeatureError::Width { expected, got });
        }
        let frames = self.frames + other.frames;
        for column in 0..expected {
            let delta = other.means[column] - self.means[column];
            self.means[column] += delta * other.frames / frames;
            self.squares[column] +=
                other.squares[column] + delta * delta * self.frames * other.frames / frames;
        }
        self.frames = frames;
        Ok(self)
    }

    fn scale(&self, column: usize) -> f64 {
        scale(self.frames, self.means[column], self.squares[column] / self.frames)
    }
}

/// Returns the mean of a column and the sum of squared deviations from it.
fn moments(values: &[f32], width: usize, column: usize) -> (f64, f64) {
    let column = || values[column..].iter().step_by(width).map(|&value| f64::from(value));
    let frames = values.len() / width;
    let mean = column().sum::<f64>() / frames as f64;
    (mean, column().map(|value| (value - mean) * (value - mean)).sum())
}

/// Returns the standard deviation, or 1 if the variance is within the rounding error of the sums.
fn scale(frames: f64, mean: f64, variance: f64) -> f64 {
    let rounding = frames * mean * f64::EPSILON;
    if variance <= frames * f64::EPSILON * variance + rounding * rounding { 1.0 } else { variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(width: usize, frames: usize, seed: usize) -> Features {
        let value = |n: usize| ((n * 37 + seed * 101) % 83) as f32 * 0.5 - 20.0 + 1000.0 * (n % width) as f32;
        Features::new(width, (0..frames * width).map(value).collect())
    }

    #[test]
    fn fit_equals_population_mean_and_deviation_of_all_frames() {
        let clips = [clip(3, 5, 1), clip(3, 1, 2), clip(3, 40, 3)];
        let scaler = StandardScaler::fit(&clips).unwrap();
        for column in 0..3 {
            let all: Vec<f64> = clips
                .iter()
                .flat_map(|clip| (0..clip.frames()).map(|t| f64::from(clip.frame(t)[column])))
                .collect();
            let mean = all.iter().sum::<f64>() / 46.0;
            let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 46.0;
            assert!((f64::from(scaler.mean[column]) / mean - 1.0).abs() < 1e-6);
            assert!((f64::from(scaler.scale[column]) / variance.sqrt() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn scale_of_constant_coefficients_is_one() {
        // 0.1 as f32 does not sum exactly.
        let constant = Features::new(2, (0..1000).flat_map(|t| [0.1, t as f32]).collect());
        let scaler = StandardScaler::fit([&constant]).unwrap();
        assert_eq!(scaler.scale[0], 1.0);
        assert!(scaler.scale[1] > 288.0);
        let mut values = constant.values().to_vec();
        normalize_utterance(&mut values, 2, true);
        assert!(values.iter().step_by(2).all(|value| value.abs() < 1e-12), "{}", values[0]);
    }

    #[test]
    fn utterance_has_mean_zero_and_variance_one() {
        let mut values = clip(3, 40, 5).values().to_vec();
        let mut centered = values.clone();
        normalize_utterance(&mut values, 3, true);
        normalize_utterance(&mut centered, 3, false);
        for column in 0..3 {
            let (mean, squares) = moments(&values, 3, column);
            assert!(mean.abs() < 1e-6 && (squares / 40.0 - 1.0).abs() < 1e-6, "{mean} {squares}");
            let (mean, squares) = moments(&centered, 3, column);
            assert!(mean.abs() < 1e-4 && squares / 40.0 > 50.0, "{mean} {squares}");
        }
    }

    #[test]
    fn empty_input_and_unequal_widths_are_errors() {
        assert_eq!(StandardScaler::fit([]), Err(FeatureError::NoFrames));
        assert_eq!(StandardScaler::fit([&Features::new(2, vec![])]), Err(FeatureError::NoFrames));
        let unequal = StandardScaler::fit([&clip(3, 2, 1), &clip(4, 2, 1)]);
        assert_eq!(unequal, Err(FeatureError::Width { expected: 3, got: 4 }));
        let scaler = StandardScaler::fit([&clip(3, 2, 1)]).unwrap();
        assert!(scaler.apply(&mut clip(4, 2, 1)).is_err());
    }
}
