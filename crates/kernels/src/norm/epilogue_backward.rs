//! The backward pass of an [`Epilogue`](super::Epilogue).

use super::epilogue::{extent, load, store};
use super::for_each_vector::{Sink, check, for_each_vector};
use super::gradient::{ChannelGradient, EpilogueGradient, Normalized};
use super::pool_simd::PoolSimd;
use crate::InstructionSet;
use crate::simd::kernel;
use crate::sizes;

/// Destination rows of an example's channels.
pub(crate) struct RowsMut<'a> {
    pub(crate) to: &'a mut [f32],
    /// Distances between channels and between rows.
    pub(crate) strides: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
}

/// Writes the gradient w.r.t. y [C, H, W], the input of the epilogue.
///
/// # Panics
/// If the slice lengths do not match the shapes.
pub fn epilogue_backward(
    set: InstructionSet,
    gradient: EpilogueGradient<'_>,
    size: [usize; 2],
    d_y: &mut [f32],
) {
    let len = sizes::count(size);
    let channels = d_y.len().checked_div(len).unwrap_or(0);
    assert_eq!(sizes::count([channels, len]), d_y.len(), "values in channels of {} x {}", size[0], size[1]);
    epilogue_backward_rows(set, gradient, RowsMut { to: d_y, strides: [len, size[1]], channels, size });
}

kernel! {
    pub(crate) fn epilogue_backward_rows(gradient: EpilogueGradient<'_>, to: RowsMut<'_>) = epilogue_backward_generic
}

#[inline(always)]
pub(crate) fn epilogue_backward_generic<S: PoolSimd>(
    simd: S,
    gradient: EpilogueGradient<'_>,
    to: RowsMut<'_>,
) {
    crate::require_training();
    let RowsMut { to, strides, channels, size } = to;
    check(&gradient, channels, size);
    assert!(extent(channels, size, strides) <= to.len(), "length of the gradient");
    for channel in 0..channels {
        let to = to.as_mut_ptr().wrapping_add(channel * strides[0]);
        let pitch = strides[1];
        // SAFETY: by `check` and the assertion, all rows of this channel are within their slices.
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
        // SAFETY: guaranteed by the caller.
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
        // SAFETY: guaranteed by the caller.
        unsafe {
            let y = load(simd, self.y.add(row * self.width + column), count);
            let of_statistics = simd.mul_add(simd.sub(y, center), slope, shift);
            let d_y = simd.mul_add(d, scale, of_statistics);
            store(simd, self.to.add(row * self.pitch + column), d_y, count);
        }
    }
}
