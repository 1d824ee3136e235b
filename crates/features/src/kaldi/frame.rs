//! Arithmetic of one frame: from samples to log energies or cepstra.

use std::sync::Arc;

use super::{KaldiFbankConfig, KaldiMfccConfig};
use crate::FeatureError;
use crate::cepstra::Cepstra;
use crate::dct::{Dct, DctNorm};
use crate::lifter;
use crate::mel::MelBank;
use crate::simd::Aligned;
use crate::spectrum::Spectrum;
use crate::stages::{self, EnergySource, FrameEnergy, SpectrumStage};
use crate::stream::Analysis;

/// Builds the cosine transform and lifter.
pub(super) fn cepstra(config: &KaldiMfccConfig) -> Cepstra<f32> {
    let lifter = lifter::kaldi(config.cepstral_lifter, config.num_ceps);
    Cepstra::new(Dct::new(config.mel_opts.num_bins, config.num_ceps, DctNorm::Ortho), lifter)
}

/// Energy of a frame.
#[derive(Clone, Copy, Debug)]
struct Energy {
    /// Takes the energy before the filter and the window.
    raw: bool,
    /// Logarithm of the floor.
    floor: f32,
}

impl Energy {
    fn logarithm(self, samples: &[f32]) -> f32 {
        let energy = sum(samples, |sample| sample * sample);
        energy.max(f32::EPSILON).ln().max(self.floor)
    }
}

/// Logarithm of the band energies.
#[derive(Clone, Copy, Debug)]
enum Logarithm {
    Floored(f32),
    Added(f32),
    None,
}

/// Tables and buffers for a frame.
#[derive(Clone, Debug)]
pub(super) struct KaldiFrame {
    remove_dc_offset: bool,
    preemph: f32,
    window: Arc<[f32]>,
    energy: Option<Energy>,
    /// Moves the first value to the end.
    htk_compat: bool,
    use_power: bool,
    logarithm: Logarithm,
    cepstra: Option<Cepstra<f32>>,
    /// Samples minus their mean; then filtered and windowed.
    centered: Vec<f32>,
    windowed: Vec<f32>,
    spectrum: Spectrum<f32>,
    powers: Aligned<f32>,
    bank: Arc<MelBank<f32>>,
    bands: Vec<f32>,
}

impl KaldiFrame {
    /// Checks the settings and builds the tables for cepstra, or for bands if `cepstra` is `None`.
    pub(super) fn new(
        config: &KaldiFbankConfig,
        sample_rate_hz: u32,
        cepstra: Option<Cepstra<f32>>,
    ) -> Result<KaldiFrame, FeatureError> {
        config.check(sample_rate_hz)?;
        let (frame, lengths) = (&config.frame_opts, config.lengths(sample_rate_hz));
        let spectrum = Spectrum::new(lengths.points);
        let bank = MelBank::from_rows(config.mel_opts.triangles(lengths.points, sample_rate_hz));
        let floor = match config.min_energy() {
            0.0 => f32::NEG_INFINITY,
            floor => (floor as f32).ln(),
        };
        let logarithm = match (config.use_log_fbank, config.use_log_floor) {
            (false, _) => Logarithm::None,
            (true, true) => Logarithm::Floored(config.eps as f32),
            (true, false) => Logarithm::Added(config.eps as f32),
        };
        Ok(KaldiFrame {
            remove_dc_offset: frame.remove_dc_offset,
            preemph: frame.preemph_coeff as f32,
            window: frame.window_type.weights(lengths.frame, frame.blackman_coeff).into(),
            energy: config.use_energy.then_some(Energy { raw: config.raw_energy, floor }),
            htk_compat: config.htk_compat,
            use_power: config.use_power,
            logarithm,
            cepstra,
            centered: vec![0.0; lengths.frame],
            windowed: vec![0.0; lengths.frame],
            powers: MelBank::power_buffer(spectrum.bins()),
            spectrum,
            bank: Arc::new(bank),
            bands: vec![0.0; config.mel_opts.num_bins],
        })
    }

