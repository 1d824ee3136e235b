//! Learning curves, snapshots and checkpoints of a training.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// Point of the learning curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Number of optimizer steps so far.
    pub step: usize,
    /// Number of epochs so far.
    pub epoch: f64,
    /// Seconds since the start of training, without those between a stop and its resumption.
    pub seconds: f64,
    /// Mean training loss since the last point.
    pub train_loss: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean gradient norm since the last point, before clipping.
    pub gradient_norm: f64,
    /// Scores on the validation examples, if there are any.
    #[serde(flatten)]
    pub validation: Option<Validation>,
}

/// Scores on the validation examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Mean loss.
    #[serde(rename = "validation_loss")]
    pub loss: f64,
    /// Fraction of correct decisions: of frames for a frame-level model, else of examples.
    #[serde(rename = "validation_accuracy")]
    pub accuracy: f64,
}

impl Validation {
    /// Returns `true` for a higher accuracy than `other`'s, or an equal one with a lower loss.
    pub fn better_than(&self, other: &Validation) -> bool {
        (self.accuracy, -self.loss) > (other.accuracy, -other.loss)
    }
}

/// Progress of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Number of completed optimizer steps.
    pub step: usize,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Seconds of training without validation.
    pub training_seconds: f64,
    /// Seconds of training in which a step waited for its examples.
    #[serde(default)]
    pub data_wait_seconds: f64,
    /// Number of examples in the completed steps.
    pub examples_seen: usize,
    /// Points of the learning curves so far.
    pub points: Vec<Point>,
    /// Index of the best point.
    pub best: Option<usize>,
    /// Sums since the last point.
    pub(crate) since: Sums,
}

/// Sums of losses and gradient norms over the steps since the last point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) steps: usize,
    pub(crate) loss: f64,
    pub(crate) gradient_norm: f64,
}

impl Progress {
    /// Returns the best point, or `None` before the first.
    pub fn best_point(&self) -> Option<&Point> {
        self.points.get(self.best?)
    }
}

/// Borrowed state of a training between two steps.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    /// Progress so far.
    pub progress: &'a Progress,
    /// Names and values of all flat buffers.
    pub buffers: Vec<(&'static str, &'a [f32])>,
}

/// State of a training between two steps. A training that resumes from it, with an otherwise equal
/// [`Trainer`](crate::Trainer), gives the same bits as one that was never stopped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Progress so far.
    pub progress: Progress,
    /// Names and values of the buffers of the [`Snapshot`].
    pub buffers: Vec<(String, Vec<f32>)>,
}

impl Checkpoint {
    /// Copies a buffer to `to`, which must have the same length.
    pub(crate) fn restore(&self, name: &'static str, to: &mut [f32]) -> Result<(), TrainError> {
        let found = self.buffers.iter().find(|(found, _)| found == name);
        let values = found.map_or(&[][..], |(_, values)| values);
        if values.len() != to.len() {
            return Err(TrainError::Checkpoint { name, got: values.len(), expected: to.len() });
        }
        to.copy_from_slice(values);
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Returns an owned copy.
    pub fn to_checkpoint(&self) -> Checkpoint {
        let own = |(name, values): &(&'static str, &[f32])| ((*name).to_string(), values.to_vec());
        Checkpoint { progress: self.progress.clone(), buffers: self.buffers.iter().map(own).collect() }
    }
}
