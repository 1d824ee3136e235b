//! What a cell is.

use crate::simd::{Lanes, Simd};

/// The recurrent cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CellKind {
    /// h' = tanh(W x + b + U h + c); Elman 1990.
    RnnTanh,
    /// h' = max(0, W x + b + U h + c).
    RnnRelu,
    /// The gated recurrent unit with the reset gate applied after the recurrent product, as PyTorch and
    /// cuDNN have it.
    Gru,
    /// The gated recurrent unit with the reset gate applied to the state before the recurrent product, as Cho
    /// et al. 2014 have it.
    GruResetBefore,
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
    /// The recurrent product that waits for the gates of the others.
    pub(crate) gated: Option<Gated>,
}

/// A recurrent product that reads, instead of h, a state that the cell gates first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gated {
    /// Where the product goes.
    pub(crate) run: Run,
    /// The block of the gated state.
    pub(crate) state: usize,
}

/// Gates side by side whose share of the input is one product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputProduct {
    /// The first gate, and the block of its pre-activation.
    pub(crate) gate: usize,
    /// How many gates.
    pub(crate) gates: usize,
    /// The recurrent product that goes to the same blocks, by its place in [`CellShape::runs`].
    pub(crate) run: Option<usize>,
}

impl CellShape {
    /// All gates in order: those of each run that goes to its own blocks together, and what is left between.
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

    /// Whether x and h go to the same blocks in all gates, as one product of both at once.
    pub(crate) fn is_joint(self) -> bool {
        self.input_products().all(|product| product.run.is_some())
    }

    /// Every recurrent product, the gated one last.
    pub(crate) fn products(self) -> impl Iterator<Item = Run> {
        self.runs.iter().copied().chain(self.gated.map(|gated| gated.run))
    }
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

    /// Before the gated product: computes the gated state into its block.
    #[inline(always)]
    fn gate<S: Simd>(_gates: &mut Gates<S>, _previous: States<S>) {}

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

    /// Back through [`Cell::gate`], after `backward`: leaves in `gates` the gradients that `gate` stood before,
    /// and adds to that by the previous states; `d_gated` is the gradient by the gated state.
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
    /// Every kind.
    pub const ALL: [CellKind; 5] =
        [CellKind::RnnTanh, CellKind::RnnRelu, CellKind::Gru, CellKind::GruResetBefore, CellKind::Lstm];

    /// Name in recipes and model files.
    pub fn name(self) -> &'static str {
        match self {
            CellKind::RnnTanh => "rnn_tanh",
            CellKind::RnnRelu => "rnn_relu",
            CellKind::Gru => "gru",
            CellKind::GruResetBefore => "gru_reset_before",
            CellKind::Lstm => "lstm",
        }
    }

    /// G: how many gates, each with H rows in the weights.
    pub fn gates(self) -> usize {
        self.shape().gates
    }

    /// 2 for a cell with states h and c, 1 for one with h only.
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
