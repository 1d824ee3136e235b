//! Loops in the widest vector instructions that the machine has, and memory laid out for them.

use std::ops::{Deref, DerefMut};

/// Runs a loop, compiled once for each instruction set, in the widest that this machine has.
///
/// What is to be vectorised must be inlined into `work`. Products and sums are never fused, so every machine
/// gives the same bits.
#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Values that begin where a cache line does: vectors that lie across two lines take twice as long.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    /// The values, with room before and behind them.
    room: Vec<T>,
    first: usize,
    length: usize,
}

impl<T: Clone> Aligned<T> {
    /// So many equal values.
    pub(crate) fn filled(value: T, length: usize) -> Aligned<T> {
        let spare = LINE.div_ceil(size_of::<T>().max(1));
        let room = vec![value; length + spare];
        // A hint: where there is no such place, any other does.
        let first = room.as_ptr().align_offset(LINE).min(spare);
        Aligned { room, first, length }
    }

    /// A copy of these values.
    pub(crate) fn of(values: &[T]) -> Aligned<T> {
        let Some(first) = values.first() else {
            return Aligned { room: Vec::new(), first: 0, length: 0 };
        };
        let mut aligned = Aligned::filled(first.clone(), values.len());
        aligned.clone_from_slice(values);
        aligned
    }
}

impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Aligned<T> {
        Aligned::of(self)
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.room[self.first..self.first + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.room[self.first..self.first + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_begin_with_a_line_also_in_a_copy() {
        for length in [0usize, 1, 7, 1025] {
            let values: Vec<f32> = (0..length).map(|n| n as f32).collect();
            let aligned = Aligned::of(&values);
            let copy = aligned.clone();
            for aligned in [&aligned, &copy] {
                assert_eq!(**aligned, *values);
                assert!(length == 0 || (aligned.as_ptr() as usize).is_multiple_of(LINE));
            }
        }
        let mut filled = Aligned::filled(2.5f64, 9);
        filled[8] = 1.0;
        assert_eq!(*filled, [2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 1.0]);
    }
}
