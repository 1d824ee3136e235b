//! Axes of a chart: where values lie, where ticks stand, and how both are written.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::Ranged;

use crate::numbers::plain;

/// Rates at which an axis of normal deviates may have a tick.
const RATES: [f64; 15] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9];

/// Least extent of an axis: what is smaller is nothing, and plotters' search for ticks would not end.
const SMALLEST: f64 = 1e-3;

/// Ticks of a logarithmic axis that are not only powers of ten.
const LOG_TICKS: usize = 5;

/// How values become places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// In proportion.
    Linear,
    /// By the decimal logarithm; values above 0.
    Log,
    /// By the normal deviate of a rate, as detection error tradeoffs are drawn; values in (0, 1), written in percent.
    Probit,
}

impl Scale {
    /// Where a value lies, linearly.
    pub(crate) fn place(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Log => value.log10(),
            Scale::Probit => probit(value),
        }
    }

    /// A value as people read it.
    pub(crate) fn say(self, value: f64) -> String {
        match self {
            Scale::Linear | Scale::Log => digits(value),
            Scale::Probit => format!("{} %", digits(100.0 * value)),
        }
    }

    /// Places of the ticks with what is written there; None where plotters chooses.
    fn ticks(self, range: &Range<f64>) -> Option<Vec<(f64, String)>> {
        match self {
            Scale::Linear => None,
            Scale::Log => Some(log_ticks(range)),
            Scale::Probit => {
                let least = (probit(range.end) - probit(range.start)) / 12.0;
                let mut ticks: Vec<(f64, String)> = Vec::new();
                for &rate in RATES.iter().filter(|rate| range.start <= **rate && **rate <= range.end) {
                    let place = probit(rate);
                    if ticks.last().is_none_or(|last| place - last.0 >= least) {
                        ticks.push((place, plain(100.0 * rate)));
                    }
                }
                Some(ticks)
            }
        }
    }
}

/// A value with about four digits.
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

/// As many ticks as can be read: steps within the powers of ten, these, or some of these.
fn log_ticks(range: &Range<f64>) -> Vec<(f64, String)> {
    let (low, high) = (range.start.log10(), range.end.log10());
    let powers = low.floor() as i32..=high.ceil() as i32;
    for steps in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        let values = powers.clone().flat_map(|power| {
            steps.iter().map(move |step: &f64| (f64::from(power) + step.log10(), *step, power))
        });
        let within = |place: &f64| *place > low - 1e-9 && *place < high + 1e-9;
        let ticks: Vec<_> = values
            .filter(|(place, ..)| within(place))
            .map(|(place, step, power)| (place, in_powers(step, power)))
            .collect();
        if ticks.len() <= LOG_TICKS {
            return ticks;
        }
    }
    let (low, high) = (low.ceil() as i32, high.floor() as i32);
    let every = ((high - low) / 6 + 1) as usize;
    (low..=high).step_by(every).map(|power| (f64::from(power), in_powers(1.0, power))).collect()
}

/// A whole number times a power of ten.
fn in_powers(step: f64, power: i32) -> String {
    if (-3..=5).contains(&power) { plain(step * 10f64.powi(power)) } else { format!("{step}e{power}") }
}

/// One axis.
pub(crate) struct Axis {
    /// What it measures, with its unit.
    pub(crate) label: String,
    /// In values, not places.
    pub(crate) range: Range<f64>,
    pub(crate) scale: Scale,
    /// Values with a tick and what is written there; empty for the ticks of the scale.
    pub(crate) marks: Vec<(f64, String)>,
}

impl Axis {
    pub(crate) fn linear(label: impl Into<String>, range: Range<f64>) -> Axis {
        Axis { label: label.into(), range, scale: Scale::Linear, marks: Vec::new() }
    }

    /// The same with ticks at these values.
    pub(crate) fn marked(self, marks: Vec<(f64, String)>) -> Axis {
        Axis { marks, ..self }
    }

    /// A linear axis around values, with a little space above.
    pub(crate) fn around(label: &str, low: f64, high: f64) -> Axis {
        Axis::linear(label, low..low + (1.05 * (high - low)).max(SMALLEST))
    }

    /// An axis of whole powers of ten around values above 0.
    pub(crate) fn powers_of_ten(label: &str, low: f64, high: f64) -> Axis {
        let (low, high) = (low.log10().floor(), high.log10().ceil());
        let range = 10f64.powf(low)..10f64.powf(high.max(low + 1.0));
        Axis { label: label.into(), range, scale: Scale::Log, marks: Vec::new() }
    }

