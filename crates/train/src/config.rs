//! What a recipe says about training.

use serde::{Deserialize, Serialize};

/// The `[train]` part of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Examples a step.
    pub batch: usize,
    /// How often the training examples are gone through, or how many times `frames_per_epoch`.
    pub epochs: usize,
    /// Training sees segments of this many frames: each time an example comes up, one that is drawn by seed, pass and
    /// example. Shorter examples are kept whole. Validation and test always take whole examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_frames: Option<usize>,
    /// How many frames an epoch has, where it is not to be every example once: so many examples (or segments) as make
    /// this number on average over the training examples, rounded, at least one. So trainings with segments of any
    /// length see the same amount of audio. The examples are gone through in turn, in an order of their own each time,
    /// and an epoch goes on where the one before stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_per_epoch: Option<usize>,
    /// The last step, where the epochs would have more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// The rule of a step.
    #[serde(default)]
    pub optimiser: OptimiserKind,
    /// How much of the last step stays in the next, for `sgd`.
    #[serde(default)]
    pub momentum: f32,
    /// The step size (the highest of the schedule).
    #[serde(default = "default_learning_rate")]
    pub learning_rate: f32,
    /// How the learning rate goes over the steps.
    #[serde(default)]
    pub schedule: Schedule,
    /// Weight decay: each step takes this share, times the learning rate, off every weight of two or more axes
    /// (biases are spared). With `adam` it is decoupled from the gradient, as in AdamW.
    #[serde(default)]
    pub weight_decay: f32,
    /// The largest norm of the whole gradient; a longer one is scaled down to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
    /// Steps between validations; without it, one after every epoch. The last step always validates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_every_steps: Option<usize>,
    /// Into how many parts a batch is cut; each may run on a thread of its own. The parts' gradients are
    /// summed in a fixed order, so results depend on this number (in the last digits) and not on threads.
    #[serde(default = "default_shards")]
    pub shards: usize,
}

/// The rule of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OptimiserKind {
    /// Adam (Kingma and Ba 2015).
    #[default]
    Adam,
    /// Stochastic gradient descent, with `momentum` if it is above 0.
    Sgd,
}

/// How the learning rate goes over the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// The same at every step.
    #[default]
    Constant,
    /// Up in a line over the first tenth of the steps, then down along half a cosine to zero.
    Cosine,
}

impl Schedule {
    /// The factor on the learning rate at `step`, from 1 to `steps`.
    ///
    /// # Example
    /// ```
    /// use stapes_train::Schedule;
    ///
    /// assert_eq!(Schedule::Constant.factor(7, 100), 1.0);
    /// assert_eq!(Schedule::Cosine.factor(5, 100), 0.5);
    /// assert_eq!(Schedule::Cosine.factor(10, 100), 1.0);
    /// assert!(Schedule::Cosine.factor(100, 100) < 1e-6);
    /// ```
    pub fn factor(self, step: usize, steps: usize) -> f32 {
        let rising = (steps / 10).max(1);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine if step <= rising => step as f32 / rising as f32,
            Schedule::Cosine => {
                let done = (step - rising) as f32 / (steps - rising).max(1) as f32;
                0.5 + 0.5 * (std::f32::consts::PI * done).cos()
            }
        }
    }
}

/// Each shard has a network and gradients of its own.
const MOST_SHARDS: usize = 1024;

fn default_learning_rate() -> f32 {
    1e-3
}

fn default_shards() -> usize {
    2
}

