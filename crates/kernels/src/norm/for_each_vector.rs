//! Iteration over the gradient w.r.t. normalized values, vector by vector.

use super::epilogue::{AvgPool, load, row_bytes};
use super::gradient::{EpilogueGradient, Normalized};
use super::pool_simd::PoolSimd;
use crate::sizes;

/// Panics unless the slices of the gradient contain all channels of this size.
pub(super) fn check(gradient: &EpilogueGradient<'_>, channels: usize, size: [usize; 2]) {
    let [height, width] = gradient.pool.output(size);
    assert_eq!(gradient.d.len(), sizes::count([channels, height, width]), "length of the gradient");
    if let Some(signs) = gradient.signs {
        assert_eq!(signs.len(), super::sign_bytes(channels, size), "length of the signs");
    }
    if let Some(Normalized { y, channels: of }) = gradient.normalized {
        assert_eq!(of.len(), channels, "number of normalized channels");
        assert_eq!(y.len(), sizes::count([channels, size[0], size[1]]), "length of the normalized input");
    }
}

/// Consumer of the gradient w.r.t. normalized values, vector by vector.
pub(super) trait Sink<S: PoolSimd> {
    /// Processes `count` values of a row; the other lanes are zero.
    ///
    /// # Safety
    /// The pointers of the sink are valid for the row and the columns.
    unsafe fn accept(&mut self, simd: S, position: [usize; 2], d: S::Vector, count: usize);
}

/// Calls the sink for all vectors of a channel.
///
/// # Safety
/// The slices of the gradient contain the channel, the pointers of the sink its rows.
#[inline(always)]
pub(super) unsafe fn for_each_vector<S: PoolSimd, K: Sink<S>>(
    simd: S,
    gradient: &EpilogueGradient<'_>,
    position: (usize, [usize; 2]),
    sink: &mut K,
) {
    // SAFETY: guaranteed by the caller.
    unsafe {
        match gradient.pool {
            AvgPool::None => for_each_vector_in_rows::<S, K, 1, false>(simd, gradient, position, sink),
            AvgPool::By2 => for_each_vector_in_rows::<S, K, 1, true>(simd, gradient, position, sink),
            AvgPool::By2x2 => for_each_vector_in_rows::<S, K, 2, true>(simd, gradient, position, sink),
        }
    }
}

/// One channel of a gradient, by columns of the pooled output.
struct PooledChannel {
    d: *const f32,
    /// Columns of the pooled output.
    columns: usize,
    signs: Option<*const u8>,
    sign_pitch: usize,
    width: usize,
}

/// # Safety
/// As [`for_each_vector`]; H and PAIRS are those of the pooling.
#[inline(always)]
unsafe fn for_each_vector_in_rows<S: PoolSimd, K: Sink<S>, const H: usize, const PAIRS: bool>(
    simd: S,
    gradient: &EpilogueGradient<'_>,
    (channel, [height, width]): (usize, [usize; 2]),
    sink: &mut K,
) {
    let vectors = if PAIRS { 2 } else { 1 };
    let [means, columns] = [height / H, width / vectors];
    let sign_pitch = row_bytes(width);
    let from = PooledChannel {
        d: gradient.d.as_ptr().wrapping_add(channel * means * columns),
        columns,
        signs: gradient.signs.map(|signs| signs.as_ptr().wrapping_add(channel * height * sign_pitch)),
        sign_pitch,
        width,
    };
    for row in 0..height {
        // A row without a partner has no mean.
        let columns = if row / H < means { columns } else { 0 };
        let whole = columns / S::WIDTH * S::WIDTH;
        // SAFETY: the number of means that is passed exists in this row from each of these columns on.
        unsafe {
            for column in (0..whole).step_by(S::WIDTH) {
                visit_vector::<S, K, H, PAIRS>(simd, &from, ([row, column], S::WIDTH), sink);
            }
            for column in (whole..width.div_ceil(vectors)).step_by(S::WIDTH) {
                let count = columns.saturating_sub(column).min(S::WIDTH);
                visit_vector::<S, K, H, PAIRS>(simd, &from, ([row, column], count), sink);
            }
        }
    }
}

/// Processes the values of a vector of means, of which `count` exist.
///
/// # Safety
/// As [`for_each_vector`], for the means from this column on.
#[inline(always)]
unsafe fn visit_vector<S: PoolSimd, K: Sink<S>, const H: usize, const PAIRS: bool>(
    simd: S,
    from: &PooledChannel,
    ([row, column], count): ([usize; 2], usize),
    sink: &mut K,
) {
    let vectors = if PAIRS { 2 } else { 1 };
    let mean = simd.splat(1.0 / (H * vectors) as f32);
    // SAFETY: `count` means from here on exist in this row.
    let d = unsafe { load(simd, from.d.wrapping_add(row / H * from.columns + column), count) };
    let parts = if PAIRS { simd.repeat_each(simd.mul(d, mean)) } else { [d, d] };
    for (half, &part) in parts.iter().enumerate().take(vectors) {
        let at = vectors * column + half * S::WIDTH;
        // A whole vector of means has whole vectors of values.
        let values = if count == S::WIDTH { S::WIDTH } else { from.width.saturating_sub(at).min(S::WIDTH) };
        if values == 0 {
            return;
        }
        // SAFETY: `values` columns from `at` on exist in this row, and the signs have whole groups of sixteen.
        unsafe {
            let part = match from.signs {
                Some(signs) => simd.masked(part, read_bits::<S>(signs.add(row * from.sign_pitch + at / 8))),
                None => part,
            };
            sink.accept(simd, [row, at], part, values);
        }
    }
}

/// # Safety
/// `from` is valid for reads of a bit for each lane.
#[inline(always)]
unsafe fn read_bits<S: PoolSimd>(from: *const u8) -> u16 {
    // SAFETY: guaranteed by the caller.
    unsafe {
        let high = if S::WIDTH == 16 { *from.add(1) } else { 0 };
        u16::from_le_bytes([*from, high])
    }
}
