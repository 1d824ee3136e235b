//! Google Speech Commands: one-second recordings of single words, one folder per word.

mod background_classes;
mod hash_split;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_audio::Channel;

use crate::dataset::{DataSet, Example, Source};
use crate::error::{DataError, listed};
use crate::folder;
use crate::label::Label;
use crate::source::{DataSource, SourceInfo};
use crate::split::Split;
use crate::subset::Subset;

const SET: &str = "speech-commands";
const KEY: &str = "speech-commands.classes";
const LAYOUT: &str = "one folder per word, with validation_list.txt and testing_list.txt, and _background_noise_ for \
                      silence (http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz, see arXiv:1804.03209)";
const BACKGROUND: &str = "_background_noise_";
/// Class of all words that are not chosen.
const UNKNOWN: &str = "_unknown_";
/// Class of background noise.
const SILENCE: &str = "_silence_";
const NAME_FORM: &str = "text";
const LISTS: [(&str, Subset); 2] =
    [("validation_list.txt", Subset::Validation), ("testing_list.txt", Subset::Test)];

/// Selected words of Google Speech Commands, with the predefined split.
///
/// The data set has one folder per word, and the lists `validation_list.txt` and `testing_list.txt` with lines
/// `word/file.wav`; all other recordings are for training. The lists may name recordings that do not exist:
/// [`DataSet::missing`] counts those of the chosen words. The group is the speaker, the part of a file name before
/// `_nohash_`; other file names have no speaker. Files that are not `.wav`, and names that begin with a dot, are
/// ignored. `_background_noise_` is not a word.
///
/// With `unknown` and `silence` it is the task of the paper, which uses ten words and therefore twelve classes: the
/// class `_unknown_` contains recordings of other words, the class `_silence_` one-second segments of the background
/// noises. Each has as many examples per subset as the mean chosen word, if there are that many. The draws are the
/// same for every seed. Segments of the first 80 % of each noise are for training, of the next 10 % for validation,
/// of the last 10 % for testing.
///
/// # Source
/// P. Warden (2018), "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209;
/// CC BY 4.0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechCommandsConfig {
    /// Words, at least two, in the order of the class indices.
    pub classes: Vec<String>,
    /// Adds a class `_unknown_` of other words.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unknown: bool,
    /// Adds a class `_silence_` of background noise.
    #[serde(default, skip_serializing_if = "is_false")]
    pub silence: bool,
    /// Rule that assigns recordings to subsets.
    #[serde(default, skip_serializing_if = "SpeechCommandsSplit::is_lists")]
    pub split: SpeechCommandsSplit,
}

/// Rule that assigns recordings of Speech Commands to subsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpeechCommandsSplit {
    /// Lists of the authors.
    #[default]
    Lists,
    /// Hash of the speaker, the rule behind the lists of the authors, for recordings that they do not name.
    Hash,
}

impl SpeechCommandsSplit {
    fn is_lists(&self) -> bool {
        *self == SpeechCommandsSplit::Lists
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

impl DataSource for SpeechCommandsConfig {
    fn info(&self) -> SourceInfo {
        SourceInfo { classes: Some(self.class_names()), ..SourceInfo::new(SET, LAYOUT) }
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
                return wrong(class, "must be the folder of a word, without a path or leading `_` or `.`");
            }
            if !seen.insert(class) {
                return wrong(class, "must be in the list once");
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
            let found = self.word_examples(folder, word, class, &mut held_out)?;
            if found.is_empty() {
                return Err(DataError::EmptyClass { path: folder.join(word), class: word.clone() });
            }
            examples.extend(found);
        }
        let chosen = |word: &str| self.classes.iter().any(|class| class == word);
        let missing =
            held_out.keys().filter(|name| name.split_once('/').is_some_and(|(word, _)| chosen(word))).count();
        let counts = background_classes::mean_counts(&examples, self.classes.len());
        let mut class = self.classes.len();
        if self.unknown {
            let mut others = Vec::new();
            for word in words.iter().filter(|word| !chosen(word)) {
                others.extend(self.word_examples(folder, word, class, &mut held_out)?);
            }
            examples.extend(background_classes::unknown(others, counts, class));
            class += 1;
        }
        if self.silence {
            examples.extend(background_classes::silence(folder, counts, class)?);
        }
        Ok(DataSet {
            name: SET.to_owned(),
            classes: self.class_names(),
            examples,
            missing,
            notes: Vec::new(),
        })
    }

    fn split(&self, dataset: &DataSet, _seed: u64) -> Result<Split, DataError> {
        let parts: Vec<Subset> =
            dataset.examples.iter().map(|example| example.predefined.unwrap_or(Subset::Train)).collect();
        Split::from_subsets(&parts).with_every_class(dataset, &Subset::ALL, |lacking| {
            let lists = match lacking {
                Subset::Train => "all recordings of the word are in validation_list.txt or testing_list.txt",
                Subset::Validation => "validation_list.txt does not name any existing recording of the word",
                Subset::Test => "testing_list.txt does not name any existing recording of the word",
            };
            if self.split == SpeechCommandsSplit::Hash {
                return format!(
                    "the hash assigns no speaker to it; add speakers or remove the word from data.{KEY}"
                );
            }
            format!("{lists}; complete the folder or remove the word from data.{KEY}")
        })
    }
}

impl SpeechCommandsConfig {
    fn class_names(&self) -> Vec<String> {
        let rest = [(self.unknown, UNKNOWN), (self.silence, SILENCE)];
        let rest = rest.into_iter().filter(|(included, _)| *included).map(|(_, name)| name.to_owned());
        self.classes.iter().cloned().chain(rest).collect()
    }

    /// Returns the recordings of a word, and removes them from `held_out`.
    fn word_examples(
        &self,
        folder: &Path,
        word: &str,
        class: usize,
        held_out: &mut BTreeMap<String, Subset>,
    ) -> Result<Vec<Example>, DataError> {
        let files = folder::recordings(&folder.join(word), NAME_FORM)?;
        let example = |file: folder::Entry| {
            let id = format!("{word}/{}", file.name);
            let predefined = match self.split {
                SpeechCommandsSplit::Lists => held_out.remove(&id).unwrap_or(Subset::Train),
                SpeechCommandsSplit::Hash => hash_split::subset(&file.name),
            };
            let speaker = file.name.split_once("_nohash_").map(|(speaker, _)| speaker.to_owned());
            let (source, label) = (Source::File(file.path), Label::Class(class));
            Example {
                id,
                label,
                group: speaker,
                fold: None,
                predefined: Some(predefined),
                source,
                channel: Channel::Mean,
            }
        };
        Ok(files.into_iter().map(example).collect())
    }
}

/// Reads the lists.
fn held_out(folder: &Path) -> Result<BTreeMap<String, Subset>, DataError> {
    let mut held_out = BTreeMap::new();
    for (list, subset) in LISTS {
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
            if held_out.insert(line.to_owned(), subset).is_some_and(|before| before != subset) {
                return Err(wrong(format!("{line} is also in {}; delete it from one list", LISTS[0].0)));
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
