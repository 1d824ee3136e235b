//! Classes besides the chosen words: other words, and silence.

use std::collections::BTreeSet;
use std::path::Path;

use stapes_audio::{Channel, Recording};
use stapes_random::Rng;

use super::{BACKGROUND, SET, SILENCE, UNKNOWN};
use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::folder;
use crate::label::Label;
use crate::subset::Subset;

/// The draws are the same for every seed of a recipe, so all runs have the same test examples.
const SEED: u64 = 59_185;
/// Duration of a segment of noise.
const SEGMENT_SECONDS: u64 = 1;
/// Range of each subset within a noise, in tenths of its length.
const RANGES: [(Subset, u64, u64); 3] =
    [(Subset::Train, 0, 8), (Subset::Validation, 8, 9), (Subset::Test, 9, 10)];

/// Returns the mean number of examples per chosen word in each subset, in the order of [`Subset::ALL`].
pub(super) fn mean_counts(examples: &[Example], words: usize) -> [usize; 3] {
    Subset::ALL.map(|subset| {
        let count = examples.iter().filter(|example| example.predefined == Some(subset)).count();
        (count as f64 / words as f64).round() as usize
    })
}

/// Draws as many recordings of other words as the mean word has in each subset, or all if there are fewer.
pub(super) fn unknown(others: Vec<Example>, counts: [usize; 3], class: usize) -> Vec<Example> {
    let mut stream = Rng::new(SEED, UNKNOWN);
    let mut drawn = Vec::new();
    for (subset, count) in Subset::ALL.into_iter().zip(counts) {
        let mut in_subset: Vec<&Example> =
            others.iter().filter(|example| example.predefined == Some(subset)).collect();
        stream.shuffle(&mut in_subset);
        in_subset.truncate(count);
        drawn.extend(in_subset.into_iter().cloned());
    }
    drawn.sort_by(|a, b| a.id.cmp(&b.id));
    drawn.iter_mut().for_each(|example| example.label = Label::Class(class));
    drawn
}

/// Draws one-second segments of the background noises, as many as the mean word has recordings. Training segments are
/// from the first 80 % of each noise, validation segments from the next 10 %, test segments from the last 10 %;
/// segments of one subset may overlap.
pub(super) fn silence(folder: &Path, counts: [usize; 3], class: usize) -> Result<Vec<Example>, DataError> {
    let noises = folder.join(BACKGROUND);
    let error = |reason: String| DataError::Manifest { path: noises.clone(), reason };
    if !noises.is_dir() {
        return Err(error(format!(
            "is missing, but {SILENCE} is taken from it; complete the folder or set data.{SET}.silence = false"
        )));
    }
    let mut lengths = Vec::new();
    for noise in folder::recordings(&noises, super::NAME_FORM)? {
        let length = milliseconds(&noise.path).map_err(|error| {
            let path = noise.path.clone();
            DataError::Files { set: SET.to_owned(), failed: vec![(path, error)], total: 1 }
        })?;
        lengths.push((noise, length));
    }
    if lengths.is_empty() {
        return Err(error(format!(
            "has no .wav files, but {SILENCE} is taken from it; complete the folder or set data.{SET}.silence = false"
        )));
    }
    let mut stream = Rng::new(SEED, SILENCE);
    let mut examples = Vec::new();
    for ((subset, from, to), count) in RANGES.into_iter().zip(counts) {
        let segment = 1000 * SEGMENT_SECONDS;
        let span = |length: u64| (length * from / 10, length * to / 10);
        let long: Vec<_> =
            lengths.iter().filter(|(_, length)| span(*length).1 >= span(*length).0 + segment).collect();
        let positions: u64 =
            long.iter().map(|(_, length)| span(*length).1 - span(*length).0 - segment + 1).sum();
        if positions < count as u64 {
            return Err(error(format!(
                "{count} segments of {SEGMENT_SECONDS} s for {subset} do not fit into the noises; add longer ones, or set \
                 data.{SET}.silence = false"
            )));
        }
        let mut taken = BTreeSet::new();
        let mut at = 0;
        while taken.len() < count {
            let (first, end) = span(long[at].1);
            taken.insert((at, first + stream.below((end - first - segment + 1) as usize) as u64));
            at = (at + 1) % long.len();
        }
        for (at, start) in taken {
            let noise = &long[at].0;
            let (start_seconds, end_seconds) = (start as f64 / 1e3, (start + segment) as f64 / 1e3);
            examples.push(Example {
                id: format!("{BACKGROUND}/{} {start_seconds}-{end_seconds}", noise.name),
                label: Label::Class(class),
                group: None,
                fold: None,
                predefined: Some(subset),
                source: Source::Segment {
                    path: noise.path.clone(),
                    start_seconds,
                    end_seconds: Some(end_seconds),
                },
                channel: Channel::Mean,
            });
        }
    }
    Ok(examples)
}

/// Returns the duration of a recording in whole milliseconds.
fn milliseconds(path: &Path) -> Result<u64, String> {
    let count = || {
        let mut recording = Recording::open(path)?;
        let mut samples = 0;
        while let Some(block) = recording.next_block()? {
            samples += block.len() as u64;
        }
        Ok(1000 * samples / u64::from(recording.sample_rate_hz()))
    };
    count().map_err(|error: stapes_audio::AudioError| crate::load::without_path(path, &error.to_string()))
}
