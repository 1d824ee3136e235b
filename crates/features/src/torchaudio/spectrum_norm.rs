//! Normalization of a spectrum.

use serde::{Deserialize, Serialize};

/// Divisor of a spectrum before its power is computed.
///
/// `false`, `true` or the name of the divisor in a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Argument", into = "Argument")]
pub enum SpectrumNorm {
    /// No division; `false`.
    #[default]
    None,
    /// Root of the sum of the window's squares; `true` or `"window"`.
    Window,
    /// Root of n_fft; `"frame_length"`.
    FrameLength,
}

impl SpectrumNorm {
    /// Returns the divisor of the spectrum of frames of `n_fft` points.
    pub(super) fn divisor(self, window: &[f64], n_fft: usize) -> f64 {
        match self {
            SpectrumNorm::None => 1.0,
            SpectrumNorm::Window => window.iter().map(|weight| weight * weight).sum::<f64>().sqrt(),
            SpectrumNorm::FrameLength => (n_fft as f64).sqrt(),
        }
    }
}

/// torchaudio's argument: a flag or a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "must be true, false, \"window\" or \"frame_length\"")]
enum Argument {
    Flag(bool),
    Word(Word),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Window,
    FrameLength,
}

impl From<Argument> for SpectrumNorm {
    fn from(argument: Argument) -> SpectrumNorm {
        match argument {
            Argument::Flag(false) => SpectrumNorm::None,
            Argument::Flag(true) | Argument::Word(Word::Window) => SpectrumNorm::Window,
            Argument::Word(Word::FrameLength) => SpectrumNorm::FrameLength,
        }
    }
}

impl From<SpectrumNorm> for Argument {
    fn from(norm: SpectrumNorm) -> Argument {
        match norm {
            SpectrumNorm::None => Argument::Flag(false),
            SpectrumNorm::Window => Argument::Flag(true),
            SpectrumNorm::FrameLength => Argument::Word(Word::FrameLength),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_or_word_selects_the_divisor() {
        for (text, norm, argument) in [
            ("false", SpectrumNorm::None, "false"),
            ("true", SpectrumNorm::Window, "true"),
            ("\"window\"", SpectrumNorm::Window, "true"),
            ("\"frame_length\"", SpectrumNorm::FrameLength, "\"frame_length\""),
        ] {
            assert_eq!(serde_json::from_str::<SpectrumNorm>(text).unwrap(), norm);
            assert_eq!(serde_json::to_string(&norm).unwrap(), argument);
        }
        let error = serde_json::from_str::<SpectrumNorm>("\"area\"").unwrap_err().to_string();
        assert!(error.starts_with("must be true, false, \"window\" or \"frame_length\""), "{error}");
    }

    #[test]
    fn divisor_is_the_norm_of_the_window_or_the_root_of_n_fft() {
        let window = [0.0, 3.0, 4.0];
        assert_eq!(SpectrumNorm::None.divisor(&window, 16), 1.0);
        assert_eq!(SpectrumNorm::Window.divisor(&window, 16), 5.0);
        assert_eq!(SpectrumNorm::FrameLength.divisor(&window, 16), 4.0);
    }
}
