//! Tiles at the right edge of C, for instruction sets without masks.

use std::mem::MaybeUninit;

use super::tile::{Sweep, TileStart};
use crate::simd::Simd;

/// Values of the largest tile without masks.
const ROOM: usize = 96;

/// Room for a tile of whole panels in place of one that C ends in.
///
/// Parts of vectors are read and written here, outside the tile: the code for them in a tile would be long, and the
/// compiler would not unroll the tile's loops, so its sums would not stay in registers.
pub(super) struct WholePanels {
    c: MaybeUninit<[f32; ROOM]>,
    start: MaybeUninit<[f32; ROOM]>,
}

impl WholePanels {
    pub(super) const fn new() -> WholePanels {
        WholePanels { c: MaybeUninit::uninit(), start: MaybeUninit::uninit() }
    }

    /// Returns the tile with these columns, of whole panels, and with the start values copied.
    ///
    /// # Safety
    /// The pointers of `tile` are valid for all elements of the shapes it states.
    #[inline(always)]
    pub(super) unsafe fn widened<S: Simd>(&mut self, tile: &Sweep, columns: usize) -> Sweep {
        const { assert!(S::HAS_MASKS || S::TILE_ROWS * 2 * S::WIDTH <= ROOM, "room for the largest tile") };
        assert!(tile.rows * columns <= ROOM && tile.columns <= columns, "columns of a tile");
        let c = self.c.write([0.0; ROOM]).as_mut_ptr();
        // SAFETY: both have room for all rows of this many columns, and the caller guarantees the others.
        unsafe {
            let start = match tile.start {
                TileStart::Zero => TileStart::Zero,
                TileStart::Keep => {
                    for row in 0..tile.rows {
                        let from = tile.c.add(row * tile.c_stride);
                        from.copy_to_nonoverlapping(c.add(row * columns), tile.columns);
                    }
                    TileStart::Keep
                }
                TileStart::Row(from) => {
                    let start = self.start.write([0.0; ROOM]).as_mut_ptr();
                    from.copy_to_nonoverlapping(start, tile.columns);
                    TileStart::Row(start)
                }
            };
            Sweep { columns, c, c_stride: columns, start, ..*tile }
        }
    }

    /// Copies the result to the columns that exist.
    ///
    /// # Safety
    /// As [`WholePanels::widened`], which returned `from`.
    #[inline(always)]
    pub(super) unsafe fn copy_back(from: &Sweep, tile: &Sweep) {
        for row in 0..tile.rows {
            // SAFETY: the rows exist, as guaranteed by the caller.
            unsafe {
                let from = from.c.add(row * from.c_stride);
                from.copy_to_nonoverlapping(tile.c.add(row * tile.c_stride), tile.columns);
            }
        }
    }
}
