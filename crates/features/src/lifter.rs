//! Lifters: weights of cepstral coefficients.

use std::f64::consts::PI;

/// Returns librosa's weights 1 + (l/2) sin(pi (n + 1) / l) of coefficient n; empty for l = 0.
///
/// # Source
/// librosa.feature.mfcc, `lifter`.
pub(crate) fn librosa(lifter: f64, coefficients: usize) -> Vec<f64> {
    if lifter == 0.0 {
        return Vec::new();
    }
    (0..coefficients).map(|n| 1.0 + lifter / 2.0 * (PI * (n + 1) as f64 / lifter).sin()).collect()
}

/// Returns Kaldi's weights 1 + (l/2) sin(pi n / l) of coefficient n; empty for l <= 0.
///
/// # Source
/// Kaldi, `cepstral_lifter`; python_speech_features, `ceplifter`.
pub(crate) fn kaldi(lifter: f64, coefficients: usize) -> Vec<f64> {
    if lifter <= 0.0 {
        return Vec::new();
    }
    (0..coefficients).map(|n| 1.0 + lifter / 2.0 * (PI * n as f64 / lifter).sin()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn librosa_weights_peak_at_half_the_lifter() {
        let weights = librosa(22.0, 22);
        assert!((weights[10] - 12.0).abs() < 1e-12);
        assert!((weights[21] - 1.0).abs() < 1e-12);
        assert!((weights[0] - (1.0 + 11.0 * (PI / 22.0).sin())).abs() < 1e-12);
        assert!(librosa(0.0, 22).is_empty());
    }

    #[test]
    fn kaldi_weights_start_at_one() {
        let weights = kaldi(22.0, 13);
        assert_eq!((weights.len(), weights[0]), (13, 1.0));
        assert!((weights[11] - 12.0).abs() < 1e-12);
        assert!(kaldi(0.0, 13).is_empty() && kaldi(-1.0, 13).is_empty());
    }
}
