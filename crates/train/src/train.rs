//! The training loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use stapes_data::Misfit;
use stapes_nn::layer::Shape;
use stapes_nn::parameters::View;
use stapes_random::Stream;

use crate::batches::Batches;
use crate::error::TrainError;
use crate::examples::Labels;
use crate::loader::Loader;
use crate::optimiser::Optimiser;
use crate::schedule::Moment;
use crate::shards::Shards;
use crate::state::{Checkpoint, Point, Progress, Snapshot, Sums, Validation};
use crate::team::any;
use crate::trainer::{Event, Start, Trained, Trainer};
use crate::treatment::Treatment;

/// Trains a model and keeps the parameters of the best validation: the highest accuracy (of decisions: where frames are
/// decided, of frames), and among equals the lowest loss.
///
/// When `stop` becomes true, training validates once more and ends with what was reached. An error of `report` ends it at
/// once.
///
/// # Errors
/// [`TrainError`] for a configuration that is impossible, no examples, a checkpoint of another training, an example that
/// the source has no frames for, or a loss or gradient that is not finite; and what `report` gives.
///
/// # Panics
/// If the source panics.
pub fn train<E: From<TrainError>>(
    trainer: &Trainer<'_>,
    stop: &AtomicBool,
    report: impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<Trained, E> {
    let run = Run::new(trainer)?;
    let Some(loading) = trainer.source else { return all_steps(run, None, stop, report) };
    let (longest, steps) = (run.shards.network().longest(), [run.progress.step, run.steps]);
    let loader = Loader::new(trainer, loading, longest, steps);
    std::thread::scope(|scope| {
        let _until_the_end = loader.start(scope);
        all_steps(run, Some(&loader), stop, report)
    })
}

fn all_steps<E: From<TrainError>>(
    mut run: Run<'_>,
    loader: Option<&Loader<'_>>,
    stop: &AtomicBool,
    mut report: impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<Trained, E> {
    let (mut done, mut stopped) = (run.is_done(run.is_late()), false);
    if !done {
        report(Event::Between { snapshot: run.snapshot(), last: false })?;
    }
    while !(done || stopped) {
        let (step, loss) = run.step(loader)?;
        report(Event::Step { step, steps: run.steps, loss })?;
        if run.validation_is_due() {
            run.validate(&mut report)?;
        }
        // Clocks and Ctrl-C differ from process to process.
        let [late, asked] = any(run.trainer.team, [run.is_late(), stop.load(Ordering::Relaxed)]);
        done = run.is_done(late);
        stopped = !done && asked;
        report(Event::Between { snapshot: run.snapshot(), last: done || stopped })?;
    }
    if run.progress.points.last().is_none_or(|point| point.step < run.progress.step) {
        run.validate(&mut report)?;
    }
    Ok(run.finish(stopped))
}

struct Run<'a> {
    trainer: &'a Trainer<'a>,
    shards: Shards<'a>,
    parameters: Vec<f32>,
    /// Their running mean, if it is kept; else empty.
    average: Vec<f32>,
    /// The model of the best point.
    best: Vec<f32>,
    optimiser: Optimiser,
    batches: Batches<'a>,
    class_weights: Option<Vec<f32>>,
    steps: usize,
    progress: Progress,
    /// When this part of the training began, and the seconds of those before.
    began: Instant,
    before: f64,
}

impl<'a> Run<'a> {
    fn new(trainer: &'a Trainer<'a>) -> Result<Run<'a>, TrainError> {
        let config = trainer.config;
        config.check()?;
        if trainer.train.is_empty() {
            return Err(TrainError::NoExamples);
        }
        if let Some(key) = config.needs_validation().filter(|_| trainer.validation.is_empty()) {
            return Err(TrainError::NoValidation { key });
        }
        let size = trainer.team.size();
        if config.shards < size {
            return Err(TrainError::TooFewShards { shards: config.shards, size });
        }
        let shape = (trainer.input, trainer.classes);
        let shards =
            Shards::of_team(trainer.model, shape, config.shards, trainer.team)?.with_parts(config.accumulate);
        let network = shards.network();
        for examples in [trainer.train, trainer.validation] {
            examples.check(network.objective(), network.longest())?;
        }
        if let (Some(segment), Shape::Sequence { frames: Some(fixed), .. }) =
            (config.segment_frames, trainer.input)
        {
            return Err(TrainError::Segments { segment, fixed });
        }
        if let (Some(_), None) =
            (trainer.augment.and_then(|augment| augment.waveform.as_ref()), trainer.source)
        {
            let (key, value) = ("augment.waveform", "given".into());
            let rule =
                "changes samples, and training reads frames from memory: leave it out, or give a source";
            return Err(TrainError::Value { key, value, rule });
        }
        if let (Some(augment), Shape::Sequence { features, frames }) = (trainer.augment, trainer.input) {
            let of_moments = matches!(trainer.train.labels(), Labels::Frames(_));
            augment
                .check_frames(features, frames, of_moments)
                .map_err(|Misfit { key, value, rule }| TrainError::Value { key, value, rule })?;
        }
        let labels = trainer.train.labels();
        if let (Some(alpha), Labels::Frames(_)) = (config.mixup, labels) {
            let (key, value) = ("train.mixup", alpha.to_string());
            let rule = "every frame has a label of its own, and such examples are not mixed: leave it out";
            return Err(TrainError::Value { key, value, rule });
        }
        let class_weights =
            config.class_weights.as_ref().map(|of| of.weights(labels, trainer.classes)).transpose()?;
        let batches = Batches::new(config, trainer.train, trainer.seed);
        let values = network.values();
        let parameters = match trainer.start {
            Start::Drawn => network.initial_parameters(trainer.seed),
            Start::Parameters(start) if start.len() != values => {
                return Err(TrainError::Start { got: start.len(), expected: values });
            }
            Start::Parameters(start) => start.to_vec(),
            // What the checkpoint holds follows.
            Start::Checkpoint(_) => vec![0.0; values],
        };
        let mut run = Run {
            best: parameters.clone(),
            average: config.average_decay.map_or(Vec::new(), |_| parameters.clone()),
            parameters,
            optimiser: Optimiser::new(config, network.views()),
            shards,
            steps: batches.steps(),
            batches,
            class_weights,
            progress: Progress::default(),
            began: Instant::now(),
            before: 0.0,
            trainer,
        };
        if let Start::Checkpoint(checkpoint) = trainer.start {
            run.restore(checkpoint)?;
        }
        Ok(run)
    }

    /// Whether all steps are done, or the configuration has had enough.
    fn is_done(&self, late: bool) -> bool {
        let Progress { step, points, best, .. } = &self.progress;
        let in_vain = best.map_or(0, |best| points.len() - 1 - best);
        let patience = self.trainer.config.patience;
        late || *step >= self.steps || patience.is_some_and(|patience| in_vain >= patience)
    }

    /// Whether the time is up.
    fn is_late(&self) -> bool {
        self.trainer.config.max_seconds.is_some_and(|most| self.progress.seconds >= most)
    }

    fn snapshot(&self) -> Snapshot<'_> {
        let mut buffers =
            vec![(PARAMETERS, &self.parameters[..]), (AVERAGE, &self.average), (BEST, &self.best)];
        buffers.extend(self.optimiser.buffers());
        Snapshot { progress: &self.progress, buffers }
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        checkpoint.restore(PARAMETERS, &mut self.parameters)?;
        checkpoint.restore(AVERAGE, &mut self.average)?;
        checkpoint.restore(BEST, &mut self.best)?;
        for (name, buffer) in self.optimiser.buffers_mut() {
            checkpoint.restore(name, buffer)?;
        }
        self.progress = checkpoint.progress.clone();
        self.optimiser.go_on_from(self.progress.step);
        self.before = self.progress.seconds;
        Ok(())
    }

    fn step(&mut self, loader: Option<&Loader<'_>>) -> Result<(usize, f64), TrainError> {
        let began = Instant::now();
        let config = self.trainer.config;
        let made = loader.map(|loader| loader.take(self.progress.step)).transpose()?;
        let (examples, batch, augment) = match &made {
            Some(made) => {
                self.progress.waiting_seconds += began.elapsed().as_secs_f64();
                let (examples, batch) = made.examples()?;
                (examples, batch, None)
            }
            None => (self.trainer.train, self.batches.batch(self.progress.step), self.trainer.augment),
        };
        let treatment = Treatment {
            key: Stream::numbered(self.trainer.seed, "dropout", [self.progress.step as u64, 0]).bits(),
            augment,
            mixup: config.mixup,
            seed: self.trainer.seed,
            smoothing: config.label_smoothing,
            class_weights: self.class_weights.as_deref(),
        };
        let loss = self.shards.gradient(&self.parameters, examples, &batch, treatment).0;
        self.progress.step += 1;
        if !loss.is_finite() {
            return Err(self.diverged(format!("the loss is {loss}")));
        }
        let factor = config.schedule.factor(self.moment());
        let norm = self.optimiser.update(&mut self.parameters, self.shards.gradients_mut(), factor);
        if !norm.is_finite() {
            return Err(self.diverged(format!("the norm of the gradient is {norm}")));
        }
        self.shards.follow(&mut self.parameters);
        self.follow_average();
        self.progress.first_loss.get_or_insert(loss);
        self.progress.largest_loss = self.progress.largest_loss.max(loss);
        let since = &mut self.progress.since;
        since.steps += 1;
        since.loss += loss;
        since.gradient_norm += f64::from(norm);
        self.progress.examples_seen += batch.len();
        self.progress.training_seconds += began.elapsed().as_secs_f64();
        self.progress.seconds = self.before + self.began.elapsed().as_secs_f64();
        Ok((self.progress.step, loss))
    }

    /// The step that was done last.
    fn moment(&self) -> Moment<'_> {
        Moment {
            step: self.progress.step,
            steps: self.steps,
            steps_an_epoch: self.batches.steps_an_epoch(),
            warmup_steps: self.trainer.config.warmup_steps,
            points: &self.progress.points,
        }
    }

    /// a = d a + (1 - d) p, where a running mean is kept.
    fn follow_average(&mut self) {
        let Some(decay) = self.trainer.config.average_decay else { return };
        let steps = self.progress.step as f32;
        let decay = decay.min((1.0 + steps) / (10.0 + steps));
        for (mean, parameter) in self.average.iter_mut().zip(&self.parameters) {
            *mean += (1.0 - decay) * (parameter - *mean);
        }
    }

    fn validation_is_due(&self) -> bool {
        let an_epoch = self.batches.steps_an_epoch();
        let every = self.trainer.config.validate_every_steps.unwrap_or(an_epoch);
        self.progress.step.is_multiple_of(every) || self.progress.step == self.steps
    }

    fn diverged(&self, what: String) -> TrainError {
        let largest = largest_gradients(self.shards.network().views().to_vec(), self.shards.gradients());
        TrainError::Diverged { step: self.progress.step, what, largest }
    }

    /// A point of the curves.
    fn validate<E: From<TrainError>>(
        &mut self,
        report: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let validation = self.score()?;
        let Progress { step, since, .. } = self.progress;
        let mean = |sum: f64| sum / since.steps.max(1) as f64;
        let config = self.trainer.config;
        let rate = config.schedule.factor(self.moment()) * config.learning_rate;
        self.progress.seconds = self.before + self.began.elapsed().as_secs_f64();
        let point = Point {
            step,
            epoch: step as f64 / self.batches.steps_an_epoch() as f64,
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
            let model = averaged_or(&self.average, &self.parameters);
            self.best.copy_from_slice(model);
        }
        self.progress.points.push(point);
        report(Event::Validated { point, best: better.then_some(&self.best[..]) })
    }

    /// How the model does on the validation examples; none where there are none.
    fn score(&mut self) -> Result<Option<Validation>, TrainError> {
        let views = self.shards.network().views();
        let broken = |view: &&View| !view.of(&self.parameters).iter().all(|value| value.is_finite());
        if let Some(view) = views.iter().find(broken) {
            return Err(self.diverged(format!("{} holds a value that is no number", view.name)));
        }
        if self.trainer.validation.is_empty() {
            return Ok(None);
        }
        let model = averaged_or(&self.average, &self.parameters);
        let score = self.shards.score(model, self.trainer.validation, VALIDATION_BATCH);
        if !score.loss.is_finite() {
            return Err(self.diverged(format!("the validation loss is {}", score.loss)));
        }
        Ok(Some(score))
    }

    /// The largest loss of a step or a validation, if it has exploded.
    fn diverged_loss(&self) -> Option<f64> {
        let Progress { first_loss, largest_loss, points, .. } = &self.progress;
        let validations = points.iter().filter_map(|point| point.validation).map(|validation| validation.loss);
        let largest = validations.fold(*largest_loss, f64::max);
        let guessing = (self.trainer.classes.max(2) as f64).ln();
        // Frames that are not normalized may begin with a large loss.
        (largest > EXPLODED * first_loss.map_or(guessing, |first| guessing.max(first))).then_some(largest)
    }

    /// After the last validation.
    ///
    /// # Panics
    /// If there was none.
    fn finish(self, stopped: bool) -> Trained {
        let diverged_loss = self.diverged_loss();
        let Progress {
            step, seconds, training_seconds, waiting_seconds, examples_seen, points, best, ..
        } = self.progress;
        let best =
            points[best.unwrap_or_else(|| unreachable!("the first point is the best until another is"))];
        Trained {
            parameters: self.best,
            last: if self.average.is_empty() { self.parameters } else { self.average },
            points,
            best,
            steps: step,
            seconds,
            // A clock may be too coarse to see a step.
            examples_a_second: if training_seconds > 0.0 { examples_seen as f64 / training_seconds } else { 0.0 },
            diverged_loss,
            waited_seconds: waiting_seconds,
            training_seconds,
            stopped,
        }
    }
}

/// What is validated and kept: the running mean, or the parameters where none is kept.
fn averaged_or<'a>(average: &'a [f32], parameters: &'a [f32]) -> &'a [f32] {
    if average.is_empty() { parameters } else { average }
}

/// Names of buffers in a snapshot.
const PARAMETERS: &str = "parameters";
const AVERAGE: &str = "average";
const BEST: &str = "best";

/// A loss has exploded where it is more than this many times that of the first step, and that of guessing, ln K.
const EXPLODED: f64 = 1e6;

/// How many examples a validation takes at a time: enough to fill the kernels, small in memory.
const VALIDATION_BATCH: usize = 64;

fn largest_gradients(views: Vec<View>, gradients: &[f32]) -> String {
    let norm =
        |view: &View| view.of(gradients).iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let mut norms: Vec<(f64, &str)> = views.iter().map(|view| (norm(view), view.name.as_str())).collect();
    norms.sort_by(|a, b| b.0.total_cmp(&a.0));
    let shown: Vec<String> =
        norms.iter().take(3).map(|(norm, name)| format!("{name} ({norm:.3e})")).collect();
    shown.join(", ")
}
