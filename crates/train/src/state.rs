//! What a training has reached, and what it needs to go on from there.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// What was measured between two moments of a training: a point of the curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Optimiser steps so far.
    pub step: usize,
    /// Epochs so far.
    pub epoch: f64,
    /// Seconds since training began, without those between a stop and a resumption.
    pub seconds: f64,
    /// Mean training loss since the last point.
    pub train_loss: f64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Mean norm of the gradient since the last point, before clipping.
    pub gradient_norm: f64,
    /// How the model does on the validation examples, if there are any.
    #[serde(flatten)]
    pub validation: Option<Validation>,
}

/// How a model does on the validation examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Mean loss.
    #[serde(rename = "validation_loss")]
    pub loss: f64,
    /// Share of the decisions that are right.
    #[serde(rename = "validation_accuracy")]
    pub accuracy: f64,
}

impl Validation {
    /// Whether this is a better model: a higher accuracy, or the same with a lower loss.
    pub fn better_than(&self, other: &Validation) -> bool {
        (self.accuracy, -self.loss) > (other.accuracy, -other.loss)
    }
}

/// How far a training is, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Optimiser steps done.
    pub step: usize,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Seconds of training alone.
    pub training_seconds: f64,
    /// Seconds of these in which a step waited for its examples.
    #[serde(default)]
    pub waiting_seconds: f64,
    /// Examples that went through a step.
    pub examples_seen: usize,
    /// All points of the curves so far.
    pub points: Vec<Point>,
    /// Which of them is best.
    pub best: Option<usize>,
    /// Losses, and norms of the gradient, since the last point.
    pub(crate) since: Sums,
}

/// Sums over the steps since the last point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) steps: usize,
    pub(crate) loss: f64,
    pub(crate) gradient_norm: f64,
}

impl Progress {
    /// The best point, where there is one.
    pub fn best_point(&self) -> Option<&Point> {
        self.points.get(self.best?)
    }
}

/// A training between two steps, as it can be written down.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    /// How far it is.
    pub progress: &'a Progress,
    /// All flat buffers, by name.
    pub buffers: Vec<(&'static str, &'a [f32])>,
}

/// A training that was written down. With the same [`Trainer`](crate::Trainer) otherwise, it goes on as if it had never
/// stopped: to the same bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// How far it was.
    pub progress: Progress,
    /// The buffers of the [`Snapshot`].
    pub buffers: Vec<(String, Vec<f32>)>,
}

impl Checkpoint {
    /// Copies a buffer of the same length.
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
    /// The same with buffers of its own.
    pub fn to_checkpoint(&self) -> Checkpoint {
        let own = |(name, values): &(&'static str, &[f32])| ((*name).to_string(), values.to_vec());
        Checkpoint { progress: self.progress.clone(), buffers: self.buffers.iter().map(own).collect() }
    }
}
