//! Reverberation.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_random::Rng;

use super::Augmentation;
use super::convolve::Convolver;
use super::recordings::read_recordings;
use super::sound::{energy, slices, white};
use crate::draws::{AugmentKey, default_probability, uniform};
use crate::error::AugmentError;

/// Convolves an example with a room impulse response and restores its power; its length does not change.
///
/// The response is either recorded, one of `folder`, or generated for the example: the direct sound, 1 at time 0, and
/// white noise that decays by 60 dB within `rt60_seconds`, where it ends. The ratio of their energies is
/// `direct_to_reverberant_db`. The largest value of a recorded response is its direct sound: samples before it are
/// removed, so sounds are not delayed.
///
/// # Source
/// Schroeder 1962, "Natural sounding artificial reverberation", for noise with an exponential envelope; Ko et al.
/// 2017, "A study on data augmentation of reverberant speech", for recorded and simulated impulse responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReverbConfig {
    /// Probability of the augmentation for an example, in [0, 1].
    #[serde(default = "default_probability")]
    pub probability: f32,
    /// Minimum and maximum RT60 of a generated response, in seconds, from 0.01 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rt60_seconds: Option<[f32; 2]>,
    /// Minimum and maximum ratio of direct to reverberant energy of a generated response, in dB, from -60 to 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct_to_reverberant_db: Option<[f32; 2]>,
    /// Folder of impulse responses, including subfolders; all are held in memory. Excludes the two ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

const KEY: AugmentKey = AugmentKey("augment.waveform.reverb");

impl ReverbConfig {
    pub(super) fn check(&self) -> Result<(), AugmentError> {
        KEY.check_probability(self.probability)?;
        if let Some(range) = self.rt60_seconds {
            KEY.check_range("rt60_seconds", range, [0.01, 10.0])?;
        }
        if let Some(range) = self.direct_to_reverberant_db {
            KEY.check_range("direct_to_reverberant_db", range, [-60.0, 60.0])?;
        }
        match (&self.folder, self.rt60_seconds, self.direct_to_reverberant_db) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => Ok(()),
            (folder, ..) => {
                let value = folder.as_ref().map_or("none".into(), |folder| folder.display().to_string());
                let rule = "set either folder, or both rt60_seconds and direct_to_reverberant_db";
                Err(KEY.error("folder", value, rule))
            }
        }
    }

    pub(super) fn build(&self, folder: &Path, rate_hz: u32) -> Result<Box<dyn Augmentation>, AugmentError> {
        let responses = match (&self.folder, self.rt60_seconds, self.direct_to_reverberant_db) {
            (None, Some(rt60_seconds), Some(direct_to_reverberant_db)) => {
                Responses::Generated { rt60_seconds, direct_to_reverberant_db, rate_hz, noise: white() }
            }
            (recorded, ..) => {
                let folder = recorded.as_ref().map_or(folder.to_owned(), |recorded| folder.join(recorded));
                Responses::Recorded(
                    read_recordings(KEY, &folder, rate_hz)?.into_iter().map(from_direct_sound).collect(),
                )
            }
        };
        Ok(Box::new(Reverb { responses, convolver: Convolver::new() }))
    }
}

/// Returns a response from its largest value.
fn from_direct_sound(mut response: Vec<f32>) -> Vec<f32> {
    let largest = response.iter().map(|value| value.abs()).fold(0.0, f32::max);
    let direct = response.iter().position(|value| value.abs() == largest);
    response.drain(..direct.unwrap_or(0));
    response
}

struct Reverb {
    responses: Responses,
    convolver: Convolver,
}

enum Responses {
    Recorded(Vec<Vec<f32>>),
    Generated { rt60_seconds: [f32; 2], direct_to_reverberant_db: [f32; 2], rate_hz: u32, noise: Vec<f32> },
}

impl Augmentation for Reverb {
    fn recordings(&self) -> &[Vec<f32>] {
        match &self.responses {
            Responses::Recorded(responses) => responses,
            Responses::Generated { .. } => &[],
        }
    }

    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng) {
        let energy_before = energy(samples);
        match &self.responses {
            Responses::Recorded(responses) => {
                self.convolver.apply(samples, &responses[stream.below(responses.len())]);
            }
            Responses::Generated { rt60_seconds, direct_to_reverberant_db, rate_hz, noise } => {
                let rt60_samples = f64::from(uniform(*rt60_seconds, stream)) * f64::from(*rate_hz);
                let ratio = 10.0f64.powf(f64::from(uniform(*direct_to_reverberant_db, stream)) / 10.0);
                let response = generate_response(
                    rt60_samples,
                    ratio,
                    slices(noise, stream.below(noise.len()), usize::MAX),
                );
                self.convolver.apply(samples, &response);
            }
        }
        let gain = (energy_before / energy(samples)).sqrt() as f32;
        // A silent clip stays silent.
        if gain.is_finite() {
            samples.iter_mut().for_each(|sample| *sample *= gain);
        }
    }
}

/// Returns the direct sound and the tail, made of the infinite `noise`; `ratio` is that of their energies.
fn generate_response<'a>(rt60_samples: f64, ratio: f64, noise: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    const LANES: usize = 16;
    let length = rt60_samples.ceil() as usize + 1;
    let mut response = Vec::with_capacity(length);
    response.push(0.0);
    for slice in noise {
        let missing = length - response.len();
        response.extend_from_slice(&slice[..slice.len().min(missing)]);
        if response.len() == length {
            break;
        }
    }
    // 10^(-60 / 20) at RT60.
    let decay = |samples: f64| 10.0f64.powf(-3.0 * samples / rt60_samples);
    let decays: [f32; LANES] = std::array::from_fn(|lane| decay(lane as f64) as f32);
    let (step, mut level) = (decay(LANES as f64), 1.0f64);
    for chunk in response.chunks_mut(LANES) {
        let gain = level as f32;
        chunk.iter_mut().zip(&decays).for_each(|(value, decay)| *value *= gain * decay);
        level *= step;
    }
    let gain = (1.0 / (energy(&response) * ratio)).sqrt() as f32;
    if gain.is_finite() {
        response.iter_mut().for_each(|value| *value *= gain);
    }
    response[0] = 1.0;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_response_has_its_energy_ratio_and_decay() {
        let noise = white();
        for (start, (rt60, db)) in [(0, (3200.0, 0.0)), (777, (8000.0, 10.0)), (5, (20_000.5, -6.0))] {
            let response =
                generate_response(rt60, 10.0f64.powf(db / 10.0), slices(&noise, start, usize::MAX));
            assert_eq!((response.len(), response[0]), (rt60.ceil() as usize + 1, 1.0));
            let ratio = -10.0 * energy(&response[1..]).log10();
            assert!((ratio - db).abs() < 1e-3, "{ratio} dB for {db}");
            // In a tenth of RT60 the power decays by 6 dB, up to the variance of some hundred samples.
            let tenth = (rt60 / 10.0) as usize;
            for part in 0..9 {
                let at = 1 + part * tenth;
                let (here, next) =
                    (energy(&response[at..at + tenth]), energy(&response[at + tenth..at + 2 * tenth]));
                let decay = 10.0 * (here / next).log10();
                assert!((decay - 6.0).abs() < 1.5, "{rt60}, part {part}: {decay} dB");
            }
        }
    }

    #[test]
    fn a_recorded_response_begins_with_its_direct_sound() {
        assert_eq!(from_direct_sound(vec![0.0, 0.1, -0.9, 0.3]), [-0.9, 0.3]);
        assert_eq!(from_direct_sound(vec![1.0, 0.5]), [1.0, 0.5]);
    }
}
