//! Energies of mel bands.

use super::TorchaudioMelConfig;
use super::energies::Energies;
use super::padded::Padded;
use crate::sample::all_numbers;
use crate::stream::{Cut, uncentred};
use crate::{Extractor, FeatureError, Uncentred};

impl TorchaudioMelConfig {
    /// The extractor of these settings for clips of a sample rate, which places the bands.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMelConfig::check`].
    pub fn init(&self, sample_rate_hz: u32) -> Result<TorchaudioMel, FeatureError> {
        self.check(sample_rate_hz)?;
        Ok(TorchaudioMel { clip: Padded::new(self), energies: Energies::new(self, sample_rate_hz) })
    }

    /// The same for samples that arrive piece by piece.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`TorchaudioMelConfig::check`]; [`FeatureError::NeedsWholeClip`] with `center`.
    pub fn stream(&self, sample_rate_hz: u32) -> Result<Uncentred<TorchaudioMel, f32>, FeatureError> {
        uncentred(self.center)?;
        self.check(sample_rate_hz)?;
        Ok(Uncentred::new(self.alone().init(sample_rate_hz)?, self.cut()))
    }

    /// The settings of a frame by itself, which has no zeros around it.
    pub(super) fn alone(&self) -> TorchaudioMelConfig {
        TorchaudioMelConfig { pad: 0, ..self.clone() }
    }

    pub(super) fn cut(&self) -> Cut {
        Cut { length: self.n_fft, hop: self.hop(), pad: self.pad }
    }
}

/// Energies of mel bands; made by [`TorchaudioMelConfig::init`].
#[derive(Clone, Debug)]
pub struct TorchaudioMel {
    clip: Padded,
    energies: Energies,
}

impl TorchaudioMel {
    /// Calls `frame` with each frame's number, its energies in `values` and whether it is all zeros, in which
    /// case the energies are, too; the number of frames.
    pub(super) fn each(
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
                    self.energies.of(samples, energies);
                    frame(t, energies, false)?;
                }
            }
        }
        Ok(frames)
    }

    /// Whether frame `t` of the latest clip is all zeros.
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
        self.each(samples, values, |frame, energies, _| all_numbers(energies, frame))
    }
}
