//! The figure against what it costs, with the candidates that nobody beats in both.

use super::{Candidate, Comparison, Cost};
use crate::ReportError;
use crate::chart::axis::{Axis, Scale};
use crate::chart::error_bars::Spread;
use crate::chart::figure::{Figure, Sketch, Words};
use crate::chart::series_style::Ink;
use crate::chart::{Chart, HEIGHT};
use crate::numbers::counted;
use crate::table::Value;
use stapes_metrics::median;

/// A cost's figure and the candidates on its front.
pub(super) struct CostFigure<'a> {
    pub(super) figure: Figure,
    pub(super) cost: &'a str,
    pub(super) front: Vec<Member<'a>>,
}

/// A candidate that none beats in both.
pub(super) struct Member<'a> {
    pub(super) number: String,
    pub(super) name: &'a str,
    pub(super) cost: String,
    pub(super) figure: String,
}

/// A candidate with a place in the figure.
struct Placed<'a> {
    candidate: &'a Candidate,
    cost: f64,
    figure: f64,
}

/// A figure for each cost that candidates have.
pub(super) fn figures(comparison: &Comparison) -> Result<Vec<CostFigure<'_>>, ReportError> {
    let drawn = (0..comparison.costs.len()).filter_map(|at| against(comparison, at));
    drawn
        .map(|Against { sketch, cost, front }| {
            Ok(CostFigure { figure: sketch.figure()?, cost: &cost.name, front })
        })
        .collect()
}

/// The same for files.
pub(super) fn sketches(comparison: &Comparison) -> Vec<Sketch> {
    (0..comparison.costs.len()).filter_map(|at| Some(against(comparison, at)?.sketch)).collect()
}

/// A cost's figure that is not drawn yet.
struct Against<'a> {
    sketch: Sketch,
    cost: &'a Cost,
    front: Vec<Member<'a>>,
}

fn against(comparison: &Comparison, at: usize) -> Option<Against<'_>> {
    let cost = &comparison.costs[at];
    let mut placed: Vec<Placed<'_>> =
        comparison.candidates.iter().filter_map(|one| Placed::of(one, at)).collect();
    placed.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let trained = comparison.candidates.iter().filter(|candidate| !candidate.figures.is_empty()).count();
    let (first, last) = (placed.first()?, placed.last()?);
    let scale = comparison.shown.scale;
    let y_of = |share: f64| scale * share;
    let lowest = placed.iter().flat_map(|one| &one.candidate.figures).copied().fold(1.0, f64::min);
    let front = front(&placed);
    let said = |one: &Placed<'_>| Value::spread(&one.candidate.figures).for_people(comparison.shown);
    let spread = |(at, one): (usize, &Placed<'_>)| {
        let ends = |of: fn(f64, f64) -> f64, from| one.candidate.figures.iter().copied().fold(from, of);
        Spread {
            name: one.candidate.name.clone(),
            x: one.cost,
            y: y_of(one.figure),
            low: y_of(ends(f64::min, f64::INFINITY)),
            high: y_of(ends(f64::max, f64::NEG_INFINITY)),
            said: [Scale::Log.say(one.cost), said(one)],
            ink: if front.contains(&at) { Ink::FIRST } else { Ink::Mark },
        }
    };
    let x = Axis::logarithmic(&cost.name, first.cost, last.cost);
    let y = Axis::share(&comparison.figure, lowest, scale);
    let numbers = numbers(&front, &placed);
    let numbered = || numbers.iter().zip(&front).map(|(number, &at)| (number.to_string(), &placed[at]));
    let mut letters: Vec<(f64, f64, String)> =
        numbered().map(|(number, one)| (one.cost, y_of(one.figure), number)).collect();
    letters.dedup_by(|a, b| a.2 == b.2);
    let chart = Chart {
        spreads: placed.iter().enumerate().map(spread).collect(),
        reference: stairs(&front, &placed).into_iter().map(|(x, y)| (x, y_of(y))).collect(),
        letters,
        ..Chart::empty("costs", HEIGHT, x, y)
    };
    let members = numbered().map(|(number, one)| Member {
        number,
        name: &one.candidate.name,
        cost: Scale::Log.say(one.cost),
        figure: said(one),
    });
    let members: Vec<Member<'_>> = members.collect();
    let names: Vec<&str> = members.iter().map(|member| member.name).collect();
    let mut caption =
        "A dot is the median over seeds, on the line from the lowest to the highest. None beats those on \
                       the dashed front in both."
            .to_string();
    if !cost.measured.is_empty() {
        caption += &format!(" {}", cost.measured);
    }
    if placed.len() < trained {
        let missing = counted((trained - placed.len()) as u64, "candidate");
        caption += &format!(" {missing} without this cost left out.");
    }
    let words = Words {
        id: format!("against-{}", cost.key),
        title: format!("{} against {}", capitalised(&comparison.figure), cost.name),
        description: format!("On the front, from the cheapest on: {}.", names.join("; ")),
        caption,
        x_name: cost.name.clone(),
        nearest: true,
    };
    let letters = members.iter().map(|member| (member.number.clone(), member.name.to_string())).collect();
    Some(Against { sketch: Sketch { chart, words, letters }, cost, front: members })
}

