//! The loops of depthwise convolution, with the columns of a row in the lanes of vectors.

use super::depthwise::{Depthwise, check_forward};
use super::rows::{Block, copy_rows_generic};
use crate::norm::{
    AvgPool, Epilogue, EpilogueGradient, EpilogueOutput, Normalized, PoolSimd, Rows, RowsMut,
    epilogue_backward_generic, epilogue_generic, row_bytes, total,
};
use crate::simd::{Lanes, Simd, kernel};
use crate::sizes;

/// Working memory of one channel.
pub(super) struct Scratch<'a> {
    /// Rows of the input between columns of zeros, and a vector.
    pub(super) rows: &'a mut [f32],
    /// Output before the epilogue; or its gradient between columns of zeros, and a vector.
    pub(super) channel: &'a mut [f32],
}

#[derive(Clone, Copy)]
pub(super) struct Forward<'a> {
    pub(super) of: Depthwise,
    pub(super) input: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) epilogue: Epilogue<'a>,
}

#[derive(Clone, Copy)]
pub(super) struct Backward<'a> {
    pub(super) of: Depthwise,
    pub(super) input: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) gradient: EpilogueGradient<'a>,
}

kernel! {
    /// Computes an example: the convolution, followed by the epilogue.
    pub(super) fn forward(
        call: Forward<'_>,
        scratch: Scratch<'_>,
        output: &mut [f32],
        signs: Option<&mut [u8]>,
    ) = forward_generic
}

#[inline(always)]
fn forward_generic<S: PoolSimd>(
    simd: S,
    call: Forward<'_>,
    scratch: Scratch<'_>,
    output: &mut [f32],
    mut signs: Option<&mut [u8]>,
) {
    let Forward { of, input, weights, bias, epilogue } = call;
    check_forward(&of, (input, weights), epilogue, (output, signs.as_deref()));
    let plain = !epilogue.relu && epilogue.channels.is_none() && epilogue.pool == AvgPool::None;
    let (len, window, positions) =
        (of.size[0] * of.size[1], weights.len() / of.channels, scratch.channel.len());
    let (pooled, pooled_width) = (output.len() / of.channels, epilogue.pool.output(of.output)[1]);
    let bytes = signs.as_ref().map_or(0, |signs| signs.len() / of.channels);
    if of.needs_padding() {
        scratch.rows.fill(0.0);
    }
    for channel in 0..of.channels {
        let rows = padded_rows(simd, &of, &input[channel * len..][..len], scratch.rows);
        let output = &mut output[channel * pooled..][..pooled];
        let start = bias.map_or(0.0, |bias| bias[channel]);
        let weights = &weights[channel * window..][..window];
        if plain {
            correlate_rows::<S, false>(simd, &of, rows, (weights, start), output);
            continue;
        }
        correlate_rows::<S, false>(simd, &of, rows, (weights, start), scratch.channel);
        let steps =
            Epilogue { channels: epilogue.channels.map(|all| &all[channel..channel + 1]), ..epilogue };
        let strides = [positions, of.output[1]];
        let rows = Rows { values: scratch.channel, strides, channels: 1, size: of.output };
        let to = EpilogueOutput {
            values: output,
            strides: [pooled, pooled_width],
            signs: signs.as_deref_mut().map(|signs| &mut signs[channel * bytes..][..bytes]),
            sign_strides: [bytes, row_bytes(of.output[1])],
        };
        epilogue_generic(simd, steps, rows, to);
    }
}

kernel! {
    /// Backpropagates through an example: adds to the sums for the weights, [channels, KH, KW] vectors, and for the
    /// bias if there is one, and writes the gradient w.r.t. the input.
    pub(super) fn backward(
        call: Backward<'_>,
        scratch: Scratch<'_>,
        sums: (&mut [f32], Option<&mut [f64]>),
        d_input: Option<&mut [f32]>,
    ) = backward_generic
}

