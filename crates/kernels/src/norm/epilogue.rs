//! The epilogue of a convolution, in one pass over its output: normalization, ReLU, average pooling.

use super::pool_simd::PoolSimd;
use crate::InstructionSet;
use crate::simd::{Simd, kernel};
use crate::sizes;

/// Affine map of a channel's values y: (y - center) scale + shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// Subtracted first.
    pub center: f32,
    /// Factor of the difference.
    pub scale: f32,
    /// Added last.
    pub shift: f32,
}

impl Channel {
    /// The identity.
    pub const IDENTITY: Channel = Channel { center: 0.0, scale: 1.0, shift: 0.0 };
}

/// Average pooling over adjacent windows; values left over in an odd size are dropped, as in PyTorch's AvgPool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvgPool {
    /// No pooling.
    #[default]
    None,
    /// Windows of two columns, AvgPool1d(2).
    By2,
    /// Windows of two rows by two columns, AvgPool2d(2).
    By2x2,
}

impl AvgPool {
    /// Height and width of the window.
    pub const fn window(self) -> [usize; 2] {
        match self {
            AvgPool::None => [1, 1],
            AvgPool::By2 => [1, 2],
            AvgPool::By2x2 => [2, 2],
        }
    }

    /// Size [H, W] of the output for an input of this size; may contain 0.
    pub const fn output(self, size: [usize; 2]) -> [usize; 2] {
        let [height, width] = self.window();
        [size[0] / height, size[1] / width]
    }
}

/// Normalization, ReLU and average pooling, in this order, each optional.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Normalization of each channel, `[C]`.
    pub channels: Option<&'a [Channel]>,
    /// True if negative values become 0.
    pub relu: bool,
    /// Average pooling.
    pub pool: AvgPool,
}

/// Number of bytes for the ReLU signs of [channels, H, W], which the backward pass of a ReLU needs.
pub fn sign_bytes(channels: usize, size: [usize; 2]) -> usize {
    sizes::count([channels, size[0], row_bytes(size[1])])
}

/// Number of bytes for the signs of a row: whole groups of sixteen.
pub(crate) const fn row_bytes(width: usize) -> usize {
    width.div_ceil(16) * 2
}

/// Rows of several channels within a slice.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    /// Distances between channels and between rows.
    pub(crate) strides: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
}

/// Destination of the output and the signs.
pub(crate) struct EpilogueOutput<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) strides: [usize; 2],
    pub(crate) signs: Option<&'a mut [u8]>,
    pub(crate) sign_strides: [usize; 2],
}

/// Applies the epilogue to y [C, H, W] of a whole example. `signs`, of [`sign_bytes`], receives the signs that
/// [`super::epilogue_backward`] needs if there is a ReLU.
///
/// # Panics
/// If the slice lengths do not match the shapes.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
/// use stapes_kernels::norm::{AvgPool, Epilogue, epilogue};
///
/// let steps = Epilogue { relu: true, pool: AvgPool::By2, ..Epilogue::default() };
/// let mut output = [0.0; 2];
/// epilogue(InstructionSet::best(), steps, (&[1.0, -4.0, 3.0, 5.0, 9.0], [1, 5]), &mut output, None);
/// assert_eq!(output, [0.5, 4.0]); // the fifth value has no partner
/// ```
pub fn epilogue(
    set: InstructionSet,
    steps: Epilogue<'_>,
    (y, size): (&[f32], [usize; 2]),
    output: &mut [f32],
    signs: Option<&mut [u8]>,
) {
    let len = sizes::count(size);
    let channels = y.len().checked_div(len).unwrap_or(0);
    assert_eq!(sizes::count([channels, len]), y.len(), "values in channels of {} x {}", size[0], size[1]);
    let [height, width] = steps.pool.output(size);
    assert_eq!(output.len(), sizes::count([channels, height, width]), "length of the output");
    let rows = Rows { values: y, strides: [len, size[1]], channels, size };
    let row = row_bytes(size[1]);
    let to = EpilogueOutput {
        values: output,
        strides: [sizes::count([height, width]), width],
        signs,
        sign_strides: [sizes::count([size[0], row]), row],
    };
    epilogue_rows(set, steps, rows, to);
}

