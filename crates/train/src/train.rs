//! The training loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::Serialize;
use stapes_data::{AugmentConfig, Misfit};
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_nn::parameters::View;
use stapes_random::Stream;

use crate::config::{TrainConfig, TrainError};
use crate::course::Course;
use crate::examples::{Examples, Labels};
use crate::optimiser::Optimiser;
use crate::shards::{Chance, Shards};

/// What training learns from.
pub struct Trainer<'a> {
    /// The model to build.
    pub model: &'a ModelConfig,
    /// The shape of the examples' frames.
    pub input: Shape,
    /// The number of classes.
    pub classes: usize,
    /// How to train.
    pub config: &'a TrainConfig,
    /// Examples to fit.
    pub train: Examples<'a>,
    /// Examples that choose the best step; never a test split.
    pub validation: Examples<'a>,
    /// How training examples are changed, if they are.
    pub augment: Option<&'a AugmentConfig>,
    /// What the parameters start from, if not from what the model's initialisation draws.
    pub start: Option<&'a [f32]>,
    /// Determines the starting values, the shuffles, the dropout and the augmentation.
    pub seed: u64,
}

/// One validation, a point of the curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Optimiser steps so far.
    pub step: usize,
    /// Epochs so far.
    pub epoch: f64,
    /// Seconds since training began.
    pub seconds: f64,
    /// Mean training loss since the last point.
    pub train_loss: f64,
    /// Mean loss over the validation examples.
    pub validation_loss: f64,
    /// Share of the decisions on the validation examples that are right.
    pub validation_accuracy: f64,
}

/// What happens while training.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A step is done.
    Step {
        /// Which, from 1.
        step: usize,
        /// Of how many.
        steps: usize,
        /// Its loss.
        loss: f64,
    },
    /// A validation is done.
    Validated {
        /// The figures.
        point: Point,
        /// The parameters, if they are the best so far.
        best: Option<&'a [f32]>,
    },
}

/// The outcome of training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The parameters at the best validation.
    pub parameters: Vec<f32>,
    /// All validations.
    pub points: Vec<Point>,
    /// Which of the points was best.
    pub best: Point,
    /// Steps done.
    pub steps: usize,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Examples that went through a training step, a second of training without validation.
    pub examples_a_second: f64,
    /// Whether it was stopped before the last step.
    pub stopped: bool,
}

/// Trains a model and keeps the parameters of the best validation: the highest accuracy (of decisions: where frames are
/// decided, of frames), and among equals the lowest loss.
///
/// When `stop` becomes true, training validates once more and ends with what was reached.
///
/// # Errors
/// [`TrainError`] for a configuration that is impossible, no examples, or a loss that is no number.
pub fn train(
    trainer: &Trainer<'_>,
    stop: &AtomicBool,
    mut report: impl FnMut(Event<'_>),
) -> Result<Trained, TrainError> {
    let mut run = Run::new(trainer)?;
    while !run.done() {
        let (step, loss) = run.step()?;
        report(Event::Step { step, steps: run.steps, loss });
        run.stopped = stop.load(Ordering::Relaxed) && step < run.steps;
        if run.stopped || run.validation_is_due() {
            let (point, best) = run.validate()?;
            report(Event::Validated { point, best: best.then_some(run.parameters.as_slice()) });
        }
    }
    run.finish()
}

struct Run<'a> {
    trainer: &'a Trainer<'a>,
    shards: Shards,
    parameters: Vec<f32>,
    optimiser: Optimiser,
    course: Course<'a>,
    /// Steps done, of all.
    step: usize,
    steps: usize,
    stopped: bool,
    began: Instant,
    training_seconds: f64,
    examples_seen: usize,
    losses: (f64, usize),
    points: Vec<Point>,
    best: Option<(Point, Vec<f32>)>,
}

