//! Free Spoken Digit Dataset: ten digits, a few speakers, one file per recording.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_audio::Channel;

use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::folder::{self, Entry};
use crate::label::Label;
use crate::source::{DataSource, FoldValue, SourceInfo};
use crate::split::Split;
use crate::split_builder::SplitBuilder;
use crate::stratified_sampling::{DEFAULT_VALIDATION_FRACTION, check_fraction, check_validation_fraction};
use crate::subset::Subset;

/// Placeholder for the speaker after the test speaker.
const NEXT: &str = "next";
const SET: &str = "fsdd";
const LAYOUT: &str = "recordings/{digit}_{speaker}_{index}.wav, such as recordings/7_theo_0.wav \
                      (https://github.com/Jakobovski/free-spoken-digit-dataset)";
const NAME_FORM: &str = "{digit}_{speaker}_{index}.wav, as 7_theo_0.wav";
/// Recordings with an index below this number are the predefined test subset.
const PREDEFINED_TEST_BELOW: u32 = 5;
const DEFAULT_TEST_FRACTION: f64 = 1.0 / 3.0;

/// Free Spoken Digit Dataset: classes `0` to `9`, grouped by speaker.
///
/// The folder is the root of the data set or its folder `recordings`. Every `.wav` file in it must be called
/// `{digit}_{speaker}_{index}.wav`; other files, and names that begin with a dot, are ignored.
///
/// The validation subset is drawn from the examples that are not in the test subset: 10 % of each class, stratified
/// by speaker, or all recordings of one speaker.
///
/// # Source
/// <https://github.com/Jakobovski/free-spoken-digit-dataset>, CC BY-SA 4.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FsddConfig {
    /// Kind of test split.
    pub split: FsddSplit,
    /// Test speaker: required by `leave-speaker-out`, otherwise rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// Validation speaker, instead of a fraction; only valid with `leave-speaker-out`. `next` is the speaker after
    /// the test speaker in the order of names, cyclically.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_speaker: Option<String>,
    /// Fraction of each class used for testing, only valid with `random`; default 1/3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_fraction: Option<f64>,
    /// Fraction of the training examples of each class used for validation: default 0.1; 0 for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_fraction: Option<f64>,
}

/// Kind of test split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FsddSplit {
    /// Predefined split: recordings with index 0 to 4 of every digit and speaker.
    #[default]
    Official,
    /// Fraction of each class, stratified by speaker, drawn by the seed.
    Random,
    /// All recordings of one speaker, so that the test speaker is not in the training subset.
    LeaveSpeakerOut,
}