#[inline(always)]
fn backward_generic<S: PoolSimd>(
    simd: S,
    call: Backward<'_>,
    scratch: Scratch<'_>,
    (sums, mut bias): (&mut [f32], Option<&mut [f64]>),
    mut d_input: Option<&mut [f32]>,
) {
    crate::require_training();
    let Backward { of, input, weights, gradient } = call;
    let (channels, len) = (of.channels, of.size[0] * of.size[1]);
    let (window, width) = (weights.len() / channels, of.gradient_width());
    assert_eq!(input.len(), sizes::count([channels, len]), "length of the input");
    assert_eq!(weights.len(), sizes::count([channels, of.kernel[0], of.kernel[1]]), "length of the weights");
    assert_eq!(sums.len(), sizes::count([weights.len(), S::WIDTH]), "vectors of the sums");
    assert!(
        d_input.as_ref().is_none_or(|d| d.len() == input.len()),
        "length of the gradient w.r.t. the input"
    );
    let [pooled_height, pooled_width] = gradient.pool.output(of.output);
    assert_eq!(
        gradient.d.len(),
        sizes::count([channels, pooled_height, pooled_width]),
        "length of the gradient"
    );
    let pooled = gradient.d.len() / channels;
    let bytes = gradient.signs.map_or(0, |signs| signs.len() / channels);
    let positions = of.output[0] * of.output[1];
    let plain = gradient.normalized.is_none()
        && gradient.signs.is_none()
        && gradient.pool == AvgPool::None
        && width == of.output[1];
    if of.needs_padding() {
        scratch.rows.fill(0.0);
    }
    if !plain {
        scratch.channel.fill(0.0);
    }
    for channel in 0..channels {
        let gradient = EpilogueGradient {
            d: &gradient.d[channel * pooled..][..pooled],
            signs: gradient.signs.map(|signs| &signs[channel * bytes..][..bytes]),
            normalized: gradient.normalized.map(|Normalized { y, channels }| Normalized {
                y: &y[channel * positions..][..positions],
                channels: &channels[channel..channel + 1],
            }),
            ..gradient
        };
        let d = if plain {
            Padded { values: gradient.d, width, has_slack: false }
        } else {
            let to = RowsMut {
                to: &mut scratch.channel[of.margin()..],
                strides: [0, width],
                channels: 1,
                size: of.output,
            };
            epilogue_backward_generic(simd, gradient, to);
            Padded { values: scratch.channel, width, has_slack: true }
        };
        if let Some(bias) = &mut bias {
            bias[channel] += sum_rows(simd, &of, d);
        }
        let rows = padded_rows(simd, &of, &input[channel * len..][..len], scratch.rows);
        let vectors = window * S::WIDTH;
        add_weight_sums(simd, &of, rows, d, &mut sums[channel * vectors..][..vectors]);
        if let Some(d_input) = &mut d_input {
            let weights = &weights[channel * window..][..window];
            correlate_rows::<S, true>(simd, &of, d, (weights, 0.0), &mut d_input[channel * len..][..len]);
        }
    }
}

/// Rows of a channel with the zeros before and after them.
#[derive(Clone, Copy)]
struct Padded<'a> {
    values: &'a [f32],
    width: usize,
    /// True if a vector may be read after the last row.
    has_slack: bool,
}

impl Padded<'_> {
    /// Number of values that a vector reads where `count` are used.
    #[inline(always)]
    fn readable<S: Simd>(&self, count: usize) -> usize {
        if self.has_slack { S::WIDTH } else { count }
    }

    /// Panics unless `rows` rows exist.
    #[inline(always)]
    fn check<S: Simd>(&self, rows: usize) {
        let slack = if self.has_slack { S::WIDTH } else { 0 };
        let len = sizes::count([rows, self.width]).saturating_add(slack);
        assert!(len <= self.values.len(), "length of the padded rows");
    }
}

