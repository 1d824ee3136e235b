//! Axes of a chart: scales, ranges, ticks and their labels.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::Ranged;

use crate::numbers::plain;

/// Candidate rates of ticks on a probit axis.
const RATES: [f64; 15] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9];

/// Smallest extent of an axis; plotters' search for ticks does not end for smaller ones.
const MIN_EXTENT: f64 = 1e-3;

/// Largest number of ticks of a logarithmic axis with steps within the powers of ten.
const MAX_LOG_TICKS: usize = 5;

/// Scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Linear.
    Linear,
    /// Decimal logarithm; values greater than 0.
    Log,
    /// Normal deviate of a rate, as in detection error tradeoffs; values in (0, 1), shown as percentages.
    Probit,
}

impl Scale {
    /// Transforms a value to a linear position.
    pub(crate) fn transform(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Log => value.log10(),
            Scale::Probit => probit(value),
        }
    }

    /// Formats a value for readers.
    pub(crate) fn format(self, value: f64) -> String {
        match self {
            Scale::Linear | Scale::Log => digits(value),
            Scale::Probit => format!("{} %", digits(100.0 * value)),
        }
    }

    /// Returns positions and labels of ticks; None if plotters chooses them.
    fn ticks(self, range: &Range<f64>) -> Option<Vec<(f64, String)>> {
        match self {
            Scale::Linear => None,
            Scale::Log => Some(log_ticks(range)),
            Scale::Probit => {
                let min_distance = (probit(range.end) - probit(range.start)) / 12.0;
                let mut ticks: Vec<(f64, String)> = Vec::new();
                for &rate in RATES.iter().filter(|rate| range.start <= **rate && **rate <= range.end) {
                    let position = probit(rate);
                    if ticks.last().is_none_or(|last| position - last.0 >= min_distance) {
                        ticks.push((position, plain(100.0 * rate)));
                    }
                }
                Some(ticks)
            }
        }
    }
}

/// Formats a value with about four digits.
fn digits(value: f64) -> String {
    let scale = match value.abs() {
        0.0 => 1.0,
        small if small < 1e-3 => return format!("{value:.2e}"),
        small if small < 1.0 => 1e4,
        one if one < 10.0 => 1e3,
        ten if ten < 1e3 => 1e2,
        _ => 1.0,
    };
    plain((value * scale).round() / scale)
}

/// Returns as many ticks as are legible: steps within the powers of ten, all powers, or some of them.
fn log_ticks(range: &Range<f64>) -> Vec<(f64, String)> {
    let (low, high) = (range.start.log10(), range.end.log10());
    let powers = low.floor() as i32..=high.ceil() as i32;
    for steps in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        let values = powers.clone().flat_map(|power| {
            steps.iter().map(move |step: &f64| (f64::from(power) + step.log10(), *step, power))
        });
        let within = |position: &f64| *position > low - 1e-9 && *position < high + 1e-9;
        let ticks: Vec<_> = values
            .filter(|(position, ..)| within(position))
            .map(|(position, step, power)| (position, in_powers(step, power)))
            .collect();
        if ticks.len() <= MAX_LOG_TICKS {
            return ticks;
        }
    }
    let (low, high) = (low.ceil() as i32, high.floor() as i32);
    let every = ((high - low) / 6 + 1) as usize;
    (low..=high).step_by(every).map(|power| (f64::from(power), in_powers(1.0, power))).collect()
}

/// Formats a step times a power of ten.
fn in_powers(step: f64, power: i32) -> String {
    if (-3..=5).contains(&power) { plain(step * 10f64.powi(power)) } else { format!("{step}e{power}") }
}