impl<'a> Placed<'a> {
    fn of(candidate: &'a Candidate, at: usize) -> Option<Placed<'a>> {
        let cost = candidate.costs.get(at).copied().flatten()?;
        let figure = median(&candidate.figures)?;
        (cost.is_finite() && cost > 0.0 && candidate.figures.iter().all(|figure| figure.is_finite()))
            .then_some(Placed { candidate, cost, figure })
    }
}

/// Which of the candidates, ordered by cost, none beats: those with a higher figure than all that cost as much or less.
fn front(placed: &[Placed<'_>]) -> Vec<usize> {
    let beaten = |at: usize| {
        placed.iter().enumerate().any(|(other, one)| {
            let as_good = one.cost <= placed[at].cost && one.figure >= placed[at].figure;
            let better = one.cost < placed[at].cost || one.figure > placed[at].figure;
            other != at && as_good && better
        })
    };
    (0..placed.len()).filter(|&at| !beaten(at)).collect()
}

/// The numbers of the front's members, from 1: those at the same place share one.
fn numbers(front: &[usize], placed: &[Placed<'_>]) -> Vec<usize> {
    let mut numbers: Vec<usize> = Vec::new();
    for (at, &member) in front.iter().enumerate() {
        let place = |member: usize| (placed[member].cost, placed[member].figure);
        let number = match (numbers.last(), at.checked_sub(1).map(|before| front[before])) {
            (Some(&number), Some(before)) => number + usize::from(place(before) != place(member)),
            _ => 1,
        };
        numbers.push(number);
    }
    numbers
}

/// The best figure that can be had up to each cost.
fn stairs(front: &[usize], placed: &[Placed<'_>]) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for &at in front {
        if let Some(&(_, before)) = corners.last() {
            corners.push((placed[at].cost, before));
        }
        corners.push((placed[at].cost, placed[at].figure));
    }
    corners
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_what_nothing_beats_and_its_stairs_rise_at_its_members() {
        let figures = [(1.0, 0.5), (2.0, 0.4), (2.0, 0.7), (3.0, 0.7), (4.0, 0.9), (4.0, 0.9), (5.0, 0.8)];
        let candidate = |(cost, figure): (f64, f64)| Candidate {
            name: String::new(),
            figures: vec![figure],
            costs: vec![Some(cost)],
            runs: Vec::new(),
            confusion: None,
            groups: None,
            scores: None,
            point: None,
            calibration: None,
        };
        let candidates = figures.map(candidate);
        let placed: Vec<Placed<'_>> = candidates.iter().filter_map(|one| Placed::of(one, 0)).collect();
        // Of equals both.
        let front = front(&placed);
        assert_eq!(front, [0, 2, 4, 5]);
        assert_eq!(numbers(&front, &placed), [1, 2, 3, 3]);
        let corners = [(1.0, 0.5), (2.0, 0.5), (2.0, 0.7), (4.0, 0.7), (4.0, 0.9), (4.0, 0.9), (4.0, 0.9)];
        assert_eq!(stairs(&front, &placed), corners);
    }
}
