//! Why features cannot be computed.

/// Why features cannot be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// A setting is impossible, by itself or beside another.
    #[error("{key} = {value}: {rule}")]
    Setting {
        /// The setting, as it is written in a recipe: `features.front_end.librosa-mfcc.hop_length`.
        key: String,
        /// Its value.
        value: String,
        /// What it must be, and the nearest choice where there is one.
        rule: String,
    },
    /// A sample is NaN or infinite.
    #[error("sample {sample} is {value}: samples must be finite numbers")]
    NotFinite {
        /// Which sample, from 0.
        sample: usize,
        /// Its value.
        value: f64,
    },
    /// The samples are so large that their power has no finite number.
    #[error("frame {frame} is too loud for its number type: bring the samples within [-32768, 32767]")]
    Overflow {
        /// Which frame, from 0.
        frame: usize,
    },
    /// There are too few samples for one frame.
    #[error(
        "{samples} samples are too few for one frame: {needed} are needed; pad the clip or shorten the frame"
    )]
    TooShort {
        /// How many samples there are.
        samples: usize,
        /// How many one frame takes.
        needed: usize,
    },
    /// There are too few samples to mirror them at the ends of the clip.
    #[error(
        "{samples} samples are too few to mirror {mirrored} of them at each end: {needed} are needed; \
         pad the clip, shorten n_fft, or use pad_mode = \"constant\""
    )]
    TooShortToMirror {
        /// How many samples there are.
        samples: usize,
        /// How many there must be.
        needed: usize,
        /// How many are mirrored at each end, n_fft / 2.
        mirrored: usize,
    },
    /// There are fewer frames than the delta filter fits its polynomial to.
    #[error(
        "{frames} frames are too few for deltas of width {width} and mode \"interp\": \
         use at most width {widest}, or mode \"nearest\""
    )]
    TooFewFrames {
        /// How many frames there are.
        frames: usize,
        /// The filter's width.
        width: usize,
        /// The widest filter that these frames allow; below 3 there is none.
        widest: usize,
    },
    /// Features that depend on the whole clip cannot be given while it arrives.
    #[error("{key} = {value} needs the whole clip and cannot be streamed: {instead}")]
    NeedsWholeClip {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
        /// What can be streamed instead.
        instead: String,
    },
    /// Features of another width than expected.
    #[error("features of {got} values a frame, expected {expected}: use the front end of the training run")]
    Width {
        /// The width asked for.
        expected: usize,
        /// The width found.
        got: usize,
    },
    /// There is nothing to fit a mean and a variance to.
    #[error("no frames to fit the mean and variance of features to: give at least one clip")]
    NoFrames,
}

impl FeatureError {
    /// A setting's error.
    pub(crate) fn setting(key: &str, value: impl std::fmt::Display, rule: impl Into<String>) -> FeatureError {
        FeatureError::Setting { key: key.to_owned(), value: value.to_string(), rule: rule.into() }
    }

    /// The same error, saying which other setting the bound in its rule is.
    pub(crate) fn because(self, bound: &str) -> FeatureError {
        match self {
            FeatureError::Setting { key, value, rule } => {
                FeatureError::Setting { key, value, rule: format!("{rule} ({bound} is the bound)") }
            }
            other => other,
        }
    }

    /// The same error, its setting having another name in a larger configuration.
    pub(crate) fn renamed(self, from: &str, to: &str) -> FeatureError {
        match self {
            FeatureError::Setting { key, value, rule } if key == from => {
                FeatureError::Setting { key: to.to_owned(), value, rule }
            }
            other => other,
        }
    }

    /// The same error, its setting being part of a larger configuration.
    pub(crate) fn within(self, prefix: &str) -> FeatureError {
        match self {
            FeatureError::Setting { key, value, rule } => {
                FeatureError::Setting { key: format!("{prefix}.{key}"), value, rule }
            }
            FeatureError::NeedsWholeClip { key, value, instead } => {
                FeatureError::NeedsWholeClip { key: format!("{prefix}.{key}"), value, instead }
            }
            other => other,
        }
    }
}
