//! Google Speech Commands: one-second recordings of single words, a folder a word.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::Set;
use crate::dataset::{DataSet, Example, Source};
use crate::error::{DataError, listed};
use crate::folder;
use crate::split::{Partition, Split};
use crate::truth::Truth;

const SET: &str = "speech-commands";
const KEY: &str = "speech-commands.classes";
const LAYOUT: &str = "a folder a word, with validation_list.txt and testing_list.txt";
const NAME_FORM: &str = "text";
const LISTS: [(&str, Partition); 2] =
    [("validation_list.txt", Partition::Validation), ("testing_list.txt", Partition::Test)];

/// Google Speech Commands, some of its words, with the official split.
///
/// The folder holds a folder a word, and `validation_list.txt` and `testing_list.txt`, each line `word/file.wav`;
/// what they do not name is for training. They may name recordings that are not there:
/// [`DataSet::absent`] counts those of the chosen words. The group is the speaker, the part of a file's name before
/// `_nohash_`; a file named otherwise has none. Files that are not `.wav`, and names that begin with a dot, are left
/// alone. `_background_noise_` is no word.
///
/// # Source
/// P. Warden (2018), "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209;
/// CC BY 4.0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechCommandsConfig {
    /// The words, at least two; a class's index is its place in this list.
    pub classes: Vec<String>,
}

impl Set for SpeechCommandsConfig {
    fn name(&self) -> &'static str {
        SET
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.clone()
    }

    fn frame_width(&self) -> Option<usize> {
        None
    }

    fn check(&self) -> Result<(), DataError> {
        let wrong = |value: &dyn std::fmt::Debug, rule: &str| {
            Err(DataError::setting(KEY, format_args!("{value:?}"), rule))
        };
        if self.classes.len() < 2 {
            return wrong(&self.classes, "must name at least two words");
        }
        let mut seen = BTreeSet::new();
        for class in &self.classes {
            if !is_word(class) {
                return wrong(class, "must be a word's folder: no path, no leading `_` or `.`");
            }
            if !seen.insert(class) {
                return wrong(class, "must stand in the list once");
            }
        }
        Ok(())
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        if LISTS.iter().any(|(list, _)| !folder.join(list).exists()) {
            return Err(folder::not_this_set(SET, folder, LAYOUT));
        }
        let words = words(folder)?;
        if let Some(class) = self.classes.iter().find(|class| !words.contains(class)) {
            return Err(DataError::UnknownClass {
                key: KEY,
                class: class.clone(),
                folder: folder.to_owned(),
                known: listed(&words, 40),
            });
        }
        let mut held_out = self.held_out(folder)?;
        let mut examples = Vec::new();
        for (class, word) in self.classes.iter().enumerate() {
            let path = folder.join(word);
            let files = folder::recordings(&path, NAME_FORM)?;
            if files.is_empty() {
                return Err(DataError::EmptyClass { path, class: word.clone() });
            }
            examples.extend(files.into_iter().map(|file| {
                let id = format!("{word}/{}", file.name);
                let official = held_out.remove(&id).unwrap_or(Partition::Train);
                let speaker = file.name.split_once("_nohash_").map(|(speaker, _)| speaker.to_owned());
                let source = Source::File(file.path);
                let truth = Truth::Class(class);
                Example { id, truth, group: speaker, official: Some(official), source }
            }));
        }
        Ok(DataSet { name: SET.to_owned(), classes: self.class_names(), examples, absent: held_out.len() })
    }

    fn split(&self, dataset: &DataSet, _seed: u64) -> Result<Split, DataError> {
        let parts: Vec<Partition> =
            dataset.examples.iter().map(|example| example.official.unwrap_or(Partition::Train)).collect();
        Split::of_parts(&parts).with_every_class(dataset, &Partition::ALL, |lacking| {
            let lists = match lacking {
                Partition::Train => {
                    "every recording of the word is in validation_list.txt or testing_list.txt"
                }
                Partition::Validation => "validation_list.txt names no recording of the word that is there",
                Partition::Test => "testing_list.txt names no recording of the word that is there",
            };
            format!("{lists}; complete the folder, or leave the word out of {KEY}")
        })
    }
}

impl SpeechCommandsConfig {
    /// What the lists say of the chosen words.
    fn held_out(&self, folder: &Path) -> Result<BTreeMap<String, Partition>, DataError> {
        let mut held_out = BTreeMap::new();
        for (list, partition) in LISTS {
            let path = folder.join(list);
            let text = fs::read_to_string(&path).map_err(|reason| DataError::unreadable(&path, reason))?;
            for (number, line) in text.lines().enumerate() {
                let line = line.trim();
                let wrong = |reason: String| DataError::Line { path: path.clone(), line: number + 1, reason };
                let word = match line.split_once('/') {
                    _ if line.is_empty() => continue,
                    Some((word, file)) if is_word(word) && !file.is_empty() && !file.contains('/') => word,
                    _ => return Err(wrong(format!("`{line}` is not word/file.wav"))),
                };
                if !self.classes.iter().any(|class| class == word) {
                    continue;
                }
                if held_out.insert(line.to_owned(), partition).is_some_and(|before| before != partition) {
                    return Err(wrong(format!(
                        "{line} is in {} too: a recording has one part; delete it from one list",
                        LISTS[0].0
                    )));
                }
            }
        }
        Ok(held_out)
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['_', '.']) && !name.contains(['/', '\\'])
}

fn words(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut entries = folder::entries(folder)?;
    entries.retain(|entry| entry.is_folder && is_word(&entry.name));
    Ok(entries.into_iter().map(|entry| entry.name).collect())
}
