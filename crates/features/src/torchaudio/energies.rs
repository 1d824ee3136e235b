//! Mel energies of one frame.

use std::sync::Arc;

use super::TorchaudioMelConfig;
use crate::FeatureError;
use crate::mel::MelBank;
use crate::sample::Exponent;
use crate::simd::Aligned;
use crate::spectrum::Spectrum;
use crate::stages::{Logarithm, SpectrumStage};

/// Window, transform and mel filter bank.
#[derive(Clone, Debug)]
pub(super) struct Energies {
    window: Arc<[f32]>,
    /// Start of the window, which is in the middle of a frame.
    offset: usize,
    spectrum: Spectrum<f32>,
    exponent: Exponent,
    bank: Arc<MelBank<f32>>,
    powers: Aligned<f32>,
}

impl Energies {
    /// Checks the settings and builds the tables.
    pub(super) fn new(config: &TorchaudioMelConfig, sample_rate_hz: u32) -> Result<Energies, FeatureError> {
        config.check(sample_rate_hz)?;
        let window = config.window.periodic(config.window_length());
        let divisor = config.normalized.divisor(&window, config.n_fft);
        let spectrum = Spectrum::new(config.n_fft);
        let bins = spectrum.bins();
        let highest_hz = config.highest_hz(sample_rate_hz);
        let edges_hz = config.mel_scale.spaced_hz(config.n_mels + 2, config.f_min, highest_hz);
        // The bins range from 0 to half the rate rounded down, also for odd rates and lengths.
        let bin_hz = f64::from(sample_rate_hz / 2) / (bins - 1).max(1) as f64;
        Ok(Energies {
            offset: (config.n_fft - window.len()) / 2,
            window: window.into_iter().map(|weight| (weight / divisor) as f32).collect(),
            exponent: Exponent::new(config.power),
            bank: Arc::new(MelBank::triangles(&edges_hz, bins, bin_hz, config.norm)),
            powers: MelBank::power_buffer(bins),
            spectrum,
        })
    }

    /// Returns the stage, with a logarithm of the energies.
    pub(super) fn stage(&self, points: usize, logarithm: Logarithm) -> SpectrumStage {
        let window = self.window.iter().map(|&weight| f64::from(weight)).collect();
        SpectrumStage::of_bands((self.offset, window), points, self.exponent.value(), &self.bank, logarithm)
    }

    /// Returns M, the number of bands.
    pub(super) fn bands(&self) -> usize {
        self.bank.bands()
    }

    /// Computes the energies of a frame.
    ///
    /// # Shapes
    /// samples \[n_fft\] -> energies \[M\]
    pub(super) fn compute(&mut self, samples: &[f32], energies: &mut [f32]) {
        let (offset, window) = (self.offset, &self.window);
        let write = |frame: &mut [f32]| {
            let (before, product) = frame.split_at_mut(offset);
            before.fill(0.0);
            let factors = samples[offset..].iter().zip(&**window);
            for (product, (sample, weight)) in product.iter_mut().zip(factors) {
                *product = sample * weight;
            }
        };
        self.spectrum.powers(offset + self.window.len(), write, &mut self.powers);
        match self.exponent {
            Exponent::Two => {}
            Exponent::One => self.powers.iter_mut().for_each(|power| *power = power.sqrt()),
            Exponent::Other(exponent) => {
                self.powers.iter_mut().for_each(|power| *power = power.powf(0.5 * exponent as f32));
            }
        }
        self.bank.apply(&self.powers, energies);
    }
}
