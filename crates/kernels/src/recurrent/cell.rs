//! Kinds of recurrent cells, and the interface of a cell.

use crate::simd::{Lanes, Simd};

/// The recurrent cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CellKind {
    /// Elman network (Elman 1990): h' = tanh(W x + b + U h + c).
    RnnTanh,
    /// Elman network with ReLU: h' = max(0, W x + b + U h + c).
    RnnRelu,
    /// Gated recurrent unit with the reset gate applied after the recurrent product, as in PyTorch and cuDNN.
    Gru,
    /// Gated recurrent unit with the reset gate applied to the state before the recurrent product, as in Cho et al.
    /// 2014.
    GruResetBefore,
    /// Long short-term memory with a forget gate; Hochreiter and Schmidhuber 1997, Gers et al. 2000.
    Lstm,
}

/// Sizes of a cell, in blocks of H columns.
///
/// Each frame has a row of `blocks` blocks. The input projection of gate g is added to block g; the recurrent product
/// is added to the block that `runs` states, usually the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellShape {
    /// Number of gates, G; the weights have G H rows.
    pub(crate) gates: usize,
    /// Number of blocks per frame, `gates` or more.
    pub(crate) blocks: usize,
    /// Number of states: 1 for h, 2 for h and c.
    pub(crate) states: usize,
    /// Recurrent products of h.
    pub(crate) runs: &'static [Run],
    /// Recurrent product that needs the gates of the other products first.
    pub(crate) gated: Option<Gated>,
}

/// A recurrent product that reads a gated state instead of h.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gated {
    /// Gates and blocks of the product.
    pub(crate) run: Run,
    /// The block of the gated state.
    pub(crate) state: usize,
}

/// Adjacent gates whose input projection is computed as one product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputProduct {
    /// First gate, which is also the block of its pre-activation.
    pub(crate) gate: usize,
    /// Number of gates.
    pub(crate) gates: usize,
    /// Recurrent product of the same blocks, as an index into [`CellShape::runs`].
    pub(crate) run: Option<usize>,
}

impl CellShape {
    /// All gates in order: gates of a run that uses their own blocks together, and the gates between such runs.
    pub(crate) fn input_products(self) -> impl Iterator<Item = InputProduct> {
        let mut gate = 0;
        std::iter::from_fn(move || {
            let joint = |run: &Run| run.gate == gate && run.block == gate;
            let run = self.runs.iter().position(joint);
            let next = self.runs.iter().filter(|run| run.block == run.gate && run.gate > gate);
            let end = match run {
                Some(run) => gate + self.runs[run].gates,
                None => next.map(|run| run.gate).min().unwrap_or(self.gates),
            };
            let product = InputProduct { gate, gates: end - gate, run };
            gate = end;
            (product.gates > 0).then_some(product)
        })
    }

    /// True if x and h use the same blocks for all gates, so that one product computes both.
    pub(crate) fn is_joint(self) -> bool {
        self.input_products().all(|product| product.run.is_some())
    }

    /// All recurrent products, the gated one last.
    pub(crate) fn products(self) -> impl Iterator<Item = Run> {
        self.runs.iter().copied().chain(self.gated.map(|gated| gated.run))
    }
}

/// Adjacent gates whose recurrent products go to adjacent blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// First gate.
    pub(crate) gate: usize,
    /// Number of gates.
    pub(crate) gates: usize,
    /// Block of the first gate.
    pub(crate) block: usize,
}

/// Blocks of a frame, one vector of units each; blocks that the cell does not have are zero.
pub(crate) type Gates<S> = [Lanes<S>; 4];

/// States h and c, one vector of units each; c is zero in cells without it.
pub(crate) type States<S> = [Lanes<S>; 2];

/// The element-wise formulas of a cell.
pub(crate) trait Cell {
    const SHAPE: CellShape;

    /// Computes the gated state into its block, before the gated product.
    #[inline(always)]
    fn gate<S: Simd>(_gates: &mut Gates<S>, _previous: States<S>) {}

    /// Computes the new states from the pre-activations and the previous states. Leaves in `gates` the values that
    /// [`Cell::backward`] needs.
    fn forward<S: Simd>(gates: &mut Gates<S>, previous: States<S>) -> States<S>;

    /// Backpropagates through `forward`, given the values that it left in `gates`, the states before and after, and
    /// the gradient w.r.t. the states after. Leaves in `gates` the gradient w.r.t. the pre-activations. Returns the
    /// gradient w.r.t. the previous states, except for its path through the recurrent product.
    fn backward<S: Simd>(
        gates: &mut Gates<S>,
        previous: States<S>,
        state: States<S>,
        d_state: States<S>,
    ) -> States<S>;

    /// Backpropagates through [`Cell::gate`], after `backward`: leaves the gradients of its inputs in `gates` and
    /// adds to the gradient w.r.t. the previous states; `d_gated` is the gradient w.r.t. the gated state.
    #[inline(always)]
    fn gate_backward<S: Simd>(
        _gates: &mut Gates<S>,
        _previous: States<S>,
        _d_gated: Lanes<S>,
        d_previous: States<S>,
    ) -> States<S> {
        d_previous
    }
}

impl CellKind {
    /// All kinds.
    pub const ALL: [CellKind; 5] =
        [CellKind::RnnTanh, CellKind::RnnRelu, CellKind::Gru, CellKind::GruResetBefore, CellKind::Lstm];

    /// Name of the cell in recipes and model files.
    pub fn name(self) -> &'static str {
        match self {
            CellKind::RnnTanh => "rnn_tanh",
            CellKind::RnnRelu => "rnn_relu",
            CellKind::Gru => "gru",
            CellKind::GruResetBefore => "gru_reset_before",
            CellKind::Lstm => "lstm",
        }
    }

    /// Number of gates, G; each has H rows in the weights.
    pub fn gates(self) -> usize {
        self.shape().gates
    }

    /// Number of states: 2 for a cell with h and c, 1 for a cell with h only.
    pub fn states(self) -> usize {
        self.shape().states
    }

    pub(crate) fn shape(self) -> CellShape {
        use super::{gru::Gru, gru_reset_before::GruResetBefore, lstm::Lstm, vanilla};
        match self {
            CellKind::RnnTanh => vanilla::Tanh::SHAPE,
            CellKind::RnnRelu => vanilla::Relu::SHAPE,
            CellKind::Gru => Gru::SHAPE,
            CellKind::GruResetBefore => GruResetBefore::SHAPE,
            CellKind::Lstm => Lstm::SHAPE,
        }
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use serde::de::value::{Error, StrDeserializer};
    use serde::{Deserialize, de::IntoDeserializer};

    use super::*;

    #[test]
    fn every_cell_is_deserialized_from_its_name() {
        for kind in CellKind::ALL {
            let name: StrDeserializer<'_, Error> = kind.name().into_deserializer();
            assert_eq!(CellKind::deserialize(name), Ok(kind));
        }
    }
}
