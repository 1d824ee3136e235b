//! Mean and variance of an utterance, taken off and divided out as Kaldi does it.

use serde::{Deserialize, Serialize};

/// What of each coefficient is taken out over the frames of the utterance.
///
/// # Source
/// kaldi-native-fbank 1.23.0, compute_cmvn_stats and apply_cmvn; Kaldi's apply-cmvn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KaldiCmvn {
    /// Nothing.
    #[default]
    None,
    /// Its mean.
    Mean,
    /// Its mean and its population variance, which counts as at least 1e-20.
    MeanVar,
}

const LEAST_VARIANCE: f64 = 1e-20;

impl KaldiCmvn {
    /// Normalises the frames of one utterance.
    ///
    /// # Shapes
    /// \[T, width\]
    pub(crate) fn apply(self, values: &mut [f32], width: usize) {
        let frames = (values.len() / width) as f64;
        if self == KaldiCmvn::None || values.is_empty() {
            return;
        }
        for column in 0..width {
            let (mut sum, mut squares) = (0.0, 0.0);
            for &value in values[column..].iter().step_by(width) {
                sum += f64::from(value);
                squares += f64::from(value) * f64::from(value);
            }
            let mean = sum / frames;
            let variance = (squares / frames - mean * mean).max(LEAST_VARIANCE);
            let scale = if self == KaldiCmvn::MeanVar { 1.0 / variance.sqrt() } else { 1.0 };
            let (scale, offset) = (scale as f32, (-mean * scale) as f32);
            for value in values[column..].iter_mut().step_by(width) {
                *value = *value * scale + offset;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_brought_to_mean_zero_and_variance_one() {
        let values: Vec<f32> = (0..60).map(|n| ((n * n) % 17) as f32 + 40.0 * (n % 2) as f32).collect();
        let (mut centred, mut scaled, mut none) = (values.clone(), values.clone(), values.clone());
        KaldiCmvn::None.apply(&mut none, 2);
        KaldiCmvn::Mean.apply(&mut centred, 2);
        KaldiCmvn::MeanVar.apply(&mut scaled, 2);
        assert_eq!(none, values);
        for column in 0..2 {
            let of = |values: &[f32]| -> Vec<f64> {
                values[column..].iter().step_by(2).map(|&value| f64::from(value)).collect()
            };
            let mean = of(&values).iter().sum::<f64>() / 30.0;
            let variance = of(&values).iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 30.0;
            for (t, value) in of(&values).iter().enumerate() {
                assert!((of(&centred)[t] - (value - mean)).abs() < 1e-4);
                assert!((of(&scaled)[t] - (value - mean) / variance.sqrt()).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_constant_column_stays_finite_and_no_frames_are_no_error() {
        let mut values = vec![2.0f32; 5];
        KaldiCmvn::MeanVar.apply(&mut values, 1);
        assert_eq!(values, [0.0; 5]);
        KaldiCmvn::MeanVar.apply(&mut [], 3);
    }
}
