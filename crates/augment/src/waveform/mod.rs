//! Augmentation of waveforms, one file per kind.

mod clipping;
mod codec;
mod convolve;
mod gain;
mod noise;
mod recordings;
mod reverb;
mod shift;
mod sound;
mod speed;

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_random::{Fnv1a, Rng};

use crate::draws::sample_if;
use crate::error::AugmentError;
use crate::error::Incompatible;

pub use clipping::ClippingConfig;
pub use codec::CodecConfig;
pub use gain::GainConfig;
pub use noise::{NoiseColor, NoiseConfig};
pub use reverb::ReverbConfig;
pub use shift::WaveformShiftConfig;
pub use speed::{SpeedConfig, SpeedFilter};

/// Augmentation of the samples of training examples, before the front end. Validation and test examples are not
/// augmented.
///
/// Augmentations apply in the order of the fields, which is that of a recording: voice, room, distance, background
/// noise, converter, telephone line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveformAugmentConfig {
    /// Speed perturbation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<SpeedConfig>,
    /// Shift in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<WaveformShiftConfig>,
    /// Reverberation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverb: Option<ReverbConfig>,
    /// Gain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<GainConfig>,
    /// Background noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseConfig>,
    /// Clipping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipping: Option<ClippingConfig>,
    /// Telephone band-pass and mu-law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecConfig>,
}

impl WaveformAugmentConfig {
    /// Checks the values, except for conditions on the sample rate.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] with the key.
    pub fn check(&self) -> Result<(), AugmentError> {
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

    /// Returns true if no augmentation moves the audio in time, as frame labels require.
    pub(crate) fn check_frame_labels(&self) -> Result<(), Incompatible> {
        let rule = "moves the audio relative to its labels, but every frame has one; remove it";
        if let Some(SpeedConfig { factor: [low, high], .. }) = self.speed {
            let (key, value) = ("augment.waveform.speed.factor", format!("[{low}, {high}]"));
            return Err(Incompatible { key, value, rule });
        }
        match &self.shift {
            Some(shift) => {
                let (key, value) = ("augment.waveform.shift.seconds", shift.seconds.to_string());
                Err(Incompatible { key, value, rule })
            }
            None => Ok(()),
        }
    }
}

/// Augmentation that is ready to use.
trait Augmentation: Send + Sync {
    /// Augments samples, of which there is at least one; all draws are from `stream`.
    fn apply(&self, samples: &mut Vec<f32>, stream: &mut Rng);

    /// Returns the recordings in use.
    fn recordings(&self) -> &[Vec<f32>] {
        &[]
    }
}

/// [`WaveformAugmentConfig`] that is ready to use: recordings are read, filters computed.
pub struct WaveformAugmenter {
    stages: Vec<Stage>,
}

struct Stage {
    /// Name of the random streams.
    name: &'static str,
    probability: f32,
    augmentation: Box<dyn Augmentation>,
}

impl WaveformAugmenter {
    /// Prepares the augmentations for samples of one rate; folders of recordings are relative to `folder`.
    ///
    /// # Errors
    /// Errors of [`WaveformAugmentConfig::check`]; [`AugmentError::Setting`] if a limit is incompatible with the rate or
    /// a folder has no recordings, [`AugmentError::Unreadable`] and [`AugmentError::Files`] if a recording cannot be read.
    ///
    /// # Example
    /// ```
    /// use stapes_augment::{GainConfig, WaveformAugmentConfig, WaveformAugmenter};
    ///
    /// let gain = Some(GainConfig { probability: 1.0, db: [-20.0, -20.0] });
    /// let config = WaveformAugmentConfig { gain, ..WaveformAugmentConfig::default() };
    /// let augmenter = WaveformAugmenter::new(&config, ".".as_ref(), 16_000)?;
    /// let mut samples = vec![0.5, -1.0];
    /// augmenter.apply(&mut samples, 1, [0, 0]);
    /// assert_eq!(samples, [0.05, -0.1]);
    /// # Ok::<(), stapes_augment::AugmentError>(())
    /// ```
    pub fn new(
        config: &WaveformAugmentConfig,
        folder: &Path,
        sample_rate_hz: u32,
    ) -> Result<WaveformAugmenter, AugmentError> {
        config.check()?;
        let mut stages = Vec::new();
        let mut add =
            |name, probability, augmentation| stages.push(Stage { name, probability, augmentation });
        if let Some(speed) = &config.speed {
            add("augment waveform speed", speed.probability, speed.build());
        }
        if let Some(shift) = &config.shift {
            add("augment waveform shift", shift.probability, shift.build(sample_rate_hz));
        }
        if let Some(reverb) = &config.reverb {
            add("augment waveform reverb", reverb.probability, reverb.build(folder, sample_rate_hz)?);
        }
        if let Some(gain) = &config.gain {
            add("augment waveform gain", gain.probability, Box::new(gain.clone()));
        }
        if let Some(noise) = &config.noise {
            add("augment waveform noise", noise.probability, noise.build(folder, sample_rate_hz)?);
        }
        if let Some(clipping) = &config.clipping {
            add("augment waveform clipping", clipping.probability, Box::new(clipping.clone()));
        }
        if let Some(codec) = &config.codec {
            add("augment waveform codec", codec.probability, codec.build(sample_rate_hz)?);
        }
        Ok(WaveformAugmenter { stages })
    }

    /// Returns 16 hexadecimal digits that depend on every sample of the recordings in use; `None` without recordings.
    ///
    /// It shows if two runs used the same recordings.
    pub fn fingerprint(&self) -> Option<String> {
        let mut recordings = self.stages.iter().flat_map(|stage| stage.augmentation.recordings()).peekable();
        recordings.peek()?;
        let mut hash = Fnv1a::default();
        for recording in recordings {
            hash.update(&(recording.len() as u64).to_le_bytes());
            recording.iter().for_each(|sample| hash.update(&sample.to_bits().to_le_bytes()));
        }
        Some(hash.to_string())
    }

    /// Augments the samples of one example; only `speed` changes their number.
    ///
    /// The result depends only on the seed, the repetition and the example, and the draws of an augmentation do not
    /// depend on the others. An empty clip stays empty.
    pub fn apply(&self, samples: &mut Vec<f32>, seed: u64, numbers: [u64; 2]) {
        if samples.is_empty() {
            return;
        }
        for Stage { name, probability, augmentation } in &self.stages {
            if let Some(mut stream) = sample_if(seed, name, numbers, *probability) {
                augmentation.apply(samples, &mut stream);
            }
        }
    }
}

#[cfg(test)]
mod tests;
