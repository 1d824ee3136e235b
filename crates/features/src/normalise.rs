//! Mean and variance of features, taken off and divided out.

use serde::{Deserialize, Serialize};

use crate::{FeatureError, Features, KaldiCmvn};

/// How features are brought to a common scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Normalisation {
    /// Not at all.
    #[default]
    None,
    /// Each coefficient by its mean and standard deviation over all training frames; see [`Standardiser`].
    PerCoefficient,
    /// Each coefficient by its mean and standard deviation over the frames of the utterance.
    PerUtterance,
    /// Each coefficient by its mean over the frames of the utterance.
    PerUtteranceMean,
    /// As Kaldi's CMVN: each coefficient by its mean and variance over the frames of the utterance; see
    /// [`KaldiCmvn::MeanVar`].
    Cmvn,
    /// As Kaldi's CMVN without the variance; see [`KaldiCmvn::Mean`].
    CmvnMean,
}

impl Normalisation {
    /// Brings the frames of one utterance to the common scale, as far as that depends on the utterance alone;
    /// [`Normalisation::PerCoefficient`] takes a [`Standardiser`] and changes nothing here.
    ///
    /// # Shapes
    /// \[T, F\]
    pub fn apply_to_utterance(self, features: &mut Features) {
        let width = features.width();
        self.apply_to_values(features.values_mut(), width);
    }

    pub(crate) fn apply_to_values(self, values: &mut [f32], width: usize) {
        match self {
            Normalisation::None | Normalisation::PerCoefficient => {}
            Normalisation::PerUtterance => utterance(values, width, true),
            Normalisation::PerUtteranceMean => utterance(values, width, false),
            Normalisation::Cmvn => KaldiCmvn::MeanVar.apply(values, width),
            Normalisation::CmvnMean => KaldiCmvn::Mean.apply(values, width),
        }
    }

    /// The name in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Normalisation::None => "none",
            Normalisation::PerCoefficient => "per-coefficient",
            Normalisation::PerUtterance => "per-utterance",
            Normalisation::PerUtteranceMean => "per-utterance-mean",
            Normalisation::Cmvn => "cmvn",
            Normalisation::CmvnMean => "cmvn-mean",
        }
    }
}

/// Mean and standard deviation of every coefficient: (x - mean) / scale.
///
/// The variance is that of the population (divided by the number of frames), taken in f64. A coefficient that
/// is constant, or constant but for rounding, is divided by 1.
///
/// # Shapes
/// mean, scale \[F\]
///
/// # Example
/// ```
/// use stapes_features::{Features, Standardiser};
///
/// let mut clip = Features::new(2, vec![1.0, 7.0, 3.0, 7.0]);
/// let standardiser = Standardiser::fit([&clip])?;
/// assert_eq!((&*standardiser.mean, &*standardiser.scale), (&[2.0, 7.0][..], &[1.0, 1.0][..]));
/// standardiser.apply(&mut clip)?;
/// assert_eq!(clip.values(), [-1.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// scikit-learn's StandardScaler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardiser {
    /// Mean of each coefficient.
    pub mean: Vec<f32>,
    /// What each coefficient is divided by.
    pub scale: Vec<f32>,
}