impl<'a> Run<'a> {
    fn new(trainer: &'a Trainer<'a>) -> Result<Run<'a>, TrainError> {
        let config = trainer.config;
        config.check()?;
        for (what, examples) in [("training", trainer.train), ("validation", trainer.validation)] {
            if examples.is_empty() {
                return Err(TrainError::NoExamples { what });
            }
        }
        let shards = Shards::new(trainer.model, trainer.input, trainer.classes, config.shards)?;
        let network = shards.network();
        for examples in [trainer.train, trainer.validation] {
            examples.check(network.objective(), network.longest())?;
        }
        if let (Some(segment), Shape::Sequence { frames: Some(fixed), .. }) =
            (config.segment_frames, trainer.input)
        {
            return Err(TrainError::Segments { segment, fixed });
        }
        if let (Some(augment), Shape::Sequence { features, frames }) = (trainer.augment, trainer.input) {
            let of_moments = matches!(trainer.train.labels(), Labels::Frames(_));
            augment
                .check_frames(features, frames, of_moments)
                .map_err(|Misfit { key, value, rule }| TrainError::Value { key, value, rule })?;
        }
        let course = Course::new(config, trainer.train, trainer.seed);
        if let Some(start) = trainer.start.filter(|start| start.len() != network.values()) {
            let (got, expected) = (start.len(), network.values());
            return Err(TrainError::Start { got, expected });
        }
        let drawn = || network.initial_parameters(trainer.seed);
        Ok(Run {
            parameters: trainer.start.map_or_else(drawn, <[f32]>::to_vec),
            optimiser: Optimiser::new(config, network.views()),
            shards,
            step: 0,
            steps: course.steps(),
            course,
            stopped: false,
            began: Instant::now(),
            training_seconds: 0.0,
            examples_seen: 0,
            losses: (0.0, 0),
            points: Vec::new(),
            best: None,
            trainer,
        })
    }

    fn done(&self) -> bool {
        self.stopped || self.step == self.steps
    }

    fn step(&mut self) -> Result<(usize, f64), TrainError> {
        let began = Instant::now();
        let config = self.trainer.config;
        let batch = self.course.batch(self.step);
        let chance = Chance {
            key: Stream::numbered(self.trainer.seed, "dropout", [self.step as u64, 0]).bits(),
            augment: self.trainer.augment,
            seed: self.trainer.seed,
        };
        let (loss, gradients) = self.shards.gradient(&self.parameters, self.trainer.train, &batch, chance);
        self.step += 1;
        if !loss.is_finite() {
            return Err(self.diverged(format!("the loss is {loss}")));
        }
        let factor = config.schedule.factor(self.step, self.steps);
        self.optimiser.update(&mut self.parameters, gradients, factor);
        self.shards.follow(&mut self.parameters);
        self.losses = (self.losses.0 + loss, self.losses.1 + 1);
        self.examples_seen += batch.len();
        self.training_seconds += began.elapsed().as_secs_f64();
        Ok((self.step, loss))
    }

    fn validation_is_due(&self) -> bool {
        let an_epoch = self.course.steps_an_epoch();
        let every = self.trainer.config.validate_every_steps.unwrap_or(an_epoch);
        self.step.is_multiple_of(every) || self.step == self.steps
    }

    fn diverged(&self, what: String) -> TrainError {
        let largest = largest_gradients(self.shards.network().views().to_vec(), self.shards.gradients());
        TrainError::Diverged { step: self.step, what, largest }
    }

    fn validate(&mut self) -> Result<(Point, bool), TrainError> {
        let views = self.shards.network().views();
        let broken = |view: &&View| !view.of(&self.parameters).iter().all(|value| value.is_finite());
        if let Some(view) = views.iter().find(broken) {
            return Err(self.diverged(format!("{} holds a value that is no number", view.name)));
        }
        let score = self.shards.score(&self.parameters, self.trainer.validation, VALIDATION_BATCH);
        if !score.loss.is_finite() {
            return Err(self.diverged(format!("the validation loss is {}", score.loss)));
        }
        let point = Point {
            step: self.step,
            epoch: self.step as f64 / self.course.steps_an_epoch() as f64,
            seconds: self.began.elapsed().as_secs_f64(),
            train_loss: self.losses.0 / self.losses.1.max(1) as f64,
            validation_loss: score.loss,
            validation_accuracy: score.accuracy,
        };
        self.losses = (0.0, 0);
        self.points.push(point);
        let better = self.best.as_ref().is_none_or(|(best, _)| {
            (point.validation_accuracy, -point.validation_loss)
                > (best.validation_accuracy, -best.validation_loss)
        });
        if better {
            self.best = Some((point, self.parameters.clone()));
        }
        Ok((point, better))
    }

    fn finish(self) -> Result<Trained, TrainError> {
        let seconds = self.began.elapsed().as_secs_f64();
        // The last step validates and there is at least one.
        let (best, parameters) = self.best.ok_or(TrainError::NoExamples { what: "training" })?;
        Ok(Trained {
            parameters,
            points: self.points,
            best,
            steps: self.step,
            seconds,
            examples_a_second: self.examples_seen as f64 / self.training_seconds,
            stopped: self.stopped,
        })
    }
}

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
