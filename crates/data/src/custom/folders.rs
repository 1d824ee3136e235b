//! Custom data with one folder per class.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::config::{CustomDataConfig, CustomSplit};
use super::keys::Keys;
use super::rows::{ClassIndex, subset};
use super::source::CustomSource;
use super::speaker_rule::SpeakerRule;
use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::folder::{self, Entry};
use crate::label::Label;
use crate::subset::Subset;

const SET: &str = "folders";
const LAYOUT: &str = "one folder per class with audio files; with split = \"predefined\", in folders train, validation and test";
/// File extensions of the supported formats.
const EXTENSIONS: [&str; 10] = ["wav", "flac", "mp3", "m4a", "mp4", "aac", "ogg", "oga", "opus", "wave"];
/// Maximum depth of folders; a deeper one is probably a circular link.
const MAX_DEPTH: usize = 32;

/// Audio files with one folder per class.
///
/// The class is called like its folder, which may have subfolders of any depth. Files of other formats, names that
/// begin with a dot, and folders whose names begin with `_` are ignored. With `split = "predefined"` the folders of
/// the classes are in folders `train`, `validation` (or `valid`, `val`, `dev`; optional) and `test`.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, FoldersConfig};
///
/// let folder = std::env::temp_dir().join(format!("stapes-folders-{}", std::process::id()));
/// for name in ["yes/anna_1.wav", "yes/bo_1.wav", "no/anna_1.wav"] {
///     let path = folder.join(name);
///     std::fs::create_dir_all(path.parent().unwrap())?;
///     std::fs::write(path, "")?;
/// }
/// let config = FoldersConfig { speaker: Some("before _".parse()?), ..FoldersConfig::default() };
/// let dataset = DataConfig::Folders(config).open(Some(&folder))?;
/// assert_eq!((dataset.classes.join(" "), dataset.groups().join(" ")), ("no yes".into(), "anna bo".into()));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys")]
pub struct FoldersConfig {
    /// Rule that derives the speaker from the file; by default speakers are unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<SpeakerRule>,
    /// Classes, split and tolerance.
    #[serde(flatten)]
    pub custom: CustomDataConfig,
}

impl CustomSource for FoldersConfig {
    const NAME: &str = SET;
    const LAYOUT: &str = LAYOUT;

    fn custom(&self) -> &CustomDataConfig {
        &self.custom
    }
    fn read(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let mut found = Found {
            config: self,
            labels: ClassIndex::new(self.custom.classes.as_deref()),
            examples: Vec::new(),
        };
        let subsets = subset_folders(folder)?;
        let complete = [Subset::Train, Subset::Test].iter().all(|subset| subsets.contains_key(subset));
        match self.custom.split {
            None | Some(CustomSplit::Predefined) if complete => {
                check_no_other_folders(folder)?;
                for (subset, (name, path)) in subsets {
                    found.classes(&path, &format!("{name}/"), Some(subset))?;
                }
            }
            Some(CustomSplit::Predefined) => return Err(folder::not_this_set(SET, folder, LAYOUT)),
            None if !subsets.is_empty() => {
                let (_, (_, path)) =
                    subsets.into_iter().next().unwrap_or_else(|| unreachable!("there is one"));
                let reason = "is the name of a subset, but a split needs folders train and test; add the missing one, or set \
                              split (such as \"random\") if this is a class";
                return Err(DataError::Manifest { path, reason: reason.to_owned() });
            }
            _ => found.classes(folder, "", None)?,
        }
        if found.examples.is_empty() {
            return Err(folder::not_this_set(SET, folder, LAYOUT));
        }
        let Found { labels, mut examples, .. } = found;
        let (classes, places) = labels.sorted();
        for example in &mut examples {
            if let Label::Class(class) = &mut example.label {
                *class = places[*class];
            }
        }
        super::check_class_count(folder, &classes)?;
        if let Some(class) = (0..classes.len())
            .find(|&class| examples.iter().all(|example| example.label.class() != Some(class)))
        {
            return Err(DataError::EmptyClass {
                path: folder.join(&classes[class]),
                class: classes[class].clone(),
            });
        }
        Ok(DataSet { name: SET.to_owned(), classes, examples, missing: 0 })
    }
}

