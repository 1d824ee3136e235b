//! Cepstral mean and variance normalization (CMVN) of an utterance, as in Kaldi.

use crate::serde_scalar::words;

/// Cepstral mean and variance normalization over the frames of the utterance.
///
/// # Source
/// kaldi-native-fbank 1.23.0, compute_cmvn_stats and apply_cmvn; Kaldi's apply-cmvn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KaldiCmvn {
    /// None.
    #[default]
    None,
    /// Mean.
    Mean,
    /// Mean and population variance; the variance is at least 1e-20.
    MeanVar,
}

words! {
    KaldiCmvn {
        None = "none",
        Mean = "mean",
        MeanVar = "meanvar",
    }
}

const MIN_VARIANCE: f64 = 1e-20;

impl KaldiCmvn {
    /// Normalizes the frames of one utterance.
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
            let variance = (squares / frames - mean * mean).max(MIN_VARIANCE);
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
    fn columns_have_mean_zero_and_variance_one() {
        let values: Vec<f32> = (0..60).map(|n| ((n * n) % 17) as f32 + 40.0 * (n % 2) as f32).collect();
        let (mut centered, mut scaled, mut none) = (values.clone(), values.clone(), values.clone());
        KaldiCmvn::None.apply(&mut none, 2);
        KaldiCmvn::Mean.apply(&mut centered, 2);
        KaldiCmvn::MeanVar.apply(&mut scaled, 2);
        assert_eq!(none, values);
        for column in 0..2 {
            let of = |values: &[f32]| -> Vec<f64> {
                values[column..].iter().step_by(2).map(|&value| f64::from(value)).collect()
            };
            let mean = of(&values).iter().sum::<f64>() / 30.0;
            let variance = of(&values).iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 30.0;
            for (t, value) in of(&values).iter().enumerate() {
                assert!((of(&centered)[t] - (value - mean)).abs() < 1e-4);
                assert!((of(&scaled)[t] - (value - mean) / variance.sqrt()).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn constant_columns_stay_finite_and_empty_input_is_valid() {
        let mut values = vec![2.0f32; 5];
        KaldiCmvn::MeanVar.apply(&mut values, 1);
        assert_eq!(values, [0.0; 5]);
        KaldiCmvn::MeanVar.apply(&mut [], 3);
    }
}
