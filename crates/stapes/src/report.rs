//! The report page of a run.

use stapes_eval::Evaluation;
use stapes_eval::report::{self, Report};
use stapes_train::Point;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::RunRecord;

/// The page as one HTML file.
///
/// # Errors
/// [`Error::Eval`] if a figure cannot be drawn.
pub fn page(
    experiment: &Experiment,
    record: &RunRecord,
    points: &[Point],
    evaluation: &Evaluation,
) -> Result<String, Error> {
    let recipe = &experiment.recipe;
    let stopped = format!("Stopped by hand at step {}: the model is the best until then.", record.steps);
    let loss = match recipe.network()?.objective().decides_frames() {
        true => "cross-entropy a frame, nats",
        false => "cross-entropy, nats",
    };
    let report = Report {
        title: recipe.title.clone(),
        summary: summary(experiment)?,
        command: record.command.clone(),
        made_at: record.made_at.clone(),
        partition: "test".into(),
        evaluation: evaluation.clone(),
        loss: loss.into(),
        curves: points.iter().map(curve_point).collect(),
        best_step: record.best_step as u64,
        parameters: record.parameters as u64,
        training_seconds: record.seconds,
        latency_ms: Some(record.latency_ms),
        recipe_toml: recipe.to_toml(),
        versions: record.versions.clone(),
        data: data(experiment, record),
        notes: record.stopped.then_some(stopped).into_iter().collect(),
        detectors: None,
        calibration: None,
        groups: None,
        gradients: Vec::new(),
    };
    Ok(report::render(&report)?)
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
        ("training speed", format!("{:.0} examples a second", record.examples_a_second)),
    ];
    pairs.map(|(name, value)| (name.to_string(), value)).to_vec()
}

fn curve_point(point: &Point) -> report::Point {
    report::Point {
        step: point.step as u64,
        epoch: point.epoch as f32,
        seconds: point.seconds,
        train_loss: Some(point.train_loss as f32),
        validation_loss: point.validation.map(|validation| validation.loss as f32),
        validation_accuracy: point.validation.map(|validation| validation.accuracy as f32),
        learning_rate: None,
        gradient_norm: None,
    }
}
