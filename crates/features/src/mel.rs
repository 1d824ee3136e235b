//! Mel scales and mel filter banks.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::simd::{Aligned, with_simd};

/// Mel scale; the toolkits use three different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MelScale {
    /// Linear below 1000 Hz (3 f / 200), logarithmic above; librosa's default.
    Slaney,
    /// 2595 log10(1 + f / 700); HTK, python_speech_features, torchaudio, librosa with `htk`.
    Htk,
    /// 1127 ln(1 + f / 700); Kaldi.
    Kaldi,
}

/// Frequency above which the Slaney scale is logarithmic.
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = 15.0;
const HZ_PER_MEL: f64 = 200.0 / 3.0;
/// Logarithmic step per mel: 27 mel from 1000 to 6400 Hz.
fn log_step() -> f64 {
    6.4f64.ln() / 27.0
}

impl MelScale {
    /// Converts a frequency to mel.
    ///
    /// # Units
    /// Hz -> mel
    ///
    /// # Example
    /// ```
    /// use stapes_features::MelScale;
    ///
    /// assert!((MelScale::Slaney.mel(1000.0) - 15.0).abs() < 1e-12);
    /// assert!((MelScale::Htk.mel(1000.0) - 999.985537).abs() < 1e-6);
    /// assert!((MelScale::Kaldi.mel(1000.0) - 999.990701).abs() < 1e-6);
    /// ```
    pub fn mel(self, frequency_hz: f64) -> f64 {
        match self {
            MelScale::Slaney if frequency_hz < BREAK_HZ => frequency_hz / HZ_PER_MEL,
            MelScale::Slaney => BREAK_MEL + (frequency_hz / BREAK_HZ).ln() / log_step(),
            MelScale::Htk => 2595.0 * (1.0 + frequency_hz / 700.0).log10(),
            MelScale::Kaldi => 1127.0 * (1.0 + frequency_hz / 700.0).ln(),
        }
    }

    /// Converts mel to a frequency: the inverse of [`MelScale::mel`].
    ///
    /// # Units
    /// mel -> Hz
    pub fn frequency_hz(self, mel: f64) -> f64 {
        match self {
            MelScale::Slaney if mel < BREAK_MEL => HZ_PER_MEL * mel,
            MelScale::Slaney => BREAK_HZ * (log_step() * (mel - BREAK_MEL)).exp(),
            MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            MelScale::Kaldi => 700.0 * ((mel / 1127.0).exp() - 1.0),
        }
    }

    /// Returns `points` frequencies equally spaced on this scale from `low_hz` to `high_hz`.
    ///
    /// # Units
    /// Hz
    pub(crate) fn spaced_hz(self, points: usize, low_hz: f64, high_hz: f64) -> Vec<f64> {
        let (low, high) = (self.mel(low_hz), self.mel(high_hz));
        let step = (high - low) / (points - 1) as f64;
        let mel = |point: usize| if point + 1 == points { high } else { low + point as f64 * step };
        (0..points).map(|point| self.frequency_hz(mel(point))).collect()
    }
}

/// Normalization of the triangles of a mel filter bank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum MelNorm {
    /// Unit area over Hz: the peak is 2 / width.
    #[default]
    Slaney,
    /// Peak of 1.
    None,
    /// Division by the p-norm over the bins; infinity divides by the largest weight.
    P(f64),
}

/// Number of weights of a band multiplied at once.
const LANES: usize = 8;

/// Sparse filter bank; each filter covers consecutive bins.
///
/// For 128 bands over 1025 bins, 2020 of 131,200 weights are nonzero.
#[derive(Clone, Debug)]
pub(crate) struct MelBank<S> {
    bands: Vec<Band>,
    /// Weights of each band, padded with zeros to full lanes.
    weights: Vec<[S; LANES]>,
}

#[derive(Clone, Copy, Debug)]
struct Band {
    first_bin: usize,
    /// Index of the band's first group of weights, and the number of groups.
    first: usize,
    count: usize,
}

impl<S: Sample> MelBank<S> {
    /// Builds triangles linear in Hz between consecutive edges, over bins of `bin_hz`, as librosa does.
    ///
    /// The weights are f32 for both sample types: rounded once as a triangle and once after the norm.
    pub(crate) fn triangles(edges_hz: &[f64], bins: usize, bin_hz: f64, norm: MelNorm) -> MelBank<S> {
        let mut bank = MelBank { bands: Vec::new(), weights: Vec::new() };
        MelBank::<S>::triangle_rows(edges_hz, bins, bin_hz, norm).for_each(|row| bank.push(&row));
        bank
    }

