//! Learning curves: their points, and values over the steps, reduced to a visible number of points.

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

/// Largest number of points of a line; neighbors of longer lines are averaged.
const POINTS: usize = 200;

/// A measured value over the steps.
pub(crate) struct ThinnedLine {
    pub(crate) points: Vec<(f64, f64)>,
    /// Steps with values that are not finite.
    pub(crate) skipped: Vec<u64>,
    /// Number of measured values per point.
    pub(crate) averaged: usize,
}

impl ThinnedLine {
    /// Creates the line of a value of learning-curve points.
    pub(crate) fn of_points(points: &[Point], value: impl Fn(&Point) -> Option<f32>) -> ThinnedLine {
        let measured = points.iter().filter_map(|point| Some((point.step, f64::from(value(point)?))));
        ThinnedLine::new(measured, POINTS)
    }

    /// Creates a line of at most `max_points` points.
    pub(crate) fn new(measured: impl Iterator<Item = (u64, f64)>, max_points: usize) -> ThinnedLine {
        let (kept, skipped): (Vec<_>, Vec<_>) = measured.partition(|(_, value)| value.is_finite());
        let averaged = kept.len().div_ceil(max_points).max(1);
        let mean = |chunk: &[(u64, f64)]| {
            let sum = chunk
                .iter()
                .fold((0.0, 0.0), |(steps, values), &(step, value)| (steps + step as f64, values + value));
            (sum.0 / chunk.len() as f64, sum.1 / chunk.len() as f64)
        };
        ThinnedLine {
            points: kept.chunks(averaged).map(mean).collect(),
            skipped: skipped.into_iter().map(|(step, _)| step).collect(),
            averaged,
        }
    }

    /// Describes the first and the last value.
    pub(crate) fn describe(&self, name: &str) -> Option<String> {
        let ((_, first), (_, last)) = (self.points.first()?, self.points.last()?);
        let number =
            |value: f64| if value.abs() < 1e6 { format!("{value:.3}") } else { format!("{value:.1e}") };
        Some(format!("{name}: from {} to {}", number(*first), number(*last)))
    }
}
