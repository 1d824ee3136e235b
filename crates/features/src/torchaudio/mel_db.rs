//! Log-mel spectrogram: mel bands in decibels, as by `AmplitudeToDB`.

use super::{TorchaudioMel, TorchaudioMelDbConfig};
use crate::decibel::{Decibels, Reference};
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::layout::{FeatureAxis, Layout};
use crate::stages::ToolkitStages;
use crate::stream::{check_no_floor, check_uncentered};
use crate::{Extractor, FeatureError, Streaming};

/// Floor of the power; AmplitudeToDB has no setting for it.
const MIN_POWER: f64 = 1e-10;

impl TorchaudioMelDbConfig {
    /// Builds the extractor for clips with a sample rate.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMelDbConfig::check`].
    pub fn init(&self, sample_rate_hz: u32) -> Result<TorchaudioMelDb, FeatureError> {
        self.check(sample_rate_hz)?;
        Ok(TorchaudioMelDb { mel: self.mel().init(sample_rate_hz)?, decibels: decibels(self.top_db) })
    }

    /// Builds the streaming extractor.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMelDbConfig::check`]; [`FeatureError::NeedsWholeClip`] with
    /// `center` or `top_db`.
    pub fn stream(&self, sample_rate_hz: u32) -> Result<Streaming<TorchaudioMelDb, f32>, FeatureError> {
        check_uncentered(self.center)?;
        check_no_floor(self.top_db)?;
        self.check(sample_rate_hz)?;
        let unpadded = TorchaudioMelDbConfig { pad: 0, ..self.clone() };
        Ok(Streaming::new(unpadded.init(sample_rate_hz)?, self.mel().uncentered_frames()))
    }
}

impl FrontEndKind for TorchaudioMelDbConfig {
    extractors!();

    fn hop(&self, _sample_rate_hz: u32) -> usize {
        self.mel().hop()
    }

    fn frame_length(&self, _sample_rate_hz: u32) -> usize {
        self.n_fft
    }

    fn first_center(&self, _sample_rate_hz: u32) -> f64 {
        self.mel().first_center()
    }

    fn layout(&self) -> Layout {
        Layout::FeaturesFirst
    }

    fn stages(&self, sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        let extractor = self.init(sample_rate_hz)?;
        let (framing, spectrum) = extractor.mel.stages(extractor.decibels.into());
        Ok(Some(ToolkitStages::of_frames(framing, Some(spectrum))))
    }

    fn quantity(&self) -> &'static str {
        "level (dB)"
    }

    fn axis(&self, sample_rate_hz: u32) -> FeatureAxis {
        let highest_hz = self.mel().highest_hz(sample_rate_hz);
        FeatureAxis::mel_bands(self.mel_scale, self.n_mels, (self.f_min, highest_hz))
    }
}

/// AmplitudeToDB("power", top_db).
pub(super) fn decibels(top_db: Option<f64>) -> Decibels {
    Decibels { reference: Reference::Power(1.0), min_power: MIN_POWER, top_db }
}

/// Extractor of mel bands in decibels; made by [`TorchaudioMelDbConfig::init`].
#[derive(Clone, Debug)]
pub struct TorchaudioMelDb {
    mel: TorchaudioMel,
    decibels: Decibels,
}

impl Extractor<f32> for TorchaudioMelDb {
    fn width(&self) -> usize {
        self.mel.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.mel.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[f32], values: &mut Vec<f32>) -> Result<usize, FeatureError> {
        fill(&mut self.mel, &self.decibels, samples, values)
    }
}

/// Replaces the content of `values` with the decibels of a clip and returns the number of frames.
pub(super) fn fill(
    mel: &mut TorchaudioMel,
    decibels: &Decibels,
    samples: &[f32],
    values: &mut Vec<f32>,
) -> Result<usize, FeatureError> {
    let silence = decibels.silence();
    let mut peak = silence;
    let frames = mel.for_each_frame(samples, values, |frame, energies, silent| {
        if silent {
            energies.fill(silence.decibels());
        } else if !decibels.convert(energies, &mut peak) {
            return Err(FeatureError::Overflow { frame });
        }
        Ok(())
    })?;
    decibels.finish(values, peak);
    Ok(frames)
}
