//! Sample rate conversion while samples arrive.

use std::collections::TryReserveError;

use crate::AudioError;
use crate::block_filter::BlockFilter;
use crate::clip::are_finite;

/// Length of the filter at the lower of the two rates, in samples: passes up to 97 % of the lower Nyquist frequency and
/// removes everything above it.
const FILTER_SAMPLES: usize = 1024;
/// The transform spans at least one common period of both rates, and the result grows with their ratio; the limit
/// bounds the memory that a header can request.
const RATES_HZ: std::ops::RangeInclusive<u32> = 100..=1_000_000;

/// Sample rate converter for samples that arrive in chunks of any size.
///
/// The result is that of [`Clip::resampled`](crate::Clip::resampled), bit for bit. Samples are converted in blocks of a common
/// period of both rates and at least 1,024 samples of the lower rate, so a sample of the result is known up to two blocks later.
///
/// # Example
/// ```
/// use stapes_audio::{Clip, StreamResampler};
///
/// let samples: Vec<f32> = (0..8000).map(|n| (n as f32 * 0.1).sin()).collect();
/// let mut resampler = StreamResampler::new(8000, 16_000)?;
/// let mut found = Vec::new();
/// for chunk in samples.chunks(1000) {
///     resampler.push(chunk, &mut found)?;
/// }
/// resampler.finish(&mut found)?;
/// assert_eq!(found, Clip { samples, sample_rate_hz: 8000 }.resampled(16_000)?.samples);
/// # Ok::<(), stapes_audio::AudioError>(())
/// ```
pub struct StreamResampler {
    from_hz: u32,
    to_hz: u32,
    /// `None` for equal rates.
    filter: Option<Filter>,
    /// Number of samples so far.
    samples: u64,
    /// Number of samples of the result so far.
    written: u64,
}

struct Filter {
    blocks: BlockFilter,
    /// Samples of the next block.
    input: Vec<f64>,
    /// Result of a block.
    output: Vec<f64>,
    /// Number of samples of a block.
    block: usize,
    /// Number of samples of the result that belong to the delay of the filter.
    delay: usize,
}

impl StreamResampler {
    /// Creates a converter between two rates.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`AudioError::Resample`] for a rate below 100 Hz or above 1 MHz, or if the filter does not fit in memory.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<StreamResampler, AudioError> {
        let error = |reason: String| AudioError::Resample { from_hz, to_hz, reason };
        if !RATES_HZ.contains(&from_hz) || !RATES_HZ.contains(&to_hz) {
            let (lowest, highest) = RATES_HZ.into_inner();
            return Err(error(format!("both rates must be within {lowest}..={highest} Hz")));
        }
        let filter = match from_hz == to_hz {
            true => None,
            false => Some(Filter::new(from_hz, to_hz).map_err(|full| error(full.to_string()))?),
        };
        Ok(StreamResampler { from_hz, to_hz, filter, samples: 0, written: 0 })
    }

    /// Returns the number of samples that are converted at once, at the higher of the two rates; 0 for equal rates. Time and
    /// memory grow with it: it is large for rates with a small common divisor.
    ///
    /// # Units
    /// Hz
    ///
    /// # Example
    /// ```
    /// use stapes_audio::StreamResampler;
    ///
    /// assert_eq!(StreamResampler::block_samples(48_000, 16_000), 3072);
    /// assert_eq!(StreamResampler::block_samples(767_957, 16_000), 1_535_914);
    /// ```
    pub fn block_samples(from_hz: u32, to_hz: u32) -> usize {
        match from_hz == to_hz {
            true => 0,
            false => block(from_hz, to_hz).into_iter().fold(0, usize::max),
        }
    }

    /// Adds samples, and appends the samples that are known now.
    ///
    /// # Errors
    /// [`AudioError::Resample`] if a sample is not finite.
    pub fn push(&mut self, samples: &[f32], to: &mut Vec<f32>) -> Result<(), AudioError> {
        if !are_finite(samples) {
            let at = samples.iter().position(|sample| !sample.is_finite()).unwrap_or_default();
            let reason =
                format!("sample {} is {}, not a finite number", self.samples + at as u64, samples[at]);
            return Err(self.error(reason));
        }
        self.samples += samples.len() as u64;
        let before = to.len();
        match &mut self.filter {
            None => to.extend_from_slice(samples),
            Some(filter) => filter.push(samples, to),
        }
        self.written += (to.len() - before) as u64;
        Ok(())
    }

    /// Ends the samples, and appends the rest: in total ceil(samples * new / old).
    ///
    /// # Errors
    /// [`AudioError::Resample`] if the filter fails.
    pub fn finish(mut self, to: &mut Vec<f32>) -> Result<(), AudioError> {
        let Some(mut filter) = self.filter.take() else { return Ok(()) };
        // Fits: both factors of the product are below 2^64 and the quotient is at most 10,000 times the number of samples.
        let total =
            (u128::from(self.samples) * u128::from(self.to_hz)).div_ceil(u128::from(self.from_hz)) as u64;
        let mut left = (total - self.written.min(total)) as usize;
        let mut rest = Vec::new();
        // Zeros until the last sample has passed the filter.
        while rest.len() < left {
            let zeros = vec![0.0; filter.block - filter.input.len()];
            filter.push(&zeros, &mut rest);
        }
        left = left.min(rest.len());
        to.extend_from_slice(&rest[..left]);
        Ok(())
    }

    fn error(&self, reason: String) -> AudioError {
        AudioError::Resample { from_hz: self.from_hz, to_hz: self.to_hz, reason }
    }
}

impl Filter {
    /// Creates a filter whose delay is a whole number of samples at both rates.
    fn new(from_hz: u32, to_hz: u32) -> Result<Filter, TryReserveError> {
        let [block, block_out] = block(from_hz, to_hz);
        // Memory for the filter and its tables, about; it is released again.
        Vec::<f64>::new().try_reserve_exact(8 * (block + block_out))?;
        let blocks = BlockFilter::new(block, block_out);
        let (input, output) = (Vec::with_capacity(block), vec![0.0; block_out]);
        Ok(Filter { input, output, block, delay: blocks.delay(), blocks })
    }

    /// Converts the blocks that are complete.
    fn push(&mut self, mut samples: &[f32], to: &mut Vec<f32>) {
        while !samples.is_empty() {
            let count = samples.len().min(self.block - self.input.len());
            self.input.extend(samples[..count].iter().map(|&sample| f64::from(sample)));
            samples = &samples[count..];
            if self.input.len() == self.block {
                self.blocks.convert(&self.input, &mut self.output);
                self.input.clear();
                let skipped = self.delay.min(self.output.len());
                self.delay -= skipped;
                to.extend(self.output[skipped..].iter().map(|&sample| sample as f32));
            }
        }
    }
}

/// Returns the number of samples of a block at both rates, which are above 0.
fn block(from_hz: u32, to_hz: u32) -> [usize; 2] {
    let divisor = greatest_common_divisor(from_hz, to_hz).max(1);
    let [period_in, period_out] = [from_hz, to_hz].map(|hz| (hz / divisor) as usize);
    // The delay is half a block; an even number of periods makes the blocks at both rates even.
    let periods = FILTER_SAMPLES.div_ceil(period_in.min(period_out).max(1)).next_multiple_of(2);
    [period_in, period_out].map(|period| periods * period)
}

pub(crate) fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
