//! The innermost loop: a tile of C in registers, summed over k.

use super::partial::WholePanels;
use crate::simd::{Lanes, Simd};

/// Rows of B per block: a block of a panel (16 or 32 KiB) stays in the L1 cache.
pub(super) const BLOCK: usize = 256;

/// Inputs and output of the tiles over some rows of C.
#[derive(Clone, Copy)]
pub(super) struct Sweep {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The products that are added to each element, one after the other.
    pub(super) factors: [Factors; 2],
    /// Number of products in use, 1 or 2.
    pub(super) products: usize,
    /// Memory layout of both A.
    pub(super) layout: Layout,
    pub(super) c: *mut f32,
    pub(super) c_stride: usize,
    pub(super) start: TileStart,
}

/// The factors A and B of a product.
///
/// B is in panels two vectors wide: row k of panel p is at `b + p * b_panel + k * b_step`. A whole panel is always
/// read; values beyond the columns of C do not matter.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    pub(super) depth: usize,
    pub(super) a: *const f32,
    /// Distance between the rows of A, for [`Layout::Rows`].
    pub(super) a_stride: usize,
    pub(super) b: *const f32,
    pub(super) b_panel: usize,
    pub(super) b_step: usize,
}

impl Factors {
    /// A product of depth 0.
    pub(super) const NONE: Factors =
        Factors { depth: 0, a: std::ptr::null(), a_stride: 0, b: std::ptr::null(), b_panel: 0, b_step: 0 };
}

/// Memory layout of A.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    /// Element (row, k) at `row * stride + k`.
    Rows,
    /// Tile by tile as in [`split_rows`]: element (row, k) of a tile of R rows at `k * R + row`.
    Tiles,
}

/// Start values of a tile.
#[derive(Clone, Copy)]
pub(super) enum TileStart {
    Zero,
    Keep,
    /// The values for columns 0.. of C, the same for each row.
    Row(*const f32),
}

/// Splits `rows` into tiles as evenly as possible, so that no tile has only a few rows. Returns the number of tiles,
/// the rows per tile and the number of tiles that have one row more.
pub(super) fn split_rows(rows: usize, largest: usize) -> (usize, usize, usize) {
    let tiles = rows.div_ceil(largest).max(1);
    (tiles, rows / tiles, rows % tiles)
}

/// Computes all of C: panel by panel, and within a panel tile by tile down the rows.
///
/// # Safety
/// The pointers of `sweep` are valid for all elements of the shapes it states; C overlaps nothing else.
#[inline(always)]
pub(super) unsafe fn sweep<S: Simd>(simd: S, sweep: Sweep) {
    let width = 2 * S::WIDTH;
    let panels = sweep.columns.div_ceil(width);
    // A few rows are too few chains to hide the latency of an addition: process several panels at once.
    let together = (S::TILE_ROWS / sweep.rows.max(1)).clamp(1, 4);
    let (tiles, rows, longer) = split_rows(sweep.rows, S::TILE_ROWS);
    let mut panel = 0;
    while panel < panels {
        let group = if panels - panel >= together { together } else { 1 };
        let columns = (sweep.columns - panel * width).min(group * width);
        let mut first = 0;
        for tile in 0..tiles {
            let rows = rows + usize::from(tile < longer);
            // SAFETY: the tile's rows and columns are within C, so its pointers are within the guaranteed ranges.
            unsafe {
                let part = Sweep {
                    rows,
                    columns,
                    factors: sweep.factors.map(|factors| Factors {
                        a: match sweep.layout {
                            Layout::Rows => factors.a.wrapping_add(first * factors.a_stride),
                            Layout::Tiles => factors.a.wrapping_add(first * factors.depth),
                        },
                        b: factors.b.wrapping_add(panel * factors.b_panel),
                        ..factors
                    }),
                    c: sweep.c.add(first * sweep.c_stride + panel * width),
                    start: match sweep.start {
                        TileStart::Row(row) => TileStart::Row(row.add(panel * width)),
                        other => other,
                    },
                    ..sweep
                };
                if S::HAS_MASKS {
                    one_tile(simd, part, group);
                } else {
                    let mut room = WholePanels::new();
                    let whole = columns == group * width;
                    let tile = if whole { part } else { room.widened::<S>(&part, group * width) };
                    one_tile(simd, tile, group);
                    if !whole {
                        WholePanels::copy_back(&tile, &part);
                    }
                }
            }
            first += rows;
        }
        panel += group;
    }
}

