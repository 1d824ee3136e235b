//! UCI Japanese Vowels: identification of nine speakers from the vowel /ae/; embedded in the program.

use std::io::Read;
use std::path::Path;

use flate2::read::ZlibDecoder;
use serde::{Deserialize, Serialize};
use stapes_features::Features;

use crate::dataset::{DataSet, Example};
use crate::error::DataError;
use crate::source::{DataSource, SourceInfo};
use crate::stratified_sampling::DEFAULT_VALIDATION_FRACTION;
use crate::subset::Subset;
use crate::{folder, sktime_ts};

const SET: &str = "japanese-vowels";
const LAYOUT: &str = "JapaneseVowels_TRAIN.ts and JapaneseVowels_TEST.ts, 12 dimensions and labels 1 to 9 \
                      (https://archive.ics.uci.edu/dataset/128/japanese+vowels; as .ts files from \
                      https://www.timeseriesclassification.com)";
const FILES: [(&str, Subset); 2] =
    [("JapaneseVowels_TRAIN.ts", Subset::Train), ("JapaneseVowels_TEST.ts", Subset::Test)];
const SPEAKERS: usize = 9;
const COEFFICIENTS: usize = 12;

/// Written by `embedded/make_japanese_vowels.py`, which describes the format.
const EMBEDDED: &[u8] = include_bytes!("../embedded/japanese_vowels.bin");

/// UCI Japanese Vowels: nine male speakers say /ae/, and the class is the speaker.
///
/// 640 utterances with 7 to 29 frames of 12 LPC cepstrum coefficients: 270 for training and 370, recorded at another
/// time, for testing. They are embedded in the program; if a folder is given, the same numbers are read from
/// `JapaneseVowels_TRAIN.ts` and `JapaneseVowels_TEST.ts` in it. The validation subset is a fraction of the training
/// utterances of each speaker, drawn by the seed. There are no groups because the speaker is the class.
///
/// # Source
/// M. Kudo, J. Toyama and M. Shimbo (1999), "Multidimensional curve classification using passing-through regions",
/// Pattern Recognition Letters 20, 1103-1111; <https://doi.org/10.24432/C5NS47>, as packaged by aeon 1.6.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JapaneseVowelsConfig {
    /// Fraction of the training utterances of each speaker used for validation: 0.1; 0 for none.
    pub validation_fraction: f64,
}

impl Default for JapaneseVowelsConfig {
    fn default() -> JapaneseVowelsConfig {
        JapaneseVowelsConfig { validation_fraction: DEFAULT_VALIDATION_FRACTION }
    }
}

impl DataSource for JapaneseVowelsConfig {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            classes: Some(classes()),
            frame_width: Some(COEFFICIENTS),
            validation_fraction: self.validation_fraction,
            ..SourceInfo::new(SET, LAYOUT)
        }
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let examples = match folder {
            None => embedded(),
            Some(_) => from_text(folder::required(folder, SET, LAYOUT)?)?,
        };
        Ok(DataSet::new(SET, classes(), examples))
    }
}

fn classes() -> Vec<String> {
    (1..=SPEAKERS).map(|speaker| format!("speaker {speaker}")).collect()
}

fn from_text(folder: &Path) -> Result<Vec<Example>, DataError> {
    let mut examples = Vec::new();
    for (file, subset) in FILES {
        let path = folder.join(file);
        if !path.exists() {
            return Err(folder::not_this_set(SET, folder, LAYOUT));
        }
        let series = sktime_ts::read(&path)?;
        let expected_labels = (1..=SPEAKERS).map(|speaker| speaker.to_string());
        if series.dimensions != COEFFICIENTS || !series.labels.iter().cloned().eq(expected_labels) {
            return Err(DataError::NotThisSet {
                set: SET,
                folder: folder.to_owned(),
                looked_for: LAYOUT.to_owned(),
                found: format!(
                    "{file} with {} dimensions and labels {}",
                    series.dimensions,
                    series.labels.join(" ")
                ),
            });
        }
        let cases = series.cases.into_iter().enumerate();
        examples.extend(cases.map(|(index, (frames, class))| {
            Example::of_frames(format!("{subset}/{index}"), class, subset, frames)
        }));
    }
    Ok(examples)
}

/// Returns the embedded utterances: training first, in the order of the text files.
///
/// # Panics
/// If the embedded bytes are not those that the script writes; the tests read them all.
fn embedded() -> Vec<Example> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(EMBEDDED)
        .read_to_end(&mut bytes)
        .expect("the embedded bytes are a complete zlib stream: the script wrote them");
    let size = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let (train, test) = (size(1), size(3));
    let (table, planes) = bytes[5..].split_at(2 * (train + test));
    let utterances = table.as_chunks::<2>().0;
    let plane = planes.len() / 3;

    let mut frames: Vec<Vec<f32>> =
        utterances.iter().map(|[_, count]| vec![0.0; usize::from(*count) * COEFFICIENTS]).collect();
    let mut codes =
        (0..plane).map(|at| i32::from_le_bytes([planes[at], planes[at + plane], planes[at + 2 * plane], 0]));
    for coefficient in 0..COEFFICIENTS {
        for values in &mut frames {
            let mut millionths = 0;
            for (value, code) in values.iter_mut().skip(coefficient).step_by(COEFFICIENTS).zip(&mut codes) {
                // 0, 1, 2, 3, ... decode to the differences 0, -1, 1, -2, ...
                millionths += (code >> 1) ^ -(code & 1);
                // Rounding to f64 and then to f32 returns the f32 nearest to the decimal number: seven digits are
                // never so close to the midpoint of two f32 that the first rounding could cross it.
                *value = (f64::from(millionths) / 1e6) as f32;
            }
        }
    }

    let both = utterances.iter().zip(frames).enumerate();
    both.map(|(index, ([speaker, _], values))| {
        let (subset, index) =
            if index < train { (Subset::Train, index) } else { (Subset::Test, index - train) };
        let frames = Features::new(COEFFICIENTS, values);
        Example::of_frames(format!("{subset}/{index}"), usize::from(*speaker), subset, frames)
    })
    .collect()
}
