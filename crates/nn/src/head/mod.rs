//! Heads: from the states of a recurrent stack to scores.

mod attention;
mod concatenate;
mod pool;

use serde::{Deserialize, Serialize};

pub use attention::{Attention, Query};
pub use concatenate::Concatenate;
pub use pool::{Pool, Pooling};

use crate::dropout::Dropout;
use crate::layer::{Layer, Shape};
use crate::linear::Linear;
use crate::objective::Objective;
use crate::parameters::Layout;

/// How a recurrent stack's states become scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeadKind {
    /// The last state of each direction: the forward half at the last valid frame, the backward half at
    /// frame 0.
    #[default]
    Last,
    /// The mean of the valid frames.
    Mean,
    /// The largest value of each feature over the valid frames.
    Max,
    /// The mean of the valid frames, weighted by a learned score of each frame.
    Attention,
    /// Every frame is classified; the class with most frames wins.
    Vote,
    /// Every frame is classified, and a second linear layer reads all their scores; for sequences of one
    /// fixed length.
    FrameEnsemble,
    /// All states side by side; for sequences of one fixed length.
    Concatenate,
    /// One decision among all classes a frame.
    PerFrame,
    /// One decision between two classes a frame, by one score and a sigmoid.
    PerFrameBinary,
}

/// Where a head starts from.
#[derive(Clone, Copy, Debug)]
pub struct HeadInput {
    /// The states, [T, D*H].
    pub states: Shape,
    /// D, directions.
    pub directions: usize,
    /// K, classes.
    pub classes: usize,
    /// The probability of dropout in front of the (first) linear layer, and the number that tells this
    /// dropout from others of the model.
    pub dropout: (f32, u64),
}

/// Why a head cannot stand on what lies below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The sequences may have different lengths.
    #[error("reads all frames at once and needs sequences of one fixed length, but the frames are {0}")]
    AnyLength(Shape),
    /// There are more or fewer than two classes.
    #[error("tells two classes apart, but there are {0}")]
    NotTwoClasses(usize),
}

impl HeadKind {
    /// The name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            HeadKind::Last => "last",
            HeadKind::Mean => "mean",
            HeadKind::Max => "max",
            HeadKind::Attention => "attention",
            HeadKind::Vote => "vote",
            HeadKind::FrameEnsemble => "frame_ensemble",
            HeadKind::Concatenate => "concatenate",
            HeadKind::PerFrame => "per_frame",
            HeadKind::PerFrameBinary => "per_frame_binary",
        }
    }

    /// What the scores of this head mean, and what they are trained on.
    pub fn objective(self) -> Objective {
        match self {
            HeadKind::Vote => Objective::Vote,
            HeadKind::PerFrame => Objective::FrameClasses,
            HeadKind::PerFrameBinary => Objective::FrameBinary,
            _ => Objective::Classes,
        }
    }

    /// The layers of the head; the linear ones are named `fc.` and `fc2.`, the attention's score `att.`.
    ///
    /// # Errors
    /// [`HeadError`] where the head cannot read what lies below.
    pub fn layers(self, input: HeadInput, layout: &mut Layout) -> Result<Vec<Box<dyn Layer>>, HeadError> {
        let HeadInput { states, directions, classes, dropout } = input;
        let fixed = match states {
            Shape::Sequence { frames: Some(frames), .. } => Some(frames),
            _ => None,
        };
        let mut layers: Vec<Box<dyn Layer>> = Vec::new();
        let pool = |kind| Box::new(Pool::new(kind, states.features(), directions));
        let joined = |features: usize| match fixed {
            Some(frames) => Ok(Concatenate::new(features, frames)),
            None => Err(HeadError::AnyLength(states)),
        };
        match self {
            HeadKind::Last => layers.push(pool(Pooling::Last)),
            HeadKind::Mean => layers.push(pool(Pooling::Mean)),
            HeadKind::Max => layers.push(pool(Pooling::Max)),
            HeadKind::Attention => {
                layers.push(Box::new(Attention::new(Query::Learned, states.features(), "att.", layout)));
            }
            HeadKind::Concatenate => layers.push(Box::new(joined(states.features())?)),
            HeadKind::PerFrameBinary if classes != 2 => return Err(HeadError::NotTwoClasses(classes)),
            HeadKind::Vote | HeadKind::FrameEnsemble | HeadKind::PerFrame | HeadKind::PerFrameBinary => {}
        }
        let shape = |layers: &[Box<dyn Layer>]| layers.last().map_or(states, |layer| layer.output_shape());
        if dropout.0 > 0.0 {
            layers.push(Box::new(Dropout::new(dropout.0, shape(&layers), dropout.1)));
        }
        let scores = if self == HeadKind::PerFrameBinary { 1 } else { classes };
        layers.push(Box::new(Linear::new(shape(&layers), scores, "fc.", layout)));
        if self == HeadKind::FrameEnsemble {
            layers.push(Box::new(joined(classes)?));
            layers.push(Box::new(Linear::new(shape(&layers), classes, "fc2.", layout)));
        }
        Ok(layers)
    }
}

/// to + factor * from
fn add(to: &mut [f32], factor: f32, from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}
