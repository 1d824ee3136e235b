//! Mean and variance of channels, merged from parts.

use super::epilogue::{Channel, load};
use super::gradient::ChannelGradient;
use super::gradient_sums::{GradientSums, total};
use super::pool_simd::PoolSimd;
use crate::simd::kernel;

/// Count, mean and sum of squared deviations of the values of a channel so far.
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
/// all.merge(&other);
/// assert_eq!((all.mean, all.variance()), (3.0, 14.0 / 3.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Number of values.
    pub count: u64,
    /// Mean of the values.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub squares: f64,
}

impl Moments {
    /// Merges the moments of other values into these.
    ///
    /// # Source
    /// Chan, Golub and LeVeque 1979.
    pub fn merge(&mut self, other: &Moments) {
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

    /// Adds one value.
    fn add_number(&mut self, y: f64) {
        self.count += 1;
        let apart = y - self.mean;
        self.mean += apart / self.count as f64;
        self.squares += apart * (y - self.mean);
    }

    /// Biased variance, used for normalization in training; 0 without values.
    pub fn variance(&self) -> f64 {
        self.squares / self.count.max(1) as f64
    }

    /// Unbiased estimate of the variance, used for the running variance.
    pub fn unbiased_variance(&self) -> f64 {
        self.squares / self.count.saturating_sub(1).max(1) as f64
    }
}

/// Running statistics of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunningStats {
    /// Running mean of the means.
    pub mean: f32,
    /// Running mean of the unbiased variances.
    pub variance: f32,
}

impl RunningStats {
    /// Updates the statistics with those of a batch: r = (1 - momentum) r + momentum r', as in PyTorch.
    pub fn update(&mut self, moments: &Moments, momentum: f64) {
        let step = |from: f32, to: f64| (f64::from(from) * (1.0 - momentum) + momentum * to) as f32;
        self.mean = step(self.mean, moments.mean);
        self.variance = step(self.variance, moments.unbiased_variance());
    }
}

impl Channel {
    /// (y - mean) / sqrt(variance + epsilon) weight + bias with the statistics of a batch, for training.
    pub fn from_batch(moments: &Moments, [weight, bias]: [f32; 2], epsilon: f64) -> Channel {
        let scale = f64::from(weight) / (moments.variance() + epsilon).sqrt();
        Channel { center: moments.mean as f32, scale: scale as f32, shift: bias }
    }

    /// (y - mean) / sqrt(variance + epsilon) weight + bias with the running statistics, for inference.
    pub fn from_running(running: RunningStats, [weight, bias]: [f32; 2], epsilon: f64) -> Channel {
        let scale = f64::from(weight) / (f64::from(running.variance) + epsilon).sqrt();
        Channel { center: running.mean, scale: scale as f32, shift: bias }
    }
}

impl ChannelGradient {
    /// Returns the backward pass of [`Channel::from_batch`], and the gradients w.r.t. weight and bias.
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
    /// Adds an example [C, N] to the moments of its channels, `[C]`.
    ///
    /// # Panics
    /// If the number of values is not a multiple of the number of channels.
    pub fn add_moments(example: &[f32], moments: &mut [Moments]) = add_moments_generic
}

/// Values per block: few enough for sums in f32, and for a second pass from the L1 cache.
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
    for channel in 0..moments.len() {
        let values = &example[channel * positions..][..positions];
        let mut start = 0;
        while start < positions {
            let block = &values[start..positions.min(start + BLOCK)];
            start += block.len();
            let count = block.len() as f64;
            let moments = &mut moments[channel];
            // Deviations from a value near the mean avoid cancellation.
            let center = (sums(simd, block, 0.0)[0] / count) as f32;
            let [sum, squares] = sums(simd, block, center);
            let apart = sum / count;
            moments.merge(&Moments {
                count: block.len() as u64,
                mean: f64::from(center) + apart,
                squares: (squares - apart * sum).max(0.0),
            });
        }
    }
}

/// Returns the sums of y - center and of its square, in four chains of vectors.
///
/// Chains are advanced in counted loops over indices: iterators over them are not inlined, and the sums leave their
/// registers.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "counted loops over constants become straight code")]
fn sums<S: PoolSimd>(simd: S, values: &[f32], center: f32) -> [f64; 2] {
    const CHAINS: usize = 4;
    let center = simd.splat(center);
    let mut chains = [[simd.splat(0.0); 2]; CHAINS];
    let (from, len) = (values.as_ptr(), values.len());
    let mut at = 0;
    while at + CHAINS * S::WIDTH <= len {
        for chain in 0..CHAINS {
            // SAFETY: a whole vector, by the condition of the loop.
            let apart = simd.sub(unsafe { simd.load(from.add(at + chain * S::WIDTH)) }, center);
            chains[chain] = [simd.add(chains[chain][0], apart), simd.mul_add(apart, apart, chains[chain][1])];
        }
        at += CHAINS * S::WIDTH;
    }
    for chain in 0..CHAINS {
        if at >= len {
            break;
        }
        let count = (len - at).min(S::WIDTH);
        // SAFETY: `count` values are left.
        let y = unsafe { load(simd, from.add(at), count) };
        let apart = simd.masked(simd.sub(y, center), ((1u32 << count) - 1) as u16);
        chains[chain] = [simd.add(chains[chain][0], apart), simd.mul_add(apart, apart, chains[chain][1])];
        at += count;
    }
    let [a, b, c, d] = chains;
    let sum = simd.add(simd.add(a[0], b[0]), simd.add(c[0], d[0]));
    let squares = simd.add(simd.add(a[1], b[1]), simd.add(c[1], d[1]));
    [total(simd, sum), total(simd, squares)]
}
