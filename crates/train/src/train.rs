//! The training loop: steps, validation, early stopping (`patience`), and the choice of the best parameters.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use stapes_nn::parameters::TensorSpec;
use stapes_random::Rng;

use crate::batches::Batches;
use crate::communicator::any_process;
use crate::error::TrainError;
use crate::inputs::{Event, Start, TrainingInputs, TrainingResult};
use crate::loader::Loader;
use crate::optimizer::Optimizer;
use crate::schedule::ScheduleContext;
use crate::shards::Shards;
use crate::state::{Checkpoint, Point, Progress, Snapshot, Sums, Validation};
use crate::step_options::StepOptions;

/// Trains a model and returns the parameters with the best validation: the highest accuracy (over frames for a frame-level
/// model), and among equals the lowest loss.
///
/// When `stop` becomes true, the training validates once more and returns its result so far. An error of `report` ends it
/// immediately.
///
/// # Errors
/// [`TrainError`] for impossible settings, missing or unsuitable examples, a checkpoint of another training, an error of
/// the source, or a loss or gradient that is not finite; and the errors of `report`.
///
/// # Panics
/// If the source panics.
pub fn train<E: From<TrainError>>(
    inputs: &TrainingInputs<'_>,
    stop: &AtomicBool,
    report: impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<TrainingResult, E> {
    let state = TrainingLoop::new(inputs)?;
    let Some(options) = inputs.source else { return run(state, None, stop, report) };
    let steps = state.progress.step..state.steps;
    let loader =
        Loader::new(inputs, options, state.batches.clone(), state.shards.network().max_length(), steps);
    std::thread::scope(|scope| {
        let _threads = loader.start(scope);
        run(state, Some(&loader), stop, report)
    })
}

fn run<E: From<TrainError>>(
    mut state: TrainingLoop<'_>,
    loader: Option<&Loader<'_>>,
    stop: &AtomicBool,
    mut report: impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<TrainingResult, E> {
    let (mut done, mut stopped) = (state.is_done(state.is_out_of_time()), false);
    if !done {
        report(Event::Snapshot { snapshot: state.snapshot(), last: false })?;
    }
    while !(done || stopped) {
        let (step, loss) = state.step(loader)?;
        report(Event::Step { step, steps: state.steps, loss })?;
        if state.validation_is_due() {
            state.validate(&mut report)?;
        }
        // Clocks and Ctrl-C differ between processes.
        let flags = [state.is_out_of_time(), stop.load(Ordering::Relaxed)];
        let [out_of_time, stop_requested] = any_process(state.inputs.communicator, flags);
        done = state.is_done(out_of_time);
        stopped = !done && stop_requested;
        report(Event::Snapshot { snapshot: state.snapshot(), last: done || stopped })?;
    }
    if state.progress.points.last().is_none_or(|point| point.step < state.progress.step) {
        state.validate(&mut report)?;
    }
    Ok(state.finish(stopped))
}

/// State of a running training.
struct TrainingLoop<'a> {
    inputs: &'a TrainingInputs<'a>,
    shards: Shards<'a>,
    parameters: Vec<f32>,
    /// Exponential moving average of the parameters; empty without `ema_decay`.
    ema: Vec<f32>,
    /// Parameters at the best point.
    best: Vec<f32>,
    optimizer: Optimizer,
    batches: Batches<'a>,
    class_weights: Option<Vec<f32>>,
    steps: usize,
    progress: Progress,
    /// Start of the training, or of its resumption.
    started: Instant,
    /// Seconds of training before the resumption.
    earlier_seconds: f64,
}

impl<'a> TrainingLoop<'a> {
    fn new(inputs: &'a TrainingInputs<'a>) -> Result<TrainingLoop<'a>, TrainError> {
        let TrainingInputs { model, input, classes, config, communicator, .. } = *inputs;
        let batches = Batches::new(config, inputs.train, inputs.seed)?;
        inputs.check_settings()?;
        let shards = Shards::distributed(model, input, classes, config.shards, communicator)?
            .with_accumulation_steps(config.accumulation_steps);
        let network = shards.network();
        inputs.check_data(network)?;
        config.check_freeze(network.tensors())?;
        let labels = inputs.train.labels();
        let class_weights =
            config.class_weights.as_ref().map(|weights| weights.resolve(labels, classes)).transpose()?;
        let expected = network.buffer_len();
        let parameters = match inputs.start {
            Start::Random => network.initial_parameters(inputs.seed),
            Start::Parameters(start) if start.len() != expected => {
                return Err(TrainError::Start { got: start.len(), expected });
            }
            Start::Parameters(start) => start.to_vec(),
            // Restored below.
            Start::Checkpoint(_) => vec![0.0; expected],
        };
        let mut state = TrainingLoop {
            best: parameters.clone(),
            ema: config.ema_decay.map_or(Vec::new(), |_| parameters.clone()),
            parameters,
            optimizer: Optimizer::new(config, network.tensors()),
            shards,
            steps: batches.steps(),
            batches,
            class_weights,
            progress: Progress::default(),
            started: Instant::now(),
            earlier_seconds: 0.0,
            inputs,
        };
        if let Start::Checkpoint(checkpoint) = inputs.start {
            state.restore(checkpoint)?;
        }
        Ok(state)
    }

    /// Returns `true` after the last step, without time left, and when `patience` is exhausted.
    fn is_done(&self, out_of_time: bool) -> bool {
        let Progress { step, points, best, .. } = &self.progress;
        let without_improvement = best.map_or(0, |best| points.len() - 1 - best);
        let patience = self.inputs.config.patience;
        out_of_time || *step >= self.steps || patience.is_some_and(|patience| without_improvement >= patience)
    }

    fn is_out_of_time(&self) -> bool {
        self.inputs.config.max_seconds.is_some_and(|max_seconds| self.progress.seconds >= max_seconds)
    }

    fn snapshot(&self) -> Snapshot<'_> {
        let mut buffers = vec![(PARAMETERS, &self.parameters[..]), (EMA, &self.ema), (BEST, &self.best)];
        buffers.extend(self.optimizer.buffers());
        Snapshot { progress: &self.progress, buffers }
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        checkpoint.progress.check(self.steps).map_err(TrainError::CheckpointProgress)?;
        checkpoint.restore(PARAMETERS, &mut self.parameters)?;
        checkpoint.restore(EMA, &mut self.ema)?;
        checkpoint.restore(BEST, &mut self.best)?;
        for (name, buffer) in self.optimizer.buffers_mut() {
            checkpoint.restore(name, buffer)?;
        }
        let names: Vec<&str> = self.snapshot().buffers.iter().map(|(name, _)| *name).collect();
        checkpoint.check_names(&names)?;
        self.progress = checkpoint.progress.clone();
        self.optimizer.resume_from(self.progress.step);
        self.earlier_seconds = self.progress.seconds;
        Ok(())
    }

    /// Runs a training step. Returns its number and loss.
    fn step(&mut self, loader: Option<&Loader<'_>>) -> Result<(usize, f64), TrainError> {
        let started = Instant::now();
        let config = self.inputs.config;
        let loaded = loader.map(|loader| loader.batch(self.progress.step)).transpose()?;
        let (examples, batch, augment) = match &loaded {
            Some(loaded) => {
                self.progress.data_wait_seconds += started.elapsed().as_secs_f64();
                let (examples, batch) = loaded.examples()?;
                (examples, batch, None)
            }
            None => (self.inputs.train, self.batches.batch(self.progress.step), self.inputs.augment),
        };
        let options = StepOptions {
            key: Rng::numbered(self.inputs.seed, "dropout", [self.progress.step as u64, 0]).bits(),
            augment,
            mixup: config.mixup,
            seed: self.inputs.seed,
            label_smoothing: config.label_smoothing,
            class_weights: self.class_weights.as_deref(),
        };
        let loss = self.shards.compute_gradients(&self.parameters, examples, &batch, options);
        self.progress.step += 1;
        if !loss.is_finite() {
            return Err(self.diverged(format!("the loss is {loss}")));
        }
        let factor = config.schedule.factor(self.schedule_context());
        let norm = self.optimizer.update(&mut self.parameters, self.shards.gradients_mut(), factor);
        if !norm.is_finite() {
            return Err(self.diverged(format!("the gradient norm is {norm}")));
        }
        self.shards.update_running_stats(&mut self.parameters);
        self.update_ema();
        self.progress.first_loss.get_or_insert(loss);
        self.progress.largest_loss = self.progress.largest_loss.max(loss);
        let since = &mut self.progress.since;
        since.steps += 1;
        since.loss += loss;
        since.gradient_norm += f64::from(norm);
        self.progress.examples_seen += batch.len();
        self.progress.training_seconds += started.elapsed().as_secs_f64();
        self.progress.seconds = self.total_seconds();
        Ok((self.progress.step, loss))
    }

    fn total_seconds(&self) -> f64 {
        self.earlier_seconds + self.started.elapsed().as_secs_f64()
    }

    /// Returns the schedule's context for the last step.
    fn schedule_context(&self) -> ScheduleContext<'_> {
        ScheduleContext {
            step: self.progress.step,
            steps: self.steps,
            steps_per_epoch: self.batches.steps_per_epoch(),
            warmup_steps: self.inputs.config.warmup_steps,
            points: &self.progress.points,
        }
    }

    /// a = d a + (1 - d) p, if an average is kept.
    fn update_ema(&mut self) {
        let Some(decay) = self.inputs.config.ema_decay else { return };
        let steps = self.progress.step as f32;
        let decay = decay.min((1.0 + steps) / (10.0 + steps));
        for (mean, parameter) in self.ema.iter_mut().zip(&self.parameters) {
            *mean += (1.0 - decay) * (parameter - *mean);
        }
    }

    fn validation_is_due(&self) -> bool {
        let config = self.inputs.config;
        let interval = config.validate_every_steps.unwrap_or(self.batches.steps_per_epoch());
        self.progress.step.is_multiple_of(interval) || self.progress.step == self.steps
    }

    fn diverged(&self, reason: String) -> TrainError {
        let largest_gradients = largest_gradients(self.shards.network().tensors(), self.shards.gradients());
        TrainError::Diverged { step: self.progress.step, reason, largest_gradients }
    }

    /// Measures and reports a point of the learning curves.
    fn validate<E: From<TrainError>>(
        &mut self,
        report: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let validation = self.evaluate()?;
        let Progress { step, since, .. } = self.progress;
        let mean = |sum: f64| sum / since.steps.max(1) as f64;
        let config = self.inputs.config;
        let rate = config.schedule.factor(self.schedule_context()) * config.learning_rate;
        self.progress.seconds = self.total_seconds();
        let point = Point {
            step,
            epoch: step as f64 / self.batches.steps_per_epoch() as f64,
            seconds: self.progress.seconds,
            train_loss: mean(since.loss),
            learning_rate: f64::from(rate),
            gradient_norm: mean(since.gradient_norm),
            validation,
        };
        self.progress.since = Sums::default();
        let best = self.progress.best_point().and_then(|point| point.validation);
        let better = match (validation, best) {
            (Some(new), Some(best)) => new.better_than(&best),
            _ => true,
        };
        if better {
            self.progress.best = Some(self.progress.points.len());
            let model = if self.ema.is_empty() { &self.parameters } else { &self.ema };
            self.best.copy_from_slice(model);
        }
        self.progress.points.push(point);
        report(Event::Validated { point, best: better.then_some(&self.best[..]) })
    }

    /// Returns the scores on the validation examples, or `None` without any.
    fn evaluate(&mut self) -> Result<Option<Validation>, TrainError> {
        let tensors = self.shards.network().tensors();
        let not_finite =
            |tensor: &&TensorSpec| !tensor.slice(&self.parameters).iter().all(|value| value.is_finite());
        if let Some(tensor) = tensors.iter().find(not_finite) {
            return Err(self.diverged(format!("{} has a value that is not finite", tensor.name)));
        }
        if self.inputs.validation.is_empty() {
            return Ok(None);
        }
        let model = if self.ema.is_empty() { &self.parameters } else { &self.ema };
        let validation = self.shards.evaluate(model, self.inputs.validation, VALIDATION_BATCH_SIZE);
        if !validation.loss.is_finite() {
            return Err(self.diverged(format!("the validation loss is {}", validation.loss)));
        }
        Ok(Some(validation))
    }

    /// Returns the largest loss of a step or a validation if the training diverged.
    fn diverged_loss(&self) -> Option<f64> {
        let Progress { first_loss, largest_loss, points, .. } = &self.progress;
        let validations =
            points.iter().filter_map(|point| point.validation).map(|validation| validation.loss);
        let largest = validations.fold(*largest_loss, f64::max);
        let chance = (self.inputs.classes.max(2) as f64).ln();
        // Frames that are not normalized can start with a large loss.
        (largest > DIVERGED * first_loss.map_or(chance, |first| chance.max(first))).then_some(largest)
    }

    /// Returns the result after the last validation.
    ///
    /// # Panics
    /// If there was none.
    fn finish(self, stopped: bool) -> TrainingResult {
        let diverged_loss = self.diverged_loss();
        let Progress {
            step, seconds, training_seconds, data_wait_seconds, examples_seen, points, best, ..
        } = self.progress;
        let best =
            best.unwrap_or_else(|| unreachable!("the first point is the best until another is better"));
        TrainingResult {
            parameters: self.best,
            last: if self.ema.is_empty() { self.parameters } else { self.ema },
            best: points[best],
            points,
            steps: step,
            seconds,
            // A coarse clock can miss a step.
            examples_per_second: if training_seconds > 0.0 {
                examples_seen as f64 / training_seconds
            } else {
                0.0
            },
            diverged_loss,
            data_wait_seconds,
            training_seconds,
            stopped,
        }
    }
}

/// Names of the buffers in a snapshot.
const PARAMETERS: &str = "parameters";
const EMA: &str = "average";
const BEST: &str = "best";

/// A training diverged if a loss is more than this many times that of the first step, and that of chance, ln K.
const DIVERGED: f64 = 1e6;

/// Number of examples that a validation takes at a time: enough for the kernels to be efficient, and small in memory.
const VALIDATION_BATCH_SIZE: usize = 64;

fn largest_gradients(tensors: &[TensorSpec], gradients: &[f32]) -> String {
    let norm = |tensor: &TensorSpec| {
        tensor.slice(gradients).iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    };
    let mut norms: Vec<(f64, &str)> = tensors.iter().map(|tensor| (norm(tensor), &*tensor.name)).collect();
    norms.sort_by(|a, b| b.0.total_cmp(&a.0));
    let largest: Vec<String> =
        norms.iter().take(3).map(|(norm, name)| format!("{name} ({norm:.3e})")).collect();
    largest.join(", ")
}
