//! UPC voice activity: recordings of read speech with labels of voice and silence.

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_audio::Channel;
use stapes_features::Segment;

use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::folder::{self, Entry};
use crate::label::{Label, Segments};
use crate::labeled_segment::{parse_seconds, read_label_lines};
use crate::source::{DataSource, FoldValue, SourceInfo};
use crate::split::Split;
use crate::split_builder::SplitBuilder;
use crate::stratified_sampling::{DEFAULT_VALIDATION_FRACTION, check_validation_fraction};
use crate::subset::Subset;

const SET: &str = "upc-vad";
const FRACTION_KEY: &str = "upc-vad.validation_fraction";
const LAYOUT: &str = "one folder per term with recordings *.wav and their labels *.lab, such as 2014/pav_4152.wav and \
                      2014/pav_4152.lab (the folder db.v4 of https://github.com/albino-pav/P2)";
const NAME_FORM: &str = "text";
/// Letters of the classes.
const LETTERS: [&str; 2] = ["S", "V"];

/// UPC voice activity: voice or silence for each frame.
///
/// 101 recordings of read Spanish and Catalan, 16 kHz, 817 s, 61 % voice. The data set has one folder per term, and
/// each recording `x.wav` has a file `x.lab` with lines `start end letter`: times in seconds, and the letter S for
/// silence or V for voice; each line starts at the end of the previous one. Labels may end up to 0.3 s before or
/// after the end of the audio, which occurs in this data set; the rest has the class of the last line. Other files,
/// and names that begin with a dot, are ignored; [`DataSet::missing`] counts label files without a recording.
///
/// The split is by recording: recording i in the order of names is tested in fold i modulo `folds`, independent of
/// the seed. The validation subset is a fraction of the other recordings, drawn by the seed. Speakers are unknown, so
/// there are no groups.
///
/// # Source
/// Recordings of the speech processing course at the Universitat Politècnica de Catalunya, 2014 to 2019.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpcVadConfig {
    /// Number of folds: 5.
    pub folds: usize,
    /// Test fold, from 0.
    pub fold: usize,
    /// Fraction of the other recordings used for validation: 0.1; 0 for none.
    pub validation_fraction: f64,
}

impl Default for UpcVadConfig {
    fn default() -> UpcVadConfig {
        UpcVadConfig { folds: 5, fold: 0, validation_fraction: DEFAULT_VALIDATION_FRACTION }
    }
}

impl DataSource for UpcVadConfig {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            classes: Some(classes()),
            has_frame_labels: true,
            fold_key: Some("fold"),
            ..SourceInfo::new(SET, LAYOUT)
        }
    }

    fn check(&self) -> Result<(), DataError> {
        if self.folds < 2 {
            return Err(DataError::setting("upc-vad.folds", self.folds, "must be at least 2"));
        }
        if self.fold >= self.folds {
            let rule = format!("must be from 0 to {}, one of the {} folds", self.folds - 1, self.folds);
            return Err(DataError::setting("upc-vad.fold", self.fold, rule));
        }
        check_validation_fraction(FRACTION_KEY, self.validation_fraction)
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let (mut files, mut label_files) = (Vec::new(), 0);
        for term in folder::entries(folder)?.into_iter().filter(|entry| entry.is_folder) {
            let recordings = folder::recordings(&term.path, NAME_FORM)?;
            files.extend(recordings.into_iter().map(|file| (term.name.clone(), file)));
            let inside = folder::entries(&term.path)?;
            label_files +=
                inside.iter().filter(|entry| is_label_file(&entry.path) && !entry.is_folder).count();
        }
        // Without any label file, the folder contains another data set, not this one with a file missing.
        if files.is_empty() || label_files == 0 {
            return Err(folder::not_this_set(SET, folder, LAYOUT));
        }
        let examples: Vec<Example> =
            files.into_iter().map(|(term, file)| example(&term, file)).collect::<Result<_, _>>()?;
        // Every recording has labels, or an error would have been returned.
        let missing = label_files.saturating_sub(examples.len());
        Ok(DataSet { missing, ..DataSet::new(SET, classes(), examples) })
    }

    fn folds(&self, dataset: &DataSet) -> Result<Vec<(String, FoldValue)>, DataError> {
        self.check_count(dataset)?;
        Ok((0..self.folds).map(|fold| (format!("fold-{fold}"), FoldValue::Index(fold))).collect())
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.check_count(dataset)?;
        let mut builder = SplitBuilder::new(dataset, seed);
        builder.assign((self.fold..dataset.examples.len()).step_by(self.folds), Subset::Test);
        builder.assign_fraction(self.validation_fraction, Subset::Validation);
        builder.complete(self.validation_fraction > 0.0, |lacking| match lacking {
            Subset::Validation => format!("increase data.{FRACTION_KEY}, or set it to 0 for no validation"),
            Subset::Train | Subset::Test => "change data.upc-vad.folds or add recordings".to_owned(),
        })
    }
}

fn classes() -> Vec<String> {
    ["silence", "voice"].map(String::from).to_vec()
}

impl UpcVadConfig {
    /// Checks that there is a recording for each fold.
    fn check_count(&self, dataset: &DataSet) -> Result<(), DataError> {
        let count = dataset.examples.len();
        if self.folds > count {
            let rule = format!("must be at most {count}, the number of recordings");
            return Err(DataError::setting("upc-vad.folds", self.folds, rule));
        }
        Ok(())
    }
}

fn is_label_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lab")
}

fn example(term: &str, file: Entry) -> Result<Example, DataError> {
    Ok(Example {
        id: format!("{term}/{}", file.name),
        label: Label::Segments(labels(&file.path.with_extension("lab"))?),
        group: None,
        fold: None,
        predefined: None,
        source: Source::File(file.path),
        channel: Channel::Mean,
    })
}

/// Reads the segments of a label file.
fn labels(path: &Path) -> Result<Segments, DataError> {
    let rows = read_label_lines(path, segment)?;
    Segments::new(path.to_owned(), rows)
}

fn segment(text: &str) -> Result<Segment, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [start, end, letter] = words[..] else {
        return Err(format!("`{text}` is not `start end letter`, as 0.00 1.43 S"));
    };
    let class = LETTERS.iter().position(|known| *known == letter);
    let class =
        class.ok_or_else(|| format!("`{letter}` is not a class; it must be S (silence) or V (voice)"))?;
    Ok(Segment { start_seconds: parse_seconds(start)?, end_seconds: parse_seconds(end)?, class })
}
