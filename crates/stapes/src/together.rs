//! What the processes that train together tell each other beside sums.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stapes_data::Usable;
use stapes_features::Features;
use stapes_train::Communicator;

use crate::error::Error;

/// What each process has read, in the order of the examples `indices`.
pub(crate) fn exchange(team: &dyn Communicator, indices: &[usize], own: Usable) -> Usable {
    // Numbers and text: nothing that JSON cannot hold.
    let said = serde_json::to_vec(&(&own.indices, &own.left_out));
    let said = team.gather(&said.unwrap_or_else(|error| unreachable!("what was read: {error}")));
    let frames = team.gather(&written(&own.features));
    let (mut features, mut left_out) = (BTreeMap::new(), Vec::new());
    for (said, frames) in said.iter().zip(&frames) {
        let (read_here, not_read): (Vec<usize>, Vec<(PathBuf, String)>) =
            serde_json::from_slice(said).unwrap_or_else(|error| unreachable!("what was said: {error}"));
        features.extend(read_here.into_iter().zip(read(frames)));
        left_out.extend(not_read);
    }
    let usable = indices.iter().filter_map(|index| Some((*index, features.remove(index)?)));
    let (indices, features) = usable.unzip();
    Usable { indices, features, left_out }
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
pub(crate) enum Order {
    /// Nothing: the run is complete.
    Rest,
    /// Train from the start.
    Begin,
    /// Train on from this checkpoint's file.
    GoOn(Vec<u8>),
}

impl Order {
    /// Tells the others, as process 0.
    pub(crate) fn give(&self, team: &dyn Communicator) {
        let said = match self {
            Order::Rest => vec![0],
            Order::Begin => vec![1],
            Order::GoOn(file) => [&[2], &file[..]].concat(),
        };
        team.gather(&said);
    }

    /// What process 0 tells, as another one.
    pub(crate) fn take(team: &dyn Communicator) -> Order {
        let said = team.gather(&[]).swap_remove(0);
        match said.split_first() {
            Some((2, file)) => Order::GoOn(file.to_vec()),
            Some((1, _)) => Order::Begin,
            _ => Order::Rest,
        }
    }
}

/// Whether all processes see the same data.
pub(crate) fn agree(team: &dyn Communicator, fingerprint: &str) -> Result<(), Error> {
    let all = team.gather(fingerprint.as_bytes());
    match all.iter().position(|other| other != fingerprint.as_bytes()) {
        Some(process) => Err(Error::OtherProcessData { process, own: team.rank() }),
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
        let left_out = vec![(PathBuf::from("a.wav"), "no sound".to_string())];
        let own = Usable { indices: vec![4, 9], features: vec![frames(4.0), frames(9.0)], left_out };
        let Usable { indices, features, left_out } = exchange(&SingleProcess, &[9, 5, 4], own);
        assert_eq!((indices, features), (vec![9, 4], vec![frames(9.0), frames(4.0)]));
        assert_eq!(left_out, [(PathBuf::from("a.wav"), "no sound".to_string())]);
        assert!(read(&written(&[])).is_empty());
    }

    #[test]
    fn processes_with_the_same_data_agree() {
        assert!(agree(&SingleProcess, "a1b2").is_ok());
    }
}
