//! Speed perturbation.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};
use stapes_random::Rng;

use super::Augmentation;
use crate::draws::{AugmentKey, default_probability};
use crate::error::AugmentError;

/// Plays an example faster or slower: sample n of the result is at n s of the example, where s is a multiple of 0.01,
/// drawn for the example from a range.
///
/// L samples become ceil(L / s). Tempo and pitch change together. The filter is a Kaiser-windowed sinc with 16
/// samples of the lower rate on each side; it passes up to 0.78 of the lower Nyquist frequency and attenuates aliases
/// by 58 dB.
///
/// # Source
/// Ko et al. 2015, "Audio augmentation for speech recognition"
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum s, from 0.5 to 2; above 1 is faster.
    pub factor: [f32; 2],
}

const KEY: AugmentKey = AugmentKey("augment.waveform.speed");

impl SpeedConfig {
    pub(super) fn check(&self) -> Result<(), AugmentError> {
        KEY.check_probability(self.probability)?;
        KEY.check_range("factor", self.factor, [0.5, 2.0])?;
        let [low, high] = self.factor;
        match self.hundredths().is_empty() {
            true => Err(KEY.error("factor", format!("[{low}, {high}]"), "must contain a multiple of 0.01")),
            false => Ok(()),
        }
    }

    /// Returns the speeds of the range; a decimal limit is included, although its binary value may be outside.
    fn hundredths(&self) -> std::ops::RangeInclusive<usize> {
        let [low, high] = self.factor.map(|factor| f64::from(factor) * 100.0);
        (low - 1e-3).ceil() as usize..=(high + 1e-3).floor() as usize
    }

    pub(super) fn build(&self) -> Box<dyn Augmentation> {
        Box::new(Speed { filters: self.filters() })
    }

    /// Returns the filters of all speeds of the range.
    ///
    /// # Panics
    /// If the range is not within 0.5 to 2.
    ///
    /// # Example
    /// ```
    /// let config = stapes_augment::SpeedConfig { probability: 1.0, factor: [0.9, 1.1] };
    /// let filters = config.filters();
    /// assert_eq!((filters.len(), filters[0].factor()), (21, 0.9));
    /// assert_eq!(filters[0].apply(&[0.5; 900]).len(), 1000);
    /// ```
    pub fn filters(&self) -> Vec<SpeedFilter> {
        assert!(self.check().is_ok(), "speeds {:?}: must be within 0.5 to 2", self.factor);
        self.hundredths().map(SpeedFilter::new).collect()
    }
}

struct Speed {
    filters: Vec<SpeedFilter>,
}

impl Augmentation for Speed {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng) {
        let filter = &self.filters[stream.below(self.filters.len())];
        if filter.hundredths != WHOLE {
            *samples = filter.apply(samples);
        }
    }
}

/// Hundredths of a sample.
const WHOLE: usize = 100;
/// Length of the filter on each side, in samples of the lower rate.
const REACH: f64 = 16.0;
/// Middle of the transition band, relative to the lower Nyquist frequency.
const CUTOFF: f64 = 0.9;
/// Parameter of the Kaiser window: 60 dB.
const BETA: f64 = 5.65;
const LANES: usize = 8;

/// Filter that plays samples at another speed.
pub struct SpeedFilter {
    hundredths: usize,
    taps: usize,
    /// One row of taps for every hundredth of a sample between two samples.
    rows: Vec<f32>,
}

impl SpeedFilter {
    fn new(hundredths: usize) -> SpeedFilter {
        // Cutoff relative to the Nyquist frequency of the example.
        let cutoff = CUTOFF * (WHOLE as f64 / hundredths as f64).min(1.0);
        let half = ((REACH / cutoff * CUTOFF).ceil() as usize).next_multiple_of(LANES / 2);
        let taps = 2 * half;
        let mut rows = Vec::with_capacity(WHOLE * taps);
        for part in 0..WHOLE {
            let distance = |tap: usize| (tap as f64 + 1.0 - half as f64) - part as f64 / WHOLE as f64;
            let row: Vec<f64> =
                (0..taps).map(|tap| windowed_sinc(distance(tap), cutoff, half as f64)).collect();
            // A constant signal is preserved.
            let sum: f64 = row.iter().sum();
            rows.extend(row.iter().map(|tap| (tap / sum) as f32));
        }
        SpeedFilter { hundredths, taps, rows }
    }