    /// Returns the stage.
    pub(super) fn stage(&self) -> SpectrumStage {
        let window = self.window.iter().map(|&weight| f64::from(weight)).collect();
        let logarithm = match self.logarithm {
            Logarithm::None => stages::Logarithm::None { zero: 0.0 },
            Logarithm::Floored(floor) => stages::Logarithm::NaturalFloored { floor: floor.into() },
            Logarithm::Added(offset) => stages::Logarithm::NaturalOffset { offset: offset.into() },
        };
        let exponent = if self.use_power { 2.0 } else { 1.0 };
        let mut stage =
            SpectrumStage::of_bands((0, window), self.spectrum.points(), exponent, &self.bank, logarithm);
        if let Some(cepstra) = &self.cepstra {
            let mut matrix = cepstra.matrix(stage.bands.len());
            if self.htk_compat && self.energy.is_none() {
                matrix[0].iter_mut().for_each(|weight| *weight *= std::f64::consts::SQRT_2);
            }
            stage.cepstra = Some(matrix);
        }
        let energy = |energy: Energy| FrameEnergy {
            source: if energy.raw { EnergySource::Samples } else { EnergySource::Windowed },
            floor: f32::EPSILON.into(),
            only_zero: false,
            min_logarithm: energy.floor.into(),
            replaces_first: self.cepstra.is_some(),
        };
        SpectrumStage {
            remove_mean: self.remove_dc_offset,
            preemphasis: self.preemph.into(),
            energy: self.energy.map(energy),
            first_value_last: self.htk_compat && (self.cepstra.is_some() || self.energy.is_some()),
            ..stage
        }
    }

    /// Filters and windows the frame and returns the logarithm of its energy if configured.
    fn prepare(&mut self, samples: &[f32]) -> Option<f32> {
        let mean =
            if self.remove_dc_offset { sum(samples, |sample| sample) / samples.len() as f32 } else { 0.0 };
        for (centered, sample) in self.centered.iter_mut().zip(samples) {
            *centered = sample - mean;
        }
        let first = (self.centered[0] - self.preemph * self.centered[0]) * self.window[0];
        self.windowed[0] = first;
        let pairs = self.centered.windows(2).zip(&self.window[1..]);
        for (windowed, (pair, weight)) in self.windowed[1..].iter_mut().zip(pairs) {
            *windowed = (pair[1] - self.preemph * pair[0]) * weight;
        }
        self.energy.map(|energy| energy.logarithm(if energy.raw { &self.centered } else { &self.windowed }))
    }

    fn apply_logarithm(&mut self) {
        match self.logarithm {
            Logarithm::None => {}
            Logarithm::Floored(eps) => self.bands.iter_mut().for_each(|band| *band = band.max(eps).ln()),
            Logarithm::Added(eps) => self.bands.iter_mut().for_each(|band| *band = (*band + eps).ln()),
        }
    }
}

impl Analysis for KaldiFrame {
    type Number = f32;

    fn width(&self) -> usize {
        match &self.cepstra {
            None => self.bands.len() + usize::from(self.energy.is_some()),
            Some(cepstra) => cepstra.width(),
        }
    }

    fn analyze(&mut self, samples: &[f32], values: &mut [f32]) {
        let energy = self.prepare(samples);
        let windowed = &self.windowed;
        self.spectrum.powers(windowed.len(), |frame| frame.copy_from_slice(windowed), &mut self.powers);
        if !self.use_power {
            self.powers.iter_mut().for_each(|power| *power = power.sqrt());
        }
        self.bank.apply(&self.powers, &mut self.bands);
        self.apply_logarithm();
        match (&mut self.cepstra, energy) {
            (None, None) => values.copy_from_slice(&self.bands),
            (None, Some(energy)) => {
                values[0] = energy;
                values[1..].copy_from_slice(&self.bands);
            }
            (Some(cepstra), energy) => {
                cepstra.apply(&self.bands, values);
                match energy {
                    Some(energy) => values[0] = energy,
                    None if self.htk_compat => values[0] *= std::f32::consts::SQRT_2,
                    None => {}
                }
            }
        }
        if self.htk_compat && (self.cepstra.is_some() || energy.is_some()) {
            values.rotate_left(1);
        }
    }
}

/// Returns the sum of `map` of each value, in eight partial sums.
#[inline(always)]
fn sum(values: &[f32], map: impl Fn(f32) -> f32) -> f32 {
    let (runs, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for run in runs {
        for lane in 0..8 {
            sums[lane] += map(run[lane]);
        }
    }
    let rest: f32 = rest.iter().map(|&value| map(value)).sum();
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + rest
}
