//! Configuration of a recurrent stack.

use serde::{Deserialize, Serialize};
pub use stapes_kernels::recurrent::CellKind;

/// Directions in which a recurrent stack reads a sequence, and how they are combined. In a recipe the
/// bidirectional variants are values of `bidirectional_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Directions {
    /// Forward only; the model can run on a stream.
    #[default]
    #[serde(skip)]
    Unidirectional,
    /// Each layer reads the outputs of both directions of the layer below, as `bidirectional=True` in
    /// PyTorch.
    Interleaved,
    /// Two independent stacks, one per direction; their last outputs are concatenated.
    Independent,
    /// One stack with shared weights runs in each direction; the last outputs are concatenated.
    Shared,
}

impl Directions {
    /// D, 1 or 2.
    pub fn count(self) -> usize {
        if self == Directions::Unidirectional { 1 } else { 2 }
    }

    /// Name in a recipe, except for `unidirectional`.
    pub fn name(self) -> &'static str {
        match self {
            Directions::Unidirectional => "unidirectional",
            Directions::Interleaved => "interleaved",
            Directions::Independent => "independent",
            Directions::Shared => "shared",
        }
    }
}

/// Initialization of the weights of a recurrent stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Initialization {
    /// Weights and biases uniform in +-1/sqrt(H), as in PyTorch.
    #[default]
    Uniform,
    /// The matrices of each gate uniform in +-sqrt(6 / (rows + columns)), biases zero (Glorot and Bengio
    /// 2010).
    Xavier,
    /// Input weights as `xavier`, the recurrent matrix of each gate orthogonal, biases zero (Saxe et al.
    /// 2014).
    Orthogonal,
}

/// Configuration of a [`super::RecurrentStack`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentConfig {
    /// Kind of cell.
    pub cell: CellKind,
    /// H, hidden size per direction.
    pub hidden_size: usize,
    /// L, number of layers.
    pub num_layers: usize,
    /// Directions, and how they are combined.
    pub directions: Directions,
    /// True if the cells have biases.
    pub bias: bool,
    /// Probability of dropout between the layers, in [0, 1).
    pub dropout: f32,
    /// Initialization of the weights.
    pub initialization: Initialization,
    /// Initial bias of the forget gates of an LSTM; by `initialization` if not given.
    pub forget_bias: Option<f32>,
    /// Truncated backpropagation through time: chunk length over whose boundaries no gradient flows.
    pub truncated_bptt_frames: Option<usize>,
}

impl RecurrentConfig {
    /// A stack with biases and without dropout, initialized as in PyTorch.
    pub fn new(
        cell: CellKind,
        hidden_size: usize,
        num_layers: usize,
        directions: Directions,
    ) -> RecurrentConfig {
        RecurrentConfig {
            cell,
            hidden_size,
            num_layers,
            directions,
            bias: true,
            dropout: 0.0,
            initialization: Initialization::Uniform,
            forget_bias: None,
            truncated_bptt_frames: None,
        }
    }

    /// D, 1 or 2.
    pub fn num_directions(&self) -> usize {
        self.directions.count()
    }

    /// D H, number of values per output frame of a layer.
    pub fn output_size(&self) -> usize {
        self.num_directions() * self.hidden_size
    }

    /// Number of values per input frame of one direction of a layer, if the stack reads `features` values.
    pub(crate) fn input_size(&self, layer: usize, features: usize) -> usize {
        match layer {
            0 => features,
            _ if self.directions == Directions::Interleaved => self.output_size(),
            _ => self.hidden_size,
        }
    }

    /// First column in the output of the layer below that one direction of a layer reads.
    pub(super) fn input_column(&self, direction: usize) -> usize {
        if self.directions == Directions::Interleaved { 0 } else { direction * self.hidden_size }
    }
}