    /// Returns the speed; above 1 is faster.
    pub fn factor(&self) -> f32 {
        self.hundredths as f32 / WHOLE as f32
    }

    /// Returns the samples at the speed of the filter: L become ceil(L / speed).
    pub fn apply(&self, samples: &[f32]) -> Vec<f32> {
        let SpeedFilter { hundredths, taps, .. } = *self;
        let before = taps / 2 - 1;
        let mut padded = vec![0.0; samples.len() + taps];
        padded[before..before + samples.len()].copy_from_slice(samples);
        let length = (samples.len() * WHOLE).div_ceil(hundredths);
        let (mut at, mut part) = (0, 0);
        let sample = |_| {
            let row = part * taps;
            let sample = dot(&padded[at..at + taps], &self.rows[row..row + taps]);
            part += hundredths;
            (at, part) = (at + part / WHOLE, part % WHOLE);
            sample
        };
        (0..length).map(sample).collect()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    // In pairs, because a chain of eight additions would take longer than the products.
    let fours: [f32; LANES / 2] = std::array::from_fn(|lane| sums[lane] + sums[lane + LANES / 2]);
    (fours[0] + fours[2]) + (fours[1] + fours[3])
}

/// Returns the filter at `distance` samples from its middle; it ends at `half` samples.
fn windowed_sinc(distance: f64, cutoff: f64, half: f64) -> f64 {
    let inside = 1.0 - (distance / half).powi(2);
    if inside < 0.0 {
        return 0.0;
    }
    let angle = PI * cutoff * distance;
    let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
    sinc * bessel_i0(BETA * inside.sqrt())
}

/// Returns the modified Bessel function of the first kind of order 0: the sum of ((x / 2)^k / k!)^2.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-12 * sum {
        term *= (x / 2.0 / k) * (x / 2.0 / k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// Returns a tone with this number of cycles per sample.
    fn tone(cycles: f64, length: usize) -> Vec<f32> {
        (0..length).map(|n| (TAU * cycles * n as f64).sin() as f32).collect()
    }

    #[test]
    fn speed_is_exact_at_every_sample_of_a_tone() {
        for hundredths in [50, 73, 90, 99, 101, 110, 125, 150, 200] {
            let speed = hundredths as f64 / 100.0;
            // Up to 0.78 of the Nyquist frequency of the example and of the result.
            for cycles in [0.01, 0.15, 0.39 / speed.max(1.0)] {
                let fast = SpeedFilter::new(hundredths).apply(&tone(cycles, 4000));
                assert_eq!(fast.len(), 400_000usize.div_ceil(hundredths));
                let expected = tone(cycles * speed, fast.len());
                let inner = 200..fast.len() - 200;
                let errors = inner.map(|n| (fast[n] - expected[n]).abs());
                let largest = errors.fold(0.0, f32::max);
                assert!(largest < 2e-3, "{speed} at {cycles}: {largest}");
            }
        }
    }

    #[test]
    fn aliases_are_attenuated_by_58_db() {
        for (hundredths, cycles) in [(200, 0.26), (200, 0.4), (125, 0.42), (110, 0.475)] {
            let fast = SpeedFilter::new(hundredths).apply(&tone(cycles, 8000));
            let inner = &fast[200..fast.len() - 200];
            let loudest = inner.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
            assert!(loudest < 1.26e-3, "{hundredths} at {cycles}: {loudest}");
        }
    }

    #[test]
    fn the_speeds_of_a_range_are_its_hundredths() {
        let config = |factor| SpeedConfig { probability: 1.0, factor };
        assert_eq!(config([0.9, 1.1]).hundredths(), 90..=110);
        assert_eq!(config([1.004, 1.016]).hundredths(), 101..=101);
        assert!(config([0.9, 1.1]).check().is_ok());
        let error = config([1.004, 1.006]).check().unwrap_err().to_string();
        assert_eq!(error, "augment.waveform.speed.factor = [1.004, 1.006]: must contain a multiple of 0.01");
    }

    #[test]
    fn i0_agrees_with_its_table() {
        // Abramowitz and Stegun, table 9.8: exp(-x) I0(x).
        for (x, expected) in [(0.0, 1.0), (1.0, 0.465_759_607_7), (5.0, 0.183_540_812_6)] {
            assert!((bessel_i0(x) * (-x).exp() - expected).abs() < 1e-9, "{x}");
        }
    }
}
