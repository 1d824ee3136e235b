//! What a recipe says about training.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::schedule::Schedule;

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
    /// Over how many steps the learning rate rises in a line before its schedule begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_steps: Option<usize>,
    /// Weight decay, on weights of two or more axes; biases and what normalises are spared. With `adamw` each step takes
    /// this share, times the learning rate, off the weight; with `adam` and `sgd` this share of the weight is added to
    /// its gradient.
    #[serde(default)]
    pub weight_decay: f32,
    /// The largest norm of the whole gradient; a longer one is scaled down to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
    /// Label smoothing: the truth is this much of all classes alike, and the rest the class.
    #[serde(default)]
    pub label_smoothing: f32,
    /// What a decision counts in the training loss, by its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Alpha of mixup, above 0 and at most 4: each example is laid over another of its batch, which has a share of at most
    /// a half, drawn from Beta(alpha, alpha), and so is its truth. Not where every frame has a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixup: Option<f32>,
    /// Into how many parts a batch is cut that are computed one after the other: less memory, the same loss and
    /// gradient but for batch normalisation, whose statistics are then those of a part.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Keeps a running mean of the parameters beside them, of which this share stays at each step (less at the first
    /// steps: (1 + n) / (10 + n) at step n); the mean is validated, and is the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_decay: Option<f32>,
    /// Ends the training when so many validations in a row were no better than the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Ends the training after so many seconds. How far it comes then depends on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<f64>,
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
    /// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW,
    /// Stochastic gradient descent, with `momentum` if it is above 0.
    Sgd,
}

/// What a decision counts in the training loss, by its class.
///
/// The loss is the sum over decisions of -sum_k w_k q_k ln p_k, with q the truth (one class, or smoothed), over the sum of
/// the weights of the true classes, as PyTorch has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"balanced\" or a list with a weight for each class")]
pub enum ClassWeights {
    /// A word for a rule.
    Named(NamedWeights),
    /// A weight for each class, in their order.
    Given(Vec<f32>),
}

/// Rules for weights of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NamedWeights {
    /// Of class k of K the weight N / (K n_k), with n_k of the N training decisions: all classes count the same.
    Balanced,
}

/// Each shard has a network and gradients of its own.
const MOST_SHARDS: usize = 1024;

fn default_learning_rate() -> f32 {
    1e-3
}

fn one() -> usize {
    1
}

fn default_shards() -> usize {
    2
}

impl TrainConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`TrainError::Value`] names the key, its value and the rule.
    pub fn check(&self) -> Result<(), TrainError> {
        self.check_sizes()?;
        let value = |key, value: String, rule| Err(TrainError::Value { key, value, rule });
        let positive = [
            ("train.learning_rate", Some(f64::from(self.learning_rate))),
            ("train.clip_norm", self.clip_norm.map(f64::from)),
            ("train.max_seconds", self.max_seconds),
        ];
        for (key, number) in positive {
            if let Some(number) = number.filter(|number| !(*number > 0.0 && number.is_finite())) {
                return value(key, number.to_string(), "must be a number above 0");
            }
        }
        let shares = [
            ("train.momentum", Some(self.momentum)),
            ("train.weight_decay", Some(self.weight_decay)),
            ("train.label_smoothing", Some(self.label_smoothing)),
            ("train.average_decay", self.average_decay),
        ];
        for (key, share) in shares {
            if let Some(share) = share.filter(|share| !(0.0..1.0).contains(share)) {
                return value(key, share.to_string(), "must be at least 0 and below 1");
            }
        }
        if let Some(alpha) = self.mixup.filter(|alpha| !(*alpha > 0.0 && *alpha <= 4.0)) {
            return value("train.mixup", alpha.to_string(), "must be above 0 and at most 4");
        }
        if self.momentum > 0.0 && self.optimiser != OptimiserKind::Sgd {
            let rule = "belongs to optimiser = \"sgd\": set that, or leave momentum out";
            return value("train.momentum", self.momentum.to_string(), rule);
        }
        if let Some((key, number, rule)) = self.schedule.wrong_keys() {
            return value(key, number, rule);
        }
        if let (Some(steps), Schedule::OneCycle) = (self.warmup_steps, self.schedule) {
            let rule = "schedule = \"one_cycle\" has a rise of its own: leave warmup_steps out";
            return value("train.warmup_steps", steps.to_string(), rule);
        }
        if let Some(ClassWeights::Given(weights)) = &self.class_weights
            && !(weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite())
                && weights.iter().sum::<f32>() > 0.0)
        {
            let rule = "must be numbers, 0 or more, and not all 0";
            return value("train.class_weights", format!("{weights:?}"), rule);
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), TrainError> {
        let at_least_one = [
            ("train.batch", Some(self.batch)),
            ("train.epochs", Some(self.epochs)),
            ("train.shards", Some(self.shards)),
            ("train.accumulate", Some(self.accumulate)),
            ("train.patience", self.patience),
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
            let rule = "must be at most 1024; one for each core is enough";
            return Err(TrainError::Value { key, value, rule });
        }
        Ok(())
    }

    /// The key that cannot do without validation examples, if one is set.
    pub(crate) fn needs_validation(&self) -> Option<&'static str> {
        match self.patience {
            Some(_) => Some("train.patience"),
            None => self.schedule.follows_validation().then_some("train.schedule.plateau"),
        }
    }
}
