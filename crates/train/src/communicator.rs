//! Communication between the processes that train one model together.

use stapes_kernels::norm::{GradientSums, Moments};
use stapes_nn::BatchStats;

/// Collective communication between the processes that train one model; each process runs some of the shards of
/// every batch.
///
/// All processes call the same methods in the same order, and receive the same bits.
pub trait Communicator: Sync {
    /// Returns the rank of this process, from 0. Rank 0 writes files.
    fn rank(&self) -> usize;

    /// Returns the number of processes.
    fn size(&self) -> usize;

    /// Sends values to another process; may wait until it receives them.
    fn send(&self, values: &[f32], to: usize);

    /// Replaces the values with those that another process sends; their number must be equal.
    fn receive(&self, values: &mut [f32], from: usize);

    /// Sends values to another process and receives other values from it at the same time.
    fn send_receive(&self, sent: &[f32], received: &mut [f32], partner: usize);

    /// Replaces the values of all processes with those of rank 0.
    fn broadcast(&self, values: &mut [f32]);

    /// Returns the messages of all processes in the order of their ranks.
    fn all_gather(&self, message: &[u8]) -> Vec<Vec<u8>>;
}

/// Communicator of a single process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SingleProcess;

impl Communicator for SingleProcess {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    /// Does not return.
    ///
    /// # Panics
    /// There is not another process.
    fn send(&self, _values: &[f32], to: usize) {
        unreachable!("a single process cannot send to process {to}")
    }

    /// Does not return.
    ///
    /// # Panics
    /// There is not another process.
    fn receive(&self, _values: &mut [f32], from: usize) {
        unreachable!("a single process cannot receive from process {from}")
    }

    /// Does not return.
    ///
    /// # Panics
    /// There is not another process.
    fn send_receive(&self, _sent: &[f32], _received: &mut [f32], partner: usize) {
        unreachable!("a single process cannot exchange values with process {partner}")
    }

    fn broadcast(&self, _values: &mut [f32]) {}

    fn all_gather(&self, message: &[u8]) -> Vec<Vec<u8>> {
        vec![message.to_vec()]
    }
}

/// Returns the numbers of all processes, one after the other in the order of their ranks.
fn all_gather_numbers(communicator: &dyn Communicator, numbers: &[f64]) -> Vec<f64> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let all = communicator.all_gather(&bytes);
    all.iter().flat_map(|bytes| bytes.as_chunks::<8>().0).map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// Returns each number's sum over the shards of all processes, added in the order of the shards. `own` are the numbers of the
/// shards of this process.
pub(crate) fn sum_numbers<const N: usize>(communicator: &dyn Communicator, own: &[[f64; N]]) -> [f64; N] {
    let all;
    let shards = match communicator.size() {
        1 => own,
        _ => {
            all = all_gather_numbers(communicator, own.as_flattened());
            all.as_chunks::<N>().0
        }
    };
    std::array::from_fn(|index| shards.iter().map(|numbers| numbers[index]).sum())
}

/// Returns, for each flag, `true` if it is set in any process.
pub(crate) fn any_process<const N: usize>(communicator: &dyn Communicator, flags: [bool; N]) -> [bool; N] {
    sum_numbers(communicator, &[flags.map(|flag| f64::from(u8::from(flag)))]).map(|count| count > 0.0)
}

/// Returns the statistics of a batch over the shards of all processes, added in the order of the shards. `own` are those of the
/// shards of this process that have examples.
pub(crate) fn sum_batch_stats(communicator: &dyn Communicator, own: Vec<BatchStats>) -> BatchStats {
    let shards = match communicator.size() {
        1 => own,
        _ => {
            let numbers: Vec<f64> = own.iter().flat_map(to_numbers).collect();
            from_numbers(&all_gather_numbers(communicator, &numbers))
        }
    };
    let add = |mut sum: BatchStats, shard: BatchStats| {
        sum.add(&shard);
        sum
    };
    shards.into_iter().reduce(add).unwrap_or_default()
}

fn to_numbers(stats: &BatchStats) -> Vec<f64> {
    let counts = [stats.moments.len() as f64, stats.gradients.len() as f64];
    let moments = stats.moments.iter().flat_map(|of| [of.count as f64, of.mean, of.squares]);
    let gradients = stats.gradients.iter().flat_map(|of| [of.d, of.product]);
    counts.into_iter().chain(moments).chain(gradients).collect()
}

fn from_numbers(mut numbers: &[f64]) -> Vec<BatchStats> {
    let mut all = Vec::new();
    while let Some((&[moments, gradients], rest)) = numbers.split_first_chunk() {
        let (moments, rest) = rest.split_at(3 * moments as usize);
        let (gradients, rest) = rest.split_at(2 * gradients as usize);
        let channel = |&[count, mean, squares]: &[f64; 3]| Moments { count: count as u64, mean, squares };
        let sums = |&[d, product]: &[f64; 2]| GradientSums { d, product };
        all.push(BatchStats {
            moments: moments.as_chunks().0.iter().map(channel).collect(),
            gradients: gradients.as_chunks().0.iter().map(sums).collect(),
        });
        numbers = rest;
    }
    all
}
