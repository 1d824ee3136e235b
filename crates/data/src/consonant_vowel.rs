//! CS671 consonant-vowel segments: which of five syllables a segment of speech is.

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_features::Features;

use crate::carve::{VALIDATION_SHARE, check_validation_share};
use crate::class_folders::ClassFolders;
use crate::config::Set;
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::numbers::{numbers, read};
use crate::official;
use crate::split::{Partition, Split};

const KEY: &str = "consonant-vowel.validation_share";
const COEFFICIENTS: usize = 39;

const FOLDERS: ClassFolders = ClassFolders {
    set: "consonant-vowel",
    classes: &["sa", "ka", "kaa", "tA", "ba"],
    parts: [("Train", Partition::Train), ("Test", Partition::Test)],
    extension: "mfcc",
    layout: "folders sa, ka, kaa, tA, ba with folders Train and Test of .mfcc files, a segment each",
};

/// CS671 consonant-vowel segments of conversational Hindi: five syllables.
///
/// 1,934 segments for training and 483 for the test, of 7 to 79 frames of 39 values: 13 MFCC, their deltas and
/// the deltas of those. A line of a file is a frame. Validation is a share of each class's training segments,
/// drawn by the seed. Who speaks is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsonantVowelConfig {
    /// The share of each class's training segments carved off for validation: 0.1; 0 for none.
    pub validation_share: f64,
}

impl Default for ConsonantVowelConfig {
    fn default() -> ConsonantVowelConfig {
        ConsonantVowelConfig { validation_share: VALIDATION_SHARE }
    }
}

impl Set for ConsonantVowelConfig {
    fn name(&self) -> &'static str {
        FOLDERS.set
    }

    fn class_names(&self) -> Option<Vec<String>> {
        Some(classes())
    }

    fn frame_width(&self) -> Option<usize> {
        Some(COEFFICIENTS)
    }

    fn check(&self) -> Result<(), DataError> {
        check_validation_share(KEY, self.validation_share)
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let examples = FOLDERS.examples(folder, segment)?;
        Ok(DataSet { name: FOLDERS.set.to_owned(), classes: classes(), examples, absent: 0 })
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        official::split(dataset, (KEY, self.validation_share), FOLDERS.layout, seed)
    }
}

fn classes() -> Vec<String> {
    FOLDERS.classes.iter().map(ToString::to_string).collect()
}

/// The frames of a file; at least one.
fn segment(path: &Path) -> Result<Features, DataError> {
    let mut values = Vec::new();
    for (index, line) in read(path)?.lines().enumerate() {
        let frame = numbers(path, index + 1, line)?;
        if frame.len() != COEFFICIENTS {
            let reason = format!("{} numbers: expected a frame of {COEFFICIENTS}", frame.len());
            return Err(DataError::Line { path: path.to_owned(), line: index + 1, reason });
        }
        values.extend(frame);
    }
    if values.is_empty() {
        let reason = format!("is empty: expected frames of {COEFFICIENTS} numbers, a line each");
        return Err(DataError::Line { path: path.to_owned(), line: 1, reason });
    }
    Ok(Features::new(COEFFICIENTS, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_whole_frames_and_at_least_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.mfcc");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            segment(&path).map_err(|error| error.to_string())
        };
        let line = vec!["0.5"; COEFFICIENTS].join(" ");
        assert_eq!(read(&format!("{line}\n{line}\n")).unwrap().frames(), 2);
        assert!(read("").unwrap_err().contains("is empty"));
        assert!(read(&format!("{line}\n1 2\n")).unwrap_err().contains("1.mfcc:2: 2 numbers"));
    }
}
