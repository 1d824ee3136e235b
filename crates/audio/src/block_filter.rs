//! The filter of the sample rate converter: blocks at one rate to blocks at another.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use stapes_fft::{Complex, Fft, Number};

type Transform = Arc<dyn Fft<f64>>;

/// Converter of blocks of N samples to blocks of M samples of the same duration.
///
/// A block, padded to 2 N, is multiplied by a windowed sinc in the frequency domain; the spectrum is cut or padded to that of
/// 2 M samples, whose second half is added to the next block. The filter, its cutoff frequency and the blocks are those of
/// rubato's `Fft` resampler, so its results are the same.
pub(crate) struct BlockFilter {
    forward: HalfTransform,
    inverse: HalfTransform,
    /// Spectrum of the filter, [N + 1].
    filter: Vec<Complex<f64>>,
    /// Spectrum of a block, [max(N, M) + 1].
    spectrum: Vec<Complex<f64>>,
    /// Second half of the last block, [M].
    overlap: Vec<f64>,
}

/// Transform of 2 N real numbers as N complex ones: z\[n\] = x\[2 n\] + i x\[2 n + 1\].
struct HalfTransform {
    transform: Transform,
    /// exp(-2 pi i k / 2 N), [N].
    twiddles: Vec<Complex<f64>>,
    packed: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl HalfTransform {
    fn new(transform: Transform) -> HalfTransform {
        let length = transform.len();
        let twiddle = |k: usize| Complex::cis(-TAU * k as f64 / (2 * length) as f64);
        HalfTransform {
            twiddles: (0..length).map(twiddle).collect(),
            packed: vec![Complex::default(); length],
            scratch: vec![Complex::default(); transform.get_inplace_scratch_len()],
            transform,
        }
    }

    /// Computes the bins 0..=N of samples that are followed by zeros.
    ///
    /// # Shapes
    /// samples \[at most 2 N\] -> spectrum \[N + 1\]
    fn forward(&mut self, samples: &[f64], spectrum: &mut [Complex<f64>]) {
        let HalfTransform { transform, twiddles, packed, scratch } = self;
        let mut pairs = samples.chunks(2);
        for z in packed.iter_mut() {
            *z = pairs.next().map_or(Complex::default(), |pair| {
                Complex::new(pair[0], pair.get(1).copied().unwrap_or_default())
            });
        }
        transform.process_with_scratch(packed, scratch);
        let length = packed.len();
        for k in 0..=length {
            let (z, mirrored) = (packed[k % length], packed[(length - k) % length].conj());
            let twiddle = if k == length { Complex::new(-1.0, 0.0) } else { twiddles[k] };
            let odd = (z - mirrored) * Complex::new(0.0, -0.5);
            spectrum[k] = (z + mirrored) * 0.5 + odd * twiddle;
        }
    }

    /// Returns 2 N samples as pairs, times 2 N, from the bins 0..=N.
    fn inverse(&mut self, spectrum: &[Complex<f64>]) -> &[Complex<f64>] {
        let HalfTransform { transform, twiddles, packed, scratch } = self;
        let length = packed.len();
        for (k, z) in packed.iter_mut().enumerate() {
            let (x, mirrored) = (spectrum[k], spectrum[length - k].conj());
            let odd = (x - mirrored) * twiddles[k].conj();
            *z = x + mirrored + odd * Complex::i();
        }
        transform.process_with_scratch(packed, scratch);
        packed
    }
}

impl BlockFilter {
    /// Creates a filter for blocks of `block_in` and `block_out` samples.
    pub(crate) fn new(block_in: usize, block_out: usize) -> BlockFilter {
        let mut forward = HalfTransform::new(f64::forward(block_in));
        let mut spectrum = vec![Complex::default(); block_in.max(block_out) + 1];
        let scale = 1.0 / (2 * block_in) as f64;
        let taps: Vec<f64> = windowed_sinc(block_in, block_out).into_iter().map(|tap| tap * scale).collect();
        forward.forward(&taps, &mut spectrum);
        BlockFilter {
            filter: spectrum[..=block_in].to_vec(),
            forward,
            inverse: HalfTransform::new(f64::inverse(block_out)),
            spectrum,
            overlap: vec![0.0; block_out],
        }
    }

    /// Returns the number of samples of the result that come before that of the first sample.
    pub(crate) fn delay(&self) -> usize {
        self.overlap.len() / 2
    }

    /// Converts a block.
    ///
    /// # Shapes
    /// input \[N\] -> output \[M\]
    pub(crate) fn convert(&mut self, input: &[f64], output: &mut [f64]) {
        let (block_in, block_out) = (self.filter.len() - 1, self.overlap.len());
        self.forward.forward(input, &mut self.spectrum);
        // The Nyquist bin of the lower rate is removed if it is that of the result.
        let kept = if block_in < block_out { block_in + 1 } else { block_out };
        let passed = self.spectrum[..kept].iter_mut().zip(&self.filter);
        passed.for_each(|(bin, filter)| *bin *= filter);
        self.spectrum[kept..].fill(Complex::default());
        let pairs = self.inverse.inverse(&self.spectrum[..=block_out]);
        let mut samples = pairs.iter().flat_map(|pair| [pair.re, pair.im]);
        for (sample, overlap) in output.iter_mut().zip(&self.overlap) {
            *sample = samples.next().unwrap_or_default() + overlap;
        }
        self.overlap.iter_mut().zip(samples).for_each(|(overlap, sample)| *overlap = sample);
    }
}

/// Returns a sinc with the sum 1, windowed by a squared periodic Blackman-Harris window.
fn windowed_sinc(block_in: usize, block_out: usize) -> Vec<f64> {
    let lower = block_in.min(block_out) as f32;
    // rubato's fit of the frequency from which this window passes nothing above Nyquist; it computes in f32.
    let cutoff =
        1.0 / (13.745_203 / lower + 121.735_33 / (lower * lower) + 5964.163 / (lower * lower * lower) + 1.0);
    let cutoff =
        f64::from(if block_in > block_out { cutoff * block_out as f32 / block_in as f32 } else { cutoff });
    let tap = |n: usize| {
        let turn = TAU * n as f64 / block_in as f64;
        let window =
            0.35875 - 0.48829 * turn.cos() + 0.14128 * (2.0 * turn).cos() - 0.01168 * (3.0 * turn).cos();
        let x = PI * (n as f64 - (block_in / 2) as f64) * cutoff;
        let sinc = if x == 0.0 { 1.0 } else { x.sin() / x };
        window * window * sinc
    };
    let taps: Vec<f64> = (0..block_in).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|tap| tap / sum).collect()
}
