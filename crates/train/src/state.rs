//! Learning curves, snapshots and checkpoints of a training.

use serde::{Deserialize, Serialize};
use stapes_files::number;

use crate::error::TrainError;

/// Point of the learning curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Number of optimizer steps so far.
    pub step: usize,
    /// Number of epochs so far.
    #[serde(with = "number")]
    pub epoch: f64,
    /// Seconds since the start of training, without those between a stop and its resumption.
    #[serde(with = "number")]
    pub seconds: f64,
    /// Mean training loss since the last point.
    #[serde(with = "number")]
    pub train_loss: f64,
    /// Learning rate of the last step.
    #[serde(with = "number")]
    pub learning_rate: f64,
    /// Mean gradient norm since the last point, before clipping.
    #[serde(with = "number")]
    pub gradient_norm: f64,
    /// Scores on the validation examples, if there are any.
    #[serde(flatten)]
    pub validation: Option<Validation>,
}

/// Scores on the validation examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Mean loss.
    #[serde(rename = "validation_loss", with = "number")]
    pub loss: f64,
    /// Fraction of correct decisions: of frames for a frame-level model, else of examples.
    #[serde(rename = "validation_accuracy", with = "number")]
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
    #[serde(with = "number")]
    pub seconds: f64,
    /// Seconds of training without validation.
    #[serde(with = "number")]
    pub training_seconds: f64,
    /// Seconds of training in which a step waited for its examples.
    #[serde(default, with = "number")]
    pub data_wait_seconds: f64,
    /// Number of examples in the completed steps.
    pub examples_seen: usize,
    /// Loss of the first step.
    #[serde(default, with = "number")]
    pub first_loss: Option<f64>,
    /// Largest loss of a step so far.
    #[serde(default, with = "number")]
    pub largest_loss: f64,
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
    #[serde(with = "number")]
    pub(crate) loss: f64,
    #[serde(with = "number")]
    pub(crate) gradient_norm: f64,
}

impl Progress {
    /// Checks all numbers against each other and against the number of steps of the training; returns the fault.
    pub(crate) fn check(&self, steps: usize) -> Result<(), String> {
        let Progress { step, points, best, since, .. } = self;
        if *step > steps {
            return Err(format!("it is at step {step} of {steps}"));
        }
        let seconds = [self.seconds, self.training_seconds, self.data_wait_seconds];
        if let Some(seconds) = seconds.iter().find(|seconds| !(seconds.is_finite() && **seconds >= 0.0)) {
            return Err(format!("its training took {seconds} s"));
        }
        let losses = [self.largest_loss, since.loss, since.gradient_norm].into_iter().chain(self.first_loss);
        if let Some(loss) = losses.into_iter().find(|loss| !loss.is_finite()) {
            return Err(format!("a loss or gradient norm is {loss}"));
        }
        if best.is_some_and(|best| best >= points.len()) || best.is_some() == points.is_empty() {
            let best = best.map_or("none".into(), |best| format!("number {best}"));
            return Err(format!("its best point is {best} of {}", points.len()));
        }
        let steps_of_points = || points.iter().map(|point| point.step);
        if !steps_of_points().is_sorted_by(|a, b| a < b) || steps_of_points().any(|at| at > *step || at == 0)
        {
            return Err("the steps of its points are not in order".into());
        }
        if since.steps != step - points.last().map_or(0, |point| point.step) {
            return Err(format!("{} steps since its last point do not lead to step {step}", since.steps));
        }
        match self.examples_seen < *step {
            true => Err(format!("it has {} examples for {step} steps", self.examples_seen)),
            false => Ok(()),
        }
    }

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
/// [`TrainingInputs`](crate::TrainingInputs), gives the same bits as one that was never stopped.
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

    /// Checks that there are only buffers of these names.
    pub(crate) fn check_names(&self, names: &[&str]) -> Result<(), TrainError> {
        match self.buffers.iter().find(|(found, _)| !names.contains(&&**found)) {
            Some((found, _)) => {
                Err(TrainError::CheckpointProgress(format!("it has the unexpected buffer {found}")))
            }
            None => Ok(()),
        }
    }
}

