//! Points of learning curves.

use serde::{Deserialize, Serialize};
use stapes_files::number;

/// A point of the learning curves: measurements at one training step; None for those that were not made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Number of updates so far.
    pub step: u64,
    /// Number of epochs so far.
    #[serde(with = "number")]
    pub epoch: f32,
    /// Time since the start of training, in s.
    #[serde(with = "number")]
    pub seconds: f64,
    /// Mean loss of the training examples since the last point.
    #[serde(default, with = "number")]
    pub train_loss: Option<f32>,
    /// Mean loss of the validation examples.
    #[serde(default, with = "number")]
    pub validation_loss: Option<f32>,
    /// Accuracy on the validation examples, in [0, 1].
    #[serde(default, with = "number")]
    pub validation_accuracy: Option<f32>,
    /// Learning rate of the step.
    #[serde(default, with = "number")]
    pub learning_rate: Option<f32>,
    /// Norm of the gradient before clipping: the mean since the last point, or that of the step.
    #[serde(default, with = "number")]
    pub gradient_norm: Option<f32>,
}
