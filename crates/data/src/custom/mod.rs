//! Data of one's own: a folder a class, or a manifest with a row an example.

mod config;
mod folders;
mod folds;
mod inside;
mod keys;
mod manifest;
mod moments;
mod rows;
mod speaker;
mod split;
mod table;

use std::path::Path;

use crate::error::{DataError, listed};

pub use config::{OwnConfig, OwnSplit};
pub use folders::FoldersConfig;
pub use manifest::ManifestConfig;
pub use speaker::SpeakerRule;

pub(crate) use manifest::found_in as manifest_in;
pub(crate) use split::chosen as chosen_split;

/// There must be something to tell apart.
fn check_class_count(path: &Path, classes: &[String]) -> Result<(), DataError> {
    if classes.len() >= 2 {
        return Ok(());
    }
    let reason = format!(
        "has one class ({}): at least two are needed, such as a second one of everything else",
        listed(classes, 1)
    );
    Err(DataError::Manifest { path: path.to_owned(), reason })
}
