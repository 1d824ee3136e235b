//! Learning curves of all runs, one line per candidate.

use std::collections::BTreeMap;

use super::{Candidate, CandidateRun, Comparison};
use crate::Point;
use crate::chart::axis::{Axis, Scale};
use crate::chart::figure::{Figure, FigureSpec, FigureText};
use crate::chart::shapes::Color;
use crate::chart::{Chart, HEIGHT, Series};
use crate::learning_curve::ThinnedLine;
use crate::numbers::pluralize;
use stapes_metrics::median;

/// Largest number of points of a candidate's line and of a run's line; neighbors of longer lines are averaged.
const POINTS: usize = 150;
const RUN_POINTS: usize = 100;

/// A quantity over the steps.
struct Measure {
    id: &'static str,
    title: &'static str,
    value: fn(&Point) -> Option<f32>,
    axis: fn(&Comparison, f64, f64) -> Axis,
}

const MEASURES: [Measure; 4] = [
    Measure {
        id: "validation-accuracy",
        title: "Validation accuracy",
        value: |point| point.validation_accuracy.map(|fraction| 100.0 * fraction),
        axis: |_, low, _| Axis::fraction("accuracy (%)", low / 100.0, 100.0),
    },
    Measure {
        id: "training-loss",
        title: "Training loss",
        value: |point| point.train_loss,
        axis: |comparison, low, high| Axis::around(&comparison.loss, low.min(0.0), high),
    },
    Measure {
        id: "learning-rate",
        title: "Learning rate",
        value: |point| point.learning_rate,
        axis: |_, low, high| Axis::around("learning rate", low.min(0.0), high),
    },
    Measure {
        id: "gradient-norm",
        title: "Gradient norm",
        // A logarithmic axis has no 0.
        value: |point| point.gradient_norm.map(|norm| if norm > 0.0 { norm } else { f32::NAN }),
        axis: |_, low, high| Axis::powers_of_ten("gradient norm before clipping", low, high),
    },
];

/// Returns the figures that runs have values for, of the shown candidates.
pub(super) fn figure_specs(comparison: &Comparison) -> Vec<FigureSpec> {
    let shown = comparison.best();
    MEASURES.iter().filter_map(|measure| measure.figure_spec(comparison, &shown)).collect()
}

/// Returns the figures for the page, on which one legend is above all of them.
pub(super) fn figures(comparison: &Comparison) -> Vec<Figure> {
    figure_specs(comparison).into_iter().map(FigureSpec::figure_below_legend).collect()
}

impl Measure {
    fn figure_spec(&self, comparison: &Comparison, shown: &[&Candidate]) -> Option<FigureSpec> {
        let (mut series, mut behind, mut skipped) = (Vec::new(), Vec::new(), 0);
        for (number, candidate) in shown.iter().enumerate() {
            let color = Color::Series(number);
            let line = median_line(&candidate.runs, self.value);
            let push = |into: &mut Vec<Series>, points: Vec<(f64, f64)>| {
                if !points.is_empty() {
                    into.push(Series { name: candidate.name.clone(), color, points });
                }
            };
            push(&mut series, line.points);
            for run in &candidate.runs {
                let line = ThinnedLine::new(values(run, self.value), RUN_POINTS);
                skipped += line.skipped.len();
                if candidate.runs.len() > 1 {
                    push(&mut behind, line.points);
                }
            }
        }
        let points = || series.iter().chain(&behind).flat_map(|line: &Series| &line.points);
        let high = points().map(|point| point.1).reduce(f64::max)?;
        let low = points().fold(high, |low, point| low.min(point.1));
        let last = points().fold(1.0f64, |last, point| last.max(point.0));
        let descriptions: Vec<String> = series.iter().filter_map(describe).collect();
        let mut caption = match behind.is_empty() {
            true => String::new(),
            false => "A line is the median over a candidate's runs, up to the last step of half of them; pale lines are runs."
                .to_string(),
        };
        if skipped > 0 {
            caption += &format!(" {} not finite and not shown.", pluralize(skipped as u64, "value"));
        }
        let chart = Chart {
            behind,
            series,
            ..Chart::empty(HEIGHT, Axis::numbers("step", last), (self.axis)(comparison, low, high))
        };
        let text = FigureText {
            id: self.id.into(),
            title: self.title.into(),
            description: descriptions.join("; ") + ".",
            caption: caption.trim().into(),
            x_name: "step".into(),
            nearest: true,
        };
        Some(FigureSpec::new(chart, text))
    }
}

fn describe(line: &Series) -> Option<String> {
    let (first, last) = (line.points.first()?, line.points.last()?);
    let [first, last] = [first, last].map(|point| Scale::Linear.format(point.1));
    Some(format!("{}: from {first} to {last}", line.name))
}

fn values(run: &CandidateRun, value: fn(&Point) -> Option<f32>) -> impl Iterator<Item = (u64, f64)> {
    run.curve.iter().filter_map(move |point| Some((point.step, f64::from(value(point)?))))
}

/// Returns the median over runs at each step that at least half of them reach.
fn median_line(runs: &[CandidateRun], value: fn(&Point) -> Option<f32>) -> ThinnedLine {
    let mut at_steps: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (step, value) in runs.iter().flat_map(|run| values(run, value)).filter(|(_, value)| value.is_finite())
    {
        at_steps.entry(step).or_default().push(value);
    }
    let with_values = runs.iter().filter(|run| values(run, value).next().is_some()).count();
    let frequent = at_steps.into_iter().filter(|(_, values)| 2 * values.len() >= with_values);
    ThinnedLine::new(frequent.filter_map(|(step, values)| Some((step, median(&values)?))), POINTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(values: &[(u64, f32)]) -> CandidateRun {
        let point = |&(step, value)| Point {
            step,
            epoch: 0.0,
            seconds: 0.0,
            train_loss: Some(value),
            validation_loss: None,
            validation_accuracy: None,
            learning_rate: None,
            gradient_norm: None,
        };
        CandidateRun { name: String::new(), curve: values.iter().map(point).collect(), link: None }
    }

    #[test]
    fn a_line_is_the_median_up_to_the_last_step_of_half_of_the_runs() {
        let runs = [
            run(&[(10, 1.0), (20, 4.0)]),
            run(&[(10, 2.0), (20, 8.0), (30, 7.0)]),
            run(&[(10, 9.0), (20, f32::NAN), (30, 1.0), (40, 1.0)]),
        ];
        let line = median_line(&runs, |point| point.train_loss);
        assert_eq!(line.points, [(10.0, 2.0), (20.0, 6.0), (30.0, 4.0)]);
    }
}