    /// Returns the weights of each triangle over the bins.
    pub(crate) fn triangle_rows(
        edges_hz: &[f64],
        bins: usize,
        bin_hz: f64,
        norm: MelNorm,
    ) -> impl Iterator<Item = Vec<f32>> {
        edges_hz.windows(3).map(move |edge| {
            let rising = edge[1] - edge[0];
            let falling = edge[2] - edge[1];
            let mut row: Vec<f32> = (0..bins)
                .map(|bin| {
                    let frequency_hz = bin as f64 * bin_hz;
                    let weight = ((frequency_hz - edge[0]) / rising).min((edge[2] - frequency_hz) / falling);
                    weight.max(0.0) as f32
                })
                .collect();
            normalize(&mut row, norm, edge[2] - edge[0]);
            row
        })
    }

    /// Builds a bank from any weights, one row over the bins per band.
    pub(crate) fn from_rows(rows: impl Iterator<Item = Vec<f64>>) -> MelBank<S> {
        let mut bank = MelBank { bands: Vec::new(), weights: Vec::new() };
        rows.for_each(|row| bank.push(&row));
        bank
    }

    fn push(&mut self, row: &[impl Copy + Into<f64>]) {
        let weight = |&weight: &_| S::narrow(Into::<f64>::into(weight));
        let is_nonzero = |value: &_| weight(value) != S::default();
        let first_bin = row.iter().position(is_nonzero).unwrap_or(0);
        let end = row.iter().rposition(is_nonzero).map_or(0, |last| last + 1);
        let run: Vec<S> = row[first_bin..end.max(first_bin)].iter().map(weight).collect();
        let lanes =
            |weights: &[S]| std::array::from_fn(|lane| weights.get(lane).copied().unwrap_or_default());
        self.bands.push(Band { first_bin, first: self.weights.len(), count: run.len().div_ceil(LANES) });
        self.weights.extend(run.chunks(LANES).map(lanes));
    }

    /// Returns a buffer for the powers of `bins` bins and the zeros after them that [`MelBank::apply`] reads.
    pub(crate) fn power_buffer(bins: usize) -> Aligned<S> {
        Aligned::filled(S::default(), bins + LANES)
    }

    /// Returns M, the number of bands.
    pub(crate) fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Returns the weights of each band over the bins.
    ///
    /// # Shapes
    /// -> \[M\]\[bins\]
    pub(crate) fn rows(&self, bins: usize) -> Vec<Vec<f64>> {
        let row = |band: &Band| {
            let weights = self.weights[band.first..band.first + band.count].iter().flatten();
            let before = std::iter::repeat_n(0.0, band.first_bin);
            let weights = weights.map(|weight| weight.widen()).chain(std::iter::repeat(0.0));
            before.chain(weights).take(bins).collect()
        };
        self.bands.iter().map(row).collect()
    }

    /// Computes the energy of each band.
    ///
    /// # Shapes
    /// power \[[`MelBank::power_buffer`]\] -> energies \[M\]
    pub(crate) fn apply(&self, power: &[S], energies: &mut [S]) {
        with_simd(
            #[inline(always)]
            || {
                for (energy, band) in energies.iter_mut().zip(&self.bands) {
                    let weights = &self.weights[band.first..band.first + band.count];
                    *energy = product(weights, power[band.first_bin..].as_chunks().0);
                }
            },
        );
    }
}

/// Returns the sum of products, in one partial sum per lane.
#[inline(always)]
fn product<S: Sample>(weights: &[[S; LANES]], values: &[[S; LANES]]) -> S {
    let mut sums = [S::default(); LANES];
    for (weights, values) in weights.iter().zip(values) {
        for lane in 0..LANES {
            sums[lane] = sums[lane] + weights[lane] * values[lane];
        }
    }
    let half: [S; LANES / 2] = std::array::from_fn(|lane| sums[lane] + sums[lane + LANES / 2]);
    (half[0] + half[2]) + (half[1] + half[3])
}

fn normalize(row: &mut [f32], norm: MelNorm, width_hz: f64) {
    match norm {
        MelNorm::None => {}
        MelNorm::Slaney => {
            let factor = 2.0 / width_hz;
            row.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
        }
        MelNorm::P(p) => {
            let weights = row.iter().map(|&weight| f64::from(weight));
            let length = if p.is_infinite() {
                weights.fold(0.0, f64::max)
            } else {
                weights.map(|weight| weight.powf(p)).sum::<f64>().powf(1.0 / p)
            };
            // An empty band stays zero.
            if length >= f64::from(f32::MIN_POSITIVE) {
                row.iter_mut().for_each(|weight| *weight = (f64::from(*weight) / length) as f32);
            }
        }
    }
}

