//! What a cell is.

use crate::simd::{Lanes, Simd};

/// The recurrent cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// h' = tanh(W x + b + U h + c); Elman 1990.
    RnnTanh,
    /// h' = max(0, W x + b + U h + c).
    RnnRelu,
    /// The gated recurrent unit with the reset gate applied after the recurrent product, as PyTorch and
    /// cuDNN have it.
    Gru,
    /// Long short-term memory with a forget gate; Hochreiter and Schmidhuber 1997, Gers et al. 2000.
    Lstm,
}

/// The sizes of a cell, in blocks of H columns.
///
/// For every frame there is a row of `blocks` blocks. The input projection adds gate g's share to block g,
/// the recurrent product to the block that `runs` names: mostly the same one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellShape {
    /// G: the weights have G H rows.
    pub(crate) gates: usize,
    /// Blocks in a frame's row, `gates` or more.
    pub(crate) blocks: usize,
    /// 1 for h, 2 for h and c.
    pub(crate) states: usize,
    /// Where the recurrent products go.
    pub(crate) runs: &'static [Run],
}

/// Gates side by side whose recurrent products go to blocks side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The first gate.
    pub(crate) gate: usize,
    /// How many gates.
    pub(crate) gates: usize,
    /// The block of the first.
    pub(crate) block: usize,
}

/// A frame's blocks, one vector of units of each; those beyond the cell's are zero.
pub(crate) type Gates<S> = [Lanes<S>; 4];

/// h and c, one vector of units of each; c is zero in cells without it.
pub(crate) type States<S> = [Lanes<S>; 2];

/// The formulas of a cell, element by element.
pub(crate) trait Cell {
    const SHAPE: CellShape;

    /// Computes the new states from the pre-activations and the previous states, and leaves in `gates` what
    /// [`Cell::backward`] wants to find there.
    fn forward<S: Simd>(gates: &mut Gates<S>, previous: States<S>) -> States<S>;

    /// From what `forward` left, the states before and after, and the loss's gradient by the states after:
    /// leaves in `gates` the gradient by the pre-activations and returns that by the previous states, as far
    /// as it does not pass through the recurrent product.
    fn backward<S: Simd>(
        gates: &mut Gates<S>,
        previous: States<S>,
        state: States<S>,
        d_state: States<S>,
    ) -> States<S>;
}

impl CellKind {
    /// Every kind.
    pub const ALL: [CellKind; 4] = [CellKind::RnnTanh, CellKind::RnnRelu, CellKind::Gru, CellKind::Lstm];

    /// G: how many gates, each with H rows in the weights.
    pub fn gates(self) -> usize {
        self.shape().gates
    }

    /// 2 for a cell with states h and c, 1 for one with h only.
    pub fn states(self) -> usize {
        self.shape().states
    }

    pub(crate) fn shape(self) -> CellShape {
        use super::{gru::Gru, lstm::Lstm, vanilla};
        match self {
            CellKind::RnnTanh => vanilla::Tanh::SHAPE,
            CellKind::RnnRelu => vanilla::Relu::SHAPE,
            CellKind::Gru => Gru::SHAPE,
            CellKind::Lstm => Lstm::SHAPE,
        }
    }
}
