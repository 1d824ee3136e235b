//! Normalization of a spectrum.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serde_scalar::{Scalar, deserialize_scalar};

/// Divisor of a spectrum before its power is computed.
///
/// `false`, `true` or the name of the divisor in a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl Serialize for SpectrumNorm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            SpectrumNorm::None => serializer.serialize_bool(false),
            SpectrumNorm::Window => serializer.serialize_bool(true),
            SpectrumNorm::FrameLength => serializer.serialize_str("frame_length"),
        }
    }
}

impl<'de> Deserialize<'de> for SpectrumNorm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SpectrumNorm, D::Error> {
        let expected = "true, false, \"window\" or \"frame_length\"";
        deserialize_scalar(deserializer, expected, |scalar| match scalar {
            Scalar::Flag(false) => Some(SpectrumNorm::None),
            Scalar::Flag(true) | Scalar::Word("window") => Some(SpectrumNorm::Window),
            Scalar::Word("frame_length") => Some(SpectrumNorm::FrameLength),
            _ => None,
        })
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
        assert!(
            error.starts_with("\"area\": must be true, false, \"window\" or \"frame_length\""),
            "{error}"
        );
    }

    #[test]
    fn divisor_is_the_norm_of_the_window_or_the_root_of_n_fft() {
        let window = [0.0, 3.0, 4.0];
        assert_eq!(SpectrumNorm::None.divisor(&window, 16), 1.0);
        assert_eq!(SpectrumNorm::Window.divisor(&window, 16), 5.0);
        assert_eq!(SpectrumNorm::FrameLength.divisor(&window, 16), 4.0);
    }
}
