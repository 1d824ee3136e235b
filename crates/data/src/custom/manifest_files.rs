//! Location of the manifests of a data set.

use std::path::{Path, PathBuf};

use stapes_files::SpecialFile;

use super::columns::ManifestLayout;
use super::manifest::ManifestConfig;
use super::rows::subset;
use super::source::CustomSource;
use crate::error::DataError;
use crate::folder;
use crate::subset::Subset;

/// Expected content of the folder without a layout, for messages.
pub(super) const LAYOUT: &str = "a manifest (manifest.csv, .tsv, .jsonl, .json or .parquet) with the columns path and label, \
                                 and its files; or the manifest itself";
const NEMO: &str = "manifest.json, or train_manifest.json, validation_manifest.json (optional) and test_manifest.json, with \
                    audio_filepath and label (or command or text) in each line";
const HUGGING_FACE: &str = "metadata.csv, .jsonl or .parquet with the columns file_name and label, in the folder or in its \
                            folders train, validation (optional) and test";
/// Default file names.
const NAMES: [&str; 5] =
    ["manifest.csv", "manifest.tsv", "manifest.jsonl", "manifest.json", "manifest.parquet"];
const METADATA: [&str; 3] = ["metadata.csv", "metadata.jsonl", "metadata.parquet"];
/// End of the names of NeMo's manifests of a subset: `train_manifest.json`.
const NEMO_SUBSETS: [&str; 2] = ["_manifest.json", "_manifest.jsonl"];

/// Manifest of a data set.
pub(super) struct ManifestFile {
    pub(super) path: PathBuf,
    /// Folder in the data set to which its paths are relative; empty for the folder of the data set.
    pub(super) folder: String,
    /// Subset of its rows, if its name or folder determines it.
    pub(super) subset: Option<Subset>,
}

/// Returns the folder of the data set, and its manifests.
pub(super) fn locate(
    given: Option<&Path>,
    file: Option<&str>,
    layout: Option<ManifestLayout>,
) -> Result<(PathBuf, Vec<ManifestFile>), DataError> {
    let set = ManifestConfig::NAME;
    let expected = match layout {
        None => LAYOUT,
        Some(ManifestLayout::Nemo) => NEMO,
        Some(ManifestLayout::HuggingFace) => HUGGING_FACE,
    };
    let given = given.ok_or(DataError::NoFolder { set, layout: expected })?;
    if let Some(kind) = SpecialFile::at(given).filter(|kind| *kind != SpecialFile::Folder) {
        // The manifest is read more than once.
        return Err(DataError::NotAFile { path: given.to_owned(), kind });
    }
    let whole = |path: PathBuf| vec![ManifestFile { path, folder: String::new(), subset: None }];
    if given.is_file() {
        let root = given.parent().filter(|parent| !parent.as_os_str().is_empty());
        return Ok((root.unwrap_or(Path::new(".")).to_owned(), whole(given.to_owned())));
    }
    if !given.is_dir() {
        return Err(DataError::MissingFolder { path: given.to_owned(), layout: expected });
    }
    if let Some(name) = file {
        let file = given.join(name);
        std::fs::metadata(&file).map_err(|reason| DataError::unreadable(&file, reason))?;
        return Ok((given.to_owned(), whole(file)));
    }
    let names: &[&str] = match layout {
        Some(ManifestLayout::HuggingFace) => &METADATA,
        _ => &NAMES,
    };
    let files = match (first_of(given, names), layout) {
        (Some(file), _) => whole(file),
        (None, Some(layout)) => of_subsets(given, layout)?,
        (None, None) => Vec::new(),
    };
    match files.is_empty() {
        true => Err(folder::not_this_set(set, given, expected)),
        false => Ok((given.to_owned(), files)),
    }
}

/// Returns the manifest in a folder, by its default names; a file that is not regular is rejected when it is read.
pub(crate) fn find_in(folder: &Path) -> Option<PathBuf> {
    first_of(folder, &NAMES)
}

fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.exists())
}

/// Returns the manifests of the subsets.
fn of_subsets(root: &Path, layout: ManifestLayout) -> Result<Vec<ManifestFile>, DataError> {
    let mut files = Vec::new();
    for entry in folder::entries(root)? {
        let (name, path) = match layout {
            ManifestLayout::HuggingFace if entry.is_folder => {
                (&entry.name[..], first_of(&entry.path, &METADATA))
            }
            ManifestLayout::Nemo if !entry.is_folder => {
                let stem = NEMO_SUBSETS.iter().find_map(|end| entry.name.strip_suffix(end));
                (stem.unwrap_or_default(), Some(entry.path.clone()))
            }
            _ => continue,
        };
        if let (Ok(Some(subset)), Some(path)) = (subset(name), path) {
            let folder = if entry.is_folder { entry.name.clone() } else { String::new() };
            files.push(ManifestFile { path, folder, subset: Some(subset) });
        }
    }
    Ok(files)
}
