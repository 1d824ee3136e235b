//! Processes that train one model together.

use stapes_kernels::norm::{GradientSums, Moments};
use stapes_nn::BatchSums;

/// The processes that train one model together, each with a part of the shards of every batch.
///
/// Every process calls the same methods in the same order, and gets the same bits.
pub trait Team: Sync {
    /// Which process this is, from 0; number 0 is the one that writes files.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Adds up the numbers of all processes, place by place.
    fn sum(&self, values: &mut [f32]);

    /// Gives all processes what process 0 has.
    fn broadcast(&self, values: &mut [f32]);

    /// What each process says, in the order of the processes.
    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>>;
}

/// One process by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Team for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&self, _values: &mut [f32]) {}

    fn broadcast(&self, _values: &mut [f32]) {}

    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>> {
        vec![said.to_vec()]
    }
}

/// The numbers of each process, in their order.
fn gather_numbers(team: &dyn Team, numbers: &[f64]) -> Vec<Vec<f64>> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let read =
        |bytes: Vec<u8>| bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    team.gather(&bytes).into_iter().map(read).collect()
}

/// Adds up the numbers of all processes in their order.
pub(crate) fn sum_numbers<const N: usize>(team: &dyn Team, numbers: [f64; N]) -> [f64; N] {
    if team.size() == 1 {
        return numbers;
    }
    let all = gather_numbers(team, &numbers);
    std::array::from_fn(|at| all.iter().filter_map(|numbers| numbers.get(at)).sum())
}

/// Whether this is true in any process, for each of several questions.
pub(crate) fn any<const N: usize>(team: &dyn Team, here: [bool; N]) -> [bool; N] {
    sum_numbers(team, here.map(|true_here| f64::from(u8::from(true_here)))).map(|count| count > 0.0)
}

/// The sums of all processes' parts of a batch, added in their order; a process without examples has none.
pub(crate) fn add_batch_sums(team: &dyn Team, own: &BatchSums) -> BatchSums {
    let moments = own.moments.iter().flat_map(|of| [of.count as f64, of.mean, of.squares]);
    let gradients = own.gradients.iter().flat_map(|of| [of.d, of.product]);
    let count = std::iter::once(own.moments.len() as f64);
    let numbers: Vec<f64> = count.chain(moments).chain(gradients).collect();
    let read = |numbers: Vec<f64>| {
        let (moments, gradients) = numbers[1..].split_at(3 * numbers[0] as usize);
        let moments = moments.as_chunks::<3>().0.iter();
        BatchSums {
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
    let parts =
        gather_numbers(team, &numbers).into_iter().map(read).filter(|part| *part != BatchSums::default());
    let add = |mut all: BatchSums, part: BatchSums| {
        all.add(&part);
        all
    };
    parts.reduce(add).unwrap_or_default()
}