/// Returns the rows of a channel with zeros around them; `to`, where the zeros already are, is used where needed.
#[inline(always)]
fn padded_rows<'a, S: PoolSimd>(simd: S, of: &Depthwise, input: &'a [f32], to: &'a mut [f32]) -> Padded<'a> {
    let [height, width] = of.size;
    if !of.needs_padding() {
        return Padded { values: input, width, has_slack: false };
    }
    let padded = of.padded_width();
    let before = of.padding[1].min(padded);
    let columns = width.min(padded - before);
    let block = Block { rows: height, columns, from_pitch: width, to_pitch: padded };
    copy_rows_generic(simd, block, input, &mut to[before..]);
    Padded { values: to, width: padded, has_slack: true }
}

/// Computes a channel from its padded rows: the forward pass, or, `BACK`, the gradient w.r.t. the input from that w.r.t.
/// the output. A value is one chain of additions from `start` on, in the order of the weights.
#[inline(always)]
fn correlate_rows<S: PoolSimd, const BACK: bool>(
    simd: S,
    of: &Depthwise,
    rows: Padded<'_>,
    (weights, start): (&[f32], f32),
    to: &mut [f32],
) {
    let [height, width] = if BACK { of.size } else { of.output };
    rows.check::<S>(if BACK { of.output[0] } else { of.size[0] });
    assert_eq!(to.len(), sizes::count([height, width]), "values of a channel");
    assert_eq!(weights.len(), sizes::count(of.kernel), "weights of a channel");
    for row in 0..height {
        let to = to[row * width..].as_mut_ptr();
        let mut column = 0;
        while column < width {
            // SAFETY: by the assertions above, the columns from here on exist in `to`, and in all rows that the windows
            // read; `Depthwise` has the width of those.
            unsafe {
                let left = width - column;
                match left.div_ceil(S::WIDTH) {
                    1 => tile::<S, 1, BACK>(simd, of, rows, (weights, start), [row, column], (to, left)),
                    2 => tile::<S, 2, BACK>(simd, of, rows, (weights, start), [row, column], (to, left)),
                    3 => tile::<S, 3, BACK>(simd, of, rows, (weights, start), [row, column], (to, left)),
                    _ => tile::<S, 4, BACK>(simd, of, rows, (weights, start), [row, column], (to, left)),
                }
            }
            column += 4 * S::WIDTH;
        }
    }
}

/// V vectors of a row, from a column on; `left` columns are left.
///
/// # Safety
/// These columns exist in the row `to`, and in all rows that their windows read.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
unsafe fn tile<S: PoolSimd, const V: usize, const BACK: bool>(
    simd: S,
    of: &Depthwise,
    rows: Padded<'_>,
    (weights, start): (&[f32], f32),
    [row, column]: [usize; 2],
    (to, left): (*mut f32, usize),
) {
    let last = (left - (V - 1) * S::WIDTH).min(S::WIDTH);
    let last_read = rows.readable::<S>(last);
    let mut sums = [Lanes::splat(simd, start); V];
    for window_row in 0..of.kernel[0] {
        let found = if BACK { of.output_row(row, window_row) } else { of.input_row(row, window_row) };
        let Some(from) = found else { continue };
        for window_column in 0..of.kernel[1] {
            let offset = window_column * of.dilation[1];
            let offset = if BACK { of.margin() + of.padding[1] - offset } else { offset };
            let at = rows.values.as_ptr().wrapping_add(from * rows.width + column + offset);
            // SAFETY: the window has these rows and columns, and `rows` the columns, as guaranteed by the caller.
            unsafe {
                let weight =
                    Lanes::splat(simd, *weights.get_unchecked(window_row * of.kernel[1] + window_column));
                for vector in 0..V {
                    let count = if vector + 1 < V { S::WIDTH } else { last_read };
                    let values = Lanes::load(simd, at.add(vector * S::WIDTH), count);
                    sums[vector] = weight.mul_add(values, sums[vector]);
                }
            }
        }
    }
    for vector in 0..V {
        let count = if vector + 1 < V { S::WIDTH } else { last };
        // SAFETY: guaranteed by the caller.
        unsafe { sums[vector].store(to.add(column + vector * S::WIDTH), count) };
    }
}

