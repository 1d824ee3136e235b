//! Sums over the shards of all processes, in a binary tree.
//!
//! Neighbors are added first, then neighboring pairs, and so on: of seven shards ((0 + 1) + (2 + 3)) + ((4 + 5) + 6). The tree
//! depends on the number of shards only, so the bits of a sum depend neither on processes nor on threads.

use rayon::prelude::*;

use crate::communicator::Communicator;

/// Number of values that one thread adds at a time.
const CHUNK: usize = 64 * 1024;

/// Index of the first shard of a process.
pub(crate) fn first_shard(rank: usize, size: usize, shards: usize) -> usize {
    shards * rank / size
}

/// Rank of the process that has this shard.
fn process_of(shard: usize, size: usize, shards: usize) -> usize {
    ((shard + 1) * size - 1) / shards
}

/// Replaces each value with its sum over all processes; all receive the same bits.
///
/// If the number of processes P is a power of two, they exchange halves of vectors, then quarters, and so on, and collect the
/// sums in the reverse order (Rabenseifner's algorithm): each process sends 2 log2 P messages with 2 (P - 1) / P times the
/// values. Otherwise whole vectors are sent up the tree, and the sum is broadcast. `received` is memory for messages.
///
/// # Source
/// R. Thakur, R. Rabenseifner and W. Gropp, "Optimization of Collective Communication Operations in MPICH", International
/// Journal of High Performance Computing Applications 19, 2005.
pub fn all_reduce_sum(communicator: &dyn Communicator, values: &mut [f32], received: &mut Vec<f32>) {
    sum_shards(communicator, &mut [values], communicator.size(), received);
}

/// Replaces the first of this process's vectors with the sum over all `shards`, and the others with partial sums. Each vector
/// is that of a shard of this process.
pub(crate) fn sum_shards(
    communicator: &dyn Communicator,
    vectors: &mut [&mut [f32]],
    shards: usize,
    received: &mut Vec<f32>,
) {
    let size = communicator.size();
    received.resize(if size > 1 { vectors[0].len() } else { 0 }, 0.0);
    let per_process = shards / size;
    // Then every process has a subtree, and the processes are a complete tree.
    if shards.is_multiple_of(size) && size.is_power_of_two() && per_process.is_power_of_two() {
        strides(per_process).for_each(|stride| add_pairs(vectors, stride, 0));
        exchange_halves(communicator, vectors[0], received);
    } else {
        let tree = Tree { communicator, first: first_shard(communicator.rank(), size, shards), shards };
        for stride in strides(shards) {
            add_pairs(vectors, stride, tree.first);
            tree.add_across_processes(vectors, stride, received);
        }
        communicator.broadcast(vectors[0]);
    }
}

/// Distances of the shards that are added: 1, 2, 4, ... below `shards`.
fn strides(shards: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |stride| Some(2 * stride)).take_while(move |&stride| stride < shards)
}

/// Adds the pairs with this distance whose shards both belong to this process; `first` is the index of its first shard.
fn add_pairs(vectors: &mut [&mut [f32]], stride: usize, first: usize) {
    let skipped = first.next_multiple_of(2 * stride) - first;
    let Some(vectors) = vectors.get_mut(skipped..) else { return };
    let pairs = vectors.par_chunks_mut(2 * stride).filter(|pair| pair.len() > stride);
    pairs.for_each(|pair| {
        let (left, right) = pair.split_at_mut(stride);
        add(left[0], right[0]);
    });
}

fn add(sums: &mut [f32], values: &[f32]) {
    sums.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(sums, values)| {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    });
}

/// Tree over shards of which this process has any number.
struct Tree<'a> {
    communicator: &'a dyn Communicator,
    /// First shard of this process.
    first: usize,
    /// Number of shards of all processes.
    shards: usize,
}

impl Tree<'_> {
    /// Adds the pairs with this distance of which one shard belongs to this process: the right one of at most one pair, whose
    /// sum is sent, and the left one of at most one pair. The lower pair comes first in every process, so none waits for
    /// another in a circle.
    fn add_across_processes(&self, vectors: &mut [&mut [f32]], stride: usize, received: &mut [f32]) {
        let Tree { communicator, first, shards } = *self;
        let end = first + vectors.len();
        let process = |shard| process_of(shard, communicator.size(), shards);
        let last_left = |before: usize| before.checked_sub(1).map(|last| last / (2 * stride) * (2 * stride));
        if let Some(left) = last_left(first)
            && (first..end).contains(&(left + stride))
        {
            communicator.send(vectors[left + stride - first], process(left));
        }
        if let Some(left) = last_left(end)
            && left >= first
            && (end..shards).contains(&(left + stride))
        {
            communicator.receive(received, process(left + stride));
            add(vectors[left - first], received);
        }
    }
}

/// Sums vectors over a number of processes that is a power of two.
fn exchange_halves(communicator: &dyn Communicator, values: &mut [f32], received: &mut [f32]) {
    let rank = communicator.rank();
    // Part of the values that this process sums, at each distance between partners.
    let all = 0..values.len();
    let mut parts = vec![all];
    for stride in strides(communicator.size()) {
        let part = parts[parts.len() - 1].clone();
        let middle = part.start.midpoint(part.end);
        let (low, high) = (part.start..middle, middle..part.end);
        let (own, other) = if rank & stride == 0 { (low, high) } else { (high, low) };
        let received = &mut received[..own.len()];
        communicator.send_receive(&values[other], received, rank ^ stride);
        add(&mut values[own.clone()], received);
        parts.push(own);
    }
    for level in (1..parts.len()).rev() {
        let (whole, own) = (parts[level - 1].clone(), parts[level].clone());
        let other = if own.start == whole.start { own.end..whole.end } else { whole.start..own.start };
        let received = &mut received[..other.len()];
        communicator.send_receive(&values[own], received, rank ^ (1 << (level - 1)));
        values[other].copy_from_slice(received);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SingleProcess;

    #[test]
    fn every_shard_has_one_process() {
        for shards in 1..40 {
            for size in 1..=shards {
                for shard in 0..shards {
                    let rank = process_of(shard, size, shards);
                    let [first, end] = [rank, rank + 1].map(|rank| first_shard(rank, size, shards));
                    assert!((first..end).contains(&shard), "{shard} of {shards}, {size} processes");
                }
            }
        }
    }

    #[test]
    fn seven_shards_are_added_in_the_documented_order() {
        let value = |shard: usize| 1.0 / (3.0 + shard as f32);
        let mut vectors: Vec<Vec<f32>> = (0..7).map(|shard| vec![value(shard); 3]).collect();
        let mut slices: Vec<&mut [f32]> = vectors.iter_mut().map(|vector| &mut vector[..]).collect();
        sum_shards(&SingleProcess, &mut slices, 7, &mut Vec::new());
        let [a, b, c, d, e, f, g] = std::array::from_fn(value);
        assert_eq!(vectors[0], [((a + b) + (c + d)) + ((e + f) + g); 3]);
        assert_ne!(vectors[0][0], (0..7).map(value).sum::<f32>(), "the order makes a difference");
    }
}
