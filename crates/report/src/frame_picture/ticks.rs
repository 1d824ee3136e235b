//! Ticks of the vertical axis: positions in rows from the bottom, and labels.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// Candidate frequencies of ticks, Hz.
const ROUND_HZ: [f64; 18] = [
    20.0, 50.0, 100.0, 200.0, 300.0, 500.0, 700.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0,
    8000.0, 10_000.0, 15_000.0, 20_000.0,
];

/// Position and label of a tick.
pub(super) type Tick = (f64, String);

/// Rows from the bottom up, with ticks at given positions.
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) ticks: Vec<Tick>,
}

impl Ranged for Rows {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, at: &f64, (bottom, top): (i32, i32)) -> i32 {
        bottom + (f64::from(top - bottom) * at / self.count as f64).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.count as f64
    }
}

/// Returns the label of the tick at a position.
pub(super) fn label(ticks: &[Tick], at: f64) -> String {
    ticks.iter().find(|tick| tick.0 == at).map_or_else(String::new, |tick| tick.1.clone())
}

/// Returns at most `max_ticks` round frequencies among bands with these centers (ascending); each band is a row, with
/// its center in the middle of the row.
pub(super) fn frequencies(centers_hz: &[f64], max_ticks: usize) -> Vec<Tick> {
    let min_distance = centers_hz.len() as f64 / max_ticks as f64;
    let mut ticks: Vec<Tick> = Vec::new();
    for hz in ROUND_HZ {
        let Some(row) = row(centers_hz, hz) else { continue };
        if ticks.last().is_none_or(|last| row - last.0 >= min_distance) {
            ticks.push((row, format!("{hz:.0}")));
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

/// Returns at most `max_ticks` indices of values, from 0.
pub(super) fn numbers(width: usize, max_ticks: usize) -> Vec<Tick> {
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    // Some step is large enough before the powers of ten end: a width has at most 20 digits.
    let step = steps.into_iter().find(|step| width.div_ceil(*step) <= max_ticks).unwrap_or(width);
    (0..width).step_by(step).map(|number| (number as f64 + 0.5, number.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_frequency_is_between_its_neighboring_centers() {
        let ticks = frequencies(&[150.0, 250.0, 450.0, 1000.0], 14);
        let expected = [
            (1.0, "200"),
            (1.75, "300"),
            (2.5 + 50.0 / 550.0, "500"),
            (2.5 + 250.0 / 550.0, "700"),
            (3.5, "1000"),
        ];
        assert_eq!(ticks.len(), expected.len(), "{ticks:?}");
        for (tick, (row, name)) in ticks.iter().zip(expected) {
            assert!((tick.0 - row).abs() < 1e-12 && tick.1 == name, "{tick:?}");
        }
    }

    #[test]
    fn ticks_keep_their_distance() {
        let linear: Vec<f64> = (0..257).map(|bin| f64::from(bin) * 31.25).collect();
        let ticks = frequencies(&linear, 14);
        assert!(ticks.len() <= 14 && ticks.windows(2).all(|two| two[1].0 - two[0].0 >= 257.0 / 14.0));
        assert!(numbers(1000, 14).len() <= 14 && numbers(1000, 6).len() <= 6);
        assert_eq!(numbers(13, 14).len(), 13);
        assert_eq!(numbers(39, 14)[1], (5.5, "5".into()));
    }
}