impl DataSource for FsddConfig {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            classes: Some(classes()),
            fold_key: (self.split == FsddSplit::LeaveSpeakerOut).then_some("speaker"),
            ..SourceInfo::new(SET, LAYOUT)
        }
    }

    fn check(&self) -> Result<(), DataError> {
        let by_speaker = self.split == FsddSplit::LeaveSpeakerOut;
        for (key, speaker) in [("speaker", &self.speaker), ("validation_speaker", &self.validation_speaker)] {
            if let Some(speaker) = speaker.as_ref().filter(|_| !by_speaker) {
                return Err(setting(
                    key,
                    speaker,
                    "is only valid with data.fsdd.split = \"leave-speaker-out\"",
                ));
            }
        }
        if by_speaker && self.speaker.is_none() {
            return Err(setting(
                "split",
                "leave-speaker-out",
                "requires data.fsdd.speaker, the test speaker",
            ));
        }
        if let Some(speaker) = self.validation_speaker.as_ref() {
            if self.speaker.as_ref() == Some(speaker) {
                return Err(setting(
                    "validation_speaker",
                    speaker,
                    "must not be the test speaker data.fsdd.speaker",
                ));
            }
            if let Some(fraction) = self.validation_fraction {
                return Err(setting(
                    "validation_fraction",
                    fraction,
                    "is invalid with data.fsdd.validation_speaker",
                ));
            }
        }
        if let Some(fraction) = self.test_fraction {
            if self.split != FsddSplit::Random {
                return Err(setting(
                    "test_fraction",
                    fraction,
                    "is only valid with data.fsdd.split = \"random\"",
                ));
            }
            check_fraction("fsdd.test_fraction", fraction)?;
        }
        self.validation_fraction
            .map_or(Ok(()), |fraction| check_validation_fraction("fsdd.validation_fraction", fraction))
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let inside = folder.join("recordings");
        let root = if inside.is_dir() { inside.as_path() } else { folder };
        let files = folder::recordings(root, NAME_FORM)?;
        // If no file name matches, the folder contains another data set, not this one with a stray file.
        if files.iter().all(|file| parse_name(&file.name).is_none()) {
            return Err(folder::not_this_set(SET, root, LAYOUT));
        }
        let (examples, others): (Vec<_>, Vec<_>) = files.into_iter().map(example).partition(Result::is_ok);
        let others: Vec<PathBuf> = others.into_iter().filter_map(Result::err).collect();
        if !others.is_empty() {
            return Err(DataError::FileName { paths: others, expected: NAME_FORM });
        }
        let examples: Vec<Example> = examples.into_iter().filter_map(Result::ok).collect();
        let classes = classes();
        for (class, name) in classes.iter().enumerate() {
            if examples.iter().all(|example| example.label != Label::Class(class)) {
                return Err(DataError::EmptyClass { path: root.to_owned(), class: name.clone() });
            }
        }
        Ok(DataSet::new(SET, classes, examples))
    }

    fn folds(&self, dataset: &DataSet) -> Result<Vec<(String, FoldValue)>, DataError> {
        if self.split != FsddSplit::LeaveSpeakerOut {
            let advice = "set data.fsdd.split = \"leave-speaker-out\" for one fold per speaker".to_owned();
            return Err(DataError::NoFolds { set: SET, advice });
        }
        if let Some(speaker) = self.validation_speaker.as_ref().filter(|speaker| *speaker != NEXT) {
            let rule = "is invalid with folds, because this speaker is a test speaker too; set it to \"next\", or set \
                        data.fsdd.validation_fraction";
            return Err(setting("validation_speaker", speaker, rule));
        }
        let fold = |speaker: &str| (speaker.to_owned(), FoldValue::Group(speaker.to_owned()));
        Ok(dataset.groups().into_iter().map(fold).collect())
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        let mut builder = self.test_split(dataset, seed)?;
        if let Some(speaker) = &self.validation_speaker {
            let speaker = match (speaker.as_str(), &self.speaker) {
                (NEXT, Some(tested)) => next_speaker(dataset, tested)?,
                _ => speaker,
            };
            check_speaker(dataset, "validation_speaker", speaker)?;
            builder.assign_group(speaker, Subset::Validation);
        } else {
            builder.assign_fraction(self.validation_fraction(), Subset::Validation);
        }
        let validates = self.validation_speaker.is_some() || self.validation_fraction() > 0.0;
        builder.complete(validates, |subset| self.advice(subset))
    }
}

fn classes() -> Vec<String> {
    ('0'..='9').map(String::from).collect()
}

impl FsddConfig {
    fn validation_fraction(&self) -> f64 {
        self.validation_fraction.unwrap_or(DEFAULT_VALIDATION_FRACTION)
    }

