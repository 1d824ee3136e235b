//! The points of learning curves.

use serde::{Deserialize, Serialize};
use stapes_files::number;

/// What was measured at one step of training; what was not is None.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Number of updates so far.
    pub step: u64,
    /// Passes over the training data so far.
    #[serde(with = "number")]
    pub epoch: f32,
    /// Time since training began, in s.
    #[serde(with = "number")]
    pub seconds: f64,
    /// Mean loss of the training examples since the last point.
    #[serde(default, with = "number")]
    pub train_loss: Option<f32>,
    /// Mean loss on the validation examples.
    #[serde(default, with = "number")]
    pub validation_loss: Option<f32>,
    /// Accuracy on the validation examples, in [0, 1].
    #[serde(default, with = "number")]
    pub validation_accuracy: Option<f32>,
    /// The learning rate of the step.
    #[serde(default, with = "number")]
    pub learning_rate: Option<f32>,
    /// The norm of all gradients together, before it is clipped; the mean since the last point, or that of the step.
    #[serde(default, with = "number")]
    pub gradient_norm: Option<f32>,
}
