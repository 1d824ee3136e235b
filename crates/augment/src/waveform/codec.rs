//! Telephone band-pass and mu-law.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};
use stapes_random::Rng;

use super::Augmentation;
use crate::draws::{AugmentKey, default_probability, uniform};
use crate::error::AugmentError;

/// Simulates a telephone line: a band-pass with two limits drawn for the example, and optionally the 8 bits of the
/// mu-law.
///
/// Each limit is a Butterworth filter of order 4, made of two biquads by the bilinear transform: -3 dB at the limit,
/// -24 dB per octave beyond it. It delays the signal and changes phases, like a telephone line.
///
/// With `mu_law`, a sample x, clipped to [-1, 1], becomes one of 255 values: y = sign(x) ln(1 + 255 |x|) / ln 256,
/// rounded to 127ths; zero stays zero.
///
/// # Source
/// Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients"; ITU-T G.711, whose mu-law is
/// approximated without segments
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodecConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum of the lower limit, in Hz; 300 on most telephone lines.
    pub low_hz: [f32; 2],
    /// Minimum and maximum of the upper limit, in Hz, above the lower limits and below half the sample rate; 3400 on
    /// most telephone lines.
    pub high_hz: [f32; 2],
    /// Rounds samples by the mu-law.
    #[serde(default)]
    pub mu_law: bool,
}

const KEY: AugmentKey = AugmentKey("augment.waveform.codec");

impl CodecConfig {
    pub(super) fn check(&self) -> Result<(), AugmentError> {
        KEY.check_probability(self.probability)?;
        KEY.check_range("low_hz", self.low_hz, [1.0, 1e6])?;
        KEY.check_range("high_hz", self.high_hz, [1.0, 1e6])?;
        match self.low_hz[1] < self.high_hz[0] {
            true => Ok(()),
            false => {
                let rule = "must be above low_hz";
                Err(KEY.error("high_hz", format!("[{}, {}]", self.high_hz[0], self.high_hz[1]), rule))
            }
        }
    }

    pub(super) fn build(&self, rate_hz: u32) -> Result<Box<dyn Augmentation>, AugmentError> {
        let [low, high] = self.high_hz;
        if high >= rate_hz as f32 / 2.0 {
            let rule = format!("must be below half the sample rate of {rate_hz} Hz");
            return Err(KEY.error("high_hz", format!("[{low}, {high}]"), &rule));
        }
        let mu_law = self.mu_law.then(mu_law_values);
        Ok(Box::new(Codec { config: self.clone(), rate_hz: f64::from(rate_hz), mu_law }))
    }
}

struct Codec {
    config: CodecConfig,
    rate_hz: f64,
    /// Quantized values, for the mu-law.
    mu_law: Option<[f32; LEVELS + 1]>,
}

impl Augmentation for Codec {
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng) {
        let [low, high] = [self.config.low_hz, self.config.high_hz]
            .map(|range| TAU * f64::from(uniform(range, stream)) / self.rate_hz);
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

/// 1 / (2 cos(pi / 8)) and 1 / (2 cos(3 pi / 8)): quality factors of the two sections of a filter of order 4.
const BUTTERWORTH: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_5];

/// Section of order 2, in the transposed direct form II.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    /// Returns a section with its limit in radians per sample.
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

/// Decoded |x| for each |y| in 127ths.
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

    /// Returns the attenuation of a tone, in dB.
    fn attenuation(config: &CodecConfig, hz: f64) -> f64 {
        let rate_hz = 16_000;
        let line = config.build(rate_hz).unwrap();
        let tone: Vec<f32> =
            (0..rate_hz).map(|n| (TAU * hz * f64::from(n) / f64::from(rate_hz)).sin() as f32).collect();
        let mut samples = tone.clone();
        line.apply(&mut samples, &mut Rng::new(1, "line"));
        let energy = |samples: &[f32]| samples[8000..].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        10.0 * (energy(&tone) / energy(&samples)).log10()
    }

    #[test]
    fn the_band_passes_and_is_attenuated_by_24_db_per_octave_beyond() {
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
            let attenuation = attenuation(&config, hz);
            assert!((attenuation - expected).abs() < tolerance, "{hz} Hz: {attenuation} dB for {expected}");
        }
        // The bilinear transform is steeper near half the sample rate.
        assert!(attenuation(&config, 6800.0) > 24.0);
    }

    #[test]
    fn the_mu_law_preserves_zero_and_full_scale_and_is_finer_for_soft_samples() {
        let values = mu_law_values();
        assert_eq!([0.0, 1.0, -1.0, 3.0].map(|x| rounded(x, &values)), [0.0, 1.0, -1.0, 1.0]);
        let mut distinct: Vec<u32> = Vec::new();
        for n in -10_000i32..=10_000 {
            let x = n as f32 / 10_000.0;
            let got = rounded(x, &values);
            // Half a quantization step: ln 256 / 254 of |x| + 1 / 255.
            assert!((got - x).abs() <= 0.0222 * (x.abs() + 1.0 / 255.0), "{x}: {got}");
            distinct.push((got + 0.0).to_bits());
        }
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 255);
    }

    #[test]
    fn impossible_limits_are_rejected() {
        let config =
            CodecConfig { probability: 1.0, low_hz: [200.0, 400.0], high_hz: [3000.0, 4000.0], mu_law: true };
        let error = config.build(8000).err().unwrap().to_string();
        assert_eq!(
            error,
            "augment.waveform.codec.high_hz = [3000, 4000]: must be below half the sample rate of 8000 Hz"
        );
        assert!(config.build(16_000).is_ok());
        let crossed = CodecConfig { low_hz: [200.0, 3000.0], ..config };
        assert!(
            crossed.check().unwrap_err().to_string().contains("codec.high_hz = [3000, 4000]: must be above")
        );
    }
}