impl Snapshot<'_> {
    /// Returns an owned copy.
    pub fn to_checkpoint(&self) -> Checkpoint {
        let own = |(name, values): &(&'static str, &[f32])| ((*name).to_string(), values.to_vec());
        Checkpoint { progress: self.progress.clone(), buffers: self.buffers.iter().map(own).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::num::f64::ANY;
    use proptest::prelude::*;

    use super::*;

    fn points() -> impl Strategy<Value = Point> {
        let validation =
            proptest::option::of((ANY, ANY).prop_map(|(loss, accuracy)| Validation { loss, accuracy }));
        let numbers = (any::<usize>(), [ANY; 5], validation);
        numbers.prop_map(|(step, [epoch, seconds, train_loss, learning_rate, gradient_norm], validation)| {
            Point { step, epoch, seconds, train_loss, learning_rate, gradient_norm, validation }
        })
    }

    fn progress() -> impl Strategy<Value = Progress> {
        let counts = ([any::<usize>(); 3], proptest::option::of(any::<usize>()));
        let numbers = ([ANY; 6], proptest::option::of(ANY));
        (counts, numbers, vec(points(), 0..4)).prop_map(|((counts, best), (numbers, first_loss), points)| {
            let [step, examples_seen, steps] = counts;
            let [seconds, training_seconds, data_wait_seconds, loss, gradient_norm, largest_loss] = numbers;
            let since = Sums { steps, loss, gradient_norm };
            Progress {
                step,
                seconds,
                training_seconds,
                data_wait_seconds,
                examples_seen,
                first_loss,
                largest_loss,
                points,
                best,
                since,
            }
        })
    }

    proptest! {
        #[test]
        fn a_progress_is_read_as_it_was_written(progress in progress()) {
            let text = serde_json::to_string(&progress).unwrap();
            let read: Progress = serde_json::from_str(&text).unwrap();
            // Debug distinguishes numbers to the last digit, and NaN is equal to NaN.
            prop_assert_eq!(format!("{read:?}"), format!("{progress:?}"), "{}", text);
        }
    }

    /// Progress at step 5 of 8, with points at the steps 2 and 4.
    fn halfway() -> Progress {
        let at = |step| Point {
            step,
            epoch: 1.0,
            seconds: 0.5,
            train_loss: 0.7,
            learning_rate: 0.1,
            gradient_norm: 1.0,
            validation: None,
        };
        let since = Sums { steps: 1, loss: 0.5, gradient_norm: 1.0 };
        Progress {
            step: 5,
            seconds: 1.0,
            training_seconds: 0.5,
            data_wait_seconds: 0.0,
            examples_seen: 10,
            first_loss: Some(0.9),
            largest_loss: 0.9,
            points: vec![at(2), at(4)],
            best: Some(1),
            since,
        }
    }

    #[test]
    fn numbers_that_contradict_each_other_are_refused() {
        assert_eq!((halfway().check(8), Progress::default().check(8)), (Ok(()), Ok(())));
        type Change = fn(&mut Progress);
        let changes: [(Change, &str); 15] = [
            (|progress| progress.step = 9, "step 9 of 8"),
            (|progress| progress.best = Some(2), "number 2 of 2"),
            (|progress| progress.best = Some(usize::MAX), "of 2"),
            (|progress| progress.best = None, "none of 2"),
            (|progress| progress.points.clear(), "number 1 of 0"),
            (|progress| progress.seconds = f64::INFINITY, "inf s"),
            (|progress| progress.training_seconds = -1.0, "-1 s"),
            (|progress| progress.data_wait_seconds = f64::NAN, "NaN s"),
            (|progress| progress.first_loss = Some(f64::NAN), "loss"),
            (|progress| progress.largest_loss = f64::INFINITY, "loss"),
            (|progress| progress.since.loss = f64::NAN, "loss"),
            (|progress| progress.since.steps = 2, "2 steps since"),
            (|progress| progress.points[0].step = 4, "not in order"),
            (|progress| progress.points[1].step = 6, "not in order"),
            (|progress| progress.examples_seen = 4, "4 examples"),
        ];
        for (change, expected) in changes {
            let mut progress = halfway();
            change(&mut progress);
            let fault = progress.check(8).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        }
    }

    #[test]
    fn buffers_of_another_training_are_refused() {
        let checkpoint = Checkpoint { buffers: vec![("a".into(), vec![1.0, 2.0])], ..Checkpoint::default() };
        assert!(checkpoint.check_names(&["a", "b"]).is_ok());
        assert!(checkpoint.check_names(&["b"]).unwrap_err().to_string().contains("buffer a"));
    }

    #[test]
    fn a_checkpoint_of_an_earlier_version_with_null_is_read() {
        let point = r#"{"step": 5, "epoch": 1.0, "seconds": 0.5, "train_loss": 0.7, "learning_rate": 0.1,
            "gradient_norm": null, "validation_loss": 0.7, "validation_accuracy": 0.5}"#;
        let text = format!(
            r#"{{"step": 6, "seconds": 0.5, "training_seconds": 0.25, "examples_seen": 12, "points": [{point}], "best": 0,
                "since": {{"steps": 1, "loss": 0.7, "gradient_norm": null}}}}"#
        );
        let progress: Progress = serde_json::from_str(&text).unwrap();
        assert!(progress.since.gradient_norm.is_nan() && progress.points[0].gradient_norm.is_nan());
        assert_eq!(progress.best_point().unwrap().validation, Some(Validation { loss: 0.7, accuracy: 0.5 }));
    }
}
