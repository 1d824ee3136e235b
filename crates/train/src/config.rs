//! Training settings of a recipe.

use serde::{Deserialize, Serialize};
use stapes_nn::parameters::TensorSpec;

use crate::error::TrainError;
use crate::schedule::Schedule;

/// The `[train]` section of a recipe, which must give `batch_size` and `epochs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Number of examples per step.
    pub batch_size: usize,
    /// Number of passes over the training examples, or of epochs of `frames_per_epoch` frames.
    pub epochs: usize,
    /// Number of frames of the segments to train on. Each time an example is used, its segment is drawn at random from the
    /// seed, the repetition and the example; shorter examples are used in full. Validation and test always use full
    /// examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_frames: Option<usize>,
    /// Number of frames per epoch; without it, an epoch has every example once. An epoch takes as many examples (or
    /// segments) as have this number of frames on average, rounded, at least one, so that trainings with segments of any
    /// length use the same amount of audio. The examples are repeated in turn, each repetition in its own random order, and
    /// an epoch starts where the one before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_per_epoch: Option<usize>,
    /// Maximum number of steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// Update rule.
    #[serde(default)]
    pub optimizer: OptimizerKind,
    /// Momentum of `sgd`.
    #[serde(default)]
    pub momentum: f32,
    /// Learning rate (the maximum of the schedule).
    #[serde(default = "default_learning_rate")]
    pub learning_rate: f32,
    /// Learning-rate schedule.
    #[serde(default)]
    pub schedule: Schedule,
    /// Number of steps over which the learning rate rises linearly before the schedule starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_steps: Option<usize>,
    /// Weight decay of parameters with two or more axes; biases and normalization parameters have none. `adamw` subtracts
    /// `learning_rate * weight_decay * weight` in each step; `adam` and `sgd` add `weight_decay * weight` to the gradient.
    #[serde(default)]
    pub weight_decay: f32,
    /// Maximum norm of the whole gradient; a larger gradient is scaled down to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_grad_norm: Option<f32>,
    /// Label smoothing: the weight of the uniform distribution over all classes in each target.
    #[serde(default)]
    pub label_smoothing: f32,
    /// Weights of the classes in the training loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Alpha of mixup, above 0 and at most 4: another example of the batch and its label are mixed into each example, with
    /// a weight of at most 0.5 that is drawn from Beta(alpha, alpha). Not available for frame-level labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixup: Option<f32>,
    /// Parameters that keep their initial values: names of tensors, or of the modules that contain them, such as `rnn`. The
    /// running statistics of batch normalization follow the data, as in PyTorch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// Number of parts of a batch that are computed one after the other and whose gradients are accumulated. This saves
    /// memory; loss and gradient are those of the whole batch, except that batch normalization uses the statistics of each
    /// part.
    #[serde(default = "default_accumulation_steps")]
    pub accumulation_steps: usize,
    /// Decay of an exponential moving average (EMA) of the parameters, at most (1 + n) / (10 + n) at step n. The averaged
    /// parameters are validated, and are the trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f32>,
    /// Number of consecutive validations without improvement after which training ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Number of seconds after which training ends. The result then depends on the speed of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<f64>,
    /// Number of steps between validations; by default one epoch. The last step is always validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_every_steps: Option<usize>,
    /// Number of shards of a batch, each of which may run on its own thread. Gradients are summed in a tree over them, so
    /// results depend on this number (in the last digits) but not on threads or processes.
    #[serde(default = "default_shards")]
    pub shards: usize,
}

impl Default for TrainConfig {
    /// Returns 20 epochs with batches of 32 examples, and the defaults of a recipe for everything else.
    fn default() -> TrainConfig {
        TrainConfig {
            batch_size: 32,
            epochs: 20,
            segment_frames: None,
            frames_per_epoch: None,
            max_steps: None,
            optimizer: OptimizerKind::default(),
            momentum: 0.0,
            learning_rate: default_learning_rate(),
            schedule: Schedule::default(),
            warmup_steps: None,
            weight_decay: 0.0,
            max_grad_norm: None,
            label_smoothing: 0.0,
            class_weights: None,
            mixup: None,
            freeze: Vec::new(),
            accumulation_steps: default_accumulation_steps(),
            ema_decay: None,
            patience: None,
            max_seconds: None,
            validate_every_steps: None,
            shards: default_shards(),
        }
    }
}

/// Update rule of an optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba 2015).
    #[default]
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW,
    /// Stochastic gradient descent, with momentum if `momentum` is above 0.
    Sgd,
}

/// Weights of the classes in the training loss.
///
/// The loss is the sum over decisions of -sum_k w_k q_k ln p_k, with targets q (one-hot, smoothed or mixed), divided by the
/// sum of the weights of the true classes, as in PyTorch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"balanced\" or a list with a weight for each class")]
pub enum ClassWeights {
    /// Weights computed by a named rule.
    Named(NamedWeights),
    /// One weight per class, in the order of the classes.
    Values(Vec<f32>),
}

/// Named rules for class weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NamedWeights {
    /// N / (K n_k) for class k of K, with n_k of the N training labels: all classes have the same total weight.
    Balanced,
}

/// Bounds the memory: each shard has its own network and gradients.
const MAX_SHARDS: usize = 1024;

fn default_learning_rate() -> f32 {
    1e-3
}

fn default_accumulation_steps() -> usize {
    1
}

fn default_shards() -> usize {
    2
}