impl Standardiser {
    /// The mean and the standard deviation over all frames of some clips.
    ///
    /// # Shapes
    /// clips \[T_i, F\] -> \[F\]
    ///
    /// # Errors
    /// [`FeatureError::NoFrames`] without a frame, [`FeatureError::Width`] if the clips' widths differ.
    pub fn fit<'a>(clips: impl IntoIterator<Item = &'a Features>) -> Result<Standardiser, FeatureError> {
        let mut total: Option<Moments> = None;
        for clip in clips.into_iter().filter(|clip| clip.frames() > 0) {
            let moments = Moments::of(clip);
            total = Some(match total {
                None => moments,
                Some(earlier) => earlier.and(moments)?,
            });
        }
        let total = total.ok_or(FeatureError::NoFrames)?;
        Ok(Standardiser {
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

/// Brings the frames of one utterance to mean 0, and to variance 1 where `variance` is set.
fn utterance(values: &mut [f32], width: usize, variance: bool) {
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

/// Means and summed squares about them, in f64.
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

    /// The moments of two sets of frames together.
    fn and(mut self, other: Moments) -> Result<Moments, FeatureError> {
        let (expected, got) = (self.means.len(), other.means.len());
        if got != expected {
            return Err(FeatureError::Width { expected, got });
        }
        let frames = self.frames + other.frames;
        for column in 0..expected {
            let apart = other.means[column] - self.means[column];
            self.means[column] += apart * other.frames / frames;
            self.squares[column] +=
                other.squares[column] + apart * apart * self.frames * other.frames / frames;
        }
        self.frames = frames;
        Ok(self)
    }

    fn scale(&self, column: usize) -> f64 {
        scale(self.frames, self.means[column], self.squares[column] / self.frames)
    }
}

/// The mean of a column and the summed squares about it.
fn moments(values: &[f32], width: usize, column: usize) -> (f64, f64) {
    let column = || values[column..].iter().step_by(width).map(|&value| f64::from(value));
    let frames = values.len() / width;
    let mean = column().sum::<f64>() / frames as f64;
    (mean, column().map(|value| (value - mean) * (value - mean)).sum())
}

/// The standard deviation, or 1 where the variance is no more than the rounding of so many sums.
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
    fn a_fit_over_many_clips_is_the_population_mean_and_deviation_of_all_frames() {
        let clips = [clip(3, 5, 1), clip(3, 1, 2), clip(3, 40, 3)];
        let standardiser = Standardiser::fit(&clips).unwrap();
        for column in 0..3 {
            let all: Vec<f64> = clips
                .iter()
                .flat_map(|clip| (0..clip.frames()).map(|t| f64::from(clip.frame(t)[column])))
                .collect();
            let mean = all.iter().sum::<f64>() / 46.0;
            let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 46.0;
            assert!((f64::from(standardiser.mean[column]) / mean - 1.0).abs() < 1e-6);
            assert!((f64::from(standardiser.scale[column]) / variance.sqrt() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn constant_coefficients_are_divided_by_one() {
        // 0.1 as f32 does not sum exactly.
        let constant = Features::new(2, (0..1000).flat_map(|t| [0.1, t as f32]).collect());
        let standardiser = Standardiser::fit([&constant]).unwrap();
        assert_eq!(standardiser.scale[0], 1.0);
        assert!(standardiser.scale[1] > 288.0);
        let mut values = constant.values().to_vec();
        utterance(&mut values, 2, true);
        assert!(values.iter().step_by(2).all(|value| value.abs() < 1e-12), "{}", values[0]);
    }

    #[test]
    fn an_utterance_gets_mean_zero_and_variance_one() {
        let mut values = clip(3, 40, 5).values().to_vec();
        let mut centred = values.clone();
        utterance(&mut values, 3, true);
        utterance(&mut centred, 3, false);
        for column in 0..3 {
            let (mean, squares) = moments(&values, 3, column);
            assert!(mean.abs() < 1e-6 && (squares / 40.0 - 1.0).abs() < 1e-6, "{mean} {squares}");
            let (mean, squares) = moments(&centred, 3, column);
            assert!(mean.abs() < 1e-4 && squares / 40.0 > 50.0, "{mean} {squares}");
        }
    }

    #[test]
    fn nothing_to_fit_and_unequal_widths_are_errors() {
        assert_eq!(Standardiser::fit([]), Err(FeatureError::NoFrames));
        assert_eq!(Standardiser::fit([&Features::new(2, vec![])]), Err(FeatureError::NoFrames));
        let unequal = Standardiser::fit([&clip(3, 2, 1), &clip(4, 2, 1)]);
        assert_eq!(unequal, Err(FeatureError::Width { expected: 3, got: 4 }));
        let standardiser = Standardiser::fit([&clip(3, 2, 1)]).unwrap();
        assert!(standardiser.apply(&mut clip(4, 2, 1)).is_err());
    }
}
