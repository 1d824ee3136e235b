//! `TrainingInputs`, and the events and the result of a training.

use stapes_augment::{AugmentConfig, Incompatible};
use stapes_nn::layer::Shape;
use stapes_nn::{ModelConfig, Network};

use crate::communicator::Communicator;
use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::examples::{Examples, LabelsRef};
use crate::loader::LoaderOptions;
use crate::state::{Checkpoint, Point, Snapshot};

/// Inputs of a training.
pub struct TrainingInputs<'a> {
    /// Model to build.
    pub model: &'a ModelConfig,
    /// Shape of the examples' frames.
    pub input: Shape,
    /// Number of classes.
    pub classes: usize,
    /// Training settings.
    pub config: &'a TrainConfig,
    /// Training examples. With a `source`, only their number, lengths and labels are used, and the source provides the
    /// frames.
    pub train: Examples<'a>,
    /// Source that computes the frames of a training example each time it is used; `None` uses the frames of `train`.
    pub source: Option<LoaderOptions<'a>>,
    /// Validation examples, which select the best step; never a test split. Without any, the last step is selected.
    pub validation: Examples<'a>,
    /// Augmentation of the training examples.
    pub augment: Option<&'a AugmentConfig>,
    /// Initial state.
    pub start: Start<'a>,
    /// Seed of initialization, shuffling, dropout and augmentation.
    pub seed: u64,
    /// Processes that train together; [`SingleProcess`](crate::SingleProcess) for one. All other fields must be equal in
    /// all processes.
    pub communicator: &'a dyn Communicator,
}

impl TrainingInputs<'_> {
    /// Checks the settings against the validation data and the number of processes.
    pub(crate) fn check_settings(&self) -> Result<(), TrainError> {
        let config = self.config;
        if let Some(key) = config.key_that_needs_validation().filter(|_| self.validation.is_empty()) {
            return Err(TrainError::NoValidation { key });
        }
        let (shards, processes) = (config.shards, self.communicator.size());
        if shards < processes {
            return Err(TrainError::TooFewShards { shards, processes });
        }
        Ok(())
    }

    /// Checks that the examples, the settings and the model fit together.
    pub(crate) fn check_data(&self, network: &Network) -> Result<(), TrainError> {
        for examples in [self.train, self.validation] {
            examples.check(network.objective(), network.max_length())?;
        }
        if let (Some(segment), Shape::Sequence { frames: Some(fixed), .. }) =
            (self.config.segment_frames, self.input)
        {
            return Err(TrainError::Segments { segment, fixed });
        }
        let waveform = self.augment.and_then(|augment| augment.waveform.as_ref());
        if waveform.is_some() && self.source.is_none() {
            let (key, value) = ("augment.waveform", "given".into());
            let rule =
                "changes samples, but the training reads frames from memory; remove it, or give a source";
            return Err(TrainError::Value { key, value, rule });
        }
        let per_frame = matches!(self.train.labels(), LabelsRef::PerFrame(_));
        if let (Some(augment), Shape::Sequence { features, frames }) = (self.augment, self.input) {
            augment
                .check_frames(features, frames, per_frame)
                .map_err(|Incompatible { key, value, rule }| TrainError::Value { key, value, rule })?;
        }
        if let (Some(alpha), true) = (self.config.mixup, per_frame) {
            let (key, value) = ("train.mixup", alpha.to_string());
            let rule = "is not available for frame-level labels; remove it";
            return Err(TrainError::Value { key, value, rule });
        }
        Ok(())
    }
}

/// Initial state of a training.
#[derive(Clone, Copy, Debug, Default)]
pub enum Start<'a> {
    /// Random parameters from the model's initialization.
    #[default]
    Random,
    /// Given parameters.
    Parameters(&'a [f32]),
    /// State of an earlier training.
    Checkpoint(&'a Checkpoint),
}

/// Progress event of a training.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A step was completed.
    Step {
        /// Step number, from 1.
        step: usize,
        /// Total number of steps.
        steps: usize,
        /// Training loss of the step.
        loss: f64,
    },
    /// A point of the learning curves was measured, with a validation if there are validation examples.
    Validated {
        /// The point.
        point: Point,
        /// Parameters, if they are the best so far; without validation they always are.
        best: Option<&'a [f32]>,
    },
    /// The training can be resumed from here; reported before the first step and after each step.
    Snapshot {
        /// State to save.
        snapshot: Snapshot<'a>,
        /// `true` if no step follows. The snapshot does not include the final validation of a stopped training.
        last: bool,
    },
}

/// Result of a training.
#[derive(Clone, Debug)]
pub struct TrainingResult {
    /// Parameters at the best validation, or at the last step without validation.
    pub parameters: Vec<f32>,
    /// Parameters at the last step.
    pub last: Vec<f32>,
    /// All points of the learning curves.
    pub points: Vec<Point>,
    /// The best point.
    pub best: Point,
    /// Number of completed steps.
    pub steps: usize,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Training examples per second, without validation.
    pub examples_per_second: f64,
    /// Seconds of training in which a step waited for a `source`.
    pub data_wait_seconds: f64,
    /// Seconds of training without validation.
    pub training_seconds: f64,
    /// `true` if the training was stopped before the last step.
    pub stopped: bool,
    /// Largest loss of a step or a validation of a training that diverged: it is more than a million times the loss of the
    /// first step and that of chance, ln K.
    pub diverged_loss: Option<f64>,
}
