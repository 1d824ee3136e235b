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

    /// Replaces each value with its sum over all processes.
    fn all_reduce_sum(&self, values: &mut [f32]);

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

    fn all_reduce_sum(&self, _values: &mut [f32]) {}

    fn broadcast(&self, _values: &mut [f32]) {}

    fn all_gather(&self, message: &[u8]) -> Vec<Vec<u8>> {
        vec![message.to_vec()]
    }
}

/// Returns the numbers of all processes in the order of their ranks.
fn all_gather_numbers(communicator: &dyn Communicator, numbers: &[f64]) -> Vec<Vec<f64>> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let read =
        |bytes: Vec<u8>| bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    communicator.all_gather(&bytes).into_iter().map(read).collect()
}

/// Returns each number's sum over all processes, added in the order of their ranks.
pub(crate) fn sum_numbers<const N: usize>(communicator: &dyn Communicator, numbers: [f64; N]) -> [f64; N] {
    if communicator.size() == 1 {
        return numbers;
    }
    let all = all_gather_numbers(communicator, &numbers);
    std::array::from_fn(|index| all.iter().filter_map(|numbers| numbers.get(index)).sum())
}

/// Returns, for each flag, `true` if it is set in any process.
pub(crate) fn any_process<const N: usize>(communicator: &dyn Communicator, flags: [bool; N]) -> [bool; N] {
    sum_numbers(communicator, flags.map(|flag| f64::from(u8::from(flag)))).map(|count| count > 0.0)
}

/// Returns the statistics of a batch over all processes, added in the order of their ranks. A process without examples
/// contributes none.
pub(crate) fn sum_batch_stats(communicator: &dyn Communicator, own: &BatchStats) -> BatchStats {
    let moments = own.moments.iter().flat_map(|of| [of.count as f64, of.mean, of.squares]);
    let gradients = own.gradients.iter().flat_map(|of| [of.d, of.product]);
    let count = std::iter::once(own.moments.len() as f64);
    let numbers: Vec<f64> = count.chain(moments).chain(gradients).collect();
    let read = |numbers: Vec<f64>| {
        let (moments, gradients) = numbers[1..].split_at(3 * numbers[0] as usize);
        let moments = moments.as_chunks::<3>().0.iter();
        BatchStats {
            moments: moments
                .map(|&[count, mean, squares]| Moments { count: count as u64, mean, squares })
                .collect(),
            gradients: gradients
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&[d, product]| GradientSums { d, product })
                .collect(),
        }
    };
    let parts = all_gather_numbers(communicator, &numbers).into_iter().map(read);
    let add = |mut sum: BatchStats, part: BatchStats| {
        sum.add(&part);
        sum
    };
    parts.filter(|part| *part != BatchStats::default()).reduce(add).unwrap_or_default()
}
