//! What is none of the chosen words: other words, and silence.

use std::collections::BTreeSet;
use std::path::Path;

use stapes_audio::Recording;
use stapes_random::Stream;

use super::{BACKGROUND, SET, SILENCE, UNKNOWN};
use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::folder;
use crate::split::Partition;
use crate::truth::Truth;

/// What is drawn is the same for every seed of a recipe, so that all runs are tested on the same.
const SEED: u64 = 59_185;
/// The length of a part of a noise, s.
const PART_SECONDS: u64 = 1;
/// Where in a noise the parts of the data lie, in tenths of its length.
const SPANS: [(Partition, u64, u64); 3] =
    [(Partition::Train, 0, 8), (Partition::Validation, 8, 9), (Partition::Test, 9, 10)];

/// How many examples the mean chosen word has in each part of the data, in the order of [`Partition::ALL`].
pub(super) fn mean_counts(examples: &[Example], words: usize) -> [usize; 3] {
    Partition::ALL.map(|partition| {
        let count = examples.iter().filter(|example| example.official == Some(partition)).count();
        (count as f64 / words as f64).round() as usize
    })
}

/// Of the recordings of other words as many as the mean word has in each part, drawn by chance; all where there are fewer.
pub(super) fn unknown(others: Vec<Example>, counts: [usize; 3], class: usize) -> Vec<Example> {
    let mut stream = Stream::new(SEED, UNKNOWN);
    let mut drawn = Vec::new();
    for (partition, count) in Partition::ALL.into_iter().zip(counts) {
        let mut of_part: Vec<&Example> =
            others.iter().filter(|example| example.official == Some(partition)).collect();
        stream.shuffle(&mut of_part);
        of_part.truncate(count);
        drawn.extend(of_part.into_iter().cloned());
    }
    drawn.sort_by(|a, b| a.id.cmp(&b.id));
    drawn.iter_mut().for_each(|example| example.truth = Truth::Class(class));
    drawn
}

/// Parts of one second of the background noises, as many as the mean word has recordings. Those of training come from the
/// first eight tenths of each noise, those of validation from the ninth, those of the test from the last; within a part of the
/// data they may overlap.
pub(super) fn silence(folder: &Path, counts: [usize; 3], class: usize) -> Result<Vec<Example>, DataError> {
    let noises = folder.join(BACKGROUND);
    let lacks = |reason: String| DataError::Manifest { path: noises.clone(), reason };
    if !noises.is_dir() {
        return Err(lacks(format!(
            "is missing, and {SILENCE} is cut from it: complete the folder, or set {SET}.silence = false"
        )));
    }
    let mut lengths = Vec::new();
    for noise in folder::recordings(&noises, super::NAME_FORM)? {
        let length = milliseconds(&noise.path).map_err(|error| {
            let path = noise.path.clone();
            DataError::Files { failed: vec![(path, error)], total: 1 }
        })?;
        lengths.push((noise, length));
    }
    let mut stream = Stream::new(SEED, SILENCE);
    let mut examples = Vec::new();
    for ((partition, from, to), count) in SPANS.into_iter().zip(counts) {
        let part = 1000 * PART_SECONDS;
        let span = |length: u64| (length * from / 10, length * to / 10);
        let long: Vec<_> =
            lengths.iter().filter(|(_, length)| span(*length).1 >= span(*length).0 + part).collect();
        let room: u64 = long.iter().map(|(_, length)| span(*length).1 - span(*length).0 - part + 1).sum();
        if room < count as u64 {
            return Err(lacks(format!(
                "{count} parts of {PART_SECONDS} s for {partition} do not fit into the noises: add longer ones"
            )));
        }
        let mut taken = BTreeSet::new();
        let mut at = 0;
        while taken.len() < count {
            let (first, end) = span(long[at].1);
            taken.insert((at, first + stream.below((end - first - part + 1) as usize) as u64));
            at = (at + 1) % long.len();
        }
        for (at, start) in taken {
            let noise = &long[at].0;
            let (start_seconds, end_seconds) = (start as f64 / 1e3, (start + part) as f64 / 1e3);
            examples.push(Example {
                id: format!("{BACKGROUND}/{} {start_seconds}-{end_seconds}", noise.name),
                truth: Truth::Class(class),
                group: None,
                official: Some(partition),
                source: Source::Part {
                    path: noise.path.clone(),
                    start_seconds,
                    end_seconds: Some(end_seconds),
                },
            });
        }
    }
    Ok(examples)
}

/// How long a recording is, in whole milliseconds.
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
