//! UCI Spoken Arabic Digit: ten digits of 88 speakers.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use stapes_features::Features;

use crate::dataset::{DataSet, Example};
use crate::error::DataError;
use crate::folder;
use crate::numbers::{check_frame, numbers, read};
use crate::source::{DataSource, SourceInfo};
use crate::stratified_sampling::DEFAULT_VALIDATION_FRACTION;
use crate::subset::Subset;

const SET: &str = "arabic-digits";
const LAYOUT: &str = "Train_Arabic_Digit.txt and Test_Arabic_Digit.txt, or the same with .gz \
                      (https://archive.ics.uci.edu/dataset/195/spoken+arabic+digit)";
const FILES: [(&str, Subset); 2] =
    [("Train_Arabic_Digit.txt", Subset::Train), ("Test_Arabic_Digit.txt", Subset::Test)];
const DIGITS: usize = 10;
const COEFFICIENTS: usize = 13;
/// Maximum unpacked size of a gzipped file, in bytes.
const MAX_UNPACKED: u64 = 256 << 20;
/// Number of consecutive utterances of a digit by one speaker.
const UTTERANCES_PER_SPEAKER: usize = 10;

/// UCI Spoken Arabic Digit: ten digits; 6,600 utterances of 66 speakers for training and 2,200 of 22 other speakers
/// for testing, with 4 to 93 frames of 13 MFCC.
///
/// The original files are read, plain or gzipped. A line is a frame, a blank line precedes each utterance, and the
/// utterances are ordered by digit with the same number for each digit. The files do not name speakers, but ten
/// consecutive utterances of a digit are from one speaker: 88 % of the variance of their mean frames is between such
/// blocks, where chance would leave 10 %, and the step from block to block is 2.5 times that within a block. The
/// validation subset is a fraction of the training speakers, drawn by the seed, so its speakers are new, like those
/// of the test.
///
/// # Source
/// M. Bedda and N. Hammami (2008), UCI Machine Learning Repository; <https://doi.org/10.24432/C52C9Q>.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArabicDigitsConfig {
    /// Fraction of the training speakers used for validation: 0.1; 0 for none.
    pub validation_fraction: f64,
}

impl Default for ArabicDigitsConfig {
    fn default() -> ArabicDigitsConfig {
        ArabicDigitsConfig { validation_fraction: DEFAULT_VALIDATION_FRACTION }
    }
}

impl DataSource for ArabicDigitsConfig {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            classes: Some(classes()),
            frame_width: Some(COEFFICIENTS),
            validation_fraction: self.validation_fraction,
            ..SourceInfo::new(SET, LAYOUT)
        }
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let mut examples = Vec::new();
        for (file, subset) in FILES {
            let (plain, packed) = (folder.join(file), folder.join(format!("{file}.gz")));
            let (path, text) = match () {
                () if plain.exists() => (plain.clone(), read(&plain)?),
                () if packed.exists() => (packed.clone(), unpacked(&packed, MAX_UNPACKED)?),
                () => return Err(folder::not_this_set(SET, folder, LAYOUT)),
            };
            let utterances = utterances(&path, &text)?;
            let per_digit = utterances.len() / DIGITS;
            examples.extend(utterances.into_iter().enumerate().map(|(at, frames)| {
                Example {
                    group: per_digit
                        .is_multiple_of(UTTERANCES_PER_SPEAKER)
                        .then(|| format!("{subset} {:02}", at % per_digit / UTTERANCES_PER_SPEAKER + 1)),
                    ..Example::of_frames(format!("{subset}/{at}"), at / per_digit, subset, frames)
                }
            }));
        }
        Ok(DataSet::new(SET, classes(), examples))
    }
}

fn classes() -> Vec<String> {
    (0..DIGITS).map(|digit| digit.to_string()).collect()
}

