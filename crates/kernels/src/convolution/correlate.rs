//! The innermost loops of convolution, with positions in the lanes of vectors.

use crate::norm::PoolSimd;
use crate::simd::{Lanes, kernel};
use crate::sizes;

/// Equally long runs of positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    pub(super) count: usize,
    pub(super) length: usize,
    /// Distance between the starts of two runs in the input.
    pub(super) from_step: usize,
    /// Distance between the starts of two runs in the output (or in a second input).
    pub(super) to_step: usize,
}

impl Runs {
    /// A single run.
    pub(super) fn one(length: usize) -> Runs {
        Runs { count: 1, length, from_step: 0, to_step: 0 }
    }

    /// Number of values from the first to the last, for a distance between the starts.
    pub(super) fn extent(&self, step: usize) -> usize {
        sizes::extent([(self.count, step), (self.length, 1)])
    }
}

/// output[row, p] = start[row] + sum over t of weight[row, t] input[tap[t] + p]. The sum is a chain in the order of
/// t; the value at a position is independent of all other positions.
#[derive(Clone, Copy)]
pub(super) struct Correlation<'a> {
    pub(super) input: &'a [f32],
    pub(super) taps: &'a [usize],
    /// Ordered by [`tiles`].
    pub(super) weights: &'a [f32],
    pub(super) starts: Option<&'a [f32]>,
    pub(super) rows: usize,
    pub(super) runs: Runs,
}

/// Rows of the largest tile, for the `TILE_ROWS` of an instruction set: registers hold the sums and one vector of
/// each run of positions.
pub(super) const fn max_tile_rows(tile_rows: usize) -> usize {
    match tile_rows {
        14 => 8,
        6 => 6,
        _ => 4,
    }
}

/// Returns the first row and the number of rows of each tile, as evenly as possible.
pub(super) fn tiles(rows: usize, largest: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = rows.div_ceil(largest).max(1);
    (0..tiles).map(move |tile| {
        let (each, longer) = (rows / tiles, rows % tiles);
        (tile * each + tile.min(longer), each + usize::from(tile < longer))
    })
}

kernel! {
    /// Writes the output; its rows are `stride` apart.
    pub(super) fn correlate(correlation: Correlation<'_>, output: &mut [f32], stride: usize) =
        correlate_generic
}

#[inline(always)]
fn correlate_generic<S: PoolSimd>(simd: S, all: Correlation<'_>, output: &mut [f32], stride: usize) {
    let Correlation { input, taps, weights, starts, rows, runs } = all;
    let far = taps.iter().max().map_or(0, |far| far.saturating_add(runs.extent(runs.from_step)));
    assert!(far <= input.len(), "the windows reach to {far} of {}", input.len());
    assert_eq!(weights.len(), sizes::count([rows, taps.len()]), "weights of {rows} rows");
    assert!(starts.is_none_or(|starts| starts.len() == rows), "a start for each row");
    assert!(
        sizes::extent([(rows, stride), (runs.count, runs.to_step), (runs.length, 1)]) <= output.len(),
        "room for {rows} rows, {stride} apart"
    );
    if runs.length == 0 {
        return;
    }
    for (first, count) in tiles(rows, max_tile_rows(S::TILE_ROWS)) {
        for run in 0..runs.count {
            let part = Part {
                input: input.as_ptr().wrapping_add(run * runs.from_step),
                taps,
                weights: weights[first * taps.len()..].as_ptr(),
                starts: starts.map(|starts| starts[first..].as_ptr()),
                output: output[first * stride + run * runs.to_step..].as_mut_ptr(),
                stride,
                length: runs.length,
            };
            // SAFETY: by the assertions above, all positions of this run exist for each tap and each row.
            unsafe { one_tile(simd, part, count) };
        }
    }
}

/// One run, for the rows of a tile.
#[derive(Clone, Copy)]
struct Part<'a> {
    input: *const f32,
    taps: &'a [usize],
    weights: *const f32,
    starts: Option<*const f32>,
    output: *mut f32,
    stride: usize,
    length: usize,
}

