//! Errors of feature extraction.

/// Error of feature extraction.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// A setting is invalid, by itself or in combination with another.
    #[error("{key} = {value}: {rule}")]
    Setting {
        /// Key as written in a recipe: `features.front_end.librosa-mfcc.hop_length`.
        key: String,
        /// Value.
        value: String,
        /// Rule that the value violates, with the nearest valid value if there is one.
        rule: String,
    },
    /// A sample is NaN or infinite.
    #[error("sample {sample} is {value}; samples must be finite numbers")]
    NotFinite {
        /// Index of the sample, from 0.
        sample: usize,
        /// Value.
        value: f64,
    },
    /// The samples are so large that their power overflows.
    #[error(
        "the power of frame {frame} overflows; scale the samples to [-1, 1], or to [-32768, 32767] if scale is int16"
    )]
    Overflow {
        /// Index of the frame, from 0.
        frame: usize,
    },
    /// The clip is too short for one frame.
    #[error(
        "{samples} samples are too few for one frame, which needs {needed}; pad the clip or shorten the frame"
    )]
    TooShort {
        /// Number of samples.
        samples: usize,
        /// Number of samples needed for one frame.
        needed: usize,
    },
    /// The clip is too short for reflection padding.
    #[error(
        "{samples} samples are too few to mirror {mirrored} at each end, which needs {needed}; \
         pad the clip, shorten n_fft, or use pad_mode = \"constant\""
    )]
    TooShortToMirror {
        /// Number of samples.
        samples: usize,
        /// Number of samples needed.
        needed: usize,
        /// Number of samples mirrored at each end, n_fft / 2.
        mirrored: usize,
    },
    /// The clip has fewer frames than the delta filter is wide.
    #[error(
        "{frames} frames are too few for deltas of width {width} and mode \"interp\"; \
         use at most width {widest}, or mode \"nearest\""
    )]
    TooFewFrames {
        /// Number of frames.
        frames: usize,
        /// Width of the filter, frames.
        width: usize,
        /// Widest filter that these frames allow; below 3 none does.
        widest: usize,
    },
    /// The features depend on the whole clip and cannot be streamed.
    #[error("{key} = {value} needs the whole clip and cannot be streamed; {alternative}")]
    NeedsWholeClip {
        /// Key of the setting.
        key: String,
        /// Value.
        value: String,
        /// Alternative that can be streamed.
        alternative: String,
    },
    /// The features have an unexpected width.
    #[error(
        "the features have {got} values per frame instead of {expected}; use the front end of the training run"
    )]
    Width {
        /// Expected width.
        expected: usize,
        /// Actual width.
        got: usize,
    },
    /// No frames to fit a mean and a variance to.
    #[error("there are no frames to fit the mean and variance of features to; provide at least one clip")]
    NoFrames,
}

impl FeatureError {
    /// Builds a setting error.
    pub(crate) fn setting(key: &str, value: impl std::fmt::Display, rule: impl Into<String>) -> FeatureError {
        FeatureError::Setting { key: key.to_owned(), value: value.to_string(), rule: rule.into() }
    }

    /// Adds to the rule the name of the setting that is its bound.
    pub(crate) fn with_bound(self, bound: &str) -> FeatureError {
        match self {
            FeatureError::Setting { key, value, rule } => {
                FeatureError::Setting { key, value, rule: format!("{rule} ({bound} is the bound)") }
            }
            other => other,
        }
    }

    /// Renames the key of the setting.
    pub(crate) fn renamed(self, from: &str, to: &str) -> FeatureError {
        match self {
            FeatureError::Setting { key, value, rule } if key == from => {
                FeatureError::Setting { key: to.to_owned(), value, rule }
            }
            other => other,
        }
    }

    /// Prepends `prefix.` to the key of the setting.
    pub(crate) fn with_prefix(self, prefix: &str) -> FeatureError {
        match self {
            FeatureError::Setting { key, value, rule } => {
                FeatureError::Setting { key: format!("{prefix}.{key}"), value, rule }
            }
            FeatureError::NeedsWholeClip { key, value, alternative } => {
                FeatureError::NeedsWholeClip { key: format!("{prefix}.{key}"), value, alternative }
            }
            other => other,
        }
    }
}
