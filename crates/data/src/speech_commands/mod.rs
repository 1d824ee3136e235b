//! Google Speech Commands: one-second recordings of single words, a folder a word.

mod hash;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
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
const BACKGROUND: &str = "_background_noise_";
/// The class of all words that are not chosen.
const UNKNOWN: &str = "_unknown_";
/// The class of background noise.
const SILENCE: &str = "_silence_";
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
/// With `unknown` and `silence` it is the task of the data set's paper (there with ten words, so of twelve classes): one
/// more class `_unknown_`, recordings of other words, and one `_silence_`, seconds of the background noises. Of each there are
/// as many as the mean chosen word has in each part of the data, which is 10 % of ten words, or as many as there are. What is
/// drawn is the same for every seed. The noises are cut: the first eight tenths of each are for training, then one for
/// validation and one for the test.
///
/// # Source
/// P. Warden (2018), "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209;
/// CC BY 4.0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechCommandsConfig {
    /// The words, at least two; a class's index is its place in this list.
    pub classes: Vec<String>,
    /// Whether there is a class `_unknown_` behind them, of other words.
    #[serde(default, skip_serializing_if = "is_no")]
    pub unknown: bool,
    /// Whether there is a class `_silence_` behind them, of background noise.
    #[serde(default, skip_serializing_if = "is_no")]
    pub silence: bool,
    /// What says which part of the data a recording is in.
    #[serde(default, skip_serializing_if = "SpeechCommandsSplit::is_lists")]
    pub split: SpeechCommandsSplit,
}

/// What says which part of Speech Commands a recording is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpeechCommandsSplit {
    /// The authors' lists.
    #[default]
    Lists,
    /// A hash of the speaker, the rule by which the authors made their lists; for recordings that these do not name.
    Hash,
}

impl SpeechCommandsSplit {
    fn is_lists(&self) -> bool {
        *self == SpeechCommandsSplit::Lists
    }
}

fn is_no(value: &bool) -> bool {
    !value
}

impl Set for SpeechCommandsConfig {
    fn name(&self) -> &'static str {
        SET
    }

    fn class_names(&self) -> Option<Vec<String>> {
        let rest = [(self.unknown, UNKNOWN), (self.silence, SILENCE)];
        let rest = rest.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name.to_owned());
        Some(self.classes.iter().cloned().chain(rest).collect())
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
        let lists = self.split == SpeechCommandsSplit::Lists;
        let words = words(folder)?;
        if words.is_empty() || (lists && LISTS.iter().any(|(list, _)| !folder.join(list).exists())) {
            return Err(folder::not_this_set(SET, folder, LAYOUT));
        }
        if let Some(class) = self.classes.iter().find(|class| !words.contains(class)) {
            return Err(DataError::UnknownClass {
                key: KEY,
                class: class.clone(),
                folder: folder.to_owned(),
                known: listed(&words, 40),
            });
        }
        let mut held_out = if lists { held_out(folder)? } else { BTreeMap::new() };
        let mut examples = Vec::new();
        for (class, word) in self.classes.iter().enumerate() {
            let found = self.of_word(folder, word, class, &mut held_out)?;
            if found.is_empty() {
                return Err(DataError::EmptyClass { path: folder.join(word), class: word.clone() });
            }
            examples.extend(found);
        }
        let chosen = |word: &str| self.classes.iter().any(|class| class == word);
        let absent =
            held_out.keys().filter(|name| name.split_once('/').is_some_and(|(word, _)| chosen(word))).count();
        let counts = rest::mean_counts(&examples, self.classes.len());
        let mut class = self.classes.len();
        if self.unknown {
            let mut others = Vec::new();
            for word in words.iter().filter(|word| !chosen(word)) {
                others.extend(self.of_word(folder, word, class, &mut held_out)?);
            }
            examples.extend(rest::unknown(others, counts, class));
            class += 1;
        }
        if self.silence {
            examples.extend(rest::silence(folder, counts, class)?);
        }
        Ok(DataSet {
            name: SET.to_owned(),
            classes: self.class_names().unwrap_or_default(),
            examples,
            absent,
        })
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
            if self.split == SpeechCommandsSplit::Hash {
                return format!(
                    "the hash of no speaker falls there; add speakers, or leave the word out of {KEY}"
                );
            }
            format!("{lists}; complete the folder, or leave the word out of {KEY}")
        })
    }
}

impl SpeechCommandsConfig {
    /// The recordings of a word; those that the lists name are taken from them.
    fn of_word(
        &self,
        folder: &Path,
        word: &str,
        class: usize,
        held_out: &mut BTreeMap<String, Partition>,
    ) -> Result<Vec<Example>, DataError> {
        let files = folder::recordings(&folder.join(word), NAME_FORM)?;
        let example = |file: folder::Entry| {
            let id = format!("{word}/{}", file.name);
            let official = match self.split {
                SpeechCommandsSplit::Lists => held_out.remove(&id).unwrap_or(Partition::Train),
                SpeechCommandsSplit::Hash => hash::part(&file.name),
            };
            let speaker = file.name.split_once("_nohash_").map(|(speaker, _)| speaker.to_owned());
            let (source, truth) = (Source::File(file.path), Truth::Class(class));
            Example { id, truth, group: speaker, official: Some(official), source }
        };
        Ok(files.into_iter().map(example).collect())
    }
}

/// What the lists say.
fn held_out(folder: &Path) -> Result<BTreeMap<String, Partition>, DataError> {
    let mut held_out = BTreeMap::new();
    for (list, partition) in LISTS {
        let path = folder.join(list);
        let text = crate::numbers::read(&path)?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = |reason: String| DataError::Line { path: path.clone(), line: number + 1, reason };
            match line.split_once('/') {
                _ if line.is_empty() => continue,
                Some((word, file)) if is_word(word) && !file.is_empty() && !file.contains('/') => {}
                _ => return Err(wrong(format!("`{line}` is not word/file.wav"))),
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

fn is_word(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['_', '.']) && !name.contains(['/', '\\'])
}

fn words(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut entries = folder::entries(folder)?;
    entries.retain(|entry| entry.is_folder && is_word(&entry.name));
    Ok(entries.into_iter().map(|entry| entry.name).collect())
}
