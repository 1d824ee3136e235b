//! The curves of all runs, a line a candidate.

use std::collections::BTreeMap;

use super::{Candidate, CandidateRun, Comparison};
use crate::Point;
use crate::ReportError;
use crate::chart::axis::{Axis, Scale};
use crate::chart::figure::{Figure, Sketch, Words};
use crate::chart::series_style::Ink;
use crate::chart::thinned_line::Line;
use crate::chart::{Chart, HEIGHT, Series};
use crate::numbers::counted;
use stapes_metrics::median;

/// Points of a candidate's line and of a run's; of more, neighbours are averaged.
const POINTS: usize = 150;
const RUN_POINTS: usize = 100;

/// What is shown over the steps.
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
        value: |point| point.validation_accuracy.map(|share| 100.0 * share),
        axis: |_, low, _| Axis::share("accuracy (%)", low / 100.0, 100.0),
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
        // In thousandths: plotters' search for ticks does not end for the smallest extents.
        value: |point| point.learning_rate.map(|rate| 1e3 * rate),
        axis: |_, low, high| Axis::around("learning rate, thousandths", low.min(0.0), high),
    },
    Measure {
        id: "gradient-norm",
        title: "Gradient norm",
        // On an axis of powers of ten there is no 0.
        value: |point| point.gradient_norm.map(|norm| if norm > 0.0 { norm } else { f32::NAN }),
        axis: |_, low, high| Axis::powers_of_ten("norm of all gradients, before clipping", low, high),
    },
];

/// The figures that runs have values for, of the candidates that are shown.
pub(super) fn sketches(comparison: &Comparison) -> Vec<Sketch> {
    let shown = comparison.best();
    MEASURES.iter().filter_map(|measure| measure.sketch(comparison, &shown)).collect()
}

/// The same for the page, where one legend stands above all of them.
pub(super) fn figures(comparison: &Comparison) -> Result<Vec<Figure>, ReportError> {
    sketches(comparison).into_iter().map(Sketch::figure_below_legend).collect()
}

impl Measure {
    fn sketch(&self, comparison: &Comparison, shown: &[&Candidate]) -> Option<Sketch> {
        let (mut series, mut behind, mut lost) = (Vec::new(), Vec::new(), 0);
        for (number, candidate) in shown.iter().enumerate() {
            let ink = Ink::Line(number);
            let line = middle(&candidate.runs, self.value);
            let push = |into: &mut Vec<Series>, points: Vec<(f64, f64)>| {
                if !points.is_empty() {
                    into.push(Series { name: candidate.name.clone(), ink, points });
                }
            };
            push(&mut series, line.points);
            for run in &candidate.runs {
                let line = Line::through(values(run, self.value), RUN_POINTS);
                lost += line.lost.len();
                if candidate.runs.len() > 1 {
                    push(&mut behind, line.points);
                }
            }
        }
        let places = || series.iter().chain(&behind).flat_map(|line: &Series| &line.points);
        let high = places().map(|place| place.1).reduce(f64::max)?;
        let low = places().fold(high, |low, place| low.min(place.1));
        let last = places().fold(1.0f64, |last, place| last.max(place.0));
        let said: Vec<String> = series.iter().filter_map(said).collect();
        let mut caption = match behind.is_empty() {
            true => String::new(),
            false => "A line is the median of a candidate's runs, as far as half of them go; the pale ones are the runs."
                .to_string(),
        };
        if lost > 0 {
            caption += &format!(" {} left out as not to be drawn.", counted(lost as u64, "value"));
        }
        let chart = Chart {
            behind,
            series,
            ..Chart::empty(
                self.id,
                HEIGHT,
                Axis::linear("step", 0.0..last),
                (self.axis)(comparison, low, high),
            )
        };
        let words = Words {
            id: self.id.into(),
            title: self.title.into(),
            description: said.join("; ") + ".",
            caption: caption.trim().into(),
            x_name: "step".into(),
            nearest: true,
        };
        Some(Sketch { chart, words, letters: Vec::new() })
    }
}

fn said(line: &Series) -> Option<String> {
    let (first, last) = (line.points.first()?, line.points.last()?);
    let [first, last] = [first, last].map(|place| Scale::Linear.say(place.1));
    Some(format!("{}: from {first} to {last}", line.name))
}

fn values(run: &CandidateRun, value: fn(&Point) -> Option<f32>) -> impl Iterator<Item = (u64, f64)> {
    run.curve.iter().filter_map(move |point| Some((point.step, f64::from(value(point)?))))
}

/// The median over runs at each step that at least half of them reach.
fn middle(runs: &[CandidateRun], value: fn(&Point) -> Option<f32>) -> Line {
    let mut at_steps: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (step, value) in runs.iter().flat_map(|run| values(run, value)).filter(|(_, value)| value.is_finite())
    {
        at_steps.entry(step).or_default().push(value);
    }
    let with_values = runs.iter().filter(|run| values(run, value).next().is_some()).count();
    let often = at_steps.into_iter().filter(|(_, values)| 2 * values.len() >= with_values);
    Line::through(often.filter_map(|(step, values)| Some((step, median(&values)?))), POINTS)
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
    fn a_line_is_the_median_as_far_as_half_of_the_runs_go() {
        let runs = [
            run(&[(10, 1.0), (20, 4.0)]),
            run(&[(10, 2.0), (20, 8.0), (30, 7.0)]),
            run(&[(10, 9.0), (20, f32::NAN), (30, 1.0), (40, 1.0)]),
        ];
        let line = middle(&runs, |point| point.train_loss);
        assert_eq!(line.points, [(10.0, 2.0), (20.0, 6.0), (30.0, 4.0)]);
    }
}