impl TrainConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`TrainError::Value`] with the key, its value and the rule that it breaks.
    pub fn check(&self) -> Result<(), TrainError> {
        self.check_sizes()?;
        let invalid = |key, value: String, rule| Err(TrainError::Value { key, value, rule });
        let positive = [
            ("train.learning_rate", Some(f64::from(self.learning_rate))),
            ("train.max_grad_norm", self.max_grad_norm.map(f64::from)),
            ("train.max_seconds", self.max_seconds),
        ];
        for (key, number) in positive {
            if let Some(number) = number.filter(|number| !(*number > 0.0 && number.is_finite())) {
                return invalid(key, number.to_string(), "must be a number above 0");
            }
        }
        let fractions = [
            ("train.momentum", Some(self.momentum)),
            ("train.weight_decay", Some(self.weight_decay)),
            ("train.label_smoothing", Some(self.label_smoothing)),
            ("train.ema_decay", self.ema_decay),
        ];
        for (key, fraction) in fractions {
            if let Some(fraction) = fraction.filter(|fraction| !(0.0..1.0).contains(fraction)) {
                return invalid(key, fraction.to_string(), "must be at least 0 and below 1");
            }
        }
        if let Some(alpha) = self.mixup.filter(|alpha| !(*alpha > 0.0 && *alpha <= 4.0)) {
            return invalid("train.mixup", alpha.to_string(), "must be above 0 and at most 4");
        }
        if self.momentum > 0.0 && self.optimizer != OptimizerKind::Sgd {
            let rule = "requires optimizer = \"sgd\"; set it, or remove momentum";
            return invalid("train.momentum", self.momentum.to_string(), rule);
        }
        if let Some((key, number, rule)) = self.schedule.invalid_key() {
            return invalid(key, number, rule);
        }
        if let (Some(steps), Schedule::OneCycle) = (self.warmup_steps, self.schedule) {
            let rule = "schedule = \"one_cycle\" includes a warm-up; remove warmup_steps";
            return invalid("train.warmup_steps", steps.to_string(), rule);
        }
        if let Some(ClassWeights::Values(weights)) = &self.class_weights
            && !(weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite())
                && weights.iter().sum::<f32>() > 0.0)
        {
            let rule = "must be finite numbers of at least 0, at least one of them above 0";
            return invalid("train.class_weights", format!("{weights:?}"), rule);
        }
        Ok(())
    }

    /// Returns true if `freeze` names a tensor or a module that contains it.
    pub(crate) fn freezes(&self, tensor: &str) -> bool {
        self.freeze.iter().any(|name| is_or_contains(name, tensor))
    }

    /// Checks that each name of `freeze` is that of a tensor or module, and that a parameter remains to be trained.
    ///
    /// # Errors
    /// [`TrainError::Freeze`] with the modules of the network.
    pub fn check_freeze(&self, tensors: &[TensorSpec]) -> Result<(), TrainError> {
        let unknown = |name: &&String| {
            !tensors.iter().any(|tensor| tensor.trained && is_or_contains(name, &tensor.name))
        };
        let reason = match self.freeze.iter().find(unknown) {
            Some(name) => format!("there is no `{name}`"),
            None if tensors.iter().any(|tensor| tensor.trained && !self.freezes(&tensor.name)) => {
                return Ok(());
            }
            None => "every parameter is frozen".to_owned(),
        };
        let mut known: Vec<&str> =
            tensors.iter().filter_map(|tensor| tensor.name.split('.').next()).collect();
        known.dedup();
        Err(TrainError::Freeze { reason, known: known.join(", ") })
    }

    fn check_sizes(&self) -> Result<(), TrainError> {
        let at_least_one = [
            ("train.batch_size", Some(self.batch_size)),
            ("train.epochs", Some(self.epochs)),
            ("train.shards", Some(self.shards)),
            ("train.accumulation_steps", Some(self.accumulation_steps)),
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
        if self.shards > MAX_SHARDS {
            let (key, value) = ("train.shards", self.shards.to_string());
            let rule = "must be at most 1024; one shard per core is enough";
            return Err(TrainError::Value { key, value, rule });
        }
        Ok(())
    }

    /// Returns the key that requires validation examples, if one is set.
    pub(crate) fn key_that_needs_validation(&self) -> Option<&'static str> {
        match self.patience {
            Some(_) => Some("train.patience"),
            None => self.schedule.needs_validation().then_some("train.schedule.plateau"),
        }
    }
}

/// Returns true if the name is that of the tensor, or of a module that contains it.
fn is_or_contains(name: &str, tensor: &str) -> bool {
    tensor.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freeze_names_tensors_and_modules() {
        let tensor =
            |name: &str, trained| TensorSpec { name: name.into(), shape: vec![2], offset: 0, trained };
        let tensors = [tensor("rnn.weight", true), tensor("rnn.mean", false), tensor("fc.weight", true)];
        let check = |names: &[&str]| {
            let freeze = names.iter().map(ToString::to_string).collect();
            TrainConfig { freeze, ..TrainConfig::default() }
                .check_freeze(&tensors)
                .map_err(|error| error.to_string())
        };
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&["rnn"]), Ok(()));
        assert_eq!(check(&["rnn.weight"]), Ok(()));
        let unknown =
            "train.freeze: there is no `rn`; its names are tensors or modules of the model: rnn, fc";
        assert_eq!(check(&["rn"]).unwrap_err(), unknown);
        assert!(check(&["rnn.mean"]).is_err());
        assert!(check(&["rnn", "fc"]).unwrap_err().contains("every parameter is frozen"));
    }

    #[test]
    fn the_default_is_that_of_a_recipe_with_the_required_keys_alone() {
        assert_eq!(
            toml::from_str::<TrainConfig>("batch_size = 32\nepochs = 20").unwrap(),
            TrainConfig::default()
        );
        for missing in ["batch_size = 32", "epochs = 20"] {
            assert!(toml::from_str::<TrainConfig>(missing).is_err(), "{missing}");
        }
    }
}
