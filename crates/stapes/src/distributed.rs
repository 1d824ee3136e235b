//! What the processes that train together tell each other beside sums.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stapes_data::LoadedFeatures;
use stapes_features::Features;
use stapes_train::Communicator;

use crate::error::Error;

/// What each process has read, in the order of the examples `indices`.
pub(crate) fn exchange(communicator: &dyn Communicator, indices: &[usize], own: LoadedFeatures) -> LoadedFeatures {
    // Numbers and text: nothing that JSON cannot hold.
    let said = serde_json::to_vec(&(&own.indices, &own.skipped));
    let said = communicator.gather(&said.unwrap_or_else(|error| unreachable!("what was read: {error}")));
    let frames = communicator.gather(&written(&own.features));
    let (mut features, mut skipped) = (BTreeMap::new(), Vec::new());
    for (said, frames) in said.iter().zip(&frames) {
        let (read_here, not_read): (Vec<usize>, Vec<(PathBuf, String)>) =
            serde_json::from_slice(said).unwrap_or_else(|error| unreachable!("what was said: {error}"));
        features.extend(read_here.into_iter().zip(read(frames)));
        skipped.extend(not_read);
    }
    let usable = indices.iter().filter_map(|index| Some((*index, features.remove(index)?)));
    let (indices, features) = usable.unzip();
    LoadedFeatures { indices, features, skipped }
}

fn written(features: &[Features]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frames in features {
        for size in [frames.width(), frames.values().len()] {
            bytes.extend((size as u64).to_le_bytes());
        }
        bytes.extend(frames.values().iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

fn read(mut bytes: &[u8]) -> Vec<Features> {
    let mut all = Vec::new();
    while let Some((sizes, rest)) = bytes.split_first_chunk::<16>() {
        let (width, length) = sizes.split_at(8);
        let size =
            |bytes: &[u8]| bytes.iter().rev().fold(0usize, |size, &byte| size << 8 | usize::from(byte));
        let (values, rest) = rest.split_at(4 * size(length));
        let values = values.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        all.push(Features::new(size(width), values.collect()));
        bytes = rest;
    }
    all
}

/// What process 0 tells the others to do before a run begins.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Nothing: the run is complete.
    Rest,
    /// Train from the start.
    Begin,
    /// Train on from this checkpoint's file.
    GoOn(Vec<u8>),
}

impl Command {
    /// Tells the others, as process 0.
    pub(crate) fn give(&self, communicator: &dyn Communicator) {
        let said = match self {
            Command::Skip => vec![0],
            Command::Start => vec![1],
            Command::Resume(file) => [&[2], &file[..]].concat(),
        };
        communicator.gather(&said);
    }

    /// What process 0 tells, as another one.
    pub(crate) fn take(communicator: &dyn Communicator) -> Command {
        let said = communicator.gather(&[]).swap_remove(0);
        match said.split_first() {
            Some((2, file)) => Command::Resume(file.to_vec()),
            Some((1, _)) => Command::Start,
            _ => Command::Skip,
        }
    }
}

/// Whether all processes see the same data.
pub(crate) fn agree(communicator: &dyn Communicator, fingerprint: &str) -> Result<(), Error> {
    let all = communicator.gather(fingerprint.as_bytes());
    match all.iter().position(|other| other != fingerprint.as_bytes()) {
        Some(process) => Err(Error::ProcessDataMismatch { process, own: communicator.rank() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stapes_train::SingleProcess;

    #[test]
    fn what_was_read_comes_back_in_the_order_of_the_examples() {
        let frames = |first: f32| Features::new(3, vec![first, -2.5, 3.0, 4.0, 5.0, f32::MIN]);
        let skipped = vec![(PathBuf::from("a.wav"), "no sound".to_string())];
        let own = LoadedFeatures { indices: vec![4, 9], features: vec![frames(4.0), frames(9.0)], skipped };
        let LoadedFeatures { indices, features, skipped } = exchange(&SingleProcess, &[9, 5, 4], own);
        assert_eq!((indices, features), (vec![9, 4], vec![frames(9.0), frames(4.0)]));
        assert_eq!(skipped, [(PathBuf::from("a.wav"), "no sound".to_string())]);
        assert!(read(&written(&[])).is_empty());
    }

    #[test]
    fn processes_with_the_same_data_agree() {
        assert!(agree(&SingleProcess, "a1b2").is_ok());
    }
}
