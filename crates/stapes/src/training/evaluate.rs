//! What a model says of examples that it did not learn from.

use std::path::Path;

use stapes_eval::{MetricsError, Evaluation, OperatingPoint, Roc};
use stapes_infer::Model;

use super::RunResult;
use crate::error::Error;
use crate::experiment::{self, Experiment, LoadedExamples};
use crate::gradients::{GradientFlow, gradient_flow};
use crate::report::{self, Seen};
use crate::run::{ChosenPoint, RunRecord, TestPredictions};

/// The examples that the page's figure of gradients is drawn of: as many as `stapes gradients` takes, and no more frames than
/// take a moment.
const GRADIENT_EXAMPLES: usize = 64;
const GRADIENT_FRAMES: usize = 30_000;

/// What a model says of the test examples.
pub(super) struct Tested {
    pub(super) loaded: LoadedExamples,
    pub(super) outcome: TestPredictions,
    pub(super) evaluation: Evaluation,
}

impl Tested {
    pub(super) fn new(experiment: &Experiment, model: &Model, loaded: LoadedExamples) -> Result<Tested, Error> {
        let examples = || loaded.indices.iter().map(|&index| &experiment.dataset.examples[index]);
        let outcome = TestPredictions {
            labels: model.labels.clone(),
            examples: examples().map(|example| example.id.clone()).collect(),
            groups: examples().map(|example| example.group.clone()).collect(),
            labels: loaded.labels.clone(),
            probabilities: experiment::classify(model, &loaded)?,
        };
        let evaluation = outcome.evaluation()?;
        Ok(Tested { loaded, outcome, evaluation })
    }

    /// What the run's page shows of the model at work.
    pub(super) fn seen(&self, experiment: &Experiment, model: &Model) -> Result<Seen, Error> {
        let tested = (&self.loaded, &self.outcome);
        Ok(Seen {
            gradients: self.gradient_flows(model)?,
            mistakes: report::mistakes(experiment, model, tested, &self.evaluation),
            attention: report::attention(experiment, model, tested)?,
        })
    }

    /// How the gradient flows back through time in the first of the examples; none of models without a recurrent layer, or
    /// where already the first is too long.
    fn gradient_flows(&self, model: &Model) -> Result<Vec<GradientFlow>, Error> {
        let mut frames = 0;
        let within = self.loaded.features.iter().take(GRADIENT_EXAMPLES).take_while(|example| {
            frames += example.frames();
            frames <= GRADIENT_FRAMES
        });
        let count = within.count();
        if count == 0 {
            return Ok(Vec::new());
        }
        match gradient_flow(model, &model.parameters, &self.loaded.first(count)) {
            Err(Error::NoRecurrentLayer) => Ok(Vec::new()),
            flows => flows,
        }
    }

    pub(super) fn finished(self, folder: &Path, record: RunRecord) -> RunResult {
        let Tested { loaded, outcome, evaluation } = self;
        RunResult { place: folder.into(), record, evaluation, outcome, skipped: loaded.skipped.len() }
    }
}

/// Thresholds for the second of two classes that are chosen on validation, with what they give on the test; none where
/// there are more classes, or one of the two is missing.
pub(super) fn chosen_points(validation: &TestPredictions, test: &TestPredictions) -> Result<Vec<ChosenPoint>, Error> {
    let (Some((scores, positive)), Some((heard, labels))) = (validation.detection(), test.detection()) else {
        return Ok(Vec::new());
    };
    let roc = match Roc::of(&scores, &positive) {
        Err(MetricsError::OneKind { .. }) => return Ok(Vec::new()),
        roc => roc?,
    };
    let wanted = [
        ("equal errors on validation", roc.at_equal_errors()),
        ("5 % false positives on validation", roc.at_false_positive_rate(0.05)?),
        ("1 % false positives on validation", roc.at_false_positive_rate(0.01)?),
    ];
    let chosen = |(name, OperatingPoint { threshold, .. }): (&str, OperatingPoint)| {
        let OperatingPoint { false_positive_rate, miss_rate, .. } =
            match OperatingPoint::of(threshold, &heard, &labels) {
                Err(MetricsError::OneKind { .. }) => return Ok(None),
                point => point?,
            };
        Ok(Some(ChosenPoint { name: name.into(), threshold, false_positive_rate, miss_rate }))
    };
    Ok(wanted.into_iter().map(chosen).collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
}
