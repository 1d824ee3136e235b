//! Mel band energies.

use super::TorchaudioMelConfig;
use super::energies::Energies;
use super::padded::PaddedClip;
use crate::sample::check_overflow;
use crate::stages::{FramingStage, Logarithm, SpectrumStage};
use crate::stream::{UncenteredFrames, check_uncentered};
use crate::{Extractor, FeatureError, Streaming};

impl TorchaudioMelConfig {
    /// Builds the extractor for clips with a sample rate.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMelConfig::check`].
    pub fn init(&self, sample_rate_hz: u32) -> Result<TorchaudioMel, FeatureError> {
        let energies = Energies::new(self, sample_rate_hz)?;
        Ok(TorchaudioMel { clip: PaddedClip::new(self), energies })
    }

    /// Builds the streaming extractor.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMelConfig::check`]; [`FeatureError::NeedsWholeClip`] with
    /// `center`.
    pub fn stream(&self, sample_rate_hz: u32) -> Result<Streaming<TorchaudioMel, f32>, FeatureError> {
        check_uncentered(self.center)?;
        self.check(sample_rate_hz)?;
        Ok(Streaming::new(self.without_padding().init(sample_rate_hz)?, self.uncentered_frames()))
    }

    /// Returns the settings for single frames, without zeros around them.
    pub(super) fn without_padding(&self) -> TorchaudioMelConfig {
        TorchaudioMelConfig { pad: 0, ..self.clone() }
    }

    pub(super) fn uncentered_frames(&self) -> UncenteredFrames {
        UncenteredFrames { length: self.n_fft, hop: self.hop(), pad: self.pad }
    }
}

/// Extractor of mel band energies; made by [`TorchaudioMelConfig::init`].
#[derive(Clone, Debug)]
pub struct TorchaudioMel {
    clip: PaddedClip,
    energies: Energies,
}

impl TorchaudioMel {
    /// Returns the stages, with a logarithm of the energies.
    pub(super) fn stages(&self, logarithm: Logarithm) -> (FramingStage, SpectrumStage) {
        let framing = self.clip.stage();
        (framing, self.energies.stage(framing.length, logarithm))
    }

    /// Calls `frame` with the index of each frame, its energies in `values` and true if the frame (and
    /// therefore its energies) is all zeros; returns the number of frames.
    pub(super) fn for_each_frame(
        &mut self,
        samples: &[f32],
        values: &mut Vec<f32>,
        mut frame: impl FnMut(usize, &mut [f32], bool) -> Result<(), FeatureError>,
    ) -> Result<usize, FeatureError> {
        let frames = self.clip.fill(samples)?;
        let bands = self.energies.bands();
        values.clear();
        values.resize(frames * bands, 0.0);
        for (t, energies) in values.chunks_exact_mut(bands).enumerate() {
            match self.clip.frame(t) {
                None => frame(t, energies, true)?,
                Some(samples) => {
                    self.energies.compute(samples, energies);
                    frame(t, energies, false)?;
                }
            }
        }
        Ok(frames)
    }

    /// Returns true if frame `t` of the latest clip is all zeros.
    pub(super) fn is_silent(&self, t: usize) -> bool {
        self.clip.frame(t).is_none()
    }
}

impl Extractor<f32> for TorchaudioMel {
    fn width(&self) -> usize {
        self.energies.bands()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.clip.frames(samples)
    }

    fn extract_into(&mut self, samples: &[f32], values: &mut Vec<f32>) -> Result<usize, FeatureError> {
        self.for_each_frame(samples, values, |frame, energies, _| check_overflow(energies, frame))
    }
}
