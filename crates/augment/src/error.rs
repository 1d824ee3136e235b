//! Errors of augmentations.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// Error of the configuration of augmentations, or of the recordings that they use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AugmentError {
    /// A key has an invalid value.
    #[error("{key} = {value}: {rule}")]
    Setting {
        /// Key in the recipe: `augment.shift.frames`.
        key: String,
        /// Value that was given.
        value: String,
        /// Permitted values.
        rule: String,
    },
    /// A key names a folder that does not exist.
    #[error("{key} = {path}: this folder does not exist; set one with recordings", path = path.display())]
    MissingFolder {
        /// Key in the recipe: `augment.waveform.noise.folder`.
        key: String,
        /// The folder.
        path: PathBuf,
    },
    /// A folder of recordings cannot be read.
    #[error("{path}: cannot be read: {reason}; check the path and its permissions", path = path.display())]
    Unreadable {
        /// Path of the folder.
        path: PathBuf,
        /// Error of the operating system.
        #[source]
        reason: io::Error,
    },
    /// Some recordings cannot be used.
    #[error("{}", stapes_files::list_failures(.failed, *.total, "repair or remove them"))]
    Files {
        /// Each file with the reason, sorted by name.
        failed: Vec<(PathBuf, String)>,
        /// Number of recordings.
        total: usize,
    },
}

impl AugmentError {
    pub(crate) fn setting(key: impl Into<String>, value: impl Display, rule: impl Into<String>) -> Self {
        AugmentError::Setting { key: key.into(), value: value.to_string(), rule: rule.into() }
    }
}

/// Setting of an [`AugmentConfig`](crate::AugmentConfig) that is incompatible with the frames or labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incompatible {
    /// Key in the recipe.
    pub key: &'static str,
    /// Value of the key.
    pub value: String,
    /// Required condition, with advice.
    pub rule: &'static str,
}

impl From<Incompatible> for AugmentError {
    fn from(Incompatible { key, value, rule }: Incompatible) -> AugmentError {
        AugmentError::setting(key, value, rule)
    }
}
