//! Report page of a run.

mod examples;
mod next_steps;

use std::path::Path;

use stapes_infer::Model;
use stapes_metrics::{Detectors, Evaluation, MetricsError, OperatingPoint};
use stapes_nn::loss::argmax;
use stapes_report::{
    AttentionExample, Example, ExamplePrediction, GradientLine, Predictions, RecordingPrediction, Report,
};
use stapes_train::{Labels, Point};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::gradients::GradientFlow;
use crate::run::{RunRecord, TestPredictions, speaker_groups};

pub(crate) use examples::TestExamples;
use next_steps::next_steps;

/// Content of the report page of a run.
pub(crate) struct RunPage<'a> {
    /// Folder of the run, as given by the user.
    pub(crate) folder: &'a Path,
    pub(crate) model: &'a Model,
    pub(crate) experiment: &'a Experiment,
    pub(crate) record: &'a RunRecord,
    /// Points of the learning curves.
    pub(crate) points: &'a [Point],
    pub(crate) predictions: &'a TestPredictions,
    pub(crate) evaluation: &'a Evaluation,
    /// Gradient norms through time; empty if they were not measured.
    pub(crate) gradients: Vec<GradientFlow>,
    /// Test examples with the most confident errors.
    pub(crate) errors: Vec<Example>,
    /// Test examples with attention weights; empty for a model without attention.
    pub(crate) attention: Vec<AttentionExample>,
}

impl RunPage<'_> {
    /// Renders the page as one HTML file.
    ///
    /// # Errors
    /// [`Error::Metrics`] if a metric cannot be computed; [`Error::Report`] if a figure cannot be drawn.
    pub(crate) fn render(self) -> Result<String, Error> {
        let RunPage { experiment, record, model, .. } = self;
        let recipe = &experiment.recipe;
        let stopped = format!("Stopped by hand at step {}: this is the best model until then.", record.steps);
        let is_frame_level = recipe.network()?.objective().is_frame_level();
        let loss = match is_frame_level {
            true => "cross-entropy per frame, nats",
            false => "cross-entropy, nats",
        };
        let report = Report {
            title: recipe.title.clone(),
            summary: summary(experiment)?,
            command: record.command.clone(),
            created_at: record.created_at.clone(),
            subset: "test".into(),
            evaluation: self.evaluation.clone(),
            loss: loss.into(),
            curves: self.points.iter().map(curve_point).collect(),
            best_step: record.best_step as u64,
            parameters: record.parameters as u64,
            training_seconds: record.seconds,
            latency_ms: record.latency_ms,
            recipe_toml: recipe.to_toml(),
            versions: record.versions.clone(),
            data: data(experiment, record),
            notes: [record.stopped.then_some(stopped), divergence(record)].into_iter().flatten().collect(),
            detectors: detectors(self.predictions, record)?,
            calibration: Some(self.predictions.calibration()?),
            groups: speaker_groups([self.predictions]),
            gradients: self.gradients.iter().filter_map(gradient_line).collect(),
            errors: self.errors,
            attention: self.attention,
            predictions: Some(predictions(self.predictions)),
            next_steps: next_steps(self.folder, &model.input, model.shape.features(), is_frame_level),
        };
        Ok(stapes_report::render(&report)?)
    }
}

/// Returns the predictions of all test examples, with the number of correct frames for frame-level labels.
fn predictions(test: &TestPredictions) -> Predictions {
    let examples = test.examples.iter().zip(&test.probabilities);
    match &test.labels {
        Labels::PerExample(labels) => {
            let row = |((name, probabilities), label): ((&String, &Vec<f32>), &usize)| {
                let prediction = argmax(probabilities);
                let (name, label) = (name.clone(), *label);
                ExamplePrediction { name, label, prediction, probability: probabilities[prediction] }
            };
            Predictions::Examples(examples.zip(labels).map(row).collect())
        }
        Labels::PerFrame(_) => {
            let rows = test.examples.iter().zip(test.correct());
            let row = |(name, (correct, frames)): (&String, (u64, u64))| RecordingPrediction {
                name: name.clone(),
                frames,
                correct,
            };
            Predictions::Recordings(rows.map(row).collect())
        }
    }
}

/// Returns the message about a divergence as a sentence.
fn divergence(record: &RunRecord) -> Option<String> {
    let text = record.divergence()?;
    let (first, rest) = text.split_at_checked(1)?;
    Some(format!("{}{rest}.", first.to_uppercase()))
}

/// Returns the error curves of the classes, with the thresholds that were chosen on validation; `None` if the test examples
/// have one class only.
fn detectors(predictions: &TestPredictions, record: &RunRecord) -> Result<Option<Detectors>, Error> {
    let detectors = match predictions.detectors() {
        Err(MetricsError::SingleClass { .. }) => return Ok(None),
        detectors => detectors?,
    };
    Ok(Some(record.operating_points.iter().fold(detectors, |detectors, point| {
        let operating_point = OperatingPoint {
            threshold: point.threshold,
            false_positive_rate: point.false_positive_rate,
            miss_rate: point.miss_rate,
        };
        detectors.with_point(&point.name, operating_point)
    })))
}

/// Returns a sentence about the model and its data.
fn summary(experiment: &Experiment) -> Result<String, Error> {
    let network = experiment.recipe.network()?;
    let layers: Vec<String> =
        network.summary(1).into_iter().map(|line| line.layer.replace("->", "→")).collect();
    Ok(format!(
        "{} classes of the data set {}; layers: {}. The weights with the best validation score, tested once.",
        experiment.dataset.classes.len(),
        experiment.dataset.name,
        layers.join("; ")
    ))
}

fn data(experiment: &Experiment, record: &RunRecord) -> Vec<(String, String)> {
    let split = &experiment.split;
    let examples = |subset: &[usize]| format!("{} examples", subset.len());
    let pairs = [
        ("data set", experiment.dataset.name.clone()),
        ("training", examples(&split.train)),
        ("validation", examples(&split.validation)),
        ("test", examples(&split.test)),
        ("fingerprint", record.data_fingerprint.clone()),
        ("training speed", format!("{:.0} examples per second", record.examples_per_second)),
    ];
    pairs.map(|(name, value)| (name.to_string(), value)).to_vec()
}

/// Returns a line for a figure with a logarithmic axis; `None` if it cannot be drawn.
fn gradient_line(flow: &GradientFlow) -> Option<GradientLine> {
    let norms = &flow.norms;
    let drawable = norms.iter().all(|norm| norm.is_finite()) && norms.iter().any(|norm| *norm > 0.0);
    drawable.then(|| GradientLine { name: flow.name(), norms: norms.clone() })
}

fn curve_point(point: &Point) -> stapes_report::Point {
    stapes_report::Point {
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
