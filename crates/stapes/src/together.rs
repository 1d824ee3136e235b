//! What the processes that train together tell each other beside sums.

use stapes_features::Features;
use stapes_train::Team;

use crate::error::Error;

/// The frames that each process has, in the order of the processes.
pub(crate) fn exchange(team: &dyn Team, own: &[Features]) -> Vec<Vec<Features>> {
    let mut bytes = Vec::new();
    for frames in own {
        for size in [frames.width(), frames.values().len()] {
            bytes.extend((size as u64).to_le_bytes());
        }
        bytes.extend(frames.values().iter().flat_map(|value| value.to_le_bytes()));
    }
    team.gather(&bytes).iter().map(|bytes| read(bytes)).collect()
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
    pub(crate) fn give(&self, team: &dyn Team) {
        let said = match self {
            Order::Rest => vec![0],
            Order::Begin => vec![1],
            Order::GoOn(file) => [&[2], &file[..]].concat(),
        };
        team.gather(&said);
    }

    /// What process 0 tells, as another one.
    pub(crate) fn take(team: &dyn Team) -> Order {
        let said = team.gather(&[]).swap_remove(0);
        match said.split_first() {
            Some((2, file)) => Order::GoOn(file.to_vec()),
            Some((1, _)) => Order::Begin,
            _ => Order::Rest,
        }
    }
}

/// Whether all processes see the same data.
pub(crate) fn agree(team: &dyn Team, fingerprint: &str) -> Result<(), Error> {
    let all = team.gather(fingerprint.as_bytes());
    match all.iter().position(|other| other != fingerprint.as_bytes()) {
        Some(process) => Err(Error::OtherProcessData { process, own: team.rank() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stapes_train::Alone;

    #[test]
    fn frames_come_back_as_they_were_sent() {
        let own = [Features::new(3, vec![1.0, -2.5, 3.0, 4.0, 5.0, f32::MIN]), Features::new(1, vec![0.25])];
        assert_eq!(exchange(&Alone, &own), [own.to_vec()]);
        assert_eq!(exchange(&Alone, &[]), [Vec::new()]);
    }

    #[test]
    fn processes_with_the_same_data_agree() {
        assert!(agree(&Alone, "a1b2").is_ok());
    }
}
