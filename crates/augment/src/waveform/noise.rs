//! Background noise.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_fft::{Complex, Number};
use stapes_random::Rng;

use super::Augmentation;
use super::recordings::read_recordings;
use super::sound::{energy, slices, white};
use crate::draws::{AugmentKey, default_probability, uniform};
use crate::error::AugmentError;

/// Adds noise at a signal-to-noise ratio drawn for the example.
///
/// The ratio is the power of the whole clip, pauses included, to that of the added noise. The noise is a random range
/// of a recording, or of 2^19 samples of white or pink noise that are the same in every run; it is repeated if it is
/// shorter than the clip. A silent clip has no ratio and gets no noise, and a silent range of a recording adds none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum ratio, in dB, from -120 to 120.
    pub snr_db: [f32; 2],
    /// Folder of recordings of noise, including subfolders; all are held in memory. Excludes `color`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Generated noise. Excludes `folder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<NoiseColor>,
}

/// Power spectrum of generated noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoiseColor {
    /// White: equal power per hertz.
    White,
    /// Pink: equal power per octave from 20 Hz, similar to the noise of buildings and streets.
    Pink,
}

const KEY: AugmentKey = AugmentKey("augment.waveform.noise");

impl NoiseConfig {
    pub(super) fn check(&self) -> Result<(), AugmentError> {
        KEY.check_probability(self.probability)?;
        KEY.check_range("snr_db", self.snr_db, [-120.0, 120.0])?;
        match (&self.folder, self.color) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (folder, _) => {
                let value = folder.as_ref().map_or("none".into(), |folder| folder.display().to_string());
                Err(KEY.error("folder", value, "set either folder or color = \"white\" or \"pink\""))
            }
        }
    }

    pub(super) fn build(&self, folder: &Path, rate_hz: u32) -> Result<Box<dyn Augmentation>, AugmentError> {
        let sounds = match (&self.folder, self.color) {
            (Some(recordings), _) => read_recordings(KEY, &folder.join(recordings), rate_hz)?,
            (None, Some(NoiseColor::Pink)) => vec![pink(rate_hz)],
            (None, _) => vec![white()],
        };
        Ok(Box::new(Noise { snr_db: self.snr_db, sounds, recorded: self.folder.is_some() }))
    }
}

/// Pink noise is white below this frequency, because its power would be unbounded.
const LOWEST_HZ: f64 = 20.0;

/// Returns white noise with its spectrum divided by the square root of the frequency.
fn pink(rate_hz: u32) -> Vec<f32> {
    let mut spectrum: Vec<Complex<f32>> =
        white().into_iter().map(|sample| Complex::new(sample, 0.0)).collect();
    let length = spectrum.len();
    f32::forward(length).process(&mut spectrum);
    let lowest = LOWEST_HZ * length as f64 / f64::from(rate_hz.max(1));
    for (bin, value) in spectrum.iter_mut().enumerate() {
        // The upper half are the negative frequencies.
        let frequency = bin.min(length - bin) as f64;
        *value *= (1.0 / frequency.max(lowest)).sqrt() as f32;
    }
    spectrum[0] = Complex::ZERO;
    f32::inverse(length).process(&mut spectrum);
    let root = (length as f32).sqrt();
    spectrum.iter().map(|value| value.re / root).collect()
}

struct Noise {
    snr_db: [f32; 2],
    sounds: Vec<Vec<f32>>,
    /// True for recordings, false for generated noise.
    recorded: bool,
}

impl Augmentation for Noise {
    fn recordings(&self) -> &[Vec<f32>] {
        if self.recorded { &self.sounds } else { &[] }
    }

    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng) {
        let ratio = 10.0f64.powf(f64::from(uniform(self.snr_db, stream)) / 10.0);
        let sound = &self.sounds[stream.below(self.sounds.len())];
        let length = samples.len();
        let starts = if sound.len() >= length { sound.len() - length + 1 } else { sound.len() };
        let start = stream.below(starts);
        let noise: f64 = slices(sound, start, length).map(energy).sum();
        let gain = (energy(samples) / (noise * ratio)).sqrt() as f32;
        // Excludes silent ranges, and samples whose squares overflow.
        if gain == 0.0 || !gain.is_finite() {
            return;
        }
        let mut rest = samples.as_mut_slice();
        for slice in slices(sound, start, length) {
            let (current, remaining) = rest.split_at_mut(slice.len());
            current.iter_mut().zip(slice).for_each(|(sample, noise)| *sample += gain * noise);
            rest = remaining;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pink_noise_has_the_same_power_in_every_octave() {
        let rate_hz = 16_000;
        let mut spectrum: Vec<_> =
            pink(rate_hz).into_iter().map(|sample| Complex::new(sample, 0.0)).collect();
        let length = spectrum.len();
        f32::forward(length).process(&mut spectrum);
        let bin = |hz: f64| (hz * length as f64 / f64::from(rate_hz)) as usize;
        let octave = |hz| {
            let power =
                spectrum[bin(hz)..bin(2.0 * hz)].iter().map(|value| f64::from(value.norm_sqr())).sum::<f64>();
            10.0 * power.log10()
        };
        let levels: Vec<f64> = [40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0].map(octave).to_vec();
        // The lowest octave has 1,310 bins: a standard deviation of 0.12 dB.
        assert!(levels.iter().all(|level| (level - levels[6]).abs() < 0.5), "{levels:?}");
    }
}
