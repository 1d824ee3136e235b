//! Arithmetic of one frame: from samples to energies, log energies or cepstra.

use std::sync::Arc;

use super::{PsfFbankConfig, PsfMfccConfig};
use crate::FeatureError;
use crate::cepstra::Cepstra;
use crate::dct::{Dct, DctNorm};
use crate::lifter;
use crate::logarithm::natural_logarithms;
use crate::mel::{MelBank, MelScale};
use crate::simd::{Aligned, with_simd};
use crate::spectrum::Spectrum;
use crate::stages::{EnergySource, FrameEnergy, Logarithm, SpectrumStage};
use crate::stream::Analysis;

/// Features computed from the energies.
#[derive(Clone, Debug)]
pub(super) enum PsfOutput {
    Energies,
    /// Energies, then the total energy of the frame.
    EnergiesAndTotal,
    LogEnergies,
    Cepstra {
        cepstra: Cepstra<f64>,
        append_energy: bool,
    },
}

impl PsfOutput {
    /// Builds the output of cepstra.
    pub(super) fn cepstra(config: &PsfMfccConfig) -> PsfOutput {
        let coefficients = config.numcep.min(config.nfilt);
        let dct = Dct::new(config.nfilt, coefficients, DctNorm::Ortho);
        let lifter = lifter::kaldi(config.ceplifter, coefficients);
        PsfOutput::Cepstra { cepstra: Cepstra::new(dct, lifter), append_energy: config.append_energy }
    }
}

/// Tables and buffers for a frame.
#[derive(Clone, Debug)]
pub(super) struct PsfFrame {
    window: Option<Arc<[f64]>>,
    /// Number of samples of a frame that the transform uses.
    used: usize,
    points: f64,
    spectrum: Spectrum<f64>,
    powers: Aligned<f64>,
    bank: Arc<MelBank<f64>>,
    energies: Vec<f64>,
    output: PsfOutput,
}

impl PsfFrame {
    /// Checks the settings and builds the tables.
    pub(super) fn new(
        config: &PsfFbankConfig,
        sample_rate_hz: u32,
        output: PsfOutput,
    ) -> Result<PsfFrame, FeatureError> {
        config.check(sample_rate_hz)?;
        let (frame, points) = (config.frame(sample_rate_hz), config.points(sample_rate_hz));
        let spectrum = Spectrum::new(points);
        let bins = spectrum.bins();
        Ok(PsfFrame {
            window: config.winfunc.weights(frame).map(Arc::from),
            used: frame.min(points),
            points: points as f64,
            powers: MelBank::power_buffer(bins),
            spectrum,
            bank: Arc::new(bank(config, sample_rate_hz, bins)),
            energies: vec![0.0; config.nfilt],
            output,
        })
    }
}

impl PsfFrame {
    /// Returns the stage.
    pub(super) fn stage(&self) -> SpectrumStage {
        let window = match &self.window {
            None => vec![1.0; self.used],
            Some(window) => window[..self.used].to_vec(),
        };
        let logarithm = match self.output {
            PsfOutput::Energies | PsfOutput::EnergiesAndTotal => Logarithm::None { zero: f64::EPSILON },
            PsfOutput::LogEnergies | PsfOutput::Cepstra { .. } => {
                Logarithm::NaturalOfNonzero { zero: f64::EPSILON }
            }
        };
        let bands = SpectrumStage::of_bands((0, window), self.points as usize, 2.0, &self.bank, logarithm);
        match &self.output {
            PsfOutput::Cepstra { cepstra, append_energy } => SpectrumStage {
                energy: append_energy.then_some(FrameEnergy {
                    source: EnergySource::Spectrum,
                    floor: f64::EPSILON,
                    only_zero: true,
                    min_logarithm: f64::NEG_INFINITY,
                    replaces_first: true,
                }),
                ..bands.with_cepstra(cepstra)
            },
            _ => bands,
        }
    }
}

