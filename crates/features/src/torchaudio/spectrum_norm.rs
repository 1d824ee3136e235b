//! By what a spectrum is divided.

use serde::{Deserialize, Serialize};

/// By what a spectrum is divided before its power is taken.
///
/// In a recipe `false` or `true`, or the word for what divides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum SpectrumNorm {
    /// By nothing; `false`.
    #[default]
    None,
    /// By the root of the sum of the window's squares; `true` or `"window"`.
    Window,
    /// By the root of n_fft; `"frame_length"`.
    FrameLength,
}

impl SpectrumNorm {
    /// What divides the spectrum of frames of `n_fft` points.
    pub(super) fn divisor(self, window: &[f64], n_fft: usize) -> f64 {
        match self {
            SpectrumNorm::None => 1.0,
            SpectrumNorm::Window => window.iter().map(|weight| weight * weight).sum::<f64>().sqrt(),
            SpectrumNorm::FrameLength => (n_fft as f64).sqrt(),
        }
    }
}

/// torchaudio's argument is a flag or a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "must be true, false, \"window\" or \"frame_length\"")]
enum Written {
    Flag(bool),
    Word(Word),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Window,
    FrameLength,
}

impl From<Written> for SpectrumNorm {
    fn from(written: Written) -> SpectrumNorm {
        match written {
            Written::Flag(false) => SpectrumNorm::None,
            Written::Flag(true) | Written::Word(Word::Window) => SpectrumNorm::Window,
            Written::Word(Word::FrameLength) => SpectrumNorm::FrameLength,
        }
    }
}

impl From<SpectrumNorm> for Written {
    fn from(norm: SpectrumNorm) -> Written {
        match norm {
            SpectrumNorm::None => Written::Flag(false),
            SpectrumNorm::Window => Written::Flag(true),
            SpectrumNorm::FrameLength => Written::Word(Word::FrameLength),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_or_a_word_names_the_divisor() {
        for (text, norm, written) in [
            ("false", SpectrumNorm::None, "false"),
            ("true", SpectrumNorm::Window, "true"),
            ("\"window\"", SpectrumNorm::Window, "true"),
            ("\"frame_length\"", SpectrumNorm::FrameLength, "\"frame_length\""),
        ] {
            assert_eq!(serde_json::from_str::<SpectrumNorm>(text).unwrap(), norm);
            assert_eq!(serde_json::to_string(&norm).unwrap(), written);
        }
        let error = serde_json::from_str::<SpectrumNorm>("\"area\"").unwrap_err().to_string();
        assert!(error.starts_with("must be true, false, \"window\" or \"frame_length\""), "{error}");
    }

    #[test]
    fn the_divisor_is_the_length_of_the_window_or_the_root_of_the_points() {
        let window = [0.0, 3.0, 4.0];
        assert_eq!(SpectrumNorm::None.divisor(&window, 16), 1.0);
        assert_eq!(SpectrumNorm::Window.divisor(&window, 16), 5.0);
        assert_eq!(SpectrumNorm::FrameLength.divisor(&window, 16), 4.0);
    }
}
