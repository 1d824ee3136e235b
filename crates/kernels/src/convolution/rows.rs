//! Copies of short rows, for which a general memory copy has too much overhead.

use crate::norm::{PoolSimd, load, store};
use crate::simd::kernel;

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
fn copy_rows_generic<S: PoolSimd>(simd: S, block: Block, from: &[f32], to: &mut [f32]) {
    let Block { rows, columns, from_pitch, to_pitch } = block;
    if rows * columns == 0 {
        return;
    }
    assert!((rows - 1) * from_pitch + columns <= from.len(), "length of the source");
    assert!((rows - 1) * to_pitch + columns <= to.len(), "length of the destination");
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
