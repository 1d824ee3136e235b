//! Mean and variance of channels, put together from parts.

use super::epilogue::{Channel, load};
use super::epilogue_backward::ChannelGradient;
use super::gradient_sums::{GradientSums, total};
use super::pool_simd::PoolSimd;
use crate::simd::kernel;

/// Count, mean and sum of squared distances from the mean of a channel's numbers seen so far.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
/// use stapes_kernels::norm::{Moments, add_moments};
///
/// let mut shards = [[Moments::default(); 1]; 2];
/// add_moments(InstructionSet::best(), &[1.0, 2.0], &mut shards[0]);
/// add_moments(InstructionSet::best(), &[6.0], &mut shards[1]);
/// let [[mut all], [other]] = shards;
/// all.add(&other);
/// assert_eq!((all.mean, all.variance()), (3.0, 14.0 / 3.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many numbers.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The sum of their squared distances from it.
    pub squares: f64,
}

impl Moments {
    /// Takes in the moments of other numbers.
    ///
    /// # Source
    /// Chan, Golub and LeVeque 1979.
    pub fn add(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let count = self.count + other.count;
        let part = other.count as f64 / count as f64;
        let apart = other.mean - self.mean;
        self.mean += apart * part;
        self.squares += other.squares + apart * apart * part * self.count as f64;
        self.count = count;
    }

    /// Takes in one number.
    fn add_number(&mut self, y: f64) {
        self.count += 1;
        let apart = y - self.mean;
        self.mean += apart / self.count as f64;
        self.squares += apart * (y - self.mean);
    }

    /// The mean squared distance from the mean, by which training normalises; 0 without numbers.
    pub fn variance(&self) -> f64 {
        self.squares / self.count.max(1) as f64
    }

    /// The variance of what the numbers are a sample of, which the running variance follows.
    pub fn unbiased_variance(&self) -> f64 {
        self.squares / self.count.saturating_sub(1).max(1) as f64
    }
}

/// The running statistics of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunningStats {
    /// Of the means.
    pub mean: f32,
    /// Of the unbiased variances.
    pub variance: f32,
}

impl RunningStats {
    /// One step towards a batch's statistics: r = (1 - momentum) r + momentum r', as PyTorch has it.
    pub fn update(&mut self, moments: &Moments, momentum: f64) {
        let step = |from: f32, to: f64| (f64::from(from) * (1.0 - momentum) + momentum * to) as f32;
        self.mean = step(self.mean, moments.mean);
        self.variance = step(self.variance, moments.unbiased_variance());
    }
}

impl Channel {
    /// (y - mean) / sqrt(variance + epsilon) weight + bias with a batch's statistics.
    pub fn from_batch(moments: &Moments, [weight, bias]: [f32; 2], epsilon: f64) -> Channel {
        let scale = f64::from(weight) / (moments.variance() + epsilon).sqrt();
        Channel { center: moments.mean as f32, scale: scale as f32, shift: bias }
    }

    /// The same with the running statistics: inference.
    pub fn from_running(running: RunningStats, [weight, bias]: [f32; 2], epsilon: f64) -> Channel {
        let scale = f64::from(weight) / (f64::from(running.variance) + epsilon).sqrt();
        Channel { center: running.mean, scale: scale as f32, shift: bias }
    }
}

impl ChannelGradient {
    /// The way back through [`Channel::from_batch`]; also returns the gradients by weight and bias.
    pub fn from_batch(
        moments: &Moments,
        weight: f32,
        epsilon: f64,
        sums: &GradientSums,
    ) -> (ChannelGradient, [f32; 2]) {
        let inverse = 1.0 / (moments.variance() + epsilon).sqrt();
        let scale = f64::from(weight) * inverse;
        let count = moments.count.max(1) as f64;
        let gradient = ChannelGradient {
            center: moments.mean as f32,
            scale: scale as f32,
            slope: (-scale * inverse * inverse * sums.product / count) as f32,
            shift: (-scale * sums.d / count) as f32,
        };
        (gradient, [(sums.product * inverse) as f32, sums.d as f32])
    }
}

kernel! {
    /// Takes an example [C, N] into the moments of its channels, `[C]`.
    ///
    /// # Panics
    /// If the channels do not divide the example's numbers.
    pub fn add_moments(example: &[f32], moments: &mut [Moments]) = add_moments_generic
}

/// Numbers of a block: few enough for sums in f32, and for the first cache to hold them for a second pass.
const BLOCK: usize = 4096;

#[inline(always)]
fn add_moments_generic<S: PoolSimd>(simd: S, example: &[f32], moments: &mut [Moments]) {
    let positions = example.len().checked_div(moments.len()).unwrap_or(0);
    assert_eq!(positions * moments.len(), example.len(), "an example of {} channels", moments.len());
    if positions == 0 {
        return;
    }
    if positions == 1 {
        return example.iter().zip(moments).for_each(|(&y, moments)| moments.add_number(y.into()));
    }
    for (numbers, moments) in example.chunks_exact(positions).zip(moments) {
        for block in numbers.chunks(BLOCK) {
            let count = block.len() as f64;
            // About a number near the mean the squares do not cancel.
            let center = (sums(simd, block, 0.0)[0] / count) as f32;
            let [sum, squares] = sums(simd, block, center);
            let apart = sum / count;
            moments.add(&Moments {
                count: block.len() as u64,
                mean: f64::from(center) + apart,
                squares: (squares - apart * sum).max(0.0),
            });
        }
    }
}

/// The sums of y - center and of its square, in four chains of vectors.
#[inline(always)]
fn sums<S: PoolSimd>(simd: S, numbers: &[f32], center: f32) -> [f64; 2] {
    const CHAINS: usize = 4;
    let center = simd.splat(center);
    let mut chains = [[simd.splat(0.0); 2]; CHAINS];
    let mut parts = numbers.chunks_exact(CHAINS * S::WIDTH);
    for part in &mut parts {
        for (chain, part) in chains.iter_mut().zip(part.chunks_exact(S::WIDTH)) {
            // SAFETY: a whole vector.
            let apart = simd.sub(unsafe { simd.load(part.as_ptr()) }, center);
            *chain = [simd.add(chain[0], apart), simd.mul_add(apart, apart, chain[1])];
        }
    }
    for (chain, part) in chains.iter_mut().zip(parts.remainder().chunks(S::WIDTH)) {
        // SAFETY: at most a vector's numbers.
        let y = unsafe { load(simd, part.as_ptr(), part.len()) };
        let apart = simd.masked(simd.sub(y, center), ((1u32 << part.len()) - 1) as u16);
        *chain = [simd.add(chain[0], apart), simd.mul_add(apart, apart, chain[1])];
    }
    let [a, b, c, d] = chains;
    let sum = simd.add(simd.add(a[0], b[0]), simd.add(c[0], d[0]));
    let squares = simd.add(simd.add(a[1], b[1]), simd.add(c[1], d[1]));
    [total(simd, sum), total(simd, squares)]
}
