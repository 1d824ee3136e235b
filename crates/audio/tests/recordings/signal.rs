//! Signal of the fixtures, and its distance from a decoded signal.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

/// Returns the path of a file made by `fixtures/make.py`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Input of the encoder with `width` bytes per sample; its tone rises until the end at `length` samples of `rate_hz`.
pub(crate) struct Signal {
    pub(crate) length: usize,
    pub(crate) rate_hz: f64,
    pub(crate) width: i32,
}

impl Signal {
    fn sample(&self, n: f64, tone_hz: f64) -> f64 {
        let seconds = n / self.rate_hz;
        let rise = 200.0 * seconds + 1400.0 * seconds * seconds / (self.length as f64 / self.rate_hz);
        0.4 * (TAU * rise).sin() + 0.2 * (TAU * tone_hz * seconds).sin()
    }

    /// Returns the mean of the first channels, each rounded to its width, as fractions of full scale.
    pub(crate) fn rounded(&self, channels: usize) -> Vec<f32> {
        let full = 2f64.powi(8 * self.width - 1);
        let sample = |n, channel: usize| {
            ((full - 1.0) * self.sample(n as f64, 440.0 + 220.0 * channel as f64) + 0.5).floor() / full
        };
        let mean = |n| (0..channels).map(|channel| sample(n, channel)).sum::<f64>() / channels as f64;
        (0..self.length).map(|n| mean(n) as f32).collect()
    }

    /// Returns the mean of the first channels at another rate, not rounded.
    pub(crate) fn at(&self, rate_hz: f64, channels: usize) -> Vec<f64> {
        let length = (self.length as f64 * rate_hz / self.rate_hz).ceil() as usize;
        let sample = |n: usize, channel: usize| {
            self.sample(n as f64 * self.rate_hz / rate_hz, 440.0 + 220.0 * channel as f64)
        };
        let mean = |n| (0..channels).map(|channel| sample(n, channel)).sum::<f64>() / channels as f64;
        (0..length).map(mean).collect()
    }
}

/// Returns the signal-to-noise ratio of the decoded signal, in dB.
pub(crate) fn signal_to_noise(original: &[f64], decoded: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let noise = power(&mut original.iter().zip(decoded).map(|(a, &b)| a - f64::from(b)));
    10.0 * (power(&mut original.iter().copied()) / noise).log10()
}

/// Returns the lag, up to `max_lag` samples either way, with the highest cross-correlation.
pub(crate) fn best_lag(original: &[f64], decoded: &[f32], max_lag: isize) -> isize {
    let product = |lag: isize| {
        let pairs = original.iter().enumerate().map(|(n, a)| {
            let other = usize::try_from(n as isize + lag).ok().and_then(|n| decoded.get(n));
            a * f64::from(other.copied().unwrap_or(0.0))
        });
        pairs.sum::<f64>()
    };
    (-max_lag..=max_lag).max_by(|&a, &b| product(a).total_cmp(&product(b))).unwrap_or(0)
}
