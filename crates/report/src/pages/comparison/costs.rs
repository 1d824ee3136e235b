//! Metric against cost, with the Pareto front of candidates.

use super::{Candidate, Comparison, Cost};
use crate::chart::axis::{Axis, Scale};
use crate::chart::figure::{Figure, FigureSpec, FigureText};
use crate::chart::shapes::Color;
use crate::chart::{Chart, ErrorBar, HEIGHT};
use crate::numbers::pluralize;
use crate::table::Value;
use stapes_metrics::median;

/// Figure of a cost, with the candidates on its Pareto front.
pub(super) struct CostFigure<'a> {
    pub(super) figure: Figure,
    pub(super) cost: &'a str,
    pub(super) front: Vec<FrontMember<'a>>,
}

/// A candidate on the Pareto front: none is better in both.
pub(super) struct FrontMember<'a> {
    pub(super) number: String,
    pub(super) name: &'a str,
    pub(super) cost: String,
    pub(super) value: String,
}

/// A candidate with a position in the figure.
struct Plotted<'a> {
    candidate: &'a Candidate,
    cost: f64,
    value: f64,
}

/// Returns a figure for each cost of the candidates.
pub(super) fn figures(comparison: &Comparison) -> Vec<CostFigure<'_>> {
    cost_plots(comparison)
        .into_iter()
        .map(|plot| CostFigure { figure: plot.spec.figure(), cost: &plot.cost.name, front: plot.front })
        .collect()
}

/// Returns the figures for files.
pub(super) fn specs(comparison: &Comparison) -> Vec<FigureSpec> {
    cost_plots(comparison).into_iter().map(|plot| plot.spec).collect()
}

/// Returns a figure for each cost and data set: candidates on different data are not compared.
fn cost_plots(comparison: &Comparison) -> Vec<CostPlot<'_>> {
    let data_sets = comparison.data_sets();
    let plots = (0..comparison.costs.len()).flat_map(|at| {
        let plot = move |(number, data_set): (usize, &Option<String>)| {
            let mut plot = cost_plot(comparison, at, data_set)?;
            if number > 0 {
                plot.spec.text.id += &format!("-{}", number + 1);
            }
            if let Some(data_set) = data_set {
                plot.spec.text.title += &format!(": {data_set}");
            }
            Some(plot)
        };
        data_sets.clone().into_iter().enumerate().filter_map(plot)
    });
    plots.collect()
}

/// Figure of a cost that is not drawn yet.
struct CostPlot<'a> {
    spec: FigureSpec,
    cost: &'a Cost,
    front: Vec<FrontMember<'a>>,
}

fn cost_plot<'a>(comparison: &'a Comparison, at: usize, data_set: &Option<String>) -> Option<CostPlot<'a>> {
    let cost = &comparison.costs[at];
    let candidates = || comparison.candidates.iter().filter(|one| one.data_set == *data_set);
    let mut plotted: Vec<Plotted<'_>> = candidates().filter_map(|one| Plotted::of(one, at)).collect();
    plotted.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let trained = candidates().filter(|candidate| !candidate.values.is_empty()).count();
    let (first, last) = (plotted.first()?, plotted.last()?);
    let scale = comparison.format.scale;
    let y_of = |fraction: f64| scale * fraction;
    let lowest = plotted.iter().flat_map(|one| &one.candidate.values).copied().fold(1.0, f64::min);
    let front = pareto_front(&plotted);
    let formatted = |one: &Plotted<'_>| Value::spread(&one.candidate.values).format(comparison.format);
    let error_bar = |(at, one): (usize, &Plotted<'_>)| {
        let ends = |of: fn(f64, f64) -> f64, from| one.candidate.values.iter().copied().fold(from, of);
        ErrorBar {
            name: one.candidate.name.clone(),
            x: one.cost,
            y: y_of(one.value),
            low: y_of(ends(f64::min, f64::INFINITY)),
            high: y_of(ends(f64::max, f64::NEG_INFINITY)),
            readout: [Scale::Log.format(one.cost), formatted(one)],
            color: if front.binary_search(&at).is_ok() { Color::Series(0) } else { Color::Muted },
        }
    };
    let x = Axis::logarithmic(&cost.name, first.cost, last.cost);
    let y = Axis::fraction(&comparison.metric, lowest, scale);
    let numbers = numbers(&front, &plotted);
    let numbered = || numbers.iter().zip(&front).map(|(number, &at)| (number.to_string(), &plotted[at]));
    let mut annotations: Vec<(f64, f64, String)> =
        numbered().map(|(number, one)| (one.cost, y_of(one.value), number)).collect();
    annotations.dedup_by(|a, b| a.2 == b.2);
    let chart = Chart {
        error_bars: plotted.iter().enumerate().map(error_bar).collect(),
        reference: step_line(&front, &plotted).into_iter().map(|(x, y)| (x, y_of(y))).collect(),
        annotations,
        ..Chart::empty(HEIGHT, x, y)
    };
    let members = numbered().map(|(number, one)| FrontMember {
        number,
        name: &one.candidate.name,
        cost: Scale::Log.format(one.cost),
        value: formatted(one),
    });
    let members: Vec<FrontMember<'_>> = members.collect();
    let names: Vec<&str> = members.iter().map(|member| member.name).collect();
    let mut caption =
        "A dot is the median over seeds, its line spans the lowest to the highest. The dashed line is the \
                       Pareto front: no candidate is better in both."
            .to_string();
    if !cost.measured.is_empty() {
        caption += &format!(" {}", cost.measured);
    }
    if plotted.len() < trained {
        let missing = pluralize((trained - plotted.len()) as u64, "candidate");
        caption += &format!(" {missing} without this cost not shown.");
    }
    let text = FigureText {
        id: format!("against-{}", cost.key),
        title: format!("{} vs. {}", capitalized(&comparison.metric), cost.name),
        description: format!("Pareto front in order of cost: {}.", names.join("; ")),
        caption,
        x_name: cost.name.clone(),
        nearest: true,
    };
    let annotations = members.iter().map(|member| (member.number.clone(), member.name.to_string())).collect();
    Some(CostPlot { spec: FigureSpec { annotations, ..FigureSpec::new(chart, text) }, cost, front: members })
}