fn unpacked(path: &Path, limit: u64) -> Result<String, DataError> {
    let unreadable = |reason| DataError::unreadable(path, reason);
    let mut text = String::new();
    let file = stapes_files::open(path).map_err(unreadable)?;
    GzDecoder::new(file).take(limit + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > limit {
        let reason = format!(
            "unpacks to more than {limit} bytes, far more than the files of the data set; download it again"
        );
        return Err(DataError::Manifest { path: path.to_owned(), reason });
    }
    Ok(text)
}

/// Returns the utterances of a file, the same number for each digit.
fn utterances(path: &Path, text: &str) -> Result<Vec<Features>, DataError> {
    let wrong = |line: usize, reason: String| DataError::Line { path: path.to_owned(), line, reason };
    let mut utterances: Vec<Vec<f32>> = Vec::new();
    let mut ended = true;
    let mut last = 0;
    for (index, line) in text.lines().enumerate() {
        last = index + 1;
        let frame = numbers(path, last, line)?;
        if frame.is_empty() {
            ended = true;
            continue;
        }
        check_frame(path, last, &frame, COEFFICIENTS)?;
        match utterances.last_mut() {
            Some(values) if !ended => values.extend(frame),
            _ => utterances.push(frame),
        }
        ended = false;
    }
    if utterances.is_empty() || !utterances.len().is_multiple_of(DIGITS) {
        let reason = format!(
            "the file ends after {} utterances; expected equally many of each of {DIGITS} digits; download it again",
            utterances.len()
        );
        return Err(wrong(last.max(1), reason));
    }
    Ok(utterances.into_iter().map(|values| Features::new(COEFFICIENTS, values)).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::dataset::Source;
    use crate::label::Label;

    /// Utterance n has n % 3 + 1 frames of the number n.
    fn made(count: usize) -> String {
        let frame = |at: usize| vec![at.to_string(); COEFFICIENTS].join(" ") + "\n";
        (0..count).map(|at| format!("            \n{}", frame(at).repeat(at % 3 + 1))).collect()
    }

    fn write(folder: &Path, train: &str, packed_test: &str) {
        std::fs::write(folder.join(FILES[0].0), train).unwrap();
        let file = std::fs::File::create(folder.join(format!("{}.gz", FILES[1].0))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packed.write_all(packed_test.as_bytes()).unwrap();
        packed.finish().unwrap();
    }

    #[test]
    fn utterances_are_in_the_order_per_digits_in_plain_and_packed_files() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &made(40), &made(20));
        let set = ArabicDigitsConfig::default().open(Some(folder.path())).unwrap();
        assert_eq!(set.examples.len(), 60);
        for (at, example) in set.examples.iter().enumerate() {
            let (within, per_digit) = if at < 40 { (at, 4) } else { (at - 40, 2) };
            assert_eq!(example.label, Label::Class(within / per_digit));
            let Source::Frames(frames) = &example.source else { panic!() };
            assert_eq!((frames.frames(), frames.frame(0)[12]), (within % 3 + 1, within as f32));
        }
    }

    #[test]
    fn validation_contains_whole_speakers() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &made(400), &made(200));
        let config = ArabicDigitsConfig { validation_fraction: 0.25 };
        let set = config.open(Some(folder.path())).unwrap();
        assert_eq!(set.groups(), ["test 01", "test 02", "train 01", "train 02", "train 03", "train 04"]);
        let split = config.split(&set, 3).unwrap();
        let speaker = |index: &usize| set.examples[*index].group.clone().unwrap();
        let trained: std::collections::BTreeSet<String> = split.train.iter().map(speaker).collect();
        let validation: std::collections::BTreeSet<String> = split.validation.iter().map(speaker).collect();
        assert_eq!((trained.len(), validation.len(), split.validation.len()), (3, 1, 100));
        assert!(trained.is_disjoint(&validation));
    }

    #[test]
    fn damaged_files_are_reported_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let error = |train: &str| {
            write(folder.path(), train, &made(10));
            ArabicDigitsConfig::default().open(Some(folder.path())).unwrap_err().to_string()
        };
        assert!(error(&made(39)).contains("ends after 39 utterances"));
        assert!(error("").contains(":1: the file ends after 0 utterances"));
        assert!(error(&(made(20) + "1 2 3\n")).contains("3 numbers; expected a frame of 13"));
        assert!(error("x").contains("Train_Arabic_Digit.txt:1: `x` is not a finite number"));
        // A truncated gzipped file.
        write(folder.path(), &made(20), &made(20));
        let packed = folder.path().join("Test_Arabic_Digit.txt.gz");
        let bytes = std::fs::read(&packed).unwrap();
        std::fs::write(&packed, &bytes[..bytes.len() - 9]).unwrap();
        let error = ArabicDigitsConfig::default().open(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("Test_Arabic_Digit.txt.gz: cannot be read"), "{error}");
    }

    #[test]
    fn a_gzipped_file_is_unpacked_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "", &made(20));
        let packed = folder.path().join("Test_Arabic_Digit.txt.gz");
        let length = made(20).len() as u64;
        assert_eq!(unpacked(&packed, length).unwrap(), made(20));
        let error = unpacked(&packed, length - 1).unwrap_err().to_string();
        assert!(error.contains("Test_Arabic_Digit.txt.gz: unpacks to more than"), "{error}");
    }
}
