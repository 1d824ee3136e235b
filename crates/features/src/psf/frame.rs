//! One frame: from samples to energies, logarithms or cepstra.

use std::sync::Arc;

use super::{PsfFbankConfig, PsfMfccConfig};
use crate::dct::{Dct, DctNorm};
use crate::lifter;
use crate::mel::{MelBank, MelScale};
use crate::spectrum::PowerSpectrum;
use crate::stream::Analysis;

/// What is made of the energies.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Energies,
    Logarithms,
    Cepstra(Cepstra),
}

#[derive(Clone, Debug)]
pub(super) struct Cepstra {
    dct: Dct,
    lifter: Arc<[f64]>,
    append_energy: bool,
}

impl Cepstra {
    pub(super) fn new(config: &PsfMfccConfig) -> Cepstra {
        let coefficients = config.numcep.min(config.nfilt);
        Cepstra {
            dct: Dct::new(config.nfilt, coefficients, DctNorm::Ortho),
            lifter: lifter::kaldi(config.ceplifter, coefficients).into(),
            append_energy: config.append_energy,
        }
    }
}

/// The tables and buffers for a frame.
#[derive(Clone, Debug)]
pub(super) struct PsfFrame {
    window: Option<Arc<[f64]>>,
    /// How much of a frame the transform takes.
    taken: usize,
    points: f64,
    spectrum: PowerSpectrum<f64>,
    powers: Vec<f64>,
    bank: Arc<MelBank<f64>>,
    energies: Vec<f64>,
    step: Step,
}

impl PsfFrame {
    /// For settings that have been checked.
    pub(super) fn new(config: &PsfFbankConfig, sample_rate_hz: u32, step: Step) -> PsfFrame {
        let (frame, points) = (config.frame(sample_rate_hz), config.points(sample_rate_hz));
        let spectrum = PowerSpectrum::new(points);
        let bins = spectrum.bins();
        PsfFrame {
            window: config.winfunc.weights(frame).map(Arc::from),
            taken: frame.min(points),
            points: points as f64,
            powers: vec![0.0; bins],
            spectrum,
            bank: Arc::new(bank(config, sample_rate_hz, bins)),
            energies: vec![0.0; config.nfilt],
            step,
        }
    }
}

impl Analysis for PsfFrame {
    type Number = f64;

    fn width(&self) -> usize {
        match &self.step {
            Step::Energies | Step::Logarithms => self.energies.len(),
            Step::Cepstra(cepstra) => cepstra.dct.rows(),
        }
    }

    fn analyse(&mut self, samples: &[f64], values: &mut [f64]) {
        let samples = &samples[..self.taken];
        let write = |frame: &mut [f64]| match &self.window {
            None => frame.copy_from_slice(samples),
            Some(window) => {
                for ((value, sample), weight) in frame.iter_mut().zip(samples).zip(&**window) {
                    *value = sample * weight;
                }
            }
        };
        self.spectrum.powers(self.taken, write, &mut self.powers);
        self.bank.apply(&self.powers, &mut self.energies);
        for energy in &mut self.energies {
            *energy = floored(*energy);
        }
        match &mut self.step {
            Step::Energies => values.copy_from_slice(&self.energies),
            Step::Logarithms => {
                for (value, energy) in values.iter_mut().zip(&self.energies) {
                    *value = energy.ln();
                }
            }
            Step::Cepstra(cepstra) => {
                self.energies.iter_mut().for_each(|energy| *energy = energy.ln());
                cepstra.dct.apply(&self.energies, values);
                for (value, weight) in values.iter_mut().zip(&*cepstra.lifter) {
                    *value *= weight;
                }
                if cepstra.append_energy {
                    values[0] = floored(sum(&self.powers) / self.points).ln();
                }
            }
        }
    }
}

/// Exactly 0 becomes 2^-52; nothing else does, however small.
fn floored(energy: f64) -> f64 {
    if energy == 0.0 { f64::EPSILON } else { energy }
}

/// The sum, in four partial sums.
fn sum(values: &[f64]) -> f64 {
    let (quads, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for quad in quads {
        for lane in 0..4 {
            sums[lane] += quad[lane];
        }
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest.iter().sum::<f64>()
}

/// Triangles between whole bins, divided by the transform's length as the power is.
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
    MelBank::of_rows(edges.windows(3).map(row))
}