/// Runs the tile compiled for this number of rows: R rows by V vectors, or H vectors where fewer are left.
///
/// # Safety
/// The pointers of `part` are valid for all that it states.
#[inline(always)]
unsafe fn one_tile<S: PoolSimd>(simd: S, part: Part<'_>, rows: usize) {
    macro_rules! compiled {
        ($($set:literal: $rows:literal x $vectors:literal or $fewer:literal),* $(,)?) => {
            // SAFETY: guaranteed by the caller.
            unsafe {
                match (S::TILE_ROWS, rows) {
                    // Tiles of other instruction sets never occur and are not compiled.
                    $(
                        ($set, $rows) if S::TILE_ROWS == $set => {
                            run::<S, $rows, $vectors, $fewer>(simd, part);
                        }
                    )*
                    (_, rows) => unreachable!("no tile of {rows} rows"),
                }
            }
        };
    }
    compiled!(
        14: 1 x 8 or 3, 14: 2 x 8 or 3, 14: 3 x 6 or 3, 14: 4 x 6 or 3,
        14: 5 x 4 or 2, 14: 6 x 4 or 2, 14: 7 x 3 or 2, 14: 8 x 3 or 2,
        6: 1 x 8 or 3, 6: 2 x 4 or 2, 6: 3 x 3 or 2, 6: 4 x 2 or 1, 6: 5 x 2 or 1, 6: 6 x 2 or 1,
        2: 1 x 4 or 2, 2: 2 x 2 or 1, 2: 3 x 1 or 1, 2: 4 x 1 or 1,
    );
}

/// Covers the run with the largest tiles that fit. The smallest sufficient tile covers the rest; it is moved back to
/// end with the run, so some values are written twice.
///
/// # Safety
/// As [`one_tile`].
#[inline(always)]
unsafe fn run<S: PoolSimd, const R: usize, const V: usize, const H: usize>(simd: S, part: Part<'_>) {
    let (length, large, middle) = (part.length, V * S::WIDTH, H * S::WIDTH);
    let mut at = 0;
    // SAFETY: every tile is within the run.
    unsafe {
        while at < length {
            let left = length - at;
            if left >= large || (left > middle && length >= large) {
                tile::<S, R, V>(simd, part, at.min(length - large), S::WIDTH);
                at += large;
            } else if left >= middle || (left > S::WIDTH && length >= middle) {
                tile::<S, R, H>(simd, part, at.min(length - middle), S::WIDTH);
                at += middle;
            } else if length >= S::WIDTH {
                tile::<S, R, 1>(simd, part, at.min(length - S::WIDTH), S::WIDTH);
                at += S::WIDTH;
            } else {
                tile::<S, R, 1>(simd, part, 0, length);
                at = length;
            }
        }
    }
}

/// One tile: R rows by V vectors of positions from `at` on, with `count` values per vector.
///
/// # Safety
/// As [`one_tile`]; the tile is within the run.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
unsafe fn tile<S: PoolSimd, const R: usize, const V: usize>(
    simd: S,
    part: Part<'_>,
    at: usize,
    count: usize,
) {
    let mut sums = [[Lanes::splat(simd, 0.0); V]; R];
    if let Some(starts) = part.starts {
        for row in 0..R {
            // SAFETY: there is a start for each row.
            sums[row] = [Lanes::splat(simd, unsafe { *starts.add(row) }); V];
        }
    }
    let mut weights = part.weights;
    for &tap in part.taps {
        let from = part.input.wrapping_add(tap + at);
        let mut positions = [Lanes::splat(simd, 0.0); V];
        for vector in 0..V {
            // SAFETY: within the run, as guaranteed by the caller.
            positions[vector] = unsafe { Lanes::load(simd, from.add(vector * S::WIDTH), count) };
        }
        for row in 0..R {
            // SAFETY: R weights for each tap.
            let weight = Lanes::splat(simd, unsafe { *weights.add(row) });
            for vector in 0..V {
                sums[row][vector] = weight.mul_add(positions[vector], sums[row][vector]);
            }
        }
        weights = weights.wrapping_add(R);
    }
    for row in 0..R {
        for vector in 0..V {
            // SAFETY: within the run, as guaranteed by the caller.
            unsafe {
                sums[row][vector].store(part.output.add(row * part.stride + at + vector * S::WIDTH), count)
            };
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
        let runs = |count, length, step| Runs { count, length, from_step: step, to_step: step };
        for (rows, taps, stride, runs) in [
            // Rows, times taps or times their stride.
            (HALF + 1, &[0; 2][..], 1, Runs::one(1)),
            (2, &[0], usize::MAX, Runs::one(2)),
            (3, &[0], HALF, Runs::one(1)),
            // Windows and runs.
            (1, &[usize::MAX], 1, Runs::one(1)),
            (1, &[0], 1, runs(HALF + 1, 1, 2)),
            (1, &[0], 1, runs(3, 1, HALF)),
            (1, &[0], 1, runs(2, 2, usize::MAX)),
        ] {
            for set in InstructionSet::available() {
                let result = catch_unwind(|| {
                    let (input, weights) = (&[1.0; 2], &[1.0; 2][..rows.wrapping_mul(taps.len())]);
                    let correlation = Correlation { input, taps, weights, starts: None, rows, runs };
                    correlate(set, correlation, &mut [0.0; 2], stride);
                });
                assert!(result.is_err(), "{rows} rows, {taps:?}, {stride}, {runs:?}");
            }
        }
    }
}
