//! A telephone line.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};
use stapes_random::Stream;

use super::Change;
use crate::augment::draw::{Entry, always, between};
use crate::error::DataError;

/// Leaves of an example what a telephone line does: the band between two limits that are drawn for it, and where asked
/// for the 8 bits of the mu-law.
///
/// Each limit is a Butterworth filter of order 4, of two biquads by the bilinear transform: 3 dB down at the limit, 24 dB
/// an octave beyond it. It delays, and phases turn, as on the line.
///
/// With `mu_law` a sample x, held to [-1, 1], becomes one of 255 values, with y = sign(x) ln(1 + 255 |x|) / ln 256
/// rounded to 127ths; zero stays zero.
///
/// # Source
/// Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients"; ITU-T G.711, whose mu-law this
/// is without its segments
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodecConfig {
    /// How often an example goes through the line, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The least and the greatest lower limit, in Hz; 300 on most lines.
    pub low_hz: [f32; 2],
    /// The least and the greatest upper limit, in Hz, above the lower limits and below half the rate; 3400 on most lines.
    pub high_hz: [f32; 2],
    /// Whether samples are rounded as the mu-law does.
    #[serde(default)]
    pub mu_law: bool,
}

const ENTRY: Entry = Entry("augment.waveform.codec");

impl CodecConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        ENTRY.probability(self.probability)?;
        ENTRY.range("low_hz", self.low_hz, [1.0, 1e6])?;
        ENTRY.range("high_hz", self.high_hz, [1.0, 1e6])?;
        match self.low_hz[1] < self.high_hz[0] {
            true => Ok(()),
            false => {
                let rule = "must lie above all of low_hz: the band is between the two";
                Err(ENTRY.refuse("high_hz", format!("[{}, {}]", self.high_hz[0], self.high_hz[1]), rule))
            }
        }
    }

    pub(super) fn prepared(&self, rate_hz: u32) -> Result<Box<dyn Change>, DataError> {
        let [low, high] = self.high_hz;
        if high >= rate_hz as f32 / 2.0 {
            let rule = format!("must lie below half the rate of the samples, {rate_hz} Hz");
            return Err(ENTRY.refuse("high_hz", format!("[{low}, {high}]"), &rule));
        }
        let mu_law = self.mu_law.then(mu_law_values);
        Ok(Box::new(Codec { config: self.clone(), rate_hz: f64::from(rate_hz), mu_law }))
    }
}

struct Codec {
    config: CodecConfig,
    rate_hz: f64,
    /// The values that it rounds to, if it does.
    mu_law: Option<[f32; LEVELS + 1]>,
}

impl Change for Codec {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Stream) {
        let [low, high] = [self.config.low_hz, self.config.high_hz]
            .map(|range| TAU * f64::from(between(range, stream)) / self.rate_hz);
        let mut sections = [
            Biquad::new(low, BUTTERWORTH[0], true),
            Biquad::new(low, BUTTERWORTH[1], true),
            Biquad::new(high, BUTTERWORTH[0], false),
            Biquad::new(high, BUTTERWORTH[1], false),
        ];
        for sample in samples.iter_mut() {
            let mut value = f64::from(*sample);
            for section in &mut sections {
                value = section.step(value);
            }
            *sample = value as f32;
        }
        if let Some(values) = &self.mu_law {
            samples.iter_mut().for_each(|sample| *sample = rounded(*sample, values));
        }
    }
}

/// 1 / (2 cos(pi / 8)) and 1 / (2 cos(3 pi / 8)): the quality of the two sections of a filter of order 4.
const BUTTERWORTH: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_5];

/// A section of order 2, in the transposed direct form II.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    /// At `limit` radians a sample.
    fn new(limit: f64, quality: f64, high_pass: bool) -> Biquad {
        let (sine, cosine) = limit.sin_cos();
        let alpha = sine / (2.0 * quality);
        let (edge, middle) = if high_pass {
            ((1.0 + cosine) / 2.0, -(1.0 + cosine))
        } else {
            ((1.0 - cosine) / 2.0, 1.0 - cosine)
        };
        let a0 = 1.0 + alpha;
        Biquad {
            b: [edge / a0, middle / a0, edge / a0],
            a: [-2.0 * cosine / a0, (1.0 - alpha) / a0],
            state: [0.0; 2],
        }
    }

    fn step(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state = [self.b[1] * x - self.a[0] * y + self.state[1], self.b[2] * x - self.a[1] * y];
        y
    }
}

