//! ROC curves that coincide.

use super::thresholds::{Curve, thinned};
use crate::chart::Overlap;
use crate::chart::axis::Scale;
use crate::chart::shapes::Color;
use crate::quoted;

/// Largest difference of the true positive rates of curves that coincide, about the width of a line, and the number of false
/// positive rates at which they are compared.
const LINE_WIDTH: f64 = 0.005;
const COMPARED: usize = 200;
/// Largest number of names in the sentence about curves that coincide.
const NAMES: usize = 12;

/// Curves between two false positive rates, in steps of the comparison.
pub(super) struct Part {
    from: usize,
    to: usize,
    /// Indices of the curves, in groups of those that coincide.
    groups: Vec<Vec<usize>>,
}

/// Splits the false positive rates into parts in which the same curves coincide.
pub(super) fn parts(curves: &[Curve<'_>]) -> Vec<Part> {
    let rates = |curve: &Curve<'_>| -> Vec<f64> {
        (0..=COMPARED).map(|at| true_positive_rate(&curve.of.rates, step(at))).collect()
    };
    let rates: Vec<Vec<f64>> = curves.iter().map(rates).collect();
    let mut parts: Vec<Part> = Vec::new();
    for at in 0..COMPARED {
        let close = |a: usize, b: usize, at: usize| (rates[a][at] - rates[b][at]).abs() <= LINE_WIDTH;
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for curve in 0..curves.len() {
            let with = |group: &&mut Vec<usize>| close(group[0], curve, at) && close(group[0], curve, at + 1);
            match groups.iter_mut().find(with) {
                Some(group) => group.push(curve),
                None => groups.push(vec![curve]),
            }
        }
        match parts.last_mut() {
            Some(part) if part.groups == groups => part.to = at + 1,
            _ => parts.push(Part { from: at, to: at + 1, groups }),
        }
    }
    parts
}

/// Returns the false positive rate of a step of the comparison.
fn step(at: usize) -> f64 {
    at as f64 / COMPARED as f64
}

/// Returns the dashes of the curves where they coincide, in percent.
pub(super) fn overlaps(curves: &[Curve<'_>], parts: &[Part]) -> Vec<Overlap> {
    let mut overlaps = Vec::new();
    for (part, group) in parts.iter().flat_map(|part| part.groups.iter().map(move |group| (part, group))) {
        if group.len() < 2 {
            continue;
        }
        let range = step(part.from)..step(part.to);
        for (place, &curve) in group.iter().enumerate() {
            let rates = &curves[curve].of.rates;
            let end = |x: f64| (x, true_positive_rate(rates, x));
            // The line from the corner upwards belongs to the first part.
            let within = |&(x, _): &(f64, f64)| x <= range.end && (part.from == 0 || x > range.start);
            let start = (part.from > 0).then(|| end(range.start));
            let points =
                start.into_iter().chain(rates.iter().copied().filter(within)).chain([end(range.end)]);
            overlaps.push(Overlap {
                color: Color::Series(curves[curve].number),
                points: thinned(points.map(|(x, y)| (100.0 * x, 100.0 * y)), Scale::Linear, 100.0),
                place,
                members: group.len(),
            });
        }
    }
    overlaps
}

/// Describes the curves that coincide; empty if none do.
pub(super) fn describe(curves: &[Curve<'_>], parts: &[Part]) -> String {
    if !parts.iter().flat_map(|part| &part.groups).any(|group| group.len() > 1) {
        return String::new();
    }
    let mut text = " Where lines coincide, they are drawn as alternating dashes.".to_string();
    let together = |a: usize, b: usize| {
        parts.iter().all(|part| part.groups.iter().any(|group| group.contains(&a) && group.contains(&b)))
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for curve in 0..curves.len() {
        match groups.iter_mut().find(|group| together(group[0], curve)) {
            Some(group) => group.push(curve),
            None => groups.push(vec![curve]),
        }
    }
    for group in groups.iter().filter(|group| group.len() > 1) {
        let names: Vec<String> = group.iter().take(NAMES).map(|&at| quoted(curves[at].name)).collect();
        text += &format!(" These coincide everywhere: {}", names.join(", "));
        text += &match group.len().saturating_sub(NAMES) {
            0 => ".".to_string(),
            more => format!(" and {more} more."),
        };
    }
    text
}

/// Returns the true positive rate at a false positive rate, on the lines between the points of a curve.
fn true_positive_rate(rates: &[(f64, f64)], x: f64) -> f64 {
    let after = rates.partition_point(|rate| rate.0 <= x);
    let Some(&(x0, y0)) = after.checked_sub(1).map(|before| &rates[before]) else { return 0.0 };
    match rates.get(after) {
        Some(&(x1, y1)) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        None => y0,
    }
}