impl Analysis for PsfFrame {
    type Number = f64;

    fn width(&self) -> usize {
        match &self.output {
            PsfOutput::Energies | PsfOutput::LogEnergies => self.energies.len(),
            PsfOutput::EnergiesAndTotal => self.energies.len() + 1,
            PsfOutput::Cepstra { cepstra, .. } => cepstra.width(),
        }
    }

    fn analyze(&mut self, samples: &[f64], values: &mut [f64]) {
        let samples = &samples[..self.used];
        let write = |frame: &mut [f64]| match &self.window {
            None => frame.copy_from_slice(samples),
            Some(window) => {
                for ((value, sample), weight) in frame.iter_mut().zip(samples).zip(&**window) {
                    *value = sample * weight;
                }
            }
        };
        self.spectrum.powers(self.used, write, &mut self.powers);
        self.bank.apply(&self.powers, &mut self.energies);
        for energy in &mut self.energies {
            *energy = floored(*energy);
        }
        match &mut self.output {
            PsfOutput::Energies => values.copy_from_slice(&self.energies),
            PsfOutput::EnergiesAndTotal => {
                let (total, energies) = values.split_last_mut().unwrap_or_else(|| unreachable!("a total"));
                energies.copy_from_slice(&self.energies);
                *total = total_energy(&self.powers, self.points);
            }
            PsfOutput::LogEnergies => {
                values.copy_from_slice(&self.energies);
                natural_logarithms(values);
            }
            PsfOutput::Cepstra { cepstra, append_energy } => {
                natural_logarithms(&mut self.energies);
                cepstra.apply(&self.energies, values);
                if *append_energy {
                    values[0] = total_energy(&self.powers, self.points).ln();
                }
            }
        }
    }
}

/// Replaces exactly 0 by 2^-52; smaller values stay.
fn floored(energy: f64) -> f64 {
    if energy == 0.0 { f64::EPSILON } else { energy }
}

/// Returns the energy of a frame: the sum of |X|^2 over the bins, divided by the length of the transform.
fn total_energy(powers: &[f64], points: f64) -> f64 {
    floored(sum(powers) / points)
}

/// Returns the sum, in 32 partial sums: enough for several vectors at a time.
fn sum(values: &[f64]) -> f64 {
    const LANES: usize = 32;
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    with_simd(
        #[inline(always)]
        || {
            for block in blocks {
                for lane in 0..LANES {
                    sums[lane] += block[lane];
                }
            }
            let mut width = LANES / 2;
            while width > 0 {
                for lane in 0..width {
                    sums[lane] += sums[lane + width];
                }
                width /= 2;
            }
        },
    );
    sums[0] + rest.iter().sum::<f64>()
}

/// Builds triangles between whole bins, divided by the transform's length as the power is.
fn bank(config: &PsfFbankConfig, sample_rate_hz: u32, bins: usize) -> MelBank<f64> {
    let points = config.points(sample_rate_hz) as f64;
    let highest_hz = config.highest_hz(sample_rate_hz);
    let edges: Vec<usize> = MelScale::Htk
        .spaced_hz(config.nfilt + 2, config.lowfreq, highest_hz)
        .into_iter()
        .map(|edge_hz| ((points + 1.0) * edge_hz / f64::from(sample_rate_hz)).floor() as usize)
        .collect();
    let row = |edge: &[usize]| {
        let [low, peak, high] = [edge[0], edge[1], edge[2]];
        let weight = |bin: usize| match bin {
            _ if (low..peak).contains(&bin) => (bin - low) as f64 / (peak - low) as f64,
            _ if (peak..high).contains(&bin) => (high - bin) as f64 / (high - peak) as f64,
            _ => 0.0,
        };
        (0..bins).map(|bin| weight(bin) / points).collect()
    };
    MelBank::from_rows(edges.windows(3).map(row))
}
