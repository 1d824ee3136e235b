//! Heads: layers from the outputs of a recurrent stack to scores.

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

/// Method that turns the outputs of a recurrent stack into scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeadKind {
    /// Last state of each direction: of the forward direction at the last valid frame, of the backward
    /// direction at frame 0.
    #[default]
    Last,
    /// Mean of the valid frames.
    Mean,
    /// Maximum of each feature over the valid frames.
    Max,
    /// Mean of the valid frames, weighted by learned attention.
    Attention,
    /// Majority vote: every frame is classified, and the class with the most frames wins.
    Vote,
    /// Every frame is classified, and a second linear layer reads the scores of all frames; for sequences of
    /// one fixed length.
    FrameEnsemble,
    /// Concatenation of all frames; for sequences of one fixed length.
    Concatenate,
    /// One decision per frame.
    PerFrame,
    /// One decision per frame between two classes, by one score and a sigmoid.
    PerFrameBinary,
}

/// Input of a head.
#[derive(Clone, Copy, Debug)]
pub struct HeadInput {
    /// Shape of the states, [T, D*H].
    pub states: Shape,
    /// D, number of directions.
    pub num_directions: usize,
    /// K, number of classes.
    pub classes: usize,
    /// Probability of dropout before the (first) linear layer.
    pub dropout: f32,
    /// Distinguishes this dropout from the others of the model.
    pub dropout_id: u64,
}

/// Error of a head that does not fit its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The sequences may have different lengths.
    #[error(
        "it reads all frames at once, but sequences of shape {0} have no fixed length; set \
         features.fixed_length_samples or choose another head"
    )]
    VariableLength(Shape),
    /// The number of classes is not two.
    #[error("it is for two classes, but there are {0}; set head = \"per_frame\"")]
    NotTwoClasses(usize),
}

impl HeadKind {
    /// Name in a recipe.
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

    /// Meaning of the scores of this head.
    pub fn objective(self) -> Objective {
        match self {
            HeadKind::Vote => Objective::Vote,
            HeadKind::PerFrame => Objective::FrameClasses,
            HeadKind::PerFrameBinary => Objective::FrameBinary,
            _ => Objective::Classes,
        }
    }

    /// Creates the layers of the head. The names of linear layers start with `fc.` and `fc2.`, of attention
    /// with `att.`.
    ///
    /// # Errors
    /// [`HeadError`] if the head does not fit its input.
    pub fn layers(self, input: HeadInput, layout: &mut Layout) -> Result<Vec<Box<dyn Layer>>, HeadError> {
        let HeadInput { states, num_directions, classes, dropout, dropout_id } = input;
        let fixed = match states {
            Shape::Sequence { frames: Some(frames), .. } => Some(frames),
            _ => None,
        };
        let mut layers: Vec<Box<dyn Layer>> = Vec::new();
        let pool = |kind| Box::new(Pool::new(kind, states.features(), num_directions));
        let concatenate = |features: usize| match fixed {
            Some(frames) => Ok(Concatenate::new(features, frames)),
            None => Err(HeadError::VariableLength(states)),
        };
        match self {
            HeadKind::Last => layers.push(pool(Pooling::Last)),
            HeadKind::Mean => layers.push(pool(Pooling::Mean)),
            HeadKind::Max => layers.push(pool(Pooling::Max)),
            HeadKind::Attention => {
                layers.push(Box::new(Attention::new(Query::Learned, states.features(), "att.", layout)));
            }
            HeadKind::Concatenate => layers.push(Box::new(concatenate(states.features())?)),
            HeadKind::PerFrameBinary if classes != 2 => return Err(HeadError::NotTwoClasses(classes)),
            HeadKind::Vote | HeadKind::FrameEnsemble | HeadKind::PerFrame | HeadKind::PerFrameBinary => {}
        }
        let shape = |layers: &[Box<dyn Layer>]| layers.last().map_or(states, |layer| layer.output_shape());
        if dropout > 0.0 {
            layers.push(Box::new(Dropout::new(dropout, shape(&layers), dropout_id)));
        }
        let scores = if self == HeadKind::PerFrameBinary { 1 } else { classes };
        layers.push(Box::new(Linear::new(shape(&layers), scores, "fc.", layout)));
        if self == HeadKind::FrameEnsemble {
            layers.push(Box::new(concatenate(classes)?));
            layers.push(Box::new(Linear::new(shape(&layers), classes, "fc2.", layout)));
        }
        Ok(layers)
    }
}

/// Adds `factor * from` to `to`.
fn add(to: &mut [f32], factor: f32, from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}
