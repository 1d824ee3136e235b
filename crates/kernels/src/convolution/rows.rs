//! Copies of short rows, for which a general memory copy has too much overhead.

use crate::norm::{PoolSimd, load, store};
use crate::simd::kernel;
use crate::sizes;

/// Rows of `columns` values.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Distance between the rows of the source.
    pub(super) from_pitch: usize,
    /// Distance between the rows of the destination.
    pub(super) to_pitch: usize,
}

kernel! {
    /// Copies a block; both slices begin with its first row.
    pub(super) fn copy_rows(block: Block, from: &[f32], to: &mut [f32]) = copy_rows_generic
}

#[inline(always)]
pub(super) fn copy_rows_generic<S: PoolSimd>(simd: S, block: Block, from: &[f32], to: &mut [f32]) {
    let Block { rows, columns, from_pitch, to_pitch } = block;
    assert!(sizes::extent([(rows, from_pitch), (columns, 1)]) <= from.len(), "length of the source");
    assert!(sizes::extent([(rows, to_pitch), (columns, 1)]) <= to.len(), "length of the destination");
    if columns == 0 {
        return;
    }
    let whole = columns / S::WIDTH * S::WIDTH;
    for row in 0..rows {
        let from = from.as_ptr().wrapping_add(row * from_pitch);
        let to = to.as_mut_ptr().wrapping_add(row * to_pitch);
        // SAFETY: `columns` values from either position on are within its slice, by the assertions.
        unsafe {
            for column in (0..whole).step_by(S::WIDTH) {
                simd.store(to.add(column), simd.load(from.add(column)));
            }
            if whole < columns {
                let count = columns - whole;
                store(simd, to.add(whole), load(simd, from.add(whole), count), count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::InstructionSet;

    #[test]
    fn sizes_that_wrap_are_rejected() {
        const HALF: usize = 1 << (usize::BITS - 1);
        for (rows, columns, pitches) in [
            (HALF, 2, [2, 2]),
            (2, HALF, [HALF, HALF]),
            (2, 2, [usize::MAX, 0]),
            (2, 2, [0, usize::MAX]),
            (3, 1, [HALF, HALF]),
            (usize::MAX, usize::MAX, [1, 1]),
        ] {
            for set in InstructionSet::available() {
                let result = catch_unwind(|| {
                    let [from_pitch, to_pitch] = pitches;
                    let block = Block { rows, columns, from_pitch, to_pitch };
                    copy_rows(set, block, &[1.0; 2], &mut [0.0; 2]);
                });
                assert!(result.is_err(), "{rows} x {columns}, {pitches:?}");
            }
        }
    }
}
