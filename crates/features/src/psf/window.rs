//! Window functions of numpy.

use std::f64::consts::TAU;

use crate::serde_scalar::words;

/// Window function: numpy's windows, all symmetric.
///
/// x = 2 pi n / (length - 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PsfWindow {
    /// All ones; python_speech_features' default.
    #[default]
    Rectangular,
    /// 0.54 - 0.46 cos(x).
    Hamming,
    /// 0.5 - 0.5 cos(x).
    Hanning,
    /// 0.42 - 0.5 cos(x) + 0.08 cos(2x).
    Blackman,
    /// Triangle: 1 - |2 n / (length - 1) - 1|.
    Bartlett,
}

words! {
    PsfWindow {
        Rectangular = "rectangular" | "ones" | "boxcar",
        Hamming = "hamming",
        Hanning = "hanning" | "hann",
        Blackman = "blackman",
        Bartlett = "bartlett",
    }
}

impl PsfWindow {
    /// Returns the weights, or `None` if all are 1; a single point is 1.
    pub(super) fn weights(self, length: usize) -> Option<Vec<f64>> {
        let last = length.saturating_sub(1).max(1) as f64;
        let weight = |n: usize| {
            let x = TAU * n as f64 / last;
            match self {
                PsfWindow::Rectangular => 1.0,
                PsfWindow::Hamming => 0.54 - 0.46 * x.cos(),
                PsfWindow::Hanning => 0.5 - 0.5 * x.cos(),
                PsfWindow::Blackman => 0.42 - 0.5 * x.cos() + 0.08 * (2.0 * x).cos(),
                PsfWindow::Bartlett => 1.0 - (2.0 * n as f64 / last - 1.0).abs(),
            }
        };
        match (self, length) {
            (PsfWindow::Rectangular, _) | (_, 1) => None,
            _ => Some((0..length).map(weight).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_symmetric_and_equal_numpy() {
        for (window, expected) in [
            (PsfWindow::Hamming, [0.08, 0.397_852_182_587_524_2, 0.912_147_817_412_475_9]),
            (PsfWindow::Hanning, [0.0, 0.345_491_502_812_526_2, 0.904_508_497_187_473_7]),
            (PsfWindow::Blackman, [0.0, 0.200_770_143_262_530_45, 0.849_229_856_737_469_4]),
            (PsfWindow::Bartlett, [0.0, 0.4, 0.8]),
        ] {
            // numpy.NAME(6)
            let weights = window.weights(6).unwrap();
            for n in 0..6 {
                assert!((weights[n] - expected[n.min(5 - n)]).abs() < 1e-15, "{window:?} {weights:?}");
            }
            assert_eq!(window.weights(1), None);
        }
        assert_eq!(PsfWindow::Rectangular.weights(6), None);
    }
}