/// sums[t] += d[p] input[p + t] over all positions p of a channel, lane by lane, for each weight t.
#[inline(always)]
fn add_weight_sums<S: PoolSimd>(simd: S, of: &Depthwise, rows: Padded<'_>, d: Padded<'_>, sums: &mut [f32]) {
    rows.check::<S>(of.size[0]);
    d.check::<S>(of.output[0]);
    assert_eq!(sums.len(), sizes::count([of.kernel[0], of.kernel[1], S::WIDTH]), "vectors of the sums");
    for window_row in 0..of.kernel[0] {
        let mut column = 0;
        while column < of.kernel[1] {
            let at = (window_row * of.kernel[1] + column) * S::WIDTH;
            let sums = sums[at..].as_mut_ptr();
            // SAFETY: by the assertions above, the rows and as many vectors of sums exist.
            let taken = unsafe {
                match of.kernel[1] - column {
                    1 => row_sums::<S, 1>(simd, of, rows, d, [window_row, column], sums),
                    3 => row_sums::<S, 3>(simd, of, rows, d, [window_row, column], sums),
                    _ => row_sums::<S, 2>(simd, of, rows, d, [window_row, column], sums),
                }
            };
            column += taken;
        }
    }
}

/// The sums of T adjacent weights, from a row and a column of the window on. Returns T.
///
/// # Safety
/// The rows and T vectors of sums exist.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
unsafe fn row_sums<S: PoolSimd, const T: usize>(
    simd: S,
    of: &Depthwise,
    rows: Padded<'_>,
    d: Padded<'_>,
    [window_row, window_column]: [usize; 2],
    to: *mut f32,
) -> usize {
    let mut sums = [[Lanes::splat(simd, 0.0); T]; 2];
    let (width, step) = (of.output[1], of.dilation[1]);
    let offset = window_column * step;
    for row in 0..of.output[0] {
        let Some(from) = of.input_row(row, window_row) else { continue };
        let from = rows.values.as_ptr().wrapping_add(from * rows.width + offset);
        let d = d.values.as_ptr().wrapping_add(row * d.width + if d.has_slack { of.margin() } else { 0 });
        let mut column = 0;
        while column < width {
            for chain in 0..2 {
                let column = column + chain * S::WIDTH;
                if column >= width {
                    break;
                }
                let count = (width - column).min(S::WIDTH);
                let read = rows.readable::<S>(count);
                // SAFETY: the columns exist in the row of the gradient and in the padded row; the gradient is zero in
                // the other lanes.
                unsafe {
                    let d = Lanes::load(simd, d.add(column), count);
                    for tap in 0..T {
                        let values = Lanes::load(simd, from.add(column + tap * step), read);
                        sums[chain][tap] = d.mul_add(values, sums[chain][tap]);
                    }
                }
            }
            column += 2 * S::WIDTH;
        }
    }
    for tap in 0..T {
        // SAFETY: guaranteed by the caller.
        unsafe {
            let at = to.add(tap * S::WIDTH);
            let before = Lanes::load(simd, at, S::WIDTH);
            (before + (sums[0][tap] + sums[1][tap])).store(at, S::WIDTH);
        }
    }
    T
}

/// Returns the sum of a channel's gradient.
#[inline(always)]
fn sum_rows<S: PoolSimd>(simd: S, of: &Depthwise, d: Padded<'_>) -> f64 {
    d.check::<S>(of.output[0]);
    let mut sum = simd.splat(0.0);
    let margin = if d.has_slack { of.margin() } else { 0 };
    for row in 0..of.output[0] {
        let row = &d.values[row * d.width + margin..][..of.output[1]];
        for at in (0..row.len()).step_by(S::WIDTH) {
            let part = &row[at..row.len().min(at + S::WIDTH)];
            // SAFETY: at most a vector.
            sum = simd.add(sum, unsafe { crate::norm::load(simd, part.as_ptr(), part.len()) });
        }
    }
    total(simd, sum)
}
