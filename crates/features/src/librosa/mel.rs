//! Mel band energies.

use std::sync::Arc;

use super::LibrosaMelConfig;
use crate::framing::NonzeroRange;
use crate::mel::MelBank;
use crate::sample::{Exponent, Sample, check_overflow};
use crate::simd::Aligned;
use crate::stages::{FramingStage, Logarithm, SpectrumStage};
use crate::stft::Stft;
use crate::stream::check_uncentered;
use crate::{Extractor, FeatureError, Streaming};

impl LibrosaMelConfig {
    /// Builds the extractor for clips with a sample rate.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelConfig::check`].
    pub fn init<S: Sample>(&self, sample_rate_hz: u32) -> Result<LibrosaMel<S>, FeatureError> {
        self.check(sample_rate_hz)?;
        let stft = self.stft().init()?.stft;
        let bin_hz = f64::from(sample_rate_hz) / self.n_fft as f64;
        let bank = MelBank::triangles(&self.edges_hz(sample_rate_hz), stft.bins(), bin_hz, self.norm);
        let power = MelBank::power_buffer(stft.bins());
        Ok(LibrosaMel { stft, exponent: Exponent::new(self.power), bank: Arc::new(bank), power })
    }

    /// Builds the streaming extractor.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelConfig::check`]; [`FeatureError::NeedsWholeClip`] with
    /// `center`.
    pub fn stream<S: Sample>(
        &self,
        sample_rate_hz: u32,
    ) -> Result<Streaming<LibrosaMel<S>, S>, FeatureError> {
        check_uncentered(self.center)?;
        Ok(Streaming::new(self.init(sample_rate_hz)?, self.stft().uncentered_frames()))
    }
}

/// Extractor of mel band energies; made by [`LibrosaMelConfig::init`].
#[derive(Clone, Debug)]
pub struct LibrosaMel<S> {
    pub(super) stft: Stft,
    exponent: Exponent,
    bank: Arc<MelBank<S>>,
    power: Aligned<S>,
}

impl<S: Sample> LibrosaMel<S> {
    /// Returns the stages, with a logarithm of the energies.
    pub(super) fn stages(&self, logarithm: Logarithm) -> (FramingStage, SpectrumStage) {
        let framing = self.stft.framing().stage();
        let (window, exponent) = (self.stft.window(), self.exponent.value());
        (framing, SpectrumStage::of_bands(window, framing.length, exponent, &self.bank, logarithm))
    }

    /// Computes the energies of frame `t`; infinite where they overflow the number type.
    pub(super) fn frame(&mut self, samples: &[S], t: usize, energies: &mut [S]) {
        self.stft.powers(samples, t, self.exponent, &mut self.power);
        self.bank.apply(&self.power, energies);
    }
}

impl<S: Sample> Extractor<S> for LibrosaMel<S> {
    fn width(&self) -> usize {
        self.bank.bands()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.stft.framing().frames(samples)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        let frames = self.stft.framing().require_frames(samples.len())?;
        let clip = NonzeroRange::from_samples(samples)?;
        let width = self.bank.bands();
        values.clear();
        values.resize(frames * width, S::default());
        for (t, energies) in values.chunks_exact_mut(width).enumerate() {
            if !self.stft.is_silent(t, &clip) {
                self.frame(samples, t, energies);
                check_overflow(energies, t)?;
            }
        }
        Ok(frames)
    }
}