impl<'a> Plotted<'a> {
    fn of(candidate: &'a Candidate, at: usize) -> Option<Plotted<'a>> {
        let cost = candidate.costs.get(at).copied().flatten()?;
        let value = median(&candidate.values)?;
        (cost.is_finite() && cost > 0.0 && candidate.values.iter().all(|value| value.is_finite()))
            .then_some(Plotted { candidate, cost, value })
    }
}

/// Returns the Pareto front of candidates in order of cost: at each cost those of the highest value, if it is higher
/// than every value at a lower cost.
fn pareto_front(plotted: &[Plotted<'_>]) -> Vec<usize> {
    let (mut front, mut start, mut best) = (Vec::new(), 0, f64::NEG_INFINITY);
    for equal in plotted.chunk_by(|a, b| a.cost == b.cost) {
        let highest = equal.iter().map(|one| one.value).fold(f64::NEG_INFINITY, f64::max);
        if highest > best {
            front.extend((0..equal.len()).filter(|&at| equal[at].value == highest).map(|at| start + at));
            best = highest;
        }
        start += equal.len();
    }
    front
}

/// Numbers the members of the front from 1; members with equal cost and value share a number.
fn numbers(front: &[usize], plotted: &[Plotted<'_>]) -> Vec<usize> {
    let mut numbers: Vec<usize> = Vec::new();
    for (at, &member) in front.iter().enumerate() {
        let position = |member: usize| (plotted[member].cost, plotted[member].value);
        let number = match (numbers.last(), at.checked_sub(1).map(|before| front[before])) {
            (Some(&number), Some(before)) => number + usize::from(position(before) != position(member)),
            _ => 1,
        };
        numbers.push(number);
    }
    numbers
}

/// Returns the best value up to each cost, as a step line.
fn step_line(front: &[usize], plotted: &[Plotted<'_>]) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for &at in front {
        if let Some(&(_, before)) = corners.last() {
            corners.push((plotted[at].cost, before));
        }
        corners.push((plotted[at].cost, plotted[at].value));
    }
    corners
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_has_all_candidates_that_none_dominates() {
        let points = [(1.0, 0.5), (2.0, 0.4), (2.0, 0.7), (3.0, 0.7), (4.0, 0.9), (4.0, 0.9), (5.0, 0.8)];
        let candidate = |(cost, value): (f64, f64)| Candidate {
            name: String::new(),
            data_set: None,
            values: vec![value],
            costs: vec![Some(cost)],
            runs: Vec::new(),
            confusion: None,
            groups: None,
            scores: None,
            point: None,
            calibration: None,
        };
        let candidates = points.map(candidate);
        let plotted: Vec<Plotted<'_>> = candidates.iter().filter_map(|one| Plotted::of(one, 0)).collect();
        // Both of two equal candidates.
        let front = pareto_front(&plotted);
        assert_eq!(front, [0, 2, 4, 5]);
        assert_eq!(numbers(&front, &plotted), [1, 2, 3, 3]);
        let corners = [(1.0, 0.5), (2.0, 0.5), (2.0, 0.7), (4.0, 0.7), (4.0, 0.9), (4.0, 0.9), (4.0, 0.9)];
        assert_eq!(step_line(&front, &plotted), corners);
    }
}
