//! Custom data: one folder per class, or a manifest with one row per example.

mod channel;
mod columns;
mod config;
mod folders;
mod folds;
mod frame_folders;
mod keys;
mod labeled_recordings;
mod manifest;
mod manifest_files;
mod path;
mod rows;
mod segment_labels;
mod source;
mod speaker_rule;
mod split;
mod table;

use std::path::Path;

use crate::error::{DataError, listed};

pub use columns::{ManifestColumns, ManifestLayout};
pub use config::{CustomDataConfig, CustomSplit};
pub use folders::FoldersConfig;
pub use labeled_recordings::{LabeledRecording, LabeledRecordings};
pub use manifest::ManifestConfig;
pub use speaker_rule::SpeakerRule;

pub(crate) use frame_folders::width_in as frame_width_in;
pub(crate) use manifest_files::find_in as manifest_in;
pub(crate) use split::kind as split_kind;

/// Checks that there are at least two classes, unless classes may be missing.
fn check_class_count(path: &Path, classes: &[String], config: &CustomDataConfig) -> Result<(), DataError> {
    if classes.len() >= 2 || config.allow_missing_classes {
        return Ok(());
    }
    let reason = format!(
        "has one class ({}); at least two are required, for example a second one of everything else",
        listed(classes, 1)
    );
    Err(DataError::Manifest { path: path.to_owned(), reason })
}