const LEVELS: usize = 127;

/// |x| by |y| in 127ths.
fn mu_law_values() -> [f32; LEVELS + 1] {
    std::array::from_fn(|level| ((256.0f64.powf(level as f64 / LEVELS as f64) - 1.0) / 255.0) as f32)
}

fn rounded(x: f32, values: &[f32; LEVELS + 1]) -> f32 {
    let y = (1.0 + 255.0 * x.abs().min(1.0)).ln() * (LEVELS as f32 / 256.0f32.ln());
    values[(y.round() as usize).min(LEVELS)].copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By how much a tone comes out of the line weaker, in dB.
    fn loss(config: &CodecConfig, hz: f64) -> f64 {
        let rate_hz = 16_000;
        let line = config.prepared(rate_hz).unwrap();
        let tone: Vec<f32> =
            (0..rate_hz).map(|n| (TAU * hz * f64::from(n) / f64::from(rate_hz)).sin() as f32).collect();
        let mut samples = tone.clone();
        line.apply(&mut samples, &mut Stream::new(1, "line"));
        let energy = |samples: &[f32]| samples[8000..].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        10.0 * (energy(&tone) / energy(&samples)).log10()
    }

    #[test]
    fn the_band_is_left_and_what_lies_beyond_falls_by_24_db_an_octave() {
        let config = CodecConfig {
            probability: 1.0,
            low_hz: [300.0, 300.0],
            high_hz: [3400.0, 3400.0],
            mu_law: false,
        };
        for (hz, expected, tolerance) in [
            (1000.0, 0.0, 0.05),
            (600.0, 0.02, 0.05),
            (2000.0, 0.02, 0.1),
            (300.0, 3.01, 0.05),
            (3400.0, 3.01, 0.05),
            (150.0, 24.1, 0.3),
            (75.0, 48.2, 0.5),
        ] {
            let loss = loss(&config, hz);
            assert!((loss - expected).abs() < tolerance, "{hz} Hz: {loss} dB for {expected}");
        }
        // The bilinear transform falls faster near half the rate.
        assert!(loss(&config, 6800.0) > 24.0);
    }

    #[test]
    fn the_mu_law_keeps_zero_and_the_full_scale_and_is_finer_for_soft_samples() {
        let values = mu_law_values();
        assert_eq!([0.0, 1.0, -1.0, 3.0].map(|x| rounded(x, &values)), [0.0, 1.0, -1.0, 1.0]);
        let mut distinct: Vec<u32> = Vec::new();
        for n in -10_000i32..=10_000 {
            let x = n as f32 / 10_000.0;
            let got = rounded(x, &values);
            // Half a step: ln 256 / 254 of |x| + 1 / 255.
            assert!((got - x).abs() <= 0.0222 * (x.abs() + 1.0 / 255.0), "{x}: {got}");
            distinct.push((got + 0.0).to_bits());
        }
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 255);
    }

    #[test]
    fn limits_that_no_filter_can_have_are_refused() {
        let config =
            CodecConfig { probability: 1.0, low_hz: [200.0, 400.0], high_hz: [3000.0, 4000.0], mu_law: true };
        let error = config.prepared(8000).err().unwrap().to_string();
        assert_eq!(
            error,
            "augment.waveform.codec.high_hz = [3000, 4000]: must lie below half the rate of the samples, 8000 Hz"
        );
        assert!(config.prepared(16_000).is_ok());
        let crossed = CodecConfig { low_hz: [200.0, 3000.0], ..config };
        assert!(
            crossed.check().unwrap_err().to_string().contains("codec.high_hz = [3000, 4000]: must lie above")
        );
    }
}