/// Runs the tile that is compiled for this number of rows and panels.
///
/// # Safety
/// As [`sweep`]; `rows` and `panels` are a pair that it makes.
#[inline(always)]
unsafe fn one_tile<S: Simd>(simd: S, part: Sweep, panels: usize) {
    macro_rules! compiled {
        ($($rows:literal x $panels:literal),*) => {
            // SAFETY: guaranteed by the caller.
            unsafe {
                match (part.rows, panels, part.layout) {
                    // Tiles that need more registers than exist never occur and are not compiled.
                    $(
                        ($rows, $panels, Layout::Rows) if $rows * $panels <= S::TILE_ROWS => {
                            tile::<S, $rows, $panels, true>(simd, part);
                        }
                        ($rows, $panels, Layout::Tiles) if $rows * $panels <= S::TILE_ROWS => {
                            tile::<S, $rows, $panels, false>(simd, part);
                        }
                    )*
                    (rows, panels, _) => unreachable!("no tile of {rows} rows and {panels} panels"),
                }
            }
        };
    }
    compiled!(
        1 x 1, 2 x 1, 3 x 1, 4 x 1, 5 x 1, 6 x 1, 7 x 1, 8 x 1, 9 x 1, 10 x 1, 11 x 1, 12 x 1, 13 x 1,
        14 x 1, 1 x 2, 1 x 4, 2 x 3, 3 x 2, 2 x 4, 3 x 4, 4 x 3, 5 x 2, 6 x 2, 7 x 2
    );
}

/// One tile of R rows and P panels; `ROWS` is true for A in [`Layout::Rows`].
///
/// # Safety
/// As [`sweep`]; without masks the columns are whole panels.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
unsafe fn tile<S: Simd, const R: usize, const P: usize, const ROWS: bool>(simd: S, part: Sweep) {
    let width = 2 * S::WIDTH;
    let whole = part.columns == P * width || const { !S::HAS_MASKS };
    let mut sums = [[[Lanes::splat(simd, 0.0); 2]; P]; R];
    // Number of existing values in vector `half` of panel `panel`.
    let count = |panel: usize, half: usize| {
        part.columns.saturating_sub(panel * width + half * S::WIDTH).min(S::WIDTH)
    };
    let start = match part.start {
        TileStart::Zero => None,
        TileStart::Keep => Some((part.c.cast_const(), part.c_stride)),
        TileStart::Row(row) => Some((row, 0)),
    };
    if let Some((from, stride)) = start {
        for row in 0..R {
            for panel in 0..P {
                for half in 0..2 {
                    let at = from.wrapping_add(row * stride + panel * width + half * S::WIDTH);
                    // SAFETY: within C or the starting row, as guaranteed by the caller and `count`; where nothing
                    // exists, nothing is read.
                    sums[row][panel][half] =
                        unsafe { Lanes::load(simd, at, if whole { S::WIDTH } else { count(panel, half) }) };
                }
            }
        }
    }
    for factors in &part.factors[..part.products] {
        let rows: [*const f32; R] = std::array::from_fn(|row| factors.a.wrapping_add(row * factors.a_stride));
        for k in 0..factors.depth {
            // SAFETY: element (row, k) of the tile's rows of A.
            let a =
                |row: usize| unsafe { if ROWS { *rows[row].add(k) } else { *factors.a.add(k * R + row) } };
            // SAFETY: row k of a panel of B, which is padded to whole vectors.
            let b = |panel: usize, half: usize| unsafe {
                let at = factors.b.add(panel * factors.b_panel + k * factors.b_step + half * S::WIDTH);
                Lanes::load(simd, at, S::WIDTH)
            };
            if const { S::REGISTERS <= 2 * R * P + 2 * P && R < 2 * P } {
                // Not enough registers for the vectors of B: the values of A stay in registers instead.
                let mut values = [Lanes::splat(simd, 0.0); R];
                for row in 0..R {
                    values[row] = Lanes::splat(simd, a(row));
                }
                for panel in 0..P {
                    for half in 0..2 {
                        let columns = b(panel, half);
                        for row in 0..R {
                            sums[row][panel][half] = values[row].mul_add(columns, sums[row][panel][half]);
                        }
                    }
                }
                continue;
            }
            let mut columns = [[Lanes::splat(simd, 0.0); 2]; P];
            for panel in 0..P {
                for half in 0..2 {
                    columns[panel][half] = b(panel, half);
                }
            }
            for row in 0..R {
                let value = Lanes::splat(simd, a(row));
                for panel in 0..P {
                    for half in 0..2 {
                        sums[row][panel][half] = value.mul_add(columns[panel][half], sums[row][panel][half]);
                    }
                }
            }
        }
    }
    for row in 0..R {
        for panel in 0..P {
            for half in 0..2 {
                let at = part.c.wrapping_add(row * part.c_stride + panel * width + half * S::WIDTH);
                // SAFETY: within C, as guaranteed by the caller and `count`; where nothing exists, nothing is
                // written.
                unsafe {
                    sums[row][panel][half].store(at, if whole { S::WIDTH } else { count(panel, half) });
                }
            }
        }
    }
}
