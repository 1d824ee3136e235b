//! Axes of a chart: scales, ranges, ticks and their labels.

use std::ops::Range;

use crate::numbers::plain;

/// Candidate rates of ticks on a probit axis.
const RATES: [f64; 15] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9];

/// Largest number of ticks of a logarithmic axis with steps within the powers of ten.
const MAX_LOG_TICKS: usize = 5;

/// Candidate frequencies of ticks, Hz.
const ROUND_HZ: [f64; 18] = [
    20.0, 50.0, 100.0, 200.0, 300.0, 500.0, 700.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0,
    8000.0, 10_000.0, 15_000.0, 20_000.0,
];

/// Value and label of a tick.
pub(crate) type Tick = (f64, String);

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

    /// Returns at most `max` ticks.
    fn ticks(self, range: &Range<f64>, max: usize) -> Vec<Tick> {
        match self {
            Scale::Linear => linear_ticks(range, max, 0.0),
            Scale::Log => log_ticks(range, max),
            Scale::Probit => {
                let min_distance = (probit(range.end) - probit(range.start)) / 12.0;
                let mut ticks: Vec<Tick> = Vec::new();
                for &rate in RATES.iter().filter(|rate| range.start <= **rate && **rate <= range.end) {
                    let distant = |last: &Tick| probit(rate) - probit(last.0) >= min_distance;
                    if ticks.last().is_none_or(distant) {
                        ticks.push((rate, plain(100.0 * rate)));
                    }
                }
                ticks
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

/// Returns at most `max` multiples of 1, 2 or 5 times a power of ten, at least `min_step` apart.
fn linear_ticks(range: &Range<f64>, max: usize, min_step: f64) -> Vec<Tick> {
    let widest = (max - 1) as f64;
    let power = 10f64.powf(((range.end - range.start) / widest).log10().floor());
    let fits = |step: &f64| (range.end - range.start) / step <= widest + 1e-9 && *step >= min_step;
    let step = [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(fits).unwrap_or(10.0 * power);
    let step = step.max(min_step);
    let first = (range.start / step - 1e-9).ceil();
    let values = (0..max).map(|number| (first + number as f64) * step);
    let within = values.take_while(|value| *value <= range.end + 1e-9 * step);
    within.map(|value| (value, tick_label(value, step))).collect()
}

/// Formats a multiple of a step: 5e-4 and 2e7 instead of many zeros.
fn tick_label(value: f64, step: f64) -> String {
    if value == 0.0 || (step >= 1e-3 && value.abs() < 1e7) {
        return plain(value);
    }
    let magnitude = |number: f64| (number.abs().log10() + 1e-9).floor();
    let decimals = (magnitude(value) - magnitude(step)).clamp(0.0, 12.0) as usize;
    let text = format!("{value:.decimals$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    match digits.contains('.') {
        true => format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.')),
        false => text,
    }
}

/// Returns as many ticks as are legible: steps within the powers of ten, all powers, or some of them.
fn log_ticks(range: &Range<f64>, max: usize) -> Vec<Tick> {
    let (low, high) = (range.start.log10(), range.end.log10());
    let powers = low.floor() as i32..=high.ceil() as i32;
    for steps in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        let all = powers.clone().flat_map(|power| steps.iter().map(move |&step: &f64| (step, power)));
        let within = |(step, power): &(f64, i32)| {
            let position = f64::from(*power) + step.log10();
            position > low - 1e-9 && position < high + 1e-9
        };
        let ticks: Vec<Tick> = all.filter(within).map(|(step, power)| in_powers(step, power)).collect();
        if ticks.len() <= MAX_LOG_TICKS {
            return ticks;
        }
    }
    let (low, high) = (low.ceil() as i32, high.floor() as i32);
    let every = (high - low) as usize / max + 1;
    (low..=high).step_by(every).map(|power| in_powers(1.0, power)).collect()
}

/// Returns the tick of a step times a power of ten.
fn in_powers(step: f64, power: i32) -> Tick {
    let value = step * 10f64.powi(power);
    (value, if (-3..=5).contains(&power) { plain(value) } else { format!("{step}e{power}") })
}

/// An axis.
pub(crate) struct Axis {
    /// Label with the unit.
    pub(crate) label: String,
    /// Range of values; not empty.
    pub(crate) range: Range<f64>,
    pub(crate) scale: Scale,
    ticks: Option<Vec<Tick>>,
    /// Smallest step of the ticks: 1 for numbers of steps.
    min_step: f64,
}

impl Axis {
    pub(crate) fn new(label: impl Into<String>, range: Range<f64>, scale: Scale) -> Axis {
        Axis { label: label.into(), range, scale, ticks: None, min_step: 0.0 }
    }

    pub(crate) fn linear(label: impl Into<String>, range: Range<f64>) -> Axis {
        Axis::new(label, range, Scale::Linear)
    }

    /// Creates a linear axis of numbers from 0 to `last`, with ticks at whole numbers.
    pub(crate) fn numbers(label: &str, last: f64) -> Axis {
        Axis { min_step: 1.0, ..Axis::linear(label, 0.0..last.max(1.0)) }
    }

    /// Sets the ticks.
    pub(crate) fn with_ticks(self, ticks: Vec<Tick>) -> Axis {
        Axis { ticks: Some(ticks), ..self }
    }

    /// Creates a linear axis around values, with some space above.
    pub(crate) fn around(label: &str, low: f64, high: f64) -> Axis {
        let extent = if high > low { 1.05 * (high - low) } else { 1e-3 * low.abs().max(1.0) };
        Axis::linear(label, low..low + extent)
    }

    /// Creates an axis of whole powers of ten around values greater than 0.
    pub(crate) fn powers_of_ten(label: &str, low: f64, high: f64) -> Axis {
        let (low, high) = (low.log10().floor(), high.log10().ceil());
        let range = 10f64.powf(low)..10f64.powf(high.max(low + 1.0));
        Axis::new(label, range, Scale::Log)
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
        Axis::new(label, start..end, Scale::Log)
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

    /// Returns at most `max` ticks, or those that were set.
    pub(crate) fn ticks(&self, max: usize) -> Vec<Tick> {
        match (&self.ticks, self.scale) {
            (Some(ticks), _) => ticks.clone(),
            (None, Scale::Linear) => linear_ticks(&self.range, max, self.min_step),
            (None, scale) => scale.ticks(&self.range, max),
        }
    }

    /// Returns the position of a value: 0 at the start of the axis, 1 at its end; never far outside of it.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let [start, end, value] =
            [self.range.start, self.range.end, value].map(|at| self.scale.transform(at));
        ((value - start) / (end - start)).clamp(-10.0, 10.0)
    }
}

/// Returns at most `max_ticks` round frequencies among bands with these centers (ascending); each band is a row, with
/// its center in the middle of the row.
pub(crate) fn frequencies(centers_hz: &[f64], max_ticks: usize) -> Vec<Tick> {
    let min_distance = centers_hz.len() as f64 / max_ticks as f64;
    let mut ticks: Vec<Tick> = Vec::new();
    for hz in ROUND_HZ {
        let Some(row) = row(centers_hz, hz) else { continue };
        if ticks.last().is_none_or(|last| row - last.0 >= min_distance) {
            ticks.push((row, plain(hz)));
        }
    }
    ticks
}

/// Returns the position of a frequency between the centers; None outside of them.
fn row(centers_hz: &[f64], hz: f64) -> Option<f64> {
    let above = centers_hz.iter().position(|center_hz| *center_hz >= hz)?;
    if centers_hz[above] == hz {
        return Some(above as f64 + 0.5);
    }
    let below = above.checked_sub(1)?;
    let fraction = (hz - centers_hz[below]) / (centers_hz[above] - centers_hz[below]);
    Some(below as f64 + 0.5 + fraction)
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
            assert!(Scale::Log.ticks(&range, 6).len() >= 2, "{low} {high}: {range:?}");
        }
        for (lowest, from) in [(0.0, 0.0), (0.49, 0.0), (0.65, 60.0), (0.95, 94.0), (0.99, 99.0), (1.0, 99.5)]
        {
            let range = Axis::fraction("", lowest, 100.0).range;
            assert!((range.start - from).abs() < 1e-9 && range.end == 100.0, "{lowest}: {range:?}");
        }
    }

    #[test]
    fn linear_ticks_are_round_numbers_within_the_range() {
        let labels = |low: f64, high: f64, max: usize| -> Vec<String> {
            Axis::linear("", low..high).ticks(max).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.0, 100.0, 6), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(60.0, 100.0, 6), ["60", "70", "80", "90", "100"]);
        assert_eq!(labels(-0.05, 0.5, 7), ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(labels(0.0, 0.00315, 6), ["0", "0.001", "0.002", "0.003"]);
        assert_eq!(labels(0.0, 0.0021, 6), ["0", "5e-4", "1e-3", "1.5e-3", "2e-3"]);
        assert_eq!(labels(0.0, 4.2e7, 6), ["0", "1e7", "2e7", "3e7", "4e7"]);
        for (low, high) in [(0.0, 1e-40), (0.0, 3.2e38), (1e9, 1e9 + 1e6), (-2e-9, 1e-9), (7.0, 7.007)] {
            for max in [3, 6, 7, 14] {
                let ticks = Axis::linear("", low..high).ticks(max);
                assert!((2..=max).contains(&ticks.len()), "{low} {high} {max}: {ticks:?}");
                assert!(ticks.iter().all(|tick| (low..=high * 1.000_001).contains(&tick.0)), "{ticks:?}");
                let mut labels: Vec<&String> = ticks.iter().map(|(_, label)| label).collect();
                labels.dedup();
                assert_eq!(labels.len(), ticks.len(), "{ticks:?}");
            }
        }
    }

    #[test]
    fn numbers_of_steps_have_no_ticks_between_them() {
        let labels =
            |last: f64| Axis::numbers("", last).ticks(7).into_iter().map(|tick| tick.1).collect::<Vec<_>>();
        assert_eq!(
            (labels(0.0), labels(2.0)),
            (vec!["0".into(), "1".into()], vec!["0".into(), "1".into(), "2".into()])
        );
        assert_eq!(labels(1080.0), ["0", "200", "400", "600", "800", "1,000"]);
    }

    #[test]
    fn values_have_positions_on_every_scale() {
        let at = |axis: Axis, value| (1e6 * axis.position(value)).round() / 1e6;
        assert_eq!(at(Axis::linear("", -2.0..2.0), 1.0), 0.75);
        assert_eq!(at(Axis::new("", 0.1..1000.0, Scale::Log), 1.0), 0.25);
        assert_eq!(at(Axis::new("", 0.2..0.8, Scale::Probit), 0.5), 0.5);
        assert_eq!(at(Axis::linear("", 0.0..1.0), 1e300), 10.0);
        let set = Axis::linear("", -2.0..2.0).with_ticks(vec![(-2.0, "low".into())]);
        assert_eq!(set.ticks(6), [(-2.0, "low".into())]);
    }

    #[test]
    fn ticks_are_powers_and_rates() {
        let ticks = |scale: Scale, range| -> Vec<String> {
            scale.ticks(&range, 6).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(ticks(Scale::Log, 1e-5..100.0), ["1e-5", "0.001", "0.1", "10"]);
        assert_eq!(ticks(Scale::Probit, 0.004..0.5), ["0.5", "1", "2", "5", "10", "20", "40"]);
        // Of overlapping rates the lower one is kept.
        let wide = ticks(Scale::Probit, 0.0001..0.6);
        assert_eq!(wide, ["0.01", "0.05", "0.2", "1", "5", "10", "20", "40", "60"]);
        assert_eq!(ticks(Scale::Log, 0.5..5.0), ["0.5", "1", "2", "5"]);
        assert_eq!(ticks(Scale::Log, 1e4..1e6), ["10,000", "30,000", "100,000", "300,000", "1e6"]);
    }
}
