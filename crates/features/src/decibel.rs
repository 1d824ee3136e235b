//! Powers in decibels, relative to a reference and with a floor.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::serde_scalar::{Scalar, deserialize_scalar};
use crate::simd::with_simd;

/// Power that maps to 0 dB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference {
    /// Fixed power.
    Power(f64),
    /// Largest power of the clip.
    Max,
}

impl Default for Reference {
    fn default() -> Reference {
        Reference::Power(1.0)
    }
}

impl Serialize for Reference {
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        match self {
            Reference::Power(power) => serializer.serialize_f64(*power),
            Reference::Max => serializer.serialize_str("max"),
        }
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Reference, D::Error> {
        deserialize_scalar(deserializer, "a number or \"max\"", |scalar| match scalar {
            Scalar::Number(power) => Some(Reference::Power(power)),
            Scalar::Word("max") => Some(Reference::Max),
            _ => None,
        })
    }
}

/// librosa's power_to_db: 10 log10(max(amin, S)) - 10 log10(max(amin, |ref|)), clipped at `top_db` below the
/// clip's largest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decibels {
    pub reference: Reference,
    pub min_power: f64,
    pub top_db: Option<f64>,
}

/// Peak of the frames converted so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peak<S> {
    power: S,
    decibels: S,
}

impl Decibels {
    /// Returns the peak of a silent clip, before the reference is subtracted.
    pub(crate) fn silence<S: Sample>(&self) -> Peak<S> {
        let mut silence = [S::default()];
        S::decibels(&mut silence, S::narrow(self.min_power));
        Peak { power: S::default(), decibels: silence[0] }
    }

    /// Converts one frame and updates the clip's peak; returns false if a power is not finite.
    pub(crate) fn convert<S: Sample>(&self, powers: &mut [S], peak: &mut Peak<S>) -> bool {
        let min = S::narrow(self.min_power);
        let (loudest, numbers) = with_simd(
            #[inline(always)]
            || {
                let numbers = powers.iter().fold(true, |numbers, power| numbers & power.is_finite());
                let loudest = largest(powers);
                S::decibels(powers, min);
                (loudest, numbers)
            },
        );
        if loudest > peak.power {
            peak.power = loudest;
            let mut decibels = [loudest];
            S::decibels(&mut decibels, min);
            peak.decibels = decibels[0];
        }
        numbers
    }

    /// Subtracts the reference and applies the floor, after all frames have been converted.
    pub(crate) fn finish<S: Sample>(&self, decibels: &mut [S], peak: Peak<S>) {
        let reference_db = match self.reference {
            Reference::Power(power) => 10.0 * power.abs().max(self.min_power).log10(),
            Reference::Max => peak.decibels.widen(),
        };
        with_simd(
            #[inline(always)]
            || {
                if reference_db != 0.0 {
                    for value in &mut *decibels {
                        *value = S::narrow(value.widen() - reference_db);
                    }
                }
                if let Some(top_db) = self.top_db {
                    let floor = S::narrow(peak.decibels.widen() - reference_db) - S::narrow(top_db);
                    for value in decibels {
                        *value = if *value > floor { *value } else { floor };
                    }
                }
            },
        );
    }
}

impl<S: Sample> Peak<S> {
    /// Returns the peak in decibels; of a silent clip, the decibels of silence.
    pub(crate) fn decibels(&self) -> S {
        self.decibels
    }
}

/// Returns the largest of nonnegative values.
#[inline(always)]
fn largest<S: Sample>(values: &[S]) -> S {
    let larger = |a: S, b: S| if b > a { b } else { a };
    let (runs, rest) = values.as_chunks::<8>();
    let mut lanes = [S::default(); 8];
    for run in runs {
        for lane in 0..8 {
            lanes[lane] = larger(lanes[lane], run[lane]);
        }
    }
    lanes.iter().chain(rest).fold(S::default(), |largest, &value| larger(largest, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(decibels: Decibels, powers: &[f64]) -> Vec<f64> {
        let mut values = powers.to_vec();
        let mut peak = decibels.silence();
        for frame in values.chunks_mut(2) {
            assert!(decibels.convert(frame, &mut peak));
        }
        decibels.finish(&mut values, peak);
        values
    }

    fn close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?} {expected:?}");
    }

    const PLAIN: Decibels =
        Decibels { reference: Reference::Power(1.0), min_power: 1e-10, top_db: Some(80.0) };

    #[test]
    fn floor_is_relative_to_the_peak_of_the_clip() {
        close(&convert(PLAIN, &[1e-9, 1.0, 100.0, 0.0]), &[-60.0, 0.0, 20.0, -60.0]);
        close(
            &convert(Decibels { top_db: None, ..PLAIN }, &[1e-9, 1.0, 100.0, 0.0]),
            &[-90.0, 0.0, 20.0, -100.0],
        );
        close(&convert(Decibels { top_db: Some(0.0), ..PLAIN }, &[1.0, 100.0]), &[20.0, 20.0]);
    }

    #[test]
    fn reference_maps_to_zero() {
        let powers = [0.0, 1.0, 1e4, 1e-3];
        close(
            &convert(Decibels { reference: Reference::Power(-1e4), ..PLAIN }, &powers),
            &[-80.0, -40.0, 0.0, -70.0],
        );
        close(
            &convert(Decibels { reference: Reference::Max, ..PLAIN }, &powers),
            &[-80.0, -40.0, 0.0, -70.0],
        );
        close(
            &convert(Decibels { reference: Reference::Power(0.0), top_db: None, ..PLAIN }, &powers),
            &[0.0, 100.0, 140.0, 70.0],
        );
    }

    #[test]
    fn silence_maps_to_the_minimum_power() {
        close(&convert(PLAIN, &[0.0, 0.0]), &[-100.0, -100.0]);
        close(&convert(Decibels { reference: Reference::Max, ..PLAIN }, &[0.0, 0.0]), &[0.0, 0.0]);
    }

    #[test]
    fn infinite_power_is_reported() {
        let mut peak = PLAIN.silence();
        assert!(!PLAIN.convert(&mut [1.0f32, f32::INFINITY], &mut peak));
    }
}
