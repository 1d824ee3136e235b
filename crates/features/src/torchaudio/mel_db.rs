//! Mel bands in decibels.

use super::{TorchaudioMel, TorchaudioMelDbConfig};
use crate::decibel::{Decibels, Reference};
use crate::stream::{uncentred, without_floor};
use crate::{Extractor, FeatureError, Uncentred};

/// What is below counts as this; AmplitudeToDB has no setting for it.
const LEAST_POWER: f64 = 1e-10;

impl TorchaudioMelDbConfig {
    /// The extractor of these settings for clips of a sample rate, which places the bands.
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

    /// The same for samples that arrive piece by piece.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMelDbConfig::check`]; [`FeatureError::NeedsWholeClip`] with `center` or `top_db`.
    pub fn stream(&self, sample_rate_hz: u32) -> Result<Uncentred<TorchaudioMelDb, f32>, FeatureError> {
        uncentred(self.center)?;
        without_floor(self.top_db)?;
        self.check(sample_rate_hz)?;
        let alone = TorchaudioMelDbConfig::of(self.mel().alone(), None);
        Ok(Uncentred::new(alone.init(sample_rate_hz)?, self.mel().cut()))
    }
}

/// AmplitudeToDB("power", top_db).
pub(super) fn decibels(top_db: Option<f64>) -> Decibels {
    Decibels { reference: Reference::Power(1.0), least_power: LEAST_POWER, top_db }
}

/// Mel bands in decibels; made by [`TorchaudioMelDbConfig::init`].
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

/// The decibels of a clip in place of the content of `values`; the number of frames.
pub(super) fn fill(
    mel: &mut TorchaudioMel,
    decibels: &Decibels,
    samples: &[f32],
    values: &mut Vec<f32>,
) -> Result<usize, FeatureError> {
    let silence = decibels.silence();
    let mut peak = silence;
    let frames = mel.each(samples, values, |frame, energies, silent| {
        if silent {
            energies.fill(silence.floor());
        } else if !decibels.convert(energies, &mut peak) {
            return Err(FeatureError::Overflow { frame });
        }
        Ok(())
    })?;
    decibels.finish(values, peak);
    Ok(frames)
}