/// Why training cannot start or go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A value that a key cannot have.
    #[error("{key} = {value}: {rule}")]
    Value {
        /// The key in the recipe.
        key: &'static str,
        /// The value there.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// There is nothing to learn from or nothing to validate on.
    #[error("no {what} examples: training needs at least one")]
    NoExamples {
        /// Which part is empty.
        what: &'static str,
    },
    /// An example has no frame.
    #[error("example {index} has no frame: leave it out")]
    NoFrames {
        /// Which, from 0.
        index: usize,
    },
    /// An example is longer than the model can take.
    #[error("example {index} has {frames} frames, and the model takes at most {most}: cut it into parts")]
    TooLong {
        /// Which, from 0.
        index: usize,
        /// T of its features.
        frames: usize,
        /// The most frames of a sequence.
        most: usize,
    },
    /// An example has not one label a frame.
    #[error("example {index} has {frames} frames and {labels} labels: give one label a frame")]
    FrameLabels {
        /// Which, from 0.
        index: usize,
        /// Its frames.
        frames: usize,
        /// Its labels.
        labels: usize,
    },
    /// The model decides for frames and the labels are of whole examples, or the other way round.
    #[error(
        "{}",
        if *of_frames {
            "the data has a label a frame and the model decides for whole recordings: use a head per_frame"
        } else {
            "the data has one label a recording and the model decides for every frame: use another head than per_frame"
        }
    )]
    Labels {
        /// Whether the labels are of frames.
        of_frames: bool,
    },
    /// Segments for a model that reads a fixed number of frames.
    #[error(
        "train.segment_frames = {segment}: the model reads exactly {fixed} frames: leave it out, or leave out what fixes \
         the length"
    )]
    Segments {
        /// Frames of a segment.
        segment: usize,
        /// Frames that the model reads.
        fixed: usize,
    },
    /// The parameters to start from are not the model's.
    #[error("{got} parameters to start from, and the model has {expected}: give those of the same model")]
    Start {
        /// How many were given.
        got: usize,
        /// How many the model has.
        expected: usize,
    },
    /// The loss or a parameter is no number.
    #[error(
        "training diverged at step {step}: {what}; the largest gradients are {largest}. Lower train.learning_rate or set train.clip_norm"
    )]
    Diverged {
        /// The step.
        step: usize,
        /// What is no number: the loss, or a parameter.
        what: String,
        /// Names and norms of the largest gradients.
        largest: String,
    },
    /// The model cannot be built.
    #[error(transparent)]
    Model(#[from] stapes_nn::ModelError),
}

impl TrainConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`TrainError::Value`] names the key, its value and the rule.
    pub fn check(&self) -> Result<(), TrainError> {
        let at_least_one = [
            ("train.batch", Some(self.batch)),
            ("train.epochs", Some(self.epochs)),
            ("train.shards", Some(self.shards)),
            ("train.validate_every_steps", self.validate_every_steps),
            ("train.max_steps", self.max_steps),
            ("train.segment_frames", self.segment_frames),
            ("train.frames_per_epoch", self.frames_per_epoch),
        ];
        for (key, value) in at_least_one {
            if value == Some(0) {
                return Err(TrainError::Value { key, value: "0".into(), rule: "must be at least 1" });
            }
        }
        if self.shards > MOST_SHARDS {
            let (key, value) = ("train.shards", self.shards.to_string());
            return Err(TrainError::Value {
                key,
                value,
                rule: "must be at most 1024; one for each core is enough",
            });
        }
        let positive =
            [("train.learning_rate", Some(self.learning_rate)), ("train.clip_norm", self.clip_norm)];
        for (key, value) in positive {
            if value.is_some_and(|value| !(value > 0.0 && value.is_finite())) {
                let value = value.unwrap_or_default().to_string();
                return Err(TrainError::Value { key, value, rule: "must be a number above 0" });
            }
        }
        if !(0.0..1.0).contains(&self.momentum) {
            let (key, value) = ("train.momentum", self.momentum.to_string());
            return Err(TrainError::Value { key, value, rule: "must be at least 0 and below 1" });
        }
        if self.momentum > 0.0 && self.optimiser != OptimiserKind::Sgd {
            let (key, value) = ("train.momentum", self.momentum.to_string());
            let rule = "belongs to optimiser = \"sgd\": set that, or leave momentum out";
            return Err(TrainError::Value { key, value, rule });
        }
        if !(0.0..1.0).contains(&self.weight_decay) {
            let (key, value) = ("train.weight_decay", self.weight_decay.to_string());
            return Err(TrainError::Value { key, value, rule: "must be at least 0 and below 1" });
        }
        Ok(())
    }
}