kernel! {
    /// Applies the epilogue to a part; its rows and columns are whole windows, except for the last.
    pub(crate) fn epilogue_rows(steps: Epilogue<'_>, rows: Rows<'_>, to: EpilogueOutput<'_>) = epilogue_generic
}

/// Number of values from the start of the first row of the first channel to the end of the last.
pub(super) fn extent(channels: usize, [height, width]: [usize; 2], strides: [usize; 2]) -> usize {
    sizes::extent([(channels, strides[0]), (height, strides[1]), (width, 1)])
}

#[inline(always)]
pub(crate) fn epilogue_generic<S: PoolSimd>(
    simd: S,
    steps: Epilogue<'_>,
    rows: Rows<'_>,
    mut to: EpilogueOutput<'_>,
) {
    let [height, width] = steps.pool.output(rows.size);
    assert!(extent(rows.channels, rows.size, rows.strides) <= rows.values.len(), "length of the input");
    assert!(extent(rows.channels, [height, width], to.strides) <= to.values.len(), "length of the output");
    if let Some(signs) = &to.signs {
        let size = [rows.size[0], row_bytes(rows.size[1])];
        assert!(extent(rows.channels, size, to.sign_strides) <= signs.len(), "length of the signs");
    }
    if let Some(channels) = steps.channels {
        assert_eq!(channels.len(), rows.channels, "number of normalized channels");
    }
    for channel in 0..rows.channels {
        let part = Part {
            from: rows.values.as_ptr().wrapping_add(channel * rows.strides[0]),
            pitch: rows.strides[1],
            signs: to
                .signs
                .as_mut()
                .map(|signs| signs.as_mut_ptr().wrapping_add(channel * to.sign_strides[0])),
            sign_pitch: to.sign_strides[1],
            to: to.values.as_mut_ptr().wrapping_add(channel * to.strides[0]),
            to_pitch: to.strides[1],
            size: [height, width],
            channel: steps.channels.map_or(Channel::IDENTITY, |channels| channels[channel]),
            floor: if steps.relu { 0.0 } else { f32::NEG_INFINITY },
        };
        // SAFETY: by the assertions, the rows of this channel are within the slices.
        unsafe {
            match steps.pool {
                AvgPool::None => channel_rows::<S, 1, false>(simd, part),
                AvgPool::By2 => channel_rows::<S, 1, true>(simd, part),
                AvgPool::By2x2 => channel_rows::<S, 2, true>(simd, part),
            }
        }
    }
}

/// One channel; `size` is that of the pooled output.
struct Part {
    from: *const f32,
    pitch: usize,
    signs: Option<*mut u8>,
    sign_pitch: usize,
    to: *mut f32,
    to_pitch: usize,
    size: [usize; 2],
    channel: Channel,
    floor: f32,
}

/// Means over H rows, and over two columns if PAIRS.
///
/// # Safety
/// The pointers are valid for the rows that `part` states, the signs for whole groups of sixteen.
#[inline(always)]
unsafe fn channel_rows<S: PoolSimd, const H: usize, const PAIRS: bool>(simd: S, part: Part) {
    let Channel { center, scale, shift } = part.channel;
    let factors = [simd.splat(center), simd.splat(scale), simd.splat(shift), simd.splat(part.floor)];
    let whole = part.size[1] / S::WIDTH * S::WIDTH;
    for row in 0..part.size[0] {
        // SAFETY: `count` columns from each of these on exist in the row of means.
        unsafe {
            for column in (0..whole).step_by(S::WIDTH) {
                means::<S, H, PAIRS>(simd, &part, factors, [row, column], S::WIDTH);
            }
            if whole < part.size[1] {
                means::<S, H, PAIRS>(simd, &part, factors, [row, whole], part.size[1] - whole);
            }
        }
    }
}

/// One vector of means, of which `count` exist.
///
/// # Safety
/// As [`channel_rows`], for the means of this row from this column on.
#[inline(always)]
unsafe fn means<S: PoolSimd, const H: usize, const PAIRS: bool>(
    simd: S,
    part: &Part,
    [center, scale, shift, floor]: [S::Vector; 4],
    [row, column]: [usize; 2],
    count: usize,
) {
    let vectors = if PAIRS { 2 } else { 1 };
    let mut sums = [simd.splat(0.0); 2];
    for row in row * H..(row + 1) * H {
        for (half, sum) in sums.iter_mut().enumerate().take(vectors) {
            let values = (vectors * count).saturating_sub(half * S::WIDTH).min(S::WIDTH);
            if values == 0 {
                continue;
            }
            let at = vectors * column + half * S::WIDTH;
            // SAFETY: `values` columns from `at` on exist in this row; its signs have whole groups.
            unsafe {
                let y = load(simd, part.from.add(row * part.pitch + at), values);
                let z = simd.mul_add(simd.sub(y, center), scale, shift);
                if let Some(signs) = part.signs {
                    let bits = simd.mask_above(z, floor);
                    write_bits::<S>(signs.add(row * part.sign_pitch + at / 8), bits);
                }
                *sum = simd.add(*sum, simd.at_least(z, floor));
            }
        }
    }
    let mean = simd.splat(1.0 / (H * vectors) as f32);
    let result = if PAIRS { simd.mul(simd.pair_sums(sums[0], sums[1]), mean) } else { sums[0] };
    // SAFETY: guaranteed by the caller.
    unsafe { store(simd, part.to.add(row * part.to_pitch + column), result, count) };
}

/// # Safety
/// As for [`crate::simd::Lanes::load`].
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(simd: S, from: *const f32, count: usize) -> S::Vector {
    // SAFETY: guaranteed by the caller.
    unsafe { if count == S::WIDTH { simd.load(from) } else { simd.load_part(from, count) } }
}

/// # Safety
/// As for [`crate::simd::Lanes::store`].
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(simd: S, to: *mut f32, vector: S::Vector, count: usize) {
    // SAFETY: guaranteed by the caller.
    unsafe { if count == S::WIDTH { simd.store(to, vector) } else { simd.store_part(to, vector, count) } }
}

/// # Safety
/// `to` is valid for writes of a bit for each lane.
#[inline(always)]
unsafe fn write_bits<S: Simd>(to: *mut u8, bits: u16) {
    let bytes = bits.to_le_bytes();
    // SAFETY: guaranteed by the caller.
    unsafe {
        *to = bytes[0];
        if S::WIDTH == 16 {
            *to.add(1) = bytes[1];
        }
    }
}
