//! Free Spoken Digit Dataset: ten digits, spoken by a few speakers, a file each.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::carve::{VALIDATION_SHARE, check_share, check_validation_share};
use crate::config::{DataConfig, Fold, Set};
use crate::dataset::{DataSet, Example, Source};
use crate::deal::Deal;
use crate::error::DataError;
use crate::folder::{self, Entry};
use crate::split::{Partition, Split};
use crate::truth::Truth;

/// In a speaker's place: the one who follows the tested speaker.
const NEXT: &str = "next";
const SET: &str = "fsdd";
const LAYOUT: &str = "recordings/{digit}_{speaker}_{index}.wav";
const NAME_FORM: &str = "{digit}_{speaker}_{index}.wav, as 7_theo_0.wav";
/// The data set's authors keep the recordings below this index for tests.
const OFFICIAL_TEST_BELOW: u32 = 5;
const TEST_SHARE: f64 = 1.0 / 3.0;

/// The Free Spoken Digit Dataset: classes `0` to `9`, the speaker as group.
///
/// The folder is the data set's root or its folder `recordings`. Every `.wav` file in it must be called
/// `{digit}_{speaker}_{index}.wav`; other files, and names that begin with a dot, are left alone.
///
/// Validation is always carved from what the test split leaves: a tenth of each class, the speakers in proportion,
/// drawn by the seed; or one whole speaker.
///
/// # Source
/// <https://github.com/Jakobovski/free-spoken-digit-dataset>, CC BY-SA 4.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FsddConfig {
    /// What the test split is.
    pub split: FsddSplit,
    /// The speaker left out: needed by `leave-speaker-out`, refused otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// A speaker whose recordings are the validation split, with `leave-speaker-out` only; instead of a share. `next` is
    /// the one who follows the tested speaker in the order of names, after the last the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_speaker: Option<String>,
    /// The share of each class that is tested on, with `random` only; 1/3 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// The share of each class carved from training for validation; 0.1 where it is not given, 0 for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_share: Option<f64>,
}

/// What is held out for the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FsddSplit {
    /// The authors' split: the recordings with index 0 to 4 of every digit and speaker.
    #[default]
    Official,
    /// A share of each class, the speakers in proportion, drawn by the seed.
    Random,
    /// All recordings of one speaker, so that nobody who is tested was heard in training.
    LeaveSpeakerOut,
}

impl Set for FsddConfig {
    fn name(&self) -> &'static str {
        SET
    }

    fn class_names(&self) -> Option<Vec<String>> {
        Some(classes())
    }

    fn frame_width(&self) -> Option<usize> {
        None
    }

    fn check(&self) -> Result<(), DataError> {
        let leaves_out = self.split == FsddSplit::LeaveSpeakerOut;
        for (key, speaker) in [("speaker", &self.speaker), ("validation_speaker", &self.validation_speaker)] {
            if let Some(speaker) = speaker.as_ref().filter(|_| !leaves_out) {
                return Err(setting(key, speaker, "goes with split = \"leave-speaker-out\" only"));
            }
        }
        if leaves_out && self.speaker.is_none() {
            return Err(setting(
                "split",
                "leave-speaker-out",
                "needs fsdd.speaker, the speaker to leave out",
            ));
        }
        if let Some(speaker) = self.validation_speaker.as_ref() {
            if self.speaker.as_ref() == Some(speaker) {
                return Err(setting(
                    "validation_speaker",
                    speaker,
                    "must not be fsdd.speaker, who is tested",
                ));
            }
            if let Some(share) = self.validation_share {
                return Err(setting("validation_share", share, "does not go with fsdd.validation_speaker"));
            }
        }
        if let Some(share) = self.test_share {
            if self.split != FsddSplit::Random {
                return Err(setting("test_share", share, "goes with split = \"random\" only"));
            }
            check_share("fsdd.test_share", share)?;
        }
        self.validation_share.map_or(Ok(()), |share| check_validation_share("fsdd.validation_share", share))
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let inside = folder.join("recordings");
        let holder = if inside.is_dir() { inside.as_path() } else { folder };
        let files = folder::recordings(holder, NAME_FORM)?;
        // Where no file fits, the folder is another data set, not this one with a stray file.
        if files.iter().all(|file| parse_name(&file.name).is_none()) {
            return Err(folder::not_this_set(SET, holder, LAYOUT));
        }
        let examples = files.into_iter().map(example).collect::<Result<Vec<Example>, DataError>>()?;
        let classes = classes();
        for (class, name) in classes.iter().enumerate() {
            if examples.iter().all(|example| example.truth != Truth::Class(class)) {
                return Err(DataError::EmptyClass { path: holder.to_owned(), class: name.clone() });
            }
        }
        Ok(DataSet { name: SET.to_owned(), classes, examples, absent: 0 })
    }

    fn folds(&self, dataset: &DataSet) -> Result<Vec<Fold>, DataError> {
        if self.split != FsddSplit::LeaveSpeakerOut {
            let advice = "set split = \"leave-speaker-out\", with a fold for each speaker";
            return Err(DataError::NoFolds { set: SET, advice });
        }
        if let Some(speaker) = self.validation_speaker.as_ref().filter(|speaker| *speaker != NEXT) {
            let rule = "does not go with folds, for this speaker is left out too: set it to \"next\", or set \
                        fsdd.validation_share";
            return Err(setting("validation_speaker", speaker, rule));
        }
        let fold = |speaker: &str| Fold {
            name: speaker.to_owned(),
            data: DataConfig::Fsdd(FsddConfig { speaker: Some(speaker.to_owned()), ..self.clone() }),
        };
        Ok(dataset.groups().into_iter().map(fold).collect())
    }

    fn fold_key(&self) -> Option<&'static str> {
        (self.split == FsddSplit::LeaveSpeakerOut).then_some("speaker")
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        let mut deal = self.test_and_rest(dataset, seed)?;
        if let Some(speaker) = &self.validation_speaker {
            let speaker = match (speaker.as_str(), &self.speaker) {
                (NEXT, Some(tested)) => next_speaker(dataset, tested)?,
                _ => speaker,
            };
            check_speaker(dataset, "validation_speaker", speaker)?;
            deal.give_group(speaker, Partition::Validation);
        } else {
            deal.give_share(self.validation_share(), Partition::Validation);
        }
        let validates = self.validation_speaker.is_some() || self.validation_share() > 0.0;
        deal.complete(validates, |partition| self.advice(partition))
    }
}

