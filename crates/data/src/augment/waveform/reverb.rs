//! A room.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_random::Stream;

use super::Change;
use super::convolve::Convolver;
use super::sound::{energy, pieces, sounds, white};
use crate::augment::draw::{Entry, always, between};
use crate::error::DataError;

/// Convolves an example with the impulse response of a room and brings it back to its power; its length stays.
///
/// A room is either a recorded response, one of `folder`, or made for the example: the direct sound, 1 at time 0, and
/// white noise that falls by 60 dB within `rt60_seconds`, where it ends. The ratio of the energies of the two is
/// `direct_to_reverberant_db`. The largest value of a recorded response is its direct sound: what lies before is left
/// out, so that sounds stay at their time.
///
/// # Source
/// Schroeder 1962, "Natural sounding artificial reverberation", of noise with an exponential envelope; Ko et al. 2017,
/// "A study on data augmentation of reverberant speech", of recorded and made rooms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReverbConfig {
    /// How often an example is put into a room, in [0, 1].
    #[serde(default = "always")]
    pub probability: f32,
    /// The least and the greatest time in which the sound of a made room falls by 60 dB, in seconds, from 0.01 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rt60_seconds: Option<[f32; 2]>,
    /// The lowest and the highest ratio of a made room's direct to its reverberant energy, in dB, from -60 to 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct_to_reverberant_db: Option<[f32; 2]>,
    /// A folder of `.wav` impulse responses, with those of the folders in it; all are held in memory. Either this or the
    /// two ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

const ENTRY: Entry = Entry("augment.waveform.reverb");

impl ReverbConfig {
    pub(super) fn check(&self) -> Result<(), DataError> {
        ENTRY.probability(self.probability)?;
        if let Some(range) = self.rt60_seconds {
            ENTRY.range("rt60_seconds", range, [0.01, 10.0])?;
        }
        if let Some(range) = self.direct_to_reverberant_db {
            ENTRY.range("direct_to_reverberant_db", range, [-60.0, 60.0])?;
        }
        match (&self.folder, self.rt60_seconds, self.direct_to_reverberant_db) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => Ok(()),
            (folder, ..) => {
                let value = folder.as_ref().map_or("none".into(), |folder| folder.display().to_string());
                let rule = "give either folder, or both rt60_seconds and direct_to_reverberant_db";
                Err(ENTRY.refuse("folder", value, rule))
            }
        }
    }

    pub(super) fn prepared(&self, folder: &Path, rate_hz: u32) -> Result<Box<dyn Change>, DataError> {
        let rooms = match (&self.folder, self.rt60_seconds, self.direct_to_reverberant_db) {
            (None, Some(rt60_seconds), Some(direct_to_reverberant_db)) => {
                Rooms::Made { rt60_seconds, direct_to_reverberant_db, rate_hz, noise: white() }
            }
            (recorded, ..) => {
                let folder = recorded.as_ref().map_or(folder.to_owned(), |recorded| folder.join(recorded));
                Rooms::Recorded(sounds(ENTRY, &folder, rate_hz)?.into_iter().map(from_direct_sound).collect())
            }
        };
        Ok(Box::new(Reverb { rooms, convolver: Convolver::new() }))
    }
}

/// A response from its largest value on.
fn from_direct_sound(mut response: Vec<f32>) -> Vec<f32> {
    let largest = response.iter().map(|value| value.abs()).fold(0.0, f32::max);
    let direct = response.iter().position(|value| value.abs() == largest);
    response.drain(..direct.unwrap_or(0));
    response
}

struct Reverb {
    rooms: Rooms,
    convolver: Convolver,
}

enum Rooms {
    Recorded(Vec<Vec<f32>>),
    Made { rt60_seconds: [f32; 2], direct_to_reverberant_db: [f32; 2], rate_hz: u32, noise: Vec<f32> },
}

impl Change for Reverb {
    fn recordings(&self) -> &[Vec<f32>] {
        match &self.rooms {
            Rooms::Recorded(responses) => responses,
            Rooms::Made { .. } => &[],
        }
    }

    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Stream) {
        let was = energy(samples);
        match &self.rooms {
            Rooms::Recorded(responses) => {
                self.convolver.apply(samples, &responses[stream.below(responses.len())]);
            }
            Rooms::Made { rt60_seconds, direct_to_reverberant_db, rate_hz, noise } => {
                let rt60_samples = f64::from(between(*rt60_seconds, stream)) * f64::from(*rate_hz);
                let ratio = 10.0f64.powf(f64::from(between(*direct_to_reverberant_db, stream)) / 10.0);
                let response =
                    room(rt60_samples, ratio, pieces(noise, stream.below(noise.len()), usize::MAX));
                self.convolver.apply(samples, &response);
            }
        }
        let gain = (was / energy(samples)).sqrt() as f32;
        // A silent clip stays silent.
        if gain.is_finite() {
            samples.iter_mut().for_each(|sample| *sample *= gain);
        }
    }
}

/// The direct sound and the tail behind it, made of `noise`, which has no end; `ratio` is that of their energies.
fn room<'a>(rt60_samples: f64, ratio: f64, noise: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    const LANES: usize = 16;
    let length = rt60_samples.ceil() as usize + 1;
    let mut response = Vec::with_capacity(length);
    response.push(0.0);
    for piece in noise {
        let missing = length - response.len();
        response.extend_from_slice(&piece[..piece.len().min(missing)]);
        if response.len() == length {
            break;
        }
    }
    // 10^(-60 / 20) at rt60.
    let fall = |samples: f64| 10.0f64.powf(-3.0 * samples / rt60_samples);
    let falls: [f32; LANES] = std::array::from_fn(|lane| fall(lane as f64) as f32);
    let (step, mut level) = (fall(LANES as f64), 1.0f64);
    for chunk in response.chunks_mut(LANES) {
        let gain = level as f32;
        chunk.iter_mut().zip(&falls).for_each(|(value, fall)| *value *= gain * fall);
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
    fn a_room_has_its_ratio_of_energies_and_its_decay() {
        let noise = white();
        for (start, (rt60, db)) in [(0, (3200.0, 0.0)), (777, (8000.0, 10.0)), (5, (20_000.5, -6.0))] {
            let response = room(rt60, 10.0f64.powf(db / 10.0), pieces(&noise, start, usize::MAX));
            assert_eq!((response.len(), response[0]), (rt60.ceil() as usize + 1, 1.0));
            let ratio = -10.0 * energy(&response[1..]).log10();
            assert!((ratio - db).abs() < 1e-3, "{ratio} dB for {db}");
            // In a tenth of rt60 the power falls by 6 dB, but for the chance of some hundred samples.
            let tenth = (rt60 / 10.0) as usize;
            for part in 0..9 {
                let at = 1 + part * tenth;
                let (here, next) =
                    (energy(&response[at..at + tenth]), energy(&response[at + tenth..at + 2 * tenth]));
                let fall = 10.0 * (here / next).log10();
                assert!((fall - 6.0).abs() < 1.5, "{rt60}, part {part}: {fall} dB");
            }
        }
    }

    #[test]
    fn a_recorded_room_begins_with_its_direct_sound() {
        assert_eq!(from_direct_sound(vec![0.0, 0.1, -0.9, 0.3]), [-0.9, 0.3]);
        assert_eq!(from_direct_sound(vec![1.0, 0.5]), [1.0, 0.5]);
    }
}
