//! Window functions of Kaldi.

use std::f64::consts::{PI, TAU};

use crate::serde_scalar::words;

/// Window function; all but `Hann` are symmetric (x = 2 pi n / (length - 1)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KaldiWindow {
    /// (0.5 - 0.5 cos(x))^0.85.
    #[default]
    Povey,
    /// 0.5 - 0.5 cos(x).
    Hanning,
    /// 0.54 - 0.46 cos(x).
    Hamming,
    /// 0.5 - 0.5 cos(2 pi n / length), periodic; not in torchaudio.
    Hann,
    /// All ones.
    Rectangular,
    /// sin(x / 2); not in torchaudio.
    Sine,
    /// c - 0.5 cos(x) + (0.5 - c) cos(2x) with c = `blackman_coeff`.
    Blackman,
}

words! {
    KaldiWindow {
        Povey = "povey",
        Hanning = "hanning",
        Hamming = "hamming",
        Hann = "hann",
        Rectangular = "rectangular",
        Sine = "sine",
        Blackman = "blackman",
    }
}

impl KaldiWindow {
    /// Returns the weights, rounded to f32 once; a single point is 1.
    pub(super) fn weights(self, length: usize, blackman_coeff: f64) -> Vec<f32> {
        if length == 1 {
            return vec![1.0];
        }
        let last = (length - 1) as f64;
        let weight = |n: usize| {
            let x = TAU * n as f64 / last;
            match self {
                KaldiWindow::Povey => (0.5 - 0.5 * x.cos()).powf(0.85),
                KaldiWindow::Hanning => 0.5 - 0.5 * x.cos(),
                KaldiWindow::Hamming => 0.54 - 0.46 * x.cos(),
                KaldiWindow::Hann => 0.5 - 0.5 * (TAU * n as f64 / length as f64).cos(),
                KaldiWindow::Rectangular => 1.0,
                KaldiWindow::Sine => (PI * n as f64 / last).sin(),
                KaldiWindow::Blackman => {
                    blackman_coeff - 0.5 * x.cos() + (0.5 - blackman_coeff) * (2.0 * x).cos()
                }
            }
        };
        (0..length).map(|n| weight(n) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_equal_their_formulas() {
        for (window, quarter, symmetric) in [
            (KaldiWindow::Povey, 0.5f64.powf(0.85), true),
            (KaldiWindow::Hanning, 0.5, true),
            (KaldiWindow::Hamming, 0.54, true),
            (KaldiWindow::Hann, 0.5 - 0.5 * (TAU * 2.0 / 9.0).cos(), false),
            (KaldiWindow::Rectangular, 1.0, true),
            (KaldiWindow::Sine, 0.5f64.sqrt(), true),
            (KaldiWindow::Blackman, 0.34, true),
        ] {
            let weights = window.weights(9, 0.42);
            assert!((f64::from(weights[2]) - quarter).abs() < 1e-7, "{window:?} {weights:?}");
            assert_eq!((weights[2] - weights[6]).abs() < 1e-6, symmetric, "{window:?}");
            assert_eq!(window.weights(1, 0.42), [1.0]);
        }
    }
}
