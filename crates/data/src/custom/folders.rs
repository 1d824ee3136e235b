//! A folder a class.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::config::{OwnConfig, OwnSplit};
use super::keys::Keys;
use super::rows::{Labels, part};
use super::speaker::SpeakerRule;
use super::{folds, split};
use crate::config::{DataConfig, Fold, Set};
use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::folder::{self, Entry};
use crate::split::{Partition, Split};
use crate::truth::Truth;

const SET: &str = "folders";
const LAYOUT: &str =
    "a folder a class with its sound files; with split = \"given\" in folders train, validation and test";
/// The extensions of the formats that can be read.
const EXTENSIONS: [&str; 10] = ["wav", "flac", "mp3", "m4a", "mp4", "aac", "ogg", "oga", "opus", "wave"];
/// Folders within folders; deeper is a link that leads back.
const DEEPEST: usize = 32;

/// Sound files in a folder a class.
///
/// A class is called as its folder; folders may lie within it to any depth. Files of other kinds, names that begin with a dot,
/// and folders whose names begin with `_` are left alone. With `split = "given"` the classes' folders lie in folders `train`,
/// `validation` (or `valid`, `val`, `dev`; it may be missing) and `test`.
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
#[serde(try_from = "Keys", into = "Keys")]
pub struct FoldersConfig {
    /// How a file tells its speaker; where nothing is said, speakers are not known.
    pub speaker: Option<SpeakerRule>,
    /// Classes, split, and what is not tolerated.
    pub own: OwnConfig,
}

impl Set for FoldersConfig {
    fn name(&self) -> &'static str {
        SET
    }

    fn class_names(&self) -> Option<Vec<String>> {
        self.own.classes.clone()
    }

    fn frame_width(&self) -> Option<usize> {
        None
    }

    fn unreadable_share(&self) -> f64 {
        self.own.unreadable_share
    }

    fn of_ones_own(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), DataError> {
        self.own.check(SET)
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let mut found =
            Found { config: self, labels: Labels::new(self.own.classes.as_deref()), examples: Vec::new() };
        let parts = parts(folder)?;
        let are_there = [Partition::Train, Partition::Test].iter().all(|part| parts.contains_key(part));
        match self.own.split {
            None | Some(OwnSplit::Given) if are_there => {
                check_nothing_beside(folder)?;
                for (partition, (name, path)) in parts {
                    found.classes(&path, &format!("{name}/"), Some(partition))?;
                }
            }
            Some(OwnSplit::Given) => return Err(folder::not_this_set(SET, folder, LAYOUT)),
            None if !parts.is_empty() => {
                let (_, (_, path)) = parts.into_iter().next().unwrap_or_else(|| unreachable!("there is one"));
                let reason = "is called as a part of a split, and a split needs folders train and test: add what is \
                              missing, or, if it is a class, say how to split (split = \"random\" or another)";
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
            if let Truth::Class(class) = &mut example.truth {
                *class = places[*class];
            }
        }
        super::check_class_count(folder, &classes)?;
        if let Some(class) = (0..classes.len())
            .find(|&class| examples.iter().all(|example| example.truth.class() != Some(class)))
        {
            return Err(DataError::EmptyClass {
                path: folder.join(&classes[class]),
                class: classes[class].clone(),
            });
        }
        Ok(DataSet { name: SET.to_owned(), classes, examples, absent: 0 })
    }

    fn folds(&self, dataset: &DataSet) -> Result<Vec<Fold>, DataError> {
        folds::folds(SET, &self.own, dataset, |own| {
            DataConfig::Folders(FoldersConfig { own, ..self.clone() })
        })
    }

    fn fold_key(&self) -> Option<&'static str> {
        folds::key(&self.own)
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        split::split(SET, &self.own, dataset, seed)
    }

    fn split_as_is(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        split::split_as_is(SET, &self.own, dataset, seed)
    }
}

/// The folders of a folder that may be classes.
fn folders(folder: &Path) -> Result<Vec<Entry>, DataError> {
    let mut entries = folder::entries(folder)?;
    entries.retain(|entry| entry.is_folder && !entry.name.starts_with('_'));
    Ok(entries)
}

/// The folders of a folder that are called as parts of a split.
fn parts(folder: &Path) -> Result<BTreeMap<Partition, (String, PathBuf)>, DataError> {
    let mut parts = BTreeMap::new();
    for entry in folders(folder)? {
        let Ok(Some(partition)) = part(&entry.name) else { continue };
        let other = parts.insert(partition, (entry.name, entry.path.clone()));
        if let Some((other, _)) = other {
            let reason = format!("means {partition}, and so does {other}: join them");
            return Err(DataError::Manifest { path: entry.path, reason });
        }
    }
    Ok(parts)
}

/// Beside the folders of the parts there is no other, which would be left out.
fn check_nothing_beside(folder: &Path) -> Result<(), DataError> {
    match folders(folder)?.into_iter().find(|entry| part(&entry.name).is_err()) {
        Some(entry) => {
            let reason =
                "lies beside the folders train and test and would be left out: move it into them, or away"
                    .to_owned();
            Err(DataError::Manifest { path: entry.path, reason })
        }
        None => Ok(()),
    }
}

/// What was found as yet.
struct Found<'a> {
    config: &'a FoldersConfig,
    labels: Labels,
    examples: Vec<Example>,
}

impl Found<'_> {
    /// Takes the classes of a folder; names begin with `prefix`.
    fn classes(
        &mut self,
        folder: &Path,
        prefix: &str,
        partition: Option<Partition>,
    ) -> Result<(), DataError> {
        for entry in folders(folder)? {
            let label = self.labels.class(&entry.name);
            let class = label.map_err(|reason| DataError::Manifest {
                path: entry.path.clone(),
                reason: format!("as a folder, {reason}"),
            })?;
            let before = self.examples.len();
            self.files(&entry.path, (&format!("{prefix}{}/", entry.name), ""), class, partition)?;
            if self.examples.len() == before && partition.is_none() {
                return Err(DataError::EmptyClass { path: entry.path, class: entry.name });
            }
        }
        Ok(())
    }

    /// Takes the sound files of a folder and of those within; `within` is its path in the class's folder.
    fn files(
        &mut self,
        folder: &Path,
        (class_prefix, within): (&str, &str),
        class: usize,
        partition: Option<Partition>,
    ) -> Result<(), DataError> {
        if within.matches('/').count() > DEEPEST {
            let reason =
                format!("lies deeper than {DEEPEST} folders: a link may lead back to a folder that holds it");
            return Err(DataError::Manifest { path: folder.to_owned(), reason });
        }
        for entry in folder::entries(folder)? {
            let within = format!("{within}{}", entry.name);
            // A folder that is called as a recording is none of folders: it is refused when it is read.
            if entry.is_folder && !is_sound(&entry.path) {
                self.files(&entry.path, (class_prefix, &format!("{within}/")), class, partition)?;
            } else if is_sound(&entry.path) {
                if entry.path.to_str().is_none() {
                    return Err(DataError::FileName { path: entry.path, expected: "text" });
                }
                let speaker = self.config.speaker.as_ref().and_then(|rule| rule.speaker(&within));
                self.examples.push(Example {
                    truth: Truth::Class(class),
                    group: speaker.map(str::to_owned),
                    official: partition,
                    id: format!("{class_prefix}{within}"),
                    source: Source::File(entry.path),
                });
            }
        }
        Ok(())
    }
}

fn is_sound(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}
