//! Sums over positions: the gradients w.r.t. weights and bias.

use super::correlate::Runs;
use crate::norm::{PoolSimd, total};
use crate::simd::{Lanes, kernel};
use crate::sizes;

/// sums[row, t] += d[row, p] input[tap[t] + p] over all positions p, lane by lane.
#[derive(Clone, Copy)]
pub(super) struct PositionSums<'a> {
    /// Its rows are `stride` apart; runs in it are `to_step` apart.
    pub(super) d: &'a [f32],
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) input: &'a [f32],
    pub(super) taps: &'a [usize],
    pub(super) runs: Runs,
}

kernel! {
    /// Adds to `sums`, [rows, taps] vectors.
    pub(super) fn add_position_sums(all: PositionSums<'_>, sums: &mut [f32]) = position_sums_generic
}

#[inline(always)]
fn position_sums_generic<S: PoolSimd>(simd: S, all: PositionSums<'_>, sums: &mut [f32]) {
    let PositionSums { d, stride, rows, input, taps, runs } = all;
    let far = taps.iter().max().map_or(0, |far| far.saturating_add(runs.extent(runs.from_step)));
    assert!(far <= input.len(), "the windows reach to {far} of {}", input.len());
    assert!(
        sizes::extent([(rows, stride), (runs.count, runs.to_step), (runs.length, 1)]) <= d.len(),
        "length of the gradient"
    );
    assert_eq!(sums.len(), sizes::count([rows, taps.len(), S::WIDTH]), "vectors of the sums");
    // Rows of d stay in registers together with the sums: with more rows, fewer taps fit.
    let (height, width) = match S::TILE_ROWS {
        14 => (4, 6),
        6 => (2, 5),
        _ => (2, 2),
    };
    let mut row = 0;
    while row < rows {
        let here = match rows - row {
            left if left >= height => height,
            left if left >= 2 => 2,
            _ => 1,
        };
        for (first, count) in super::correlate::tiles(taps.len(), width) {
            let part = Part {
                d: d[row * stride..].as_ptr(),
                stride,
                input: input.as_ptr(),
                taps: &taps[first..first + count],
                runs,
                sums: sums[(row * taps.len() + first) * S::WIDTH..].as_mut_ptr(),
                sums_stride: taps.len() * S::WIDTH,
            };
            // SAFETY: by the assertions above, all rows and taps of this tile are within the slices.
            unsafe { one_tile(simd, part, here) };
        }
        row += here;
    }
}

struct Part<'a> {
    d: *const f32,
    stride: usize,
    input: *const f32,
    taps: &'a [usize],
    runs: Runs,
    sums: *mut f32,
    sums_stride: usize,
}

/// # Safety
/// The pointers of `part` are valid for all that it states.
#[inline(always)]
unsafe fn one_tile<S: PoolSimd>(simd: S, part: Part<'_>, rows: usize) {
    macro_rules! compiled {
        ($($set:literal: $rows:literal x ($($taps:literal)*)),* $(,)?) => {
            // SAFETY: guaranteed by the caller.
            unsafe {
                match (S::TILE_ROWS, rows, part.taps.len()) {
                    $($(
                        ($set, $rows, $taps) if S::TILE_ROWS == $set => tile::<S, $rows, $taps>(simd, part),
                    )*)*
                    (_, rows, taps) => unreachable!("no tile of {rows} rows and {taps} taps"),
                }
            }
        };
    }
    compiled!(
        14: 4 x (1 2 3 4 5 6), 14: 2 x (1 2 3 4 5 6), 14: 1 x (1 2 3 4 5 6),
        6: 2 x (1 2 3 4 5), 6: 1 x (1 2 3 4 5),
        2: 2 x (1 2), 2: 1 x (1 2),
    );
}

/// # Safety
/// As [`one_tile`].
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
unsafe fn tile<S: PoolSimd, const R: usize, const T: usize>(simd: S, part: Part<'_>) {
    let mut taps = [0; T];
    taps.copy_from_slice(part.taps);
    let mut sums = [[Lanes::splat(simd, 0.0); T]; R];
    let position = |row: usize, tap: usize| part.sums.wrapping_add(row * part.sums_stride + tap * S::WIDTH);
    for row in 0..R {
        for tap in 0..T {
            // SAFETY: R rows of T vectors exist, as guaranteed by the caller.
            sums[row][tap] = unsafe { Lanes::load(simd, position(row, tap), S::WIDTH) };
        }
    }
    for run in 0..part.runs.count {
        let d = part.d.wrapping_add(run * part.runs.to_step);
        let from = part.input.wrapping_add(run * part.runs.from_step);
        let whole = part.runs.length / S::WIDTH * S::WIDTH;
        let mut at = 0;
        // SAFETY: the positions of the run exist for each row and tap, as guaranteed by the caller.
        unsafe {
            while at < whole {
                step(simd, (d.add(at), part.stride), from.add(at), &taps, (S::WIDTH, &mut sums));
                at += S::WIDTH;
            }
            if at < part.runs.length {
                let count = part.runs.length - at;
                step(simd, (d.add(at), part.stride), from.add(at), &taps, (count, &mut sums));
            }
        }
    }
    for row in 0..R {
        for tap in 0..T {
            // SAFETY: as above.
            unsafe { sums[row][tap].store(position(row, tap), S::WIDTH) };
        }
    }
}

