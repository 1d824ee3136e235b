//! Sums over positions that the backward pass of a normalization needs.

use super::Channel;
use super::epilogue::load;
use super::for_each_vector::{Sink, check, for_each_vector};
use super::gradient::EpilogueGradient;
use super::pool_simd::PoolSimd;
use crate::InstructionSet;
use crate::simd::kernel;
use crate::sizes;

/// Two sums over the positions of a channel, in f64.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GradientSums {
    /// Sum of d, the gradient w.r.t. the normalized value.
    pub d: f64,
    /// Sum of d (y - center).
    pub product: f64,
}

impl GradientSums {
    /// Adds the sums over other positions.
    pub fn add(&mut self, other: &GradientSums) {
        self.d += other.d;
        self.product += other.product;
    }
}

/// Adds the sums over one example, from which [`super::ChannelGradient`] computes the backward pass of a
/// normalization. `channels` are those of the forward pass, `[C]`; only the center is used.
///
/// # Panics
/// If the slice lengths do not match the shapes.
pub fn add_gradient_sums(
    set: InstructionSet,
    gradient: EpilogueGradient<'_>,
    (y, size): (&[f32], [usize; 2]),
    channels: &[Channel],
    sums: &mut [GradientSums],
) {
    crate::require_training();
    assert_eq!(y.len(), sizes::count([sums.len(), size[0], size[1]]), "length of y");
    assert_eq!(channels.len(), sums.len(), "channels and sums");
    sums_of(set, gradient, (y, size), channels, sums);
}

kernel! {
    fn sums_of(
        gradient: EpilogueGradient<'_>,
        example: (&[f32], [usize; 2]),
        channels: &[Channel],
        sums: &mut [GradientSums],
    ) = sums_generic
}

#[inline(always)]
fn sums_generic<S: PoolSimd>(
    simd: S,
    gradient: EpilogueGradient<'_>,
    (y, size): (&[f32], [usize; 2]),
    channels: &[Channel],
    sums: &mut [GradientSums],
) {
    check(&gradient, sums.len(), size);
    if y.is_empty() {
        return;
    }
    for (channel, (sums, of)) in sums.iter_mut().zip(channels).enumerate() {
        let zero = simd.splat(0.0);
        let mut sink = Sum {
            y: y[channel * size[0] * size[1]..].as_ptr(),
            width: size[1],
            center: simd.splat(of.center),
            d: [zero; 2],
            product: [zero; 2],
        };
        // SAFETY: by `check` and the caller's assertions, all rows of this channel are within their slices.
        unsafe { for_each_vector(simd, &gradient, (channel, size), &mut sink) };
        sums.d += total(simd, simd.add(sink.d[0], sink.d[1]));
        sums.product += total(simd, simd.add(sink.product[0], sink.product[1]));
    }
}

/// Returns the sum of the lanes, in f64.
#[inline(always)]
pub(crate) fn total<S: PoolSimd>(simd: S, vector: S::Vector) -> f64 {
    let mut lanes = [0.0f32; 16];
    // SAFETY: a vector has at most sixteen values.
    unsafe { simd.store(lanes.as_mut_ptr(), vector) };
    let at = |lane: usize| f64::from(lanes[lane]) + f64::from(lanes[lane + 8]);
    // As a tree, so that additions are independent.
    ((at(0) + at(4)) + (at(2) + at(6))) + ((at(1) + at(5)) + (at(3) + at(7)))
}

/// Two chains per sum, so that additions are independent.
struct Sum<S: PoolSimd> {
    y: *const f32,
    width: usize,
    center: S::Vector,
    d: [S::Vector; 2],
    product: [S::Vector; 2],
}

impl<S: PoolSimd> Sink<S> for Sum<S> {
    #[inline(always)]
    unsafe fn accept(&mut self, simd: S, [row, column]: [usize; 2], d: S::Vector, count: usize) {
        // SAFETY: guaranteed by the caller.
        let y = unsafe { load(simd, self.y.add(row * self.width + column), count) };
        let chain = column / S::WIDTH % 2;
        self.d[chain] = simd.add(self.d[chain], d);
        self.product[chain] = simd.mul_add(d, simd.sub(y, self.center), self.product[chain]);
    }
}
