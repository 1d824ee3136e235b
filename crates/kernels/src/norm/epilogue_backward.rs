//! From the gradient by what a [`Epilogue`](super::Epilogue) made back to the gradient by what it was made of.

use super::epilogue::{AvgPool, load, store};
use super::for_each_vector::{Sink, check, for_each_vector};
use super::pool_simd::PoolSimd;
use crate::InstructionSet;
use crate::simd::kernel;

/// The gradient by the finished numbers of an example.
#[derive(Clone, Copy, Debug)]
pub struct EpilogueGradient<'a> {
    /// The gradient by the averages, [C, H', W'].
    pub d: &'a [f32],
    /// The means that were taken.
    pub pool: AvgPool,
    /// The signs that a relu_output output kept; `None` where it was not relu_output.
    pub signs: Option<&'a [u8]>,
    /// How to pass through a normalisation, where there was one.
    pub normalized: Option<Normalized<'a>>,
}

impl<'a> EpilogueGradient<'a> {
    /// The gradient by an output that nothing was done to.
    pub fn plain(d: &'a [f32]) -> EpilogueGradient<'a> {
        EpilogueGradient { d, pool: AvgPool::None, signs: None, normalized: None }
    }
}

/// What the way back through a normalisation needs.
#[derive(Clone, Copy, Debug)]
pub struct Normalized<'a> {
    /// What was normalized, [C, H, W].
    pub y: &'a [f32],
    /// For each channel, `[C]`.
    pub channels: &'a [ChannelGradient],
}

/// With z the normalized number and d the gradient by it: the gradient by y is
/// d scale + (y - center) slope + shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelGradient {
    /// The center of the normalisation.
    pub center: f32,
    /// How y acts on its own normalized number.
    pub scale: f32,
    /// How it acts on the variance.
    pub slope: f32,
    /// How it acts on the mean.
    pub shift: f32,
}

/// Channels of an example and where their rows go.
pub(crate) struct RowsMut<'a> {
    pub(crate) to: &'a mut [f32],
    /// From one channel to the next, and from one row to the next.
    pub(crate) strides: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
}

/// Writes the gradient by y [C, H, W].
///
/// # Panics
/// If the slices do not fit.
pub fn epilogue_backward(
    set: InstructionSet,
    gradient: EpilogueGradient<'_>,
    size: [usize; 2],
    d_y: &mut [f32],
) {
    let len = size[0] * size[1];
    let channels = d_y.len().checked_div(len).unwrap_or(0);
    assert_eq!(channels * len, d_y.len(), "numbers of channels of {} x {}", size[0], size[1]);
    epilogue_backward_rows(set, gradient, RowsMut { to: d_y, strides: [len, size[1]], channels, size });
}

kernel! {
    pub(crate) fn epilogue_backward_rows(gradient: EpilogueGradient<'_>, to: RowsMut<'_>) = epilogue_backward_generic
}

#[inline(always)]
fn epilogue_backward_generic<S: PoolSimd>(simd: S, gradient: EpilogueGradient<'_>, to: RowsMut<'_>) {
    let RowsMut { to, strides, channels, size } = to;
    check(&gradient, channels, size);
    let last = if channels * size[0] * size[1] == 0 {
        0
    } else {
        (channels - 1) * strides[0] + (size[0] - 1) * strides[1] + size[1]
    };
    assert!(last <= to.len(), "room for the gradient");
    for channel in 0..channels {
        let to = to.as_mut_ptr().wrapping_add(channel * strides[0]);
        let pitch = strides[1];
        // SAFETY: `check` and the assertion hold all rows of this channel within their slices.
        unsafe {
            match gradient.normalized {
                None => for_each_vector(simd, &gradient, (channel, size), &mut Plain { to, pitch }),
                Some(Normalized { y, channels }) => {
                    let ChannelGradient { center, scale, slope, shift } = channels[channel];
                    let y = y.as_ptr().add(channel * size[0] * size[1]);
                    let factors =
                        [simd.splat(center), simd.splat(scale), simd.splat(slope), simd.splat(shift)];
                    for_each_vector(
                        simd,
                        &gradient,
                        (channel, size),
                        &mut Through { to, pitch, y, width: size[1], factors },
                    );
                }
            }
        }
    }
}

struct Plain {
    to: *mut f32,
    pitch: usize,
}

impl<S: PoolSimd> Sink<S> for Plain {
    #[inline(always)]
    unsafe fn accept(&mut self, simd: S, [row, column]: [usize; 2], d: S::Vector, count: usize) {
        // SAFETY: the caller's promise.
        unsafe { store(simd, self.to.add(row * self.pitch + column), d, count) }
    }
}

struct Through<S: PoolSimd> {
    to: *mut f32,
    pitch: usize,
    y: *const f32,
    width: usize,
    factors: [S::Vector; 4],
}

impl<S: PoolSimd> Sink<S> for Through<S> {
    #[inline(always)]
    unsafe fn accept(&mut self, simd: S, [row, column]: [usize; 2], d: S::Vector, count: usize) {
        let [center, scale, slope, shift] = self.factors;
        // SAFETY: the caller's promise.
        unsafe {
            let y = load(simd, self.y.add(row * self.width + column), count);
            let of_statistics = simd.mul_add(simd.sub(y, center), slope, shift);
            let d_y = simd.mul_add(d, scale, of_statistics);
            store(simd, self.to.add(row * self.pitch + column), d_y, count);
        }
    }
}
