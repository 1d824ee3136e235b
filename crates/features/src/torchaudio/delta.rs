//! Delta filter of torchaudio.

use serde::{Deserialize, Serialize};

use crate::FeatureError;
use crate::librosa::delta::{Delta, DeltaConfig, DeltaMode};

/// Slope of a line fitted to neighboring frames: sum_n n x\[t + n\] / (2 sum_n n^2), n up to
/// N = (win_length - 1) / 2.
///
/// Beyond the ends the edge frame is repeated. Deltas of order 2 are the deltas of the deltas.
///
/// # Shapes
/// \[T, F\] -> \[T, F\]
///
/// # Example
/// ```
/// use stapes_features::{Features, TorchaudioDeltaConfig};
///
/// let line = Features::new(1, (0..5).map(|t| 3.0 * t as f32).collect());
/// let slopes = TorchaudioDeltaConfig::default().init()?.apply(&line)?;
/// assert_eq!(slopes.values(), [1.5, 2.4, 3.0, 2.4, 1.5]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// torchaudio.functional.compute_deltas 2.11, mode "replicate"; python_speech_features.delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TorchaudioDeltaConfig {
    /// Length of the filter, frames; an even length counts as one less.
    pub win_length: usize,
}

impl Default for TorchaudioDeltaConfig {
    fn default() -> TorchaudioDeltaConfig {
        TorchaudioDeltaConfig { win_length: 5 }
    }
}

/// Maximum length of the filter; a longer one is a typing error.
const MAX_LENGTH: usize = 9999;

impl TorchaudioDeltaConfig {
    /// Builds the filter.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the value, the rule and the nearest valid value.
    pub fn init(&self) -> Result<Delta, FeatureError> {
        if !(3..=MAX_LENGTH).contains(&self.win_length) {
            let rule =
                format!("must be within 3..={MAX_LENGTH}; use {}", self.win_length.clamp(3, MAX_LENGTH));
            return Err(FeatureError::setting("win_length", self.win_length, rule));
        }
        let width = (self.win_length - 1) / 2 * 2 + 1;
        // With repeated edge frames the fitted line equals librosa's polynomial of degree 1.
        DeltaConfig { order: 1, width, mode: DeltaMode::Nearest }.init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Features;

    #[test]
    fn deltas_equal_their_definition_for_every_length_and_number_of_frames() {
        for win_length in [3usize, 4, 5, 6, 9] {
            let delta = TorchaudioDeltaConfig { win_length }.init().unwrap();
            let reach = (win_length as isize - 1) / 2;
            for frames in [1isize, 2, 4, 30] {
                let values: Vec<f64> = (0..2 * frames).map(|n| (n * n % 31) as f64).collect();
                let got = delta.apply(&Features::new(2, values.clone())).unwrap();
                for (n, got) in got.values().iter().enumerate() {
                    let (t, column) = (n as isize / 2, n as isize % 2);
                    let at = |t: isize| values[(2 * t.clamp(0, frames - 1) + column) as usize];
                    let sum: f64 = (-reach..=reach).map(|k| k as f64 * at(t + k)).sum();
                    let squares: isize = (1..=reach).map(|k| k * k).sum();
                    assert!((got - sum / (2 * squares) as f64).abs() < 1e-12, "{win_length} {frames} {n}");
                }
            }
        }
    }

    #[test]
    fn invalid_lengths_are_rejected_with_the_nearest_value() {
        let rejected = |win_length| TorchaudioDeltaConfig { win_length }.init().unwrap_err().to_string();
        assert_eq!(rejected(2), "win_length = 2: must be within 3..=9999; use 3");
        assert_eq!(rejected(10_000), "win_length = 10000: must be within 3..=9999; use 9999");
    }
}
