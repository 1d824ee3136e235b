//! The report page of a run.

mod examples;

use std::collections::BTreeMap;

use stapes_report::{self, Attended, Detectors, Example, Group, Groups, Report};
use stapes_eval::{MetricsError, Evaluation, GradientLine, OperatingPoint};
use stapes_train::Point;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::gradients::GradientFlow;
use crate::run::{RunRecord, TestPredictions};

pub(crate) use examples::{attention, mistakes};

/// What a page shows of the model at work.
pub struct Seen {
    /// How the gradient flows back through time; empty if it was not measured.
    pub gradients: Vec<GradientFlow>,
    /// Test examples that the model was surest of wrongly.
    pub mistakes: Vec<Example>,
    /// What its attention was on; empty of a model without it.
    pub attention: Vec<Attended>,
}

/// The page as one HTML file.
///
/// # Errors
/// [`Error::Eval`] if a figure cannot be drawn.
pub fn page(
    experiment: &Experiment,
    record: &RunRecord,
    points: &[Point],
    (outcome, evaluation): (&TestPredictions, &Evaluation),
    seen: Seen,
) -> Result<String, Error> {
    let recipe = &experiment.recipe;
    let stopped = format!("Stopped by hand at step {}: the model is the best until then.", record.steps);
    let loss = match recipe.network()?.objective().is_frame_level() {
        true => "cross-entropy a frame, nats",
        false => "cross-entropy, nats",
    };
    let report = Report {
        title: recipe.title.clone(),
        summary: summary(experiment)?,
        command: record.command.clone(),
        created_at: record.created_at.clone(),
        subset: "test".into(),
        evaluation: evaluation.clone(),
        loss: loss.into(),
        curves: points.iter().map(curve_point).collect(),
        best_step: record.best_step as u64,
        parameters: record.parameters as u64,
        training_seconds: record.seconds,
        latency_ms: record.latency_ms,
        recipe_toml: recipe.to_toml(),
        versions: record.versions.clone(),
        data: data(experiment, record),
        notes: [record.stopped.then_some(stopped), diverged(record)].into_iter().flatten().collect(),
        detectors: detectors(outcome, record)?,
        calibration: Some(outcome.calibration()?),
        groups: groups(outcome),
        gradients: seen.gradients.iter().filter_map(gradient_line).collect(),
        mistakes: seen.mistakes,
        attention: seen.attention,
    };
    Ok(report::render(&report)?)
}

/// The divergence as a sentence.
fn diverged(record: &RunRecord) -> Option<String> {
    let text = record.divergence()?;
    let (first, rest) = text.split_at_checked(1)?;
    Some(format!("{}{rest}.", first.to_uppercase()))
}

/// How scores tell classes apart, with the operating points that were chosen on validation; None where the test has one
/// class only.
fn detectors(outcome: &TestPredictions, record: &RunRecord) -> Result<Option<Detectors>, Error> {
    let detectors = match outcome.detectors() {
        Err(MetricsError::OneKind { .. }) => return Ok(None),
        detectors => detectors?,
    };
    Ok(Some(record.operating_points.iter().fold(detectors, |detectors, point| {
        let at = OperatingPoint {
            threshold: point.threshold,
            false_positive_rate: point.false_positive_rate,
            miss_rate: point.miss_rate,
        };
        detectors.with_point(&point.name, at)
    })))
}

/// Accuracy by speaker, where each example has one and there are several.
fn groups(outcome: &TestPredictions) -> Option<Groups> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for (name, (correct, examples)) in outcome.groups.iter().zip(outcome.right()) {
        let name = name.as_deref()?;
        let group = groups.entry(name).or_insert(Group { name: name.into(), examples: 0, correct: 0 });
        group.examples += examples;
        group.correct += correct;
    }
    (groups.len() > 1).then(|| Groups { kind: "speaker".into(), groups: groups.into_values().collect() })
}

/// What was trained, in a sentence.
fn summary(experiment: &Experiment) -> Result<String, Error> {
    let network = experiment.recipe.network()?;
    let layers: Vec<String> = network.summary(1).into_iter().map(|line| line.layer).collect();
    Ok(format!(
        "{} classes of the data set {}, by {}. The weights of the best validation, tested once.",
        experiment.dataset.classes.len(),
        experiment.dataset.name,
        layers.join("; ")
    ))
}

fn data(experiment: &Experiment, record: &RunRecord) -> Vec<(String, String)> {
    let split = &experiment.split;
    let examples = |part: &[usize]| format!("{} examples", part.len());
    let pairs = [
        ("data set", experiment.dataset.name.clone()),
        ("training", examples(&split.train)),
        ("validation", examples(&split.validation)),
        ("test", examples(&split.test)),
        ("fingerprint", record.data_fingerprint.clone()),
        ("training speed", format!("{:.0} examples a second", record.examples_per_second)),
    ];
    pairs.map(|(name, value)| (name.to_string(), value)).to_vec()
}

/// A line of a figure over decades; None where nothing could be drawn.
fn gradient_line(flow: &GradientFlow) -> Option<GradientLine> {
    let norms = &flow.norms;
    let drawn = norms.iter().all(|norm| norm.is_finite()) && norms.iter().any(|norm| *norm > 0.0);
    drawn.then(|| GradientLine { name: flow.name(), norms: norms.clone() })
}

fn curve_point(point: &Point) -> report::Point {
    report::Point {
        step: point.step as u64,
        epoch: point.epoch as f32,
        seconds: point.seconds,
        train_loss: Some(point.train_loss as f32),
        validation_loss: point.validation.map(|validation| validation.loss as f32),
        validation_accuracy: point.validation.map(|validation| validation.accuracy as f32),
        learning_rate: Some(point.learning_rate as f32),
        gradient_norm: Some(point.gradient_norm as f32),
    }
}
