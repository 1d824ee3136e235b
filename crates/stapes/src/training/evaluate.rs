//! Test of a trained model, and thresholds chosen on validation.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use stapes_infer::Model;
use stapes_metrics::{Evaluation, MetricsError, OperatingPoint, Roc};
use stapes_train::Point;

use super::RunResult;
use crate::error::Error;
use crate::experiment::{self, Experiment, LoadedExamples};
use crate::gradients::{GradientFlow, gradient_flow};
use crate::run::{ChosenPoint, RunRecord, TestPredictions};
use crate::run_page::{RunPage, TestExamples};

/// Maximum number of examples of the gradient figure, as in `stapes gradients`, and of their frames, so that it is computed
/// quickly.
const GRADIENT_EXAMPLES: usize = 64;
const GRADIENT_FRAMES: usize = 30_000;

/// Predictions of a model on examples, with their evaluation.
pub(super) struct TestResult {
    pub(super) loaded: LoadedExamples,
    pub(super) predictions: TestPredictions,
    pub(super) evaluation: Evaluation,
}

impl TestResult {
    pub(super) fn new(
        experiment: &Experiment,
        model: &Model,
        loaded: LoadedExamples,
        stop: &AtomicBool,
    ) -> Result<TestResult, Error> {
        let examples = || loaded.indices.iter().map(|&index| &experiment.dataset.examples[index]);
        let predictions = TestPredictions {
            classes: model.labels.clone(),
            examples: examples().map(|example| example.id.clone()).collect(),
            groups: examples().map(|example| example.group.clone()).collect(),
            labels: loaded.labels.clone(),
            probabilities: experiment::classify(model, &loaded, stop)?,
        };
        let evaluation = predictions.evaluation()?;
        Ok(TestResult { loaded, predictions, evaluation })
    }

    /// Renders the report page of the run.
    pub(super) fn page(
        &self,
        folder: &Path,
        experiment: &Experiment,
        model: &Model,
        record: &RunRecord,
        points: &[Point],
    ) -> Result<String, Error> {
        let TestResult { loaded, predictions, evaluation } = self;
        let examples = TestExamples { experiment, model, loaded, predictions };
        let page = RunPage {
            folder,
            model,
            experiment,
            record,
            points,
            predictions,
            evaluation,
            gradients: self.gradient_flows(model)?,
            errors: examples.errors(evaluation)?,
            attention: examples.attention()?,
        };
        page.render()
    }

    /// Returns the gradient norms through time on the first examples; none for a model without a recurrent layer, or if the
    /// first example is too long.
    fn gradient_flows(&self, model: &Model) -> Result<Vec<GradientFlow>, Error> {
        let mut frames = 0;
        let within_limit = self.loaded.features.iter().take(GRADIENT_EXAMPLES).take_while(|example| {
            frames += example.frames();
            frames <= GRADIENT_FRAMES
        });
        let count = within_limit.count();
        if count == 0 {
            return Ok(Vec::new());
        }
        match gradient_flow(model, &model.parameters, &self.loaded.first(count)) {
            Err(Error::NoRecurrentLayer) => Ok(Vec::new()),
            flows => flows,
        }
    }

    pub(super) fn into_result(self, folder: &Path, record: RunRecord) -> RunResult {
        let TestResult { loaded, predictions, evaluation } = self;
        RunResult { folder: folder.into(), record, evaluation, predictions, skipped: loaded.skipped.len() }
    }
}

/// Chooses thresholds for the second of two classes on validation, and returns them with their error rates on test; none for
/// more classes, or if one of the two is missing.
pub(super) fn chosen_points(
    validation: &TestPredictions,
    test: &TestPredictions,
) -> Result<Vec<ChosenPoint>, Error> {
    let (Some((scores, positive)), Some((test_scores, test_positive))) =
        (validation.binary_scores(), test.binary_scores())
    else {
        return Ok(Vec::new());
    };
    let roc = match Roc::new(&scores, &positive) {
        Err(MetricsError::SingleClass { .. }) => return Ok(Vec::new()),
        roc => roc?,
    };
    let criteria = [
        ("equal errors on validation", roc.at_equal_error_rate()),
        ("5 % false positives on validation", roc.at_false_positive_rate(0.05)?),
        ("1 % false positives on validation", roc.at_false_positive_rate(0.01)?),
    ];
    let tested = |(name, OperatingPoint { threshold, .. }): (&str, OperatingPoint)| {
        let OperatingPoint { false_positive_rate, miss_rate, .. } =
            match OperatingPoint::measure(threshold, &test_scores, &test_positive) {
                Err(MetricsError::SingleClass { .. }) => return Ok(None),
                point => point?,
            };
        Ok(Some(ChosenPoint { name: name.into(), threshold, false_positive_rate, miss_rate }))
    };
    Ok(criteria.into_iter().map(tested).collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
}