/// Returns the folders that may be classes.
fn folders(folder: &Path) -> Result<Vec<Entry>, DataError> {
    let mut entries = folder::entries(folder)?;
    entries.retain(|entry| entry.is_folder && !entry.name.starts_with('_'));
    Ok(entries)
}

/// Returns the folders whose names are those of subsets.
fn subset_folders(folder: &Path) -> Result<BTreeMap<Subset, (String, PathBuf)>, DataError> {
    let mut subsets = BTreeMap::new();
    for entry in folders(folder)? {
        let Ok(Some(subset)) = subset(&entry.name) else { continue };
        let other = subsets.insert(subset, (entry.name, entry.path.clone()));
        if let Some((other, _)) = other {
            let reason = format!("means {subset}, and so does {other}; merge them");
            return Err(DataError::Manifest { path: entry.path, reason });
        }
    }
    Ok(subsets)
}

/// Checks that there is no folder besides those of the subsets; it would be ignored.
fn check_no_other_folders(folder: &Path) -> Result<(), DataError> {
    match folders(folder)?.into_iter().find(|entry| subset(&entry.name).is_err()) {
        Some(entry) => {
            let reason =
                "is beside the folders train and test and would be ignored; move it into them or to another place"
                    .to_owned();
            Err(DataError::Manifest { path: entry.path, reason })
        }
        None => Ok(()),
    }
}

/// Examples and classes found so far.
struct Found<'a> {
    config: &'a FoldersConfig,
    labels: ClassIndex,
    examples: Vec<Example>,
}

impl Found<'_> {
    /// Adds the classes of a folder; the examples' names get the prefix `prefix`.
    fn classes(&mut self, folder: &Path, prefix: &str, subset: Option<Subset>) -> Result<(), DataError> {
        for entry in folders(folder)? {
            let label = self.labels.class(&entry.name);
            let class = label.map_err(|reason| DataError::Manifest {
                path: entry.path.clone(),
                reason: format!("as a folder, {reason}"),
            })?;
            let before = self.examples.len();
            self.files(&entry.path, (&format!("{prefix}{}/", entry.name), ""), class, subset)?;
            if self.examples.len() == before && subset.is_none() {
                return Err(DataError::EmptyClass { path: entry.path, class: entry.name });
            }
        }
        Ok(())
    }

    /// Adds the audio files of a folder and its subfolders; `within` is its path in the folder of the class.
    fn files(
        &mut self,
        folder: &Path,
        (class_prefix, within): (&str, &str),
        class: usize,
        subset: Option<Subset>,
    ) -> Result<(), DataError> {
        if within.matches('/').count() > MAX_DEPTH {
            let reason = format!("is more than {MAX_DEPTH} folders deep; check for a circular link");
            return Err(DataError::Manifest { path: folder.to_owned(), reason });
        }
        for entry in folder::entries(folder)? {
            let within = format!("{within}{}", entry.name);
            // A folder with the name of a recording is rejected when it is read.
            if entry.is_folder && !is_audio(&entry.path) {
                self.files(&entry.path, (class_prefix, &format!("{within}/")), class, subset)?;
            } else if is_audio(&entry.path) {
                if entry.path.to_str().is_none() {
                    return Err(DataError::FileName { path: entry.path, expected: "text" });
                }
                let speaker = self.config.speaker.as_ref().and_then(|rule| rule.speaker(&within));
                self.examples.push(Example {
                    label: Label::Class(class),
                    group: speaker.map(str::to_owned),
                    predefined: subset,
                    id: format!("{class_prefix}{within}"),
                    source: Source::File(entry.path),
                });
            }
        }
        Ok(())
    }
}

fn is_audio(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}
