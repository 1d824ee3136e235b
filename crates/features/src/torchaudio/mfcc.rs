//! Mel-frequency cepstral coefficients.

use super::mel_db::{self, decibels};
use super::{TorchaudioMel, TorchaudioMfccConfig};
use crate::cepstra::Cepstra;
use crate::dct::Dct;
use crate::decibel::Decibels;
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::layout::Layout;
use crate::logarithm;
use crate::sample::check_overflow;
use crate::stages::{self, ToolkitStages};
use crate::stream::{check_no_floor, check_uncentered};
use crate::{Extractor, FeatureError, Streaming};

/// Offset of an energy before its natural logarithm; MFCC has no setting for it.
const LOG_OFFSET: f32 = 1e-6;
/// ln x = 10 log10(x) ln(10) / 10.
const NEPERS_PER_DECIBEL: f32 = std::f32::consts::LN_10 / 10.0;

impl TorchaudioMfccConfig {
    /// Builds the extractor for clips with a sample rate.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMfccConfig::check`].
    pub fn init(&self, sample_rate_hz: u32) -> Result<TorchaudioMfcc, FeatureError> {
        self.check(sample_rate_hz)?;
        let logarithm =
            if self.log_mels { Logarithm::Natural } else { Logarithm::Decibels(decibels(self.top_db)) };
        Ok(TorchaudioMfcc {
            mel: self.melkwargs.init(sample_rate_hz)?,
            logarithm,
            cepstra: Cepstra::new(Dct::new(self.melkwargs.n_mels, self.n_mfcc, self.norm), Vec::new()),
            logarithms: Vec::new(),
        })
    }

    /// Builds the streaming extractor.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMfccConfig::check`]; [`FeatureError::NeedsWholeClip`] with
    /// `center`, or with `top_db` unless `log_mels`.
    pub fn stream(&self, sample_rate_hz: u32) -> Result<Streaming<TorchaudioMfcc, f32>, FeatureError> {
        check_uncentered(self.melkwargs.center).map_err(|error| error.with_prefix("melkwargs"))?;
        check_no_floor(self.top_db.filter(|_| !self.log_mels))?;
        self.check(sample_rate_hz)?;
        let unpadded = TorchaudioMfccConfig { melkwargs: self.melkwargs.without_padding(), ..self.clone() };
        Ok(Streaming::new(unpadded.init(sample_rate_hz)?, self.melkwargs.uncentered_frames()))
    }
}

impl FrontEndKind for TorchaudioMfccConfig {
    extractors!();

    fn hop(&self, _sample_rate_hz: u32) -> usize {
        self.melkwargs.hop()
    }

    fn frame_length(&self, _sample_rate_hz: u32) -> usize {
        self.melkwargs.n_fft
    }

    fn first_center(&self, _sample_rate_hz: u32) -> f64 {
        self.melkwargs.first_center()
    }

    fn layout(&self) -> Layout {
        Layout::FeaturesFirst
    }

    fn stages(&self, sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        let extractor = self.init(sample_rate_hz)?;
        let logarithm = match extractor.logarithm {
            Logarithm::Natural => stages::Logarithm::NaturalOffset { offset: f64::from(LOG_OFFSET) },
            Logarithm::Decibels(decibels) => decibels.into(),
        };
        let (framing, spectrum) = extractor.mel.stages(logarithm);
        Ok(Some(ToolkitStages::of_frames(framing, Some(spectrum.with_cepstra(&extractor.cepstra)))))
    }

    fn quantity(&self) -> &'static str {
        if self.log_mels { "coefficient (of ln)" } else { "coefficient (of dB)" }
    }
}

/// Extractor of mel-frequency cepstral coefficients; made by [`TorchaudioMfccConfig::init`].
#[derive(Clone, Debug)]
pub struct TorchaudioMfcc {
    mel: TorchaudioMel,
    logarithm: Logarithm,
    cepstra: Cepstra<f32>,
    logarithms: Vec<f32>,
}

/// Input of the cosine transform.
#[derive(Clone, Debug)]
enum Logarithm {
    Decibels(Decibels),
    Natural,
}

impl Extractor<f32> for TorchaudioMfcc {
    fn width(&self) -> usize {
        self.cepstra.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.mel.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[f32], values: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let frames = match &self.logarithm {
            Logarithm::Decibels(decibels) => {
                mel_db::fill(&mut self.mel, decibels, samples, &mut self.logarithms)?
            }
            Logarithm::Natural => {
                self.mel.for_each_frame(samples, &mut self.logarithms, |frame, energies, _| {
                    check_overflow(energies, frame)?;
                    natural(energies);
                    Ok(())
                })?
            }
        };
        self.cepstra.apply_to_clip((&self.logarithms, self.mel.width()), values, |t| self.mel.is_silent(t));
        Ok(frames)
    }
}

/// Replaces each energy x by ln(x + 1e-6).
fn natural(energies: &mut [f32]) {
    energies.iter_mut().for_each(|energy| *energy += LOG_OFFSET);
    logarithm::decibels(energies, LOG_OFFSET);
    energies.iter_mut().for_each(|energy| *energy *= NEPERS_PER_DECIBEL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_logarithm_equals_its_definition() {
        let energies: Vec<f32> = (-200..300).map(|n| 10f32.powf(n as f32 / 20.0)).chain([0.0]).collect();
        let mut logarithms = energies.clone();
        natural(&mut logarithms);
        for (energy, logarithm) in energies.iter().zip(&logarithms) {
            let exact = (f64::from(*energy) + 1e-6).ln();
            assert!((f64::from(*logarithm) - exact).abs() < 5e-6, "{energy:e}: {logarithm} {exact}");
        }
    }
}
