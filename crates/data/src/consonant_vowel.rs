//! CS671 consonant-vowel segments: classification of five syllables.

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_features::Features;

use crate::class_folders::ClassFolders;
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::numbers::{check_frame, numbers, read};
use crate::source::{DataSource, SourceInfo};
use crate::stratified_sampling::DEFAULT_VALIDATION_FRACTION;
use crate::subset::Subset;

const COEFFICIENTS: usize = 39;

const FOLDERS: ClassFolders = ClassFolders {
    set: "consonant-vowel",
    classes: &["sa", "ka", "kaa", "tA", "ba"],
    subsets: [("Train", Subset::Train), ("Test", Subset::Test)],
    extension: "mfcc",
    layout: "folders sa, ka, kaa, tA, ba with folders Train and Test of .mfcc files, one segment each, such as \
             sa/Train/01_sa_139_8.mfcc (material of the university course CS671, without a public home page)",
};

/// CS671 consonant-vowel segments of conversational Hindi: five syllables.
///
/// 1,934 segments for training and 483 for testing, with 7 to 79 frames of 39 values: 13 MFCC with deltas and double
/// deltas. Each line of a file is a frame. The validation subset is a fraction of the training segments of each
/// class, drawn by the seed. Speakers are unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsonantVowelConfig {
    /// Fraction of the training segments of each class used for validation: 0.1; 0 for none.
    pub validation_fraction: f64,
}

impl Default for ConsonantVowelConfig {
    fn default() -> ConsonantVowelConfig {
        ConsonantVowelConfig { validation_fraction: DEFAULT_VALIDATION_FRACTION }
    }
}

impl DataSource for ConsonantVowelConfig {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            frame_width: Some(COEFFICIENTS),
            validation_fraction: self.validation_fraction,
            ..FOLDERS.info()
        }
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        FOLDERS.open(folder, segment)
    }
}

/// Returns the frames of a file, at least one.
fn segment(path: &Path) -> Result<Features, DataError> {
    let mut values = Vec::new();
    for (index, line) in read(path)?.lines().enumerate() {
        let frame = numbers(path, index + 1, line)?;
        check_frame(path, index + 1, &frame, COEFFICIENTS)?;
        values.extend(frame);
    }
    if values.is_empty() {
        let reason = format!("is empty; expected frames of {COEFFICIENTS} numbers, one per line");
        return Err(DataError::Line { path: path.to_owned(), line: 1, reason });
    }
    Ok(Features::new(COEFFICIENTS, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_complete_frames_and_at_least_one() {
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