fn classes() -> Vec<String> {
    ('0'..='9').map(String::from).collect()
}

impl FsddConfig {
    fn validation_share(&self) -> f64 {
        self.validation_share.unwrap_or(VALIDATION_SHARE)
    }

    /// Each example's part before validation is carved.
    fn test_and_rest<'a>(&self, dataset: &'a DataSet, seed: u64) -> Result<Deal<'a>, DataError> {
        let mut deal = Deal::new(dataset, seed);
        match (self.split, &self.speaker) {
            (FsddSplit::LeaveSpeakerOut, Some(speaker)) => {
                check_speaker(dataset, "speaker", speaker)?;
                deal.give_group(speaker, Partition::Test);
            }
            (FsddSplit::Random, _) => {
                deal.give_share(self.test_share.unwrap_or(TEST_SHARE), Partition::Test);
            }
            // `check` refuses to leave out nobody.
            (FsddSplit::Official | FsddSplit::LeaveSpeakerOut, _) => deal = Deal::official(dataset, seed),
        }
        Ok(deal)
    }

    fn advice(&self, lacking: Partition) -> String {
        match (lacking, self.split) {
            (Partition::Validation, _) if self.validation_speaker.is_some() => {
                "name another fsdd.validation_speaker, or add recordings of this one".to_owned()
            }
            (Partition::Validation, _) => {
                "raise fsdd.validation_share, or set it to 0 to go without validation".to_owned()
            }
            (_, FsddSplit::Official) => format!(
                "the official split tests on index 0 to {} and trains on the others; \
                 add recordings or choose fsdd.split = \"random\"",
                OFFICIAL_TEST_BELOW - 1
            ),
            (_, FsddSplit::Random) => "change fsdd.test_share or add recordings".to_owned(),
            (_, FsddSplit::LeaveSpeakerOut) => {
                "leave another fsdd.speaker out, or add recordings of the digit".to_owned()
            }
        }
    }
}

fn setting(key: &str, value: impl std::fmt::Display, rule: &str) -> DataError {
    DataError::setting(format!("fsdd.{key}"), value, rule)
}

/// The speaker who follows in the order of names.
fn next_speaker<'a>(dataset: &'a DataSet, tested: &str) -> Result<&'a str, DataError> {
    let speakers = dataset.groups();
    let at = speakers.iter().position(|speaker| *speaker == tested);
    match at.map(|at| speakers[(at + 1) % speakers.len()]) {
        Some(next) if next != tested => Ok(next),
        _ => {
            Err(setting("validation_speaker", NEXT, "needs another speaker than the tested one in the data"))
        }
    }
}

fn check_speaker(dataset: &DataSet, key: &str, speaker: &str) -> Result<(), DataError> {
    dataset.check_group(&format!("fsdd.{key}"), speaker)
}

fn example(file: Entry) -> Result<Example, DataError> {
    let Some((class, speaker, index)) = parse_name(&file.name) else {
        return Err(DataError::FileName { path: file.path, expected: NAME_FORM });
    };
    let official = if index < OFFICIAL_TEST_BELOW { Partition::Test } else { Partition::Train };
    Ok(Example {
        truth: Truth::Class(class),
        group: Some(speaker.to_owned()),
        official: Some(official),
        id: file.name,
        source: Source::File(file.path),
    })
}

/// Digit, speaker and index; a number has no leading zeros, so that no two names mean the same recording.
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
    fn other_names_are_refused() {
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
