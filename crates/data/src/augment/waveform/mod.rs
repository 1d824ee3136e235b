//! Augmentation of waveforms, an entry a file.

mod clipping;
mod codec;
mod convolve;
mod gain;
mod noise;
mod reverb;
mod shift;
mod sound;
mod speed;

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_random::Stream;

use crate::augment::draw::due;
use crate::augment::frames::Misfit;
use crate::error::DataError;
use crate::fingerprint::Fnv;

pub use clipping::ClippingConfig;
pub use codec::CodecConfig;
pub use gain::GainConfig;
pub use noise::{NoiseColour, NoiseConfig};
pub use reverb::ReverbConfig;
pub use shift::WaveformShiftConfig;
pub use speed::SpeedConfig;

/// What is done to a training example's samples, before the front end; never to validation or test.
///
/// Entries apply in the order of the fields, which is the way of the sound: a voice speaks at its tempo and at its
/// time, in a room, near or far; other sounds join it; the converter overloads; a line carries the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveformAugmentConfig {
    /// Another tempo and pitch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<SpeedConfig>,
    /// Another place in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<WaveformShiftConfig>,
    /// A room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverb: Option<ReverbConfig>,
    /// Another level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<GainConfig>,
    /// Noise in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseConfig>,
    /// An overloaded converter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipping: Option<ClippingConfig>,
    /// A telephone line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecConfig>,
}

impl WaveformAugmentConfig {
    /// Whether the values are allowed, as far as that does not depend on the rate of the samples.
    ///
    /// # Errors
    /// [`DataError::Setting`] names the key.
    pub fn check(&self) -> Result<(), DataError> {
        let checks = [
            self.speed.as_ref().map(SpeedConfig::check),
            self.shift.as_ref().map(WaveformShiftConfig::check),
            self.reverb.as_ref().map(ReverbConfig::check),
            self.gain.as_ref().map(GainConfig::check),
            self.noise.as_ref().map(NoiseConfig::check),
            self.clipping.as_ref().map(ClippingConfig::check),
            self.codec.as_ref().map(CodecConfig::check),
        ];
        checks.into_iter().flatten().collect()
    }

    /// Whether the entries leave every moment where it is, as labels of moments need it.
    pub(super) fn check_moments(&self) -> Result<(), Misfit> {
        let rule =
            "moves moments of the example away from their labels, and every moment has one: leave it out";
        if let Some(SpeedConfig { factor: [low, high], .. }) = self.speed {
            let (key, value) = ("augment.waveform.speed.factor", format!("[{low}, {high}]"));
            return Err(Misfit { key, value, rule });
        }
        match &self.shift {
            Some(shift) => {
                let (key, value) = ("augment.waveform.shift.seconds", shift.seconds.to_string());
                Err(Misfit { key, value, rule })
            }
            None => Ok(()),
        }
    }
}

/// One way to change samples, ready to run.
trait Change: Send + Sync {
    /// Changes samples, of which there is at least one; all chance comes from the stream.
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Stream);

    /// The recordings that it uses.
    fn recordings(&self) -> &[Vec<f32>] {
        &[]
    }
}

/// A [`WaveformAugmentConfig`] that is ready to run: recordings are read, filters computed.
pub struct WaveformAugmenter {
    steps: Vec<Step>,
}

struct Step {
    /// The name of its random streams.
    name: &'static str,
    probability: f32,
    change: Box<dyn Change>,
}

impl WaveformAugmenter {
    /// Prepares the entries for samples of one rate; folders of recordings count from `folder`.
    ///
    /// # Errors
    /// As [`WaveformAugmentConfig::check`]; [`DataError::Setting`] where a limit does not go with the rate or a folder
    /// holds no recording, [`DataError::Unreadable`] and [`DataError::Files`] where one cannot be read.
    ///
    /// # Example
    /// ```
    /// use stapes_data::{GainConfig, WaveformAugmentConfig, WaveformAugmenter};
    ///
    /// let gain = Some(GainConfig { probability: 1.0, db: [-20.0, -20.0] });
    /// let config = WaveformAugmentConfig { gain, ..WaveformAugmentConfig::default() };
    /// let augmenter = WaveformAugmenter::new(&config, ".".as_ref(), 16_000)?;
    /// let mut samples = vec![0.5, -1.0];
    /// augmenter.apply(&mut samples, 1, [0, 0]);
    /// assert_eq!(samples, [0.05, -0.1]);
    /// # Ok::<(), stapes_data::DataError>(())
    /// ```
    pub fn new(
        config: &WaveformAugmentConfig,
        folder: &Path,
        sample_rate_hz: u32,
    ) -> Result<WaveformAugmenter, DataError> {
        config.check()?;
        let mut steps = Vec::new();
        let mut add = |name, probability, change| steps.push(Step { name, probability, change });
        if let Some(speed) = &config.speed {
            add("augment waveform speed", speed.probability, speed.prepared());
        }
        if let Some(shift) = &config.shift {
            add("augment waveform shift", shift.probability, shift.prepared(sample_rate_hz));
        }
        if let Some(reverb) = &config.reverb {
            add("augment waveform reverb", reverb.probability, reverb.prepared(folder, sample_rate_hz)?);
        }
        if let Some(gain) = &config.gain {
            add("augment waveform gain", gain.probability, Box::new(gain.clone()));
        }
        if let Some(noise) = &config.noise {
            add("augment waveform noise", noise.probability, noise.prepared(folder, sample_rate_hz)?);
        }
        if let Some(clipping) = &config.clipping {
            add("augment waveform clipping", clipping.probability, Box::new(clipping.clone()));
        }
        if let Some(codec) = &config.codec {
            add("augment waveform codec", codec.probability, codec.prepared(sample_rate_hz)?);
        }
        Ok(WaveformAugmenter { steps })
    }

    /// Sixteen hexadecimal digits that depend on every sample of the recordings it uses; none if it uses none.
    ///
    /// As [`fingerprint`](crate::fingerprint) for the data: two runs can tell by it whether they heard the same noise.
    pub fn fingerprint(&self) -> Option<String> {
        let mut recordings = self.steps.iter().flat_map(|step| step.change.recordings()).peekable();
        recordings.peek()?;
        let mut hash = Fnv::new();
        for recording in recordings {
            hash.number(recording.len());
            recording.iter().for_each(|sample| hash.bytes(&sample.to_bits().to_le_bytes()));
        }
        Some(hash.digits())
    }

    /// Changes the samples of one example; only `speed` changes how many there are.
    ///
    /// What happens depends on the seed, the pass and the example alone, and what an entry draws not on the other
    /// entries. A clip without samples stays as it is.
    pub fn apply(&self, samples: &mut Vec<f32>, seed: u64, numbers: [u64; 2]) {
        if samples.is_empty() {
            return;
        }
        for Step { name, probability, change } in &self.steps {
            if let Some(mut stream) = due(seed, name, numbers, *probability) {
                change.apply(samples, &mut stream);
            }
        }
    }
}

#[cfg(test)]
mod tests;