    /// A logarithmic axis around values above 0, which begins and ends at a tick.
    pub(crate) fn logarithmic(label: &str, low: f64, high: f64) -> Axis {
        let ends = (low / 1.1, 1.1 * high);
        let steps = || {
            let powers = ends.0.log10().floor() as i32..=ends.1.log10().ceil() as i32;
            powers.flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power)))
        };
        let start = steps().rfind(|step| *step <= ends.0).unwrap_or(ends.0);
        let end = steps().find(|step| *step >= ends.1).unwrap_or(ends.1);
        Axis { label: label.into(), range: start..end, scale: Scale::Log, marks: Vec::new() }
    }

    /// An axis of shares in [0, 1], shown times `scale`, up to 1: from 0, unless all is happening above.
    pub(crate) fn share(label: &str, lowest: f64, scale: f64) -> Axis {
        let step = match lowest {
            low if low < 0.5 => 1.0,
            low if low < 0.9 => 0.1,
            low if low < 0.98 => 0.02,
            _ => 0.005,
        };
        let from = ((lowest / step).floor() * step).clamp(0.0, 1.0 - step);
        Axis::linear(label, scale * from..scale)
    }

    /// The axis as plotters takes it: in places.
    pub(crate) fn places(&self) -> Places {
        let range = self.scale.place(self.range.start)..self.scale.place(self.range.end);
        Places { inner: range.into(), ticks: self.ticks() }
    }

    /// Places of the ticks with what is written there; None where plotters chooses.
    fn ticks(&self) -> Option<Vec<(f64, String)>> {
        match self.marks.is_empty() {
            true => self.scale.ticks(&self.range),
            false => {
                let marks = self.marks.iter();
                Some(marks.map(|(value, text)| (self.scale.place(*value), text.clone())).collect())
            }
        }
    }

    /// What is written at a tick.
    pub(crate) fn tick(&self, place: f64) -> String {
        let ticks = self.ticks().unwrap_or_default();
        let nearest = ticks.into_iter().min_by(|a, b| (a.0 - place).abs().total_cmp(&(b.0 - place).abs()));
        nearest.map_or_else(|| plain(place), |(_, text)| text)
    }
}

/// Places in a range, with ticks of our own where there are any.
pub(crate) struct Places {
    inner: RangedCoordf64,
    ticks: Option<Vec<(f64, String)>>,
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.inner.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match &self.ticks {
            Some(ticks) => ticks.iter().map(|(place, _)| *place).collect(),
            None => self.inner.key_points(hint),
        }
    }

    fn range(&self) -> Range<f64> {
        self.inner.range()
    }
}

/// The normal deviate below which a variable lies with this probability, to about seven digits.
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
    fn values_are_said_with_about_four_digits() {
        let said =
            [0.0, 1.23456e-5, 0.012345, 2.34567, 21.8754, 1234.56].map(|value| Scale::Linear.say(value));
        assert_eq!(said, ["0", "1.23e-5", "0.0123", "2.346", "21.88", "1,235"]);
        assert_eq!(Scale::Probit.say(0.01234), "1.234 %");
    }

    #[test]
    fn axes_hold_their_values_and_are_not_empty() {
        for (low, high) in [(1.0, 1.0), (0.0007, 3.0), (42_905.0, 204_505.0), (1e-30, 1e30)] {
            let range = Axis::logarithmic("", low, high).range;
            assert!(range.start < low && high < range.end, "{low} {high}: {range:?}");
            assert!(Scale::Log.ticks(&range).unwrap().len() >= 2, "{low} {high}: {range:?}");
        }
        for (lowest, from) in [(0.0, 0.0), (0.49, 0.0), (0.65, 60.0), (0.95, 94.0), (0.99, 99.0), (1.0, 99.5)]
        {
            let range = Axis::share("", lowest, 100.0).range;
            assert!((range.start - from).abs() < 1e-9 && range.end == 100.0, "{lowest}: {range:?}");
        }
    }

    #[test]
    fn an_axis_may_have_ticks_of_its_own() {
        let axis = Axis::linear("", -2.0..2.0).marked(vec![(-2.0, "low".into()), (1.0, "high".into())]);
        assert_eq!(axis.ticks().unwrap().iter().map(|tick| tick.0).collect::<Vec<_>>(), [-2.0, 1.0]);
        assert_eq!((axis.tick(-1.9), axis.tick(1.0)), ("low".into(), "high".into()));
    }

    #[test]
    fn ticks_are_powers_and_rates() {
        let ticks = |scale: Scale, range| -> Vec<String> {
            scale.ticks(&range).unwrap().into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(ticks(Scale::Log, 1e-5..100.0), ["1e-5", "0.001", "0.1", "10"]);
        assert_eq!(ticks(Scale::Probit, 0.004..0.5), ["0.5", "1", "2", "5", "10", "20", "40"]);
        // Of rates that would be written over each other the lower one stays.
        let wide = ticks(Scale::Probit, 0.0001..0.6);
        assert_eq!(wide, ["0.01", "0.05", "0.2", "1", "5", "10", "20", "40", "60"]);
        assert_eq!(ticks(Scale::Log, 0.5..5.0), ["0.5", "1", "2", "5"]);
        assert_eq!(ticks(Scale::Log, 1e4..1e6), ["10,000", "30,000", "100,000", "300,000", "1e6"]);
        let axis = Axis { label: String::new(), range: 1e-5..100.0, scale: Scale::Log, marks: Vec::new() };
        assert_eq!((axis.tick(-3.0), Axis::linear("", 0.0..1.0).tick(0.25)), ("0.001".into(), "0.25".into()));
    }
}
