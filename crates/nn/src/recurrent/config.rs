//! What a recurrent stack is made of.

use serde::{Deserialize, Serialize};
use stapes_kernels::recurrent;

/// The recurrent cells by their names in a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CellKind {
    /// h' = tanh(W x + b + U h + c).
    RnnTanh,
    /// h' = max(0, W x + b + U h + c).
    RnnRelu,
    /// The gated recurrent unit, reset after the recurrent product as in PyTorch and cuDNN.
    Gru,
    /// The gated recurrent unit, reset before the recurrent product as in Cho et al. 2014.
    GruResetBefore,
    /// Long short-term memory.
    Lstm,
}

impl CellKind {
    /// The name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            CellKind::RnnTanh => "rnn_tanh",
            CellKind::RnnRelu => "rnn_relu",
            CellKind::Gru => "gru",
            CellKind::GruResetBefore => "gru_reset_before",
            CellKind::Lstm => "lstm",
        }
    }

    /// The kernel's name of the same cell.
    pub(super) fn kernel(self) -> recurrent::CellKind {
        match self {
            CellKind::RnnTanh => recurrent::CellKind::RnnTanh,
            CellKind::RnnRelu => recurrent::CellKind::RnnRelu,
            CellKind::Gru => recurrent::CellKind::Gru,
            CellKind::GruResetBefore => recurrent::CellKind::GruResetBefore,
            CellKind::Lstm => recurrent::CellKind::Lstm,
        }
    }
}

/// Which directions a recurrent stack reads a sequence in, and how they meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wiring {
    /// Forwards only: the model can run on a stream.
    #[default]
    Unidirectional,
    /// Both ways; each layer reads both directions of the one below, as `bidirectional=True` in PyTorch.
    Stacked,
    /// Both ways in two stacks that know nothing of each other; they meet above the last layer.
    Parallel,
    /// Both ways with the weights of one stack; the two readings meet above the last layer.
    Tied,
}

impl Wiring {
    /// D, 1 or 2.
    pub fn directions(self) -> usize {
        if self == Wiring::Unidirectional { 1 } else { 2 }
    }

    /// A few words for the summary.
    pub(super) fn describe(self) -> Option<&'static str> {
        match self {
            Wiring::Unidirectional => None,
            Wiring::Stacked => Some("both directions"),
            Wiring::Parallel => Some("a stack for each direction"),
            Wiring::Tied => Some("one stack for both directions"),
        }
    }
}

/// What a recurrent stack's weights start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Initialisation {
    /// Uniform in +-1/sqrt(H), weights and biases, as PyTorch does.
    #[default]
    Uniform,
    /// Each gate's matrices uniform in +-sqrt(6 / (rows + columns)), biases zero (Glorot and Bengio 2010).
    Xavier,
    /// Input weights as `xavier`, each gate's recurrent matrix orthogonal, biases zero (Saxe et al. 2014).
    Orthogonal,
}

/// The layers of a [`super::RecurrentStack`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentConfig {
    /// The cell.
    pub cell: CellKind,
    /// H, units of each direction.
    pub hidden: usize,
    /// L, the number of layers.
    pub layers: usize,
    /// Directions, and how they meet.
    pub wiring: Wiring,
    /// Whether there are biases.
    pub bias: bool,
    /// The probability with which a value between two layers becomes zero in training, in [0, 1).
    pub dropout: f32,
    /// What the weights start from.
    pub initialisation: Initialisation,
    /// The bias that the forget gate of an LSTM starts from, if not as `initialisation` says.
    pub forget_bias: Option<f32>,
    /// Truncated back-propagation: no gradient passes from a chunk of this many frames to the one before.
    pub truncate_frames: Option<usize>,
}

impl RecurrentConfig {
    /// A stack with biases and without dropout, started as PyTorch does.
    pub fn new(cell: CellKind, hidden: usize, layers: usize, wiring: Wiring) -> RecurrentConfig {
        RecurrentConfig {
            cell,
            hidden,
            layers,
            wiring,
            bias: true,
            dropout: 0.0,
            initialisation: Initialisation::Uniform,
            forget_bias: None,
            truncate_frames: None,
        }
    }

    /// D, 1 or 2.
    pub fn directions(&self) -> usize {
        self.wiring.directions()
    }

    /// D H, values a frame of a layer's output.
    pub fn width(&self) -> usize {
        self.directions() * self.hidden
    }

    /// Values a frame of what one direction of a layer reads, where the stack reads `features`.
    pub(super) fn inputs(&self, layer: usize, features: usize) -> usize {
        match layer {
            0 => features,
            _ if self.wiring == Wiring::Stacked => self.width(),
            _ => self.hidden,
        }
    }

    /// Where what one direction of a layer above the first reads starts in a row of the layer below.
    pub(super) fn input_column(&self, direction: usize) -> usize {
        if self.wiring == Wiring::Stacked { 0 } else { direction * self.hidden }
    }
}
