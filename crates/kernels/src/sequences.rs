//! The frames of a batch and their layout in memory.

use crate::sizes;

/// The lengths of a batch of sequences, and the order of their frames in memory.
///
/// Frames are *packed* as in PyTorch's `PackedSequence`: time-major, sequences sorted by decreasing length, without
/// padding. `rows(t)` is the number of sequences that are longer than t. Their frames at time t are the rows
/// `start(t)..start(t) + rows(t)` of a matrix [N, F], N = the sum of the lengths. Slots number the sequences from the
/// longest; the sequence in slot s has its frame t in row `start(t) + s`. Because slots are sorted, the sequences
/// that continue at time t + 1 are the first rows of those at time t: a recurrent kernel reads its previous state
/// from a prefix, and nothing is computed on padding. Sequences of equal length form a plain [T, B, F].
///
/// # Example
/// ```
/// use stapes_kernels::Sequences;
///
/// let batch = Sequences::new(&[1, 3, 2])?;
/// assert_eq!(batch.rows(0), 3);
/// assert_eq!(batch.rows(2), 1);
/// assert_eq!(batch.order(), [1, 2, 0]); // the longest first
/// let mut packed = vec![0.0; 6];
/// batch.pack(&[&[10.0], &[20.0, 21.0, 22.0], &[30.0, 31.0]], 1, &mut packed);
/// assert_eq!(packed, [20.0, 30.0, 10.0, 21.0, 31.0, 22.0]);
/// # Ok::<(), stapes_kernels::SequencesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    lengths: Vec<usize>,
    order: Vec<usize>,
    rows: Vec<usize>,
    starts: Vec<usize>,
}

/// Reason why a list of lengths is not a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SequencesError {
    /// The list is empty.
    #[error("the batch has no sequences; add at least one")]
    Empty,
    /// A sequence has no frames.
    #[error("sequence {index} of the batch has no frames; remove it or give it at least one frame")]
    NoFrames {
        /// Index of the sequence, from 0.
        index: usize,
    },
}

impl Sequences {
    /// Creates a batch of sequences with these lengths, in the caller's order.
    ///
    /// # Errors
    /// [`SequencesError::Empty`] if there is no sequence, [`SequencesError::NoFrames`] if a length is 0.
    pub fn new(lengths: &[usize]) -> Result<Sequences, SequencesError> {
        let mut sequences = Sequences::default();
        sequences.set(lengths.iter().copied())?;
        Ok(sequences)
    }

    /// Replaces the batch by one with these lengths. Memory grows to the largest batch and is reused.
    ///
    /// # Errors
    /// As [`Sequences::new`]; the batch is then empty and must be set again.
    pub fn set(&mut self, lengths: impl Iterator<Item = usize>) -> Result<(), SequencesError> {
        let Sequences { lengths: kept, order, rows, starts } = self;
        for numbers in [&mut *order, &mut *rows, &mut *starts, &mut *kept] {
            numbers.clear();
        }
        kept.extend(lengths);
        let wrong = match kept.iter().position(|&length| length == 0) {
            Some(index) => Some(SequencesError::NoFrames { index }),
            None => kept.is_empty().then_some(SequencesError::Empty),
        };
        if let Some(error) = wrong {
            kept.clear();
            return Err(error);
        }
        order.extend(0..kept.len());
        // Unstable sorting allocates nothing; the index as second key makes the order that of a stable sort.
        order.sort_unstable_by_key(|&index| (std::cmp::Reverse(kept[index]), index));
        let (mut running, mut start) = (kept.len(), 0);
        for t in 0..kept[order[0]] {
            while kept[order[running - 1]] <= t {
                running -= 1;
            }
            rows.push(running);
            starts.push(start);
            start += running;
        }
        starts.push(start);
        Ok(())
    }

    /// Number of sequences, B.
    pub fn batch(&self) -> usize {
        self.lengths.len()
    }

    /// Length of the longest sequence, T.
    pub fn max_length(&self) -> usize {
        self.rows.len()
    }

    /// Number of frames of all sequences, N.
    pub fn frames(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Lengths in the caller's order.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The caller's index of the sequence in each slot; slot 0 is the longest sequence.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Length of the sequence in this slot.
    pub fn slot_length(&self, slot: usize) -> usize {
        self.lengths[self.order[slot]]
    }

    /// Number of sequences that have a frame `t`: those in slots `0..rows(t)`.
    pub fn rows(&self, t: usize) -> usize {
        self.rows[t]
    }

    /// Packed row of slot 0 at time `t`; `start(max_length())` is the number of frames.
    pub fn start(&self, t: usize) -> usize {
        self.starts[t]
    }

    /// Copies sequences, each [T_b, F] in the caller's order, into the packed [N, F].
    ///
    /// # Panics
    /// If the shapes do not match these lengths.
    pub fn pack(&self, sequences: &[&[f32]], width: usize, packed: &mut [f32]) {
        assert_eq!(sequences.len(), self.batch());
        assert_eq!(packed.len(), sizes::count([self.frames(), width]));
        for (slot, &index) in self.order.iter().enumerate() {
            assert_eq!(
                sequences[index].len(),
                sizes::count([self.lengths[index], width]),
                "sequence {index}"
            );
            for (t, frame) in sequences[index].chunks_exact(width).enumerate() {
                packed[(self.starts[t] + slot) * width..][..width].copy_from_slice(frame);
            }
        }
    }

    /// Copies the packed [N, F] into a padded [B, T, F] in the caller's order; padding is zero.
    ///
    /// # Panics
    /// If the shapes do not match these lengths.
    pub fn unpack(&self, packed: &[f32], width: usize, padded: &mut [f32]) {
        assert_eq!(packed.len(), sizes::count([self.frames(), width]));
        assert_eq!(padded.len(), sizes::count([self.batch(), self.max_length(), width]));
        padded.fill(0.0);
        for (slot, &index) in self.order.iter().enumerate() {
            for t in 0..self.lengths[index] {
                let from = (self.starts[t] + slot) * width;
                let to = (index * self.max_length() + t) * width;
                padded[to..to + width].copy_from_slice(&packed[from..from + width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lengths_are_packed_time_major_in_the_callers_order() {
        let batch = Sequences::new(&[2, 2]).unwrap();
        let mut packed = [0.0; 8];
        batch.pack(&[&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]], 2, &mut packed);
        assert_eq!(packed, [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]);
    }

    #[test]
    fn unpacking_restores_order_and_zeroes_padding() {
        let batch = Sequences::new(&[1, 3, 2]).unwrap();
        let packed = [20.0, 30.0, 10.0, 21.0, 31.0, 22.0];
        let mut padded = [f32::NAN; 9];
        batch.unpack(&packed, 1, &mut padded);
        assert_eq!(padded, [10.0, 0.0, 0.0, 20.0, 21.0, 22.0, 30.0, 31.0, 0.0]);
    }

    #[test]
    fn empty_batches_and_empty_sequences_are_errors() {
        assert_eq!(Sequences::new(&[]), Err(SequencesError::Empty));
        assert_eq!(Sequences::new(&[2, 0]), Err(SequencesError::NoFrames { index: 1 }));
        let mut batch = Sequences::new(&[3]).unwrap();
        assert_eq!(batch.set([1, 0].into_iter()), Err(SequencesError::NoFrames { index: 1 }));
        assert_eq!((batch.batch(), batch.max_length(), batch.frames()), (0, 0, 0));
        batch.set([1, 3, 2].into_iter()).unwrap();
        assert_eq!(Ok(batch), Sequences::new(&[1, 3, 2]));
    }
}