    /// Assigns the test subset.
    fn test_split<'a>(&self, dataset: &'a DataSet, seed: u64) -> Result<SplitBuilder<'a>, DataError> {
        let mut builder = SplitBuilder::new(dataset, seed);
        match (self.split, &self.speaker) {
            (FsddSplit::LeaveSpeakerOut, Some(speaker)) => {
                check_speaker(dataset, "speaker", speaker)?;
                builder.assign_group(speaker, Subset::Test);
            }
            (FsddSplit::Random, _) => {
                builder.assign_fraction(self.test_fraction.unwrap_or(DEFAULT_TEST_FRACTION), Subset::Test);
            }
            // `check` rejects leave-speaker-out without a speaker.
            (FsddSplit::Official | FsddSplit::LeaveSpeakerOut, _) => {
                builder = SplitBuilder::predefined(dataset, seed)
            }
        }
        Ok(builder)
    }

    fn advice(&self, lacking: Subset) -> String {
        match (lacking, self.split) {
            (Subset::Validation, _) if self.validation_speaker.is_some() => {
                "choose another data.fsdd.validation_speaker or add recordings of this one".to_owned()
            }
            (Subset::Validation, _) => {
                "increase data.fsdd.validation_fraction, or set it to 0 for no validation".to_owned()
            }
            (_, FsddSplit::Official) => format!(
                "the predefined split tests on index 0 to {} and trains on the others; \
                 add recordings or set data.fsdd.split = \"random\"",
                PREDEFINED_TEST_BELOW - 1
            ),
            (_, FsddSplit::Random) => "change data.fsdd.test_fraction or add recordings".to_owned(),
            (_, FsddSplit::LeaveSpeakerOut) => {
                "choose another data.fsdd.speaker or add recordings of the digit".to_owned()
            }
        }
    }
}

fn setting(key: &str, value: impl std::fmt::Display, rule: &str) -> DataError {
    DataError::setting(format!("fsdd.{key}"), value, rule)
}

/// Returns the next speaker in the order of names.
fn next_speaker<'a>(dataset: &'a DataSet, tested: &str) -> Result<&'a str, DataError> {
    let speakers = dataset.groups();
    let at = speakers.iter().position(|speaker| *speaker == tested);
    match at.map(|at| speakers[(at + 1) % speakers.len()]) {
        Some(next) if next != tested => Ok(next),
        _ => Err(setting(
            "validation_speaker",
            NEXT,
            "requires another speaker besides the test speaker in the data",
        )),
    }
}

fn check_speaker(dataset: &DataSet, key: &str, speaker: &str) -> Result<(), DataError> {
    dataset.check_group(&format!("fsdd.{key}"), speaker)
}

/// Returns the example of a file, or its path if the name has another form.
fn example(file: Entry) -> Result<Example, PathBuf> {
    let Some((class, speaker, index)) = parse_name(&file.name) else { return Err(file.path) };
    let predefined = if index < PREDEFINED_TEST_BELOW { Subset::Test } else { Subset::Train };
    Ok(Example {
        label: Label::Class(class),
        group: Some(speaker.to_owned()),
        fold: None,
        predefined: Some(predefined),
        id: file.name,
        source: Source::File(file.path),
        channel: Channel::Mean,
    })
}

/// Returns digit, speaker and index. Numbers have no leading zeros, so each recording has one name.
fn parse_name(name: &str) -> Option<(usize, &str, u32)> {
    let (stem, _extension) = name.rsplit_once('.')?;
    let (digit, rest) = stem.split_once('_')?;
    let (speaker, index) = rest.rsplit_once('_')?;
    let plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'))
    };
    if digit.len() != 1 || !plain(digit) || speaker.is_empty() || !plain(index) {
        return None;
    }
    Some((digit.parse().ok()?, speaker, index.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_digit_a_speaker_and_an_index() {
        assert_eq!(parse_name("7_theo_0.wav"), Some((7, "theo", 0)));
        assert_eq!(parse_name("0_anna_maria_49.WAV"), Some((0, "anna_maria", 49)));
    }

    #[test]
    fn other_names_are_rejected() {
        for name in [
            "theo_7_0.wav",
            "10_theo_0.wav",
            "7_theo.wav",
            "7__0.wav",
            "7_theo_.wav",
            "7_theo_01.wav",
            "7_theo_-1.wav",
            "7_theo_99999999999.wav",
            "x_theo_1.wav",
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}