/// An axis.
pub(crate) struct Axis {
    /// Label with the unit.
    pub(crate) label: String,
    /// Range of values, before the transform.
    pub(crate) range: Range<f64>,
    pub(crate) scale: Scale,
    /// Values and labels of ticks; empty for the default ticks of the scale.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    pub(crate) fn linear(label: impl Into<String>, range: Range<f64>) -> Axis {
        Axis { label: label.into(), range, scale: Scale::Linear, ticks: Vec::new() }
    }

    /// Sets the ticks.
    pub(crate) fn with_ticks(self, ticks: Vec<(f64, String)>) -> Axis {
        Axis { ticks, ..self }
    }

    /// Creates a linear axis around values, with some space above.
    pub(crate) fn around(label: &str, low: f64, high: f64) -> Axis {
        Axis::linear(label, low..low + (1.05 * (high - low)).max(MIN_EXTENT))
    }

    /// Creates an axis of whole powers of ten around values greater than 0.
    pub(crate) fn powers_of_ten(label: &str, low: f64, high: f64) -> Axis {
        let (low, high) = (low.log10().floor(), high.log10().ceil());
        let range = 10f64.powf(low)..10f64.powf(high.max(low + 1.0));
        Axis { label: label.into(), range, scale: Scale::Log, ticks: Vec::new() }
    }

    /// Creates a logarithmic axis around values greater than 0 that begins and ends at a tick.
    pub(crate) fn logarithmic(label: &str, low: f64, high: f64) -> Axis {
        let ends = (low / 1.1, 1.1 * high);
        let steps = || {
            let powers = ends.0.log10().floor() as i32..=ends.1.log10().ceil() as i32;
            powers.flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power)))
        };
        let start = steps().rfind(|step| *step <= ends.0).unwrap_or(ends.0);
        let end = steps().find(|step| *step >= ends.1).unwrap_or(ends.1);
        Axis { label: label.into(), range: start..end, scale: Scale::Log, ticks: Vec::new() }
    }

    /// Creates an axis of fractions in [0, 1], multiplied by `scale`, up to 1: from 0, or from a higher round value if
    /// all values are above it.
    pub(crate) fn fraction(label: &str, lowest: f64, scale: f64) -> Axis {
        let step = match lowest {
            low if low < 0.5 => 1.0,
            low if low < 0.9 => 0.1,
            low if low < 0.98 => 0.02,
            _ => 0.005,
        };
        let from = ((lowest / step).floor() * step).clamp(0.0, 1.0 - step);
        Axis::linear(label, scale * from..scale)
    }

    /// Returns the axis for plotters, in transformed positions.
    pub(crate) fn scaled_range(&self) -> ScaledRange {
        let range = self.scale.transform(self.range.start)..self.scale.transform(self.range.end);
        ScaledRange { inner: range.into(), ticks: self.tick_positions() }
    }

    /// Returns positions and labels of ticks; None if plotters chooses them.
    fn tick_positions(&self) -> Option<Vec<(f64, String)>> {
        match self.ticks.is_empty() {
            true => self.scale.ticks(&self.range),
            false => Some(
                self.ticks.iter().map(|(value, text)| (self.scale.transform(*value), text.clone())).collect(),
            ),
        }
    }

    /// Returns the label of a tick.
    pub(crate) fn tick(&self, position: f64) -> String {
        let ticks = self.tick_positions().unwrap_or_default();
        let nearest =
            ticks.into_iter().min_by(|a, b| (a.0 - position).abs().total_cmp(&(b.0 - position).abs()));
        nearest.map_or_else(|| plain(position), |(_, text)| text)
    }
}

/// A range of transformed positions, with optional ticks.
pub(crate) struct ScaledRange {
    inner: RangedCoordf64,
    ticks: Option<Vec<(f64, String)>>,
}

impl Ranged for ScaledRange {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        // Far outside of the range plotters' integers would overflow.
        let Range { start, end } = self.inner.range();
        let margin = 100.0 * (end - start);
        self.inner.map(&value.clamp(start - margin, end + margin), limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match &self.ticks {
            Some(ticks) => ticks.iter().map(|(position, _)| *position).collect(),
            None => self.inner.key_points(hint),
        }
    }

    fn range(&self) -> Range<f64> {
        self.inner.range()
    }
}

