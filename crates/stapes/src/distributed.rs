//! Messages between processes that train together, apart from sums of gradients.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stapes_data::LoadedFeatures;
use stapes_features::Features;
use stapes_train::Communicator;

use crate::error::Error;

/// Returns the features of all processes, in the order of `indices`; `own` are those of this process.
pub(crate) fn all_gather_features(
    communicator: &dyn Communicator,
    indices: &[usize],
    own: LoadedFeatures,
) -> LoadedFeatures {
    // JSON can represent all integers and strings.
    let message = serde_json::to_vec(&(&own.indices, &own.seconds, &own.skipped));
    let messages = communicator.all_gather(&message.unwrap_or_else(|error| unreachable!("indices: {error}")));
    let frames = communicator.all_gather(&to_bytes(&own.features));
    let (mut features, mut skipped) = (BTreeMap::new(), Vec::new());
    for (message, frames) in messages.iter().zip(&frames) {
        let (indices_there, seconds_there, skipped_there): (Vec<usize>, Vec<f64>, Vec<(PathBuf, String)>) =
            serde_json::from_slice(message).unwrap_or_else(|error| unreachable!("indices: {error}"));
        features.extend(indices_there.into_iter().zip(from_bytes(frames).into_iter().zip(seconds_there)));
        skipped.extend(skipped_there);
    }
    let loaded = indices.iter().filter_map(|index| Some((*index, features.remove(index)?)));
    let (indices, loaded): (Vec<usize>, Vec<(Features, f64)>) = loaded.unzip();
    let (features, seconds) = loaded.into_iter().unzip();
    LoadedFeatures { indices, features, seconds, skipped }
}

fn to_bytes(features: &[Features]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frames in features {
        for size in [frames.width(), frames.values().len()] {
            bytes.extend((size as u64).to_le_bytes());
        }
        bytes.extend(frames.values().iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

fn from_bytes(mut bytes: &[u8]) -> Vec<Features> {
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

/// Command of process 0 to the other processes before a run starts.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Do nothing; the run is complete.
    Skip,
    /// Train from the start.
    Start,
    /// Continue from a checkpoint, given as the bytes of its file.
    Resume(Vec<u8>),
}

impl Command {
    /// Sends the command to all processes; called by process 0.
    pub(crate) fn broadcast(&self, communicator: &dyn Communicator) {
        let message = match self {
            Command::Skip => vec![0],
            Command::Start => vec![1],
            Command::Resume(file) => [&[2], &file[..]].concat(),
        };
        communicator.all_gather(&message);
    }

    /// Receives the command of process 0; called by all other processes.
    pub(crate) fn receive(communicator: &dyn Communicator) -> Command {
        let message = communicator.all_gather(&[]).swap_remove(0);
        match message.split_first() {
            Some((2, file)) => Command::Resume(file.to_vec()),
            Some((1, _)) => Command::Start,
            _ => Command::Skip,
        }
    }
}

/// Checks that all processes have the same data.
///
/// # Errors
/// [`Error::ProcessDataMismatch`] if the fingerprint of another process differs.
pub(crate) fn check_same_data(communicator: &dyn Communicator, fingerprint: &str) -> Result<(), Error> {
    let all = communicator.all_gather(fingerprint.as_bytes());
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
    fn gathered_features_are_in_the_order_of_the_examples() {
        let frames = |first: f32| Features::new(3, vec![first, -2.5, 3.0, 4.0, 5.0, f32::MIN]);
        let skipped = vec![(PathBuf::from("a.wav"), "no sound".to_string())];
        let own = LoadedFeatures {
            indices: vec![4, 9],
            features: vec![frames(4.0), frames(9.0)],
            seconds: vec![0.5, 1.25],
            skipped,
        };
        let LoadedFeatures { indices, features, seconds, skipped } =
            all_gather_features(&SingleProcess, &[9, 5, 4], own);
        assert_eq!(seconds, [1.25, 0.5]);
        assert_eq!((indices, features), (vec![9, 4], vec![frames(9.0), frames(4.0)]));
        assert_eq!(skipped, [(PathBuf::from("a.wav"), "no sound".to_string())]);
        assert!(from_bytes(&to_bytes(&[])).is_empty());
    }

    #[test]
    fn processes_with_the_same_data_pass_the_check() {
        assert!(check_same_data(&SingleProcess, "a1b2").is_ok());
    }
}