/// Adds the products at `count` positions.
///
/// # Safety
/// The positions exist for each row and tap.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
unsafe fn step<S: PoolSimd, const R: usize, const T: usize>(
    simd: S,
    (d, stride): (*const f32, usize),
    from: *const f32,
    taps: &[usize; T],
    (count, sums): (usize, &mut [[Lanes<S>; T]; R]),
) {
    let mut rows = [Lanes::splat(simd, 0.0); R];
    for row in 0..R {
        // SAFETY: guaranteed by the caller.
        rows[row] = unsafe { Lanes::load(simd, d.add(row * stride), count) };
    }
    for tap in 0..T {
        // SAFETY: guaranteed by the caller.
        let positions = unsafe { Lanes::load(simd, from.add(taps[tap]), count) };
        for row in 0..R {
            sums[row][tap] = rows[row].mul_add(positions, sums[row][tap]);
        }
    }
}

kernel! {
    /// Adds the sum of each row, `length` values, to `sums`; the rows are `stride` apart.
    pub(super) fn add_row_sums(d: &[f32], stride: usize, length: usize, sums: &mut [f64]) = row_sums_generic
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
fn row_sums_generic<S: PoolSimd>(simd: S, d: &[f32], stride: usize, length: usize, sums: &mut [f64]) {
    const CHAINS: usize = 4;
    for row in 0..sums.len() {
        let values = &d[row * stride..][..length];
        let mut chains = [simd.splat(0.0); CHAINS];
        let from = values.as_ptr();
        let mut at = 0;
        while at + CHAINS * S::WIDTH <= length {
            for chain in 0..CHAINS {
                // SAFETY: a whole vector, by the condition of the loop.
                let vector = unsafe { simd.load(from.add(at + chain * S::WIDTH)) };
                chains[chain] = simd.add(chains[chain], vector);
            }
            at += CHAINS * S::WIDTH;
        }
        for chain in 0..CHAINS {
            if at >= length {
                break;
            }
            let count = (length - at).min(S::WIDTH);
            // SAFETY: `count` values are left.
            let vector = unsafe { crate::norm::load(simd, from.add(at), count) };
            chains[chain] = simd.add(chains[chain], vector);
            at += count;
        }
        let [first, second, third, fourth] = chains;
        sums[row] += total(simd, simd.add(simd.add(first, second), simd.add(third, fourth)));
    }
}

kernel! {
    /// Adds the sum of the lanes of each vector to `to`.
    pub(super) fn add_lanes(sums: &[f32], to: &mut [f32]) = lanes_generic
}

#[inline(always)]
fn lanes_generic<S: PoolSimd>(_simd: S, sums: &[f32], to: &mut [f32]) {
    assert_eq!(sums.len(), sizes::count([to.len(), S::WIDTH]), "vectors and sums");
    for (at, to) in to.iter_mut().enumerate() {
        let vector = &sums[at * S::WIDTH..][..S::WIDTH];
        *to += vector.iter().map(|&lane| f64::from(lane)).sum::<f64>() as f32;
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
            (HALF + 1, &[0; 2][..], 0, Runs::one(1)),
            (2, &[0], usize::MAX, Runs::one(2)),
            (3, &[0], HALF, Runs::one(1)),
            (1, &[usize::MAX], 1, Runs::one(1)),
            (1, &[0], 1, runs(3, 1, HALF)),
            (1, &[0], 1, runs(2, 2, usize::MAX)),
        ] {
            for set in InstructionSet::available() {
                let result = catch_unwind(|| {
                    let len = rows.wrapping_mul(taps.len()).wrapping_mul(set.width());
                    let all = PositionSums { d: &[1.0; 2], stride, rows, input: &[1.0; 2], taps, runs };
                    add_position_sums(set, all, &mut vec![0.0; len]);
                });
                assert!(result.is_err(), "{rows} rows, {taps:?}, {stride}, {runs:?}");
            }
        }
    }
}
