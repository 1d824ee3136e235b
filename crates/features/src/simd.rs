//! Loops in the widest vector instructions of the machine, and aligned memory for them.

use std::ops::{Deref, DerefMut};

/// Runs `work`, compiled once per instruction set, with the widest vector instructions of this machine (AVX2, AVX-512
/// or NEON).
///
/// Code to be vectorized must be inlined into `work`. Products and sums are never fused, so every machine
/// computes the same bits. A WebAssembly module has the instructions for which it is compiled.
#[inline(always)]
pub(crate) fn with_simd<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(not(target_arch = "wasm32"))]
    let result = pulp::Arch::new().dispatch(work);
    #[cfg(target_arch = "wasm32")]
    let result = work();
    result
}

/// Size of a cache line and of the widest vector, bytes.
const LINE: usize = 64;

/// Buffer aligned to a cache line: vectors that span two lines take twice as long.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    /// The values, with spare room before and after them.
    buffer: Vec<T>,
    first: usize,
    length: usize,
}

impl<T: Clone> Aligned<T> {
    /// Returns a buffer of `length` equal values.
    pub(crate) fn filled(value: T, length: usize) -> Aligned<T> {
        let spare = LINE.div_ceil(size_of::<T>().max(1));
        let buffer = vec![value; length + spare];
        // Alignment is a hint: without an aligned offset any other works.
        let first = buffer.as_ptr().align_offset(LINE).min(spare);
        Aligned { buffer, first, length }
    }

    /// Returns a copy of a slice.
    pub(crate) fn from_slice(values: &[T]) -> Aligned<T> {
        let Some(first) = values.first() else {
            return Aligned { buffer: Vec::new(), first: 0, length: 0 };
        };
        let mut aligned = Aligned::filled(first.clone(), values.len());
        aligned.clone_from_slice(values);
        aligned
    }
}

impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Aligned<T> {
        Aligned::from_slice(self)
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.buffer[self.first..self.first + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.first..self.first + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_copies_are_aligned() {
        for length in [0usize, 1, 7, 1025] {
            let values: Vec<f32> = (0..length).map(|n| n as f32).collect();
            let aligned = Aligned::from_slice(&values);
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
