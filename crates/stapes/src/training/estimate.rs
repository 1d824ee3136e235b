//! Estimate of a training before it runs, from a sample of its examples.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use stapes_train::{Schedule, SingleProcess, Start};

use crate::error::Error;
use crate::event::{Event, OnEvent};
use crate::experiment::{Experiment, ExperimentInputs, classify};
use crate::recipe::Recipe;

/// Expected cost of a training on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrainingEstimate {
    /// Number of parameters.
    pub parameters: usize,
    /// Number of optimizer steps.
    pub steps: usize,
    /// Time of a training step, s.
    pub step_seconds: f64,
    /// Time to load all examples, s.
    pub loading_seconds: f64,
    /// Time of all validations, s.
    pub validation_seconds: f64,
    /// Memory of the features, the parameters and the state of the optimizer, bytes. Activations of a batch come on top.
    pub bytes: u64,
}

/// Minimum number of examples that are measured, and of batches that they make.
const MIN_SAMPLE: usize = 64;
const SAMPLE_BATCHES: usize = 4;
/// Minimum duration of the measured steps, s.
const MIN_SECONDS: f64 = 0.3;

impl TrainingEstimate {
    /// Returns the duration of the whole training, s.
    pub fn seconds(&self) -> f64 {
        self.loading_seconds + self.steps as f64 * self.step_seconds + self.validation_seconds
    }

    /// Opens the data of a recipe and measures a sample of the training examples; nothing is written.
    ///
    /// # Errors
    /// Errors of [`Experiment`].
    pub fn measure(
        recipe: &Recipe,
        data: Option<&Path>,
        stop: &AtomicBool,
        on_event: OnEvent<'_>,
    ) -> Result<TrainingEstimate, Error> {
        let mut steps = steps_only(recipe.clone());
        // A sample may lack a class.
        steps.train.class_weights = None;
        let mut experiment = Experiment::open(steps, data)?;
        on_event(Event::Opened(&experiment));
        let train = &experiment.split.train;
        let config = &recipe.train;
        let size = (SAMPLE_BATCHES * config.batch_size).max(MIN_SAMPLE).min(train.len());
        // Evenly spaced, because examples are sorted by class.
        let sample: Vec<usize> = (0..size).map(|at| train[at * train.len() / size]).collect();
        let started = Instant::now();
        let loaded = experiment.load(&sample, stop, &|_| {})?;
        let per_example = started.elapsed().as_secs_f64() / size as f64;
        let model = experiment.untrained_model(&loaded)?;
        let frames: usize = loaded.features.iter().map(|features| features.frames()).sum();
        let frames_per_example = frames as f64 / loaded.features.len().max(1) as f64;
        let used_frames = config
            .segment_frames
            .map_or(frames_per_example, |segment| frames_per_example.min(segment as f64));
        let per_epoch = match config.frames_per_epoch {
            Some(frames) => (frames as f64 / used_frames).round().max(1.0) as usize,
            None => train.len(),
        };
        let steps = config.epochs.saturating_mul(per_epoch.div_ceil(config.batch_size));
        let steps = config.max_steps.map_or(steps, |max_steps| steps.min(max_steps));
        let step_seconds = {
            let mut count = 2;
            loop {
                experiment.recipe.set_max_steps(count);
                let inputs = ExperimentInputs {
                    model: &model,
                    train: &loaded,
                    validation: &loaded.first(0),
                    start: Start::Random,
                    communicator: &SingleProcess,
                    stop,
                };
                let result = experiment.train(&inputs, |_| Ok(()))?;
                if result.training_seconds >= MIN_SECONDS || result.stopped || count >= 1 << 16 {
                    break result.training_seconds / result.steps.max(1) as f64;
                }
                count *= 4;
            }
        };
        let network = experiment.recipe.network()?;
        let trained = model.with_parameters(&network.initial_parameters(recipe.seed));
        let started = Instant::now();
        classify(&trained, &loaded, stop)?;
        let per_validation =
            started.elapsed().as_secs_f64() / size as f64 * experiment.split.validation.len() as f64;
        let interval =
            config.validate_every_steps.unwrap_or_else(|| per_epoch.div_ceil(config.batch_size)).max(1);
        let all = [&experiment.split.train, &experiment.split.validation, &experiment.split.test];
        let examples: usize = all.iter().map(|subset| subset.len()).sum();
        let values = frames_per_example * trained.shape.features() as f64 * examples as f64;
        // Features before and after normalization; parameters with gradients of every shard, two moments and the best.
        let copies = config.shards + 4;
        Ok(TrainingEstimate {
            parameters: network.parameter_count(),
            steps,
            step_seconds,
            loading_seconds: per_example * examples as f64,
            validation_seconds: per_validation * steps.div_ceil(interval) as f64,
            bytes: (2.0 * 4.0 * values) as u64 + (4 * copies * network.buffer_len()) as u64,
        })
    }
}

/// Returns the recipe of an endless training without validation and the settings that need it, for measurements.
pub(crate) fn steps_only(mut recipe: Recipe) -> Recipe {
    recipe.train.patience = None;
    if let Schedule::Plateau { .. } = recipe.train.schedule {
        recipe.train.schedule = Schedule::Constant;
    }
    recipe.train.max_seconds = None;
    recipe.train.validate_every_steps = Some(usize::MAX);
    recipe.train.epochs = usize::MAX;
    recipe
}
