//! What goes into a training and what comes out of it.

use stapes_data::AugmentConfig;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;

use crate::config::TrainConfig;
use crate::examples::Examples;
use crate::loader::Loading;
use crate::state::{Checkpoint, Point, Snapshot};
use crate::team::Team;

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
    /// Examples to fit. With a `source`, their number, their frames' number and their labels count, and the source's
    /// frames are learned from.
    pub train: Examples<'a>,
    /// What makes the frames of training examples, each time they come up; none: they are those of `train`.
    pub source: Option<Loading<'a>>,
    /// Examples that choose the best step; never a test split. Without any, the last step is taken.
    pub validation: Examples<'a>,
    /// How training examples are changed, if they are.
    pub augment: Option<&'a AugmentConfig>,
    /// Where it starts.
    pub start: Start<'a>,
    /// Determines the starting values, the shuffles, the dropout and the augmentation.
    pub seed: u64,
    /// The processes that train together; [`Alone`](crate::Alone) for one. All have the same of everything else.
    pub team: &'a dyn Team,
}

/// Where a training starts.
#[derive(Clone, Copy, Debug, Default)]
pub enum Start<'a> {
    /// From what the model's initialisation draws.
    #[default]
    Drawn,
    /// From these parameters.
    Parameters(&'a [f32]),
    /// Where it was when it was written down.
    Checkpoint(&'a Checkpoint),
}

/// What happens while training.
#[derive(Clone, Debug)]
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
    /// A point of the curves is there, with a validation where there are examples for it.
    Validated {
        /// The figures.
        point: Point,
        /// The parameters, if they are the best so far (without validation: always).
        best: Option<&'a [f32]>,
    },
    /// The training stands before the first step or behind one: from here it may go on later.
    Between {
        /// What there is to write down.
        snapshot: Snapshot<'a>,
        /// Whether no step follows. What a stopped training then ends with is not part of the snapshot.
        last: bool,
    },
}

/// The outcome of training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The parameters at the best validation, or at the last step where there is no validation.
    pub parameters: Vec<f32>,
    /// The parameters at the last step.
    pub last: Vec<f32>,
    /// All points of the curves.
    pub points: Vec<Point>,
    /// Which of the points was best.
    pub best: Point,
    /// Steps done.
    pub steps: usize,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Examples that went through a training step, a second of training without validation.
    pub examples_a_second: f64,
    /// Seconds of training in which a step waited for what a `source` makes.
    pub waited_seconds: f64,
    /// Seconds of training without validation.
    pub training_seconds: f64,
    /// Whether it was stopped before the last step.
    pub stopped: bool,
    /// The largest loss of a step or a validation of a training that diverged: one in which that is more than a million
    /// times the loss of the first step, and ln K, the loss of guessing among K classes. None of one that did not.
    pub diverged_loss: Option<f64>,
}