impl Serialize for MelNorm {
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        match self {
            MelNorm::Slaney => serializer.serialize_str("slaney"),
            MelNorm::None => serializer.serialize_str("none"),
            // JSON has no infinity.
            MelNorm::P(p) if p.is_infinite() => serializer.serialize_str("inf"),
            MelNorm::P(p) => serializer.serialize_f64(*p),
        }
    }
}

impl<'de> Deserialize<'de> for MelNorm {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<MelNorm, D::Error> {
        use crate::serde_scalar::{Scalar, deserialize_scalar};
        deserialize_scalar(deserializer, "\"slaney\", \"none\", \"inf\" or a number", |scalar| match scalar {
            Scalar::Word("slaney") => Some(MelNorm::Slaney),
            Scalar::Word("none") | Scalar::Null => Some(MelNorm::None),
            Scalar::Word("inf") => Some(MelNorm::P(f64::INFINITY)),
            Scalar::Number(p) => Some(MelNorm::P(p)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_restores_frequencies() {
        for scale in [MelScale::Slaney, MelScale::Htk, MelScale::Kaldi] {
            for frequency_hz in [0.0, 20.0, 999.999, 1000.0, 1000.001, 4000.0, 22_050.0] {
                let back = scale.frequency_hz(scale.mel(frequency_hz));
                assert!((back - frequency_hz).abs() < 1e-9, "{scale:?} {frequency_hz} {back}");
            }
        }
    }

    #[test]
    fn bank_of_128_bands_has_2020_weights() {
        let edges = MelScale::Slaney.spaced_hz(130, 0.0, 8000.0);
        let bank = MelBank::<f32>::triangles(&edges, 1025, 16_000.0 / 2048.0, MelNorm::Slaney);
        let weights = bank.weights.iter().flatten().filter(|&&weight| weight != 0.0).count();
        assert_eq!((bank.bands(), weights), (128, 2020));
    }

    #[test]
    fn sparse_product_equals_dense_product() {
        for (norm, scale) in [
            (MelNorm::Slaney, MelScale::Slaney),
            (MelNorm::None, MelScale::Htk),
            (MelNorm::P(1.0), MelScale::Slaney),
            (MelNorm::P(2.0), MelScale::Htk),
            (MelNorm::P(f64::INFINITY), MelScale::Slaney),
        ] {
            let (bins, bin_hz) = (129, 8000.0 / 256.0);
            // With 300 bands some contain no bin.
            let edges = scale.spaced_hz(302, 30.0, 3900.0);
            let bank = MelBank::<f64>::triangles(&edges, bins, bin_hz, norm);
            let mut power = MelBank::<f64>::power_buffer(bins);
            power[..bins]
                .iter_mut()
                .enumerate()
                .for_each(|(bin, power)| *power = 1.0 + (bin * bin % 17) as f64);
            power[bins..].fill(1e9);
            let mut energies = vec![0.0; bank.bands()];
            bank.apply(&power, &mut energies);
            for (band, energy) in energies.iter().enumerate() {
                let [low, peak, high] = [edges[band], edges[band + 1], edges[band + 2]];
                let triangle = |bin: usize| {
                    let f = bin as f64 * bin_hz;
                    if f <= low || f >= high {
                        0.0
                    } else if f <= peak {
                        (f - low) / (peak - low)
                    } else {
                        (high - f) / (high - peak)
                    }
                };
                let scale = match norm {
                    MelNorm::Slaney => 2.0 / (high - low),
                    MelNorm::None => 1.0,
                    MelNorm::P(p) if p.is_infinite() => 1.0 / (0..bins).map(triangle).fold(0.0, f64::max),
                    MelNorm::P(p) => {
                        1.0 / (0..bins).map(|bin| triangle(bin).powf(p)).sum::<f64>().powf(1.0 / p)
                    }
                };
                let dense: f64 = (0..bins).map(|bin| triangle(bin) * power[bin]).sum::<f64>();
                let expected = if dense == 0.0 { 0.0 } else { dense * scale };
                assert!((energy - expected).abs() <= 1e-6 * expected, "{norm:?} {band}: {energy} {expected}");
            }
            assert!(energies.contains(&0.0), "some band should be empty");
        }
    }
}
