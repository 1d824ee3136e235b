//! UPC voice activity: recordings of read speech, with labels of voice and silence.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::carve::{VALIDATION_SHARE, check_validation_share};
use crate::config::{DataConfig, Fold, Set};
use crate::dataset::{DataSet, Example, Source};
use crate::deal::Deal;
use crate::error::DataError;
use crate::folder::{self, Entry};
use crate::split::{Partition, Split};
use crate::truth::{Interval, Intervals, Truth};

const SET: &str = "upc-vad";
const SHARE_KEY: &str = "upc-vad.validation_share";
const LAYOUT: &str = "a folder a term, in it recordings *.wav, each with its labels *.lab";
const NAME_FORM: &str = "text";
/// The letters of the classes, in their order.
const LETTERS: [&str; 2] = ["S", "V"];

/// UPC voice activity: which moments of a recording are voice, and which silence.
///
/// 101 recordings of read Spanish and Catalan, 16 kHz, 817 s, 61 % voice. The folder holds a folder a term, and each
/// recording `x.wav` has a file `x.lab` beside it: lines `start end letter` with times in seconds and the letter S
/// for silence or V for voice, each line from where the one before ends. Labels may end up to 0.3 s before or behind
/// the end of the audio (in this set they do); the rest then has the class of the last line. Other files, and names
/// that begin with a dot, are left alone; [`DataSet::absent`] counts label files without a recording.
///
/// The split is by recording: number i in the order of names is tested in fold i modulo `folds`, whatever the seed.
/// Validation is a share of the other recordings, drawn by the seed. Who speaks is not known, so there are no groups.
///
/// # Source
/// Recordings of the course on speech processing at the Universitat Politècnica de Catalunya, 2014 to 2019.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpcVadConfig {
    /// Into how many folds the recordings are dealt: 5.
    pub folds: usize,
    /// Which fold is tested, from 0.
    pub fold: usize,
    /// The share of the other recordings carved off for validation: 0.1; 0 for none.
    pub validation_share: f64,
}

impl Default for UpcVadConfig {
    fn default() -> UpcVadConfig {
        UpcVadConfig { folds: 5, fold: 0, validation_share: VALIDATION_SHARE }
    }
}

impl Set for UpcVadConfig {
    fn name(&self) -> &'static str {
        SET
    }

    fn class_names(&self) -> Option<Vec<String>> {
        Some(classes())
    }

    fn frame_width(&self) -> Option<usize> {
        None
    }

    fn labels_moments(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), DataError> {
        if self.folds < 2 {
            return Err(DataError::setting("upc-vad.folds", self.folds, "must be at least 2"));
        }
        if self.fold >= self.folds {
            let rule = format!("must be from 0 to {}, one of the {} folds", self.folds - 1, self.folds);
            return Err(DataError::setting("upc-vad.fold", self.fold, rule));
        }
        check_validation_share(SHARE_KEY, self.validation_share)
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let (mut files, mut labelled) = (Vec::new(), 0);
        for term in folder::entries(folder)?.into_iter().filter(|entry| entry.is_folder) {
            let recordings = folder::recordings(&term.path, NAME_FORM)?;
            files.extend(recordings.into_iter().map(|file| (term.name.clone(), file)));
            let inside = folder::entries(&term.path)?;
            labelled += inside.iter().filter(|entry| is_labels(&entry.path) && !entry.is_folder).count();
        }
        // Where nothing is labelled, the folder is another data set, not this one with a file missing.
        if files.is_empty() || labelled == 0 {
            return Err(folder::not_this_set(SET, folder, LAYOUT));
        }
        let examples: Vec<Example> =
            files.into_iter().map(|(term, file)| example(&term, file)).collect::<Result<_, _>>()?;
        // Every recording has labels, or it would have been refused.
        let absent = labelled.saturating_sub(examples.len());
        Ok(DataSet { name: SET.to_owned(), classes: classes(), examples, absent })
    }

    fn folds(&self, dataset: &DataSet) -> Result<Vec<Fold>, DataError> {
        self.check_count(dataset)?;
        let fold = |fold| Fold {
            name: format!("fold-{fold}"),
            data: DataConfig::UpcVad(UpcVadConfig { fold, ..self.clone() }),
        };
        Ok((0..self.folds).map(fold).collect())
    }

    fn fold_key(&self) -> Option<&'static str> {
        Some("fold")
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.check_count(dataset)?;
        let mut deal = Deal::new(dataset, seed);
        deal.give((self.fold..dataset.examples.len()).step_by(self.folds), Partition::Test);
        deal.give_share(self.validation_share, Partition::Validation);
        deal.complete(self.validation_share > 0.0, |lacking| match lacking {
            Partition::Validation => format!("raise {SHARE_KEY}, or set it to 0 to go without validation"),
            Partition::Train | Partition::Test => "choose other upc-vad.folds, or add recordings".to_owned(),
        })
    }
}

fn classes() -> Vec<String> {
    ["silence", "voice"].map(String::from).to_vec()
}

impl UpcVadConfig {
    /// Whether there is a recording for each fold.
    fn check_count(&self, dataset: &DataSet) -> Result<(), DataError> {
        let count = dataset.examples.len();
        if self.folds > count {
            let rule = format!("must be at most {count}, the number of recordings");
            return Err(DataError::setting("upc-vad.folds", self.folds, rule));
        }
        Ok(())
    }
}

fn is_labels(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lab")
}

fn example(term: &str, file: Entry) -> Result<Example, DataError> {
    Ok(Example {
        id: format!("{term}/{}", file.name),
        truth: Truth::Intervals(labels(&file.path.with_extension("lab"))?),
        group: None,
        official: None,
        source: Source::File(file.path),
    })
}

/// The intervals of a label file; lines of blanks, and a byte-order mark in front, are left alone.
fn labels(path: &Path) -> Result<Intervals, DataError> {
    let text = crate::numbers::read(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let row = |(line, text): (usize, &str)| match interval(text) {
        Ok(interval) => Ok((line, interval)),
        Err(reason) => Err(DataError::Line { path: path.to_owned(), line, reason }),
    };
    let rows = lines.filter(|(_, text)| !text.is_empty()).map(row).collect::<Result<_, _>>()?;
    Intervals::new(path.to_owned(), rows)
}

fn interval(text: &str) -> Result<Interval, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [start, end, letter] = words[..] else {
        return Err(format!("`{text}` is not `start end letter`, as 0.00 1.43 S"));
    };
    let seconds = |word: &str| word.parse().map_err(|_| format!("`{word}` is no number of seconds"));
    let class = LETTERS.iter().position(|known| *known == letter);
    let class = class.ok_or_else(|| format!("`{letter}` is no class: must be S (silence) or V (voice)"))?;
    Ok(Interval { start_seconds: seconds(start)?, end_seconds: seconds(end)?, class })
}
