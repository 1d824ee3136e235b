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
            CellKind::Lstm => "lstm",
        }
    }

    /// The kernel's name of the same cell.
    pub(super) fn kernel(self) -> recurrent::CellKind {
        match self {
            CellKind::RnnTanh => recurrent::CellKind::RnnTanh,
            CellKind::RnnRelu => recurrent::CellKind::RnnRelu,
            CellKind::Gru => recurrent::CellKind::Gru,
            CellKind::Lstm => recurrent::CellKind::Lstm,
        }
    }
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
    /// Whether each layer reads its input both ways; the layer above reads both results.
    pub bidirectional: bool,
    /// Whether there are biases.
    pub bias: bool,
    /// The probability with which a value between two layers becomes zero in training, in [0, 1).
    pub dropout: f32,
}

impl RecurrentConfig {
    /// D, 1 or 2.
    pub fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// D H, values a frame of a layer's output.
    pub fn width(&self) -> usize {
        self.directions() * self.hidden
    }

    /// Values a frame of a layer's input, where the stack reads `features`.
    pub(super) fn inputs(&self, layer: usize, features: usize) -> usize {
        if layer == 0 { features } else { self.width() }
    }
}