/// Returns the normal quantile of a probability, to about seven digits.
///
/// # Source
/// Wichura 1988, algorithm AS 241, "The percentage points of the normal distribution", PPND7.
fn probit(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)
            / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let deviate = if r <= 5.0 {
        let r = r - 1.6;
        (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777)
            / ((0.12021132975 * r + 0.73700164250) * r + 1.0)
    } else {
        let r = r - 5.0;
        (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150)
            / ((0.012258202635 * r + 0.24197894225) * r + 1.0)
    };
    if q < 0.0 { -deviate } else { deviate }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_deviates_match_scipy() {
        // scipy 1.17.1: scipy.stats.norm.ppf(p).
        let recorded = [
            (1e-12, -7.034483825301131),
            (1e-4, -3.7190164854556804),
            (0.01, -2.3263478740408408),
            (0.07, -1.4757910281791706),
            (0.3, -0.5244005127080409),
            (0.5, 0.0),
            (0.975, 1.959963984540054),
        ];
        for (p, expected) in recorded {
            assert!((probit(p) - expected).abs() < 2e-6, "{p}: {}", probit(p));
        }
    }

    #[test]
    fn values_are_formatted_with_about_four_digits() {
        let formatted =
            [0.0, 1.23456e-5, 0.012345, 2.34567, 21.8754, 1234.56].map(|value| Scale::Linear.format(value));
        assert_eq!(formatted, ["0", "1.23e-5", "0.0123", "2.346", "21.88", "1,235"]);
        assert_eq!(Scale::Probit.format(0.01234), "1.234 %");
    }

    #[test]
    fn axes_contain_their_values_and_are_not_empty() {
        for (low, high) in [(1.0, 1.0), (0.0007, 3.0), (42_905.0, 204_505.0), (1e-30, 1e30)] {
            let range = Axis::logarithmic("", low, high).range;
            assert!(range.start < low && high < range.end, "{low} {high}: {range:?}");
            assert!(Scale::Log.ticks(&range).unwrap().len() >= 2, "{low} {high}: {range:?}");
        }
        for (lowest, from) in [(0.0, 0.0), (0.49, 0.0), (0.65, 60.0), (0.95, 94.0), (0.99, 99.0), (1.0, 99.5)]
        {
            let range = Axis::fraction("", lowest, 100.0).range;
            assert!((range.start - from).abs() < 1e-9 && range.end == 100.0, "{lowest}: {range:?}");
        }
    }

    #[test]
    fn ticks_can_be_set() {
        let axis = Axis::linear("", -2.0..2.0).with_ticks(vec![(-2.0, "low".into()), (1.0, "high".into())]);
        assert_eq!(axis.tick_positions().unwrap().iter().map(|tick| tick.0).collect::<Vec<_>>(), [-2.0, 1.0]);
        assert_eq!((axis.tick(-1.9), axis.tick(1.0)), ("low".into(), "high".into()));
    }

    #[test]
    fn ticks_are_powers_and_rates() {
        let ticks = |scale: Scale, range| -> Vec<String> {
            scale.ticks(&range).unwrap().into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(ticks(Scale::Log, 1e-5..100.0), ["1e-5", "0.001", "0.1", "10"]);
        assert_eq!(ticks(Scale::Probit, 0.004..0.5), ["0.5", "1", "2", "5", "10", "20", "40"]);
        // Of overlapping rates the lower one is kept.
        let wide = ticks(Scale::Probit, 0.0001..0.6);
        assert_eq!(wide, ["0.01", "0.05", "0.2", "1", "5", "10", "20", "40", "60"]);
        assert_eq!(ticks(Scale::Log, 0.5..5.0), ["0.5", "1", "2", "5"]);
        assert_eq!(ticks(Scale::Log, 1e4..1e6), ["10,000", "30,000", "100,000", "300,000", "1e6"]);
        let axis = Axis { label: String::new(), range: 1e-5..100.0, scale: Scale::Log, ticks: Vec::new() };
        assert_eq!((axis.tick(-3.0), Axis::linear("", 0.0..1.0).tick(0.25)), ("0.001".into(), "0.25".into()));
    }
}
