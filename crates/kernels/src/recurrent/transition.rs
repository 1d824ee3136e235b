//! One time step of several slots, from the input projection to the states, and its backward pass.

use super::cell::{CellKind, CellShape, Gated};
use super::rows::{self, BackwardRows, ForwardRows};
use super::state_gate::{self, GateBackwardRows};
use crate::InstructionSet;
use crate::product::{Matrix, MatrixMut, Packed, Start};

/// Input of the pre-activations.
pub(super) struct Input<'a> {
    /// x of the slots.
    pub(super) x: Matrix<'a>,
    /// Wᵀ of every input product.
    pub(super) weights: &'a [Packed],
    /// Start value of each block.
    pub(super) bias: &'a [f32],
}

/// A time step with packed weights: Uᵀ of every product for forward passes, U for backward passes.
pub(super) struct Transition<'a> {
    pub(super) set: InstructionSet,
    pub(super) kind: CellKind,
    pub(super) shape: CellShape,
    pub(super) hidden: usize,
    pub(super) recurrent_weights: &'a [Packed],
    /// Input projection to compute, or `None` if the blocks contain it already.
    pub(super) input: Option<Input<'a>>,
    /// True if the previous states may be nonzero, so that the recurrent products are needed.
    pub(super) from_state: bool,
}

impl Transition<'_> {
    /// Completes the pre-activations in the blocks and computes the states; `gated` is scratch space with a row
    /// of H per slot.
    ///
    /// Every element is one chain of additions, from the bias over x to h, whether it is computed here at once or was
    /// started before for many frames.
    pub(super) fn forward(&self, mut rows: ForwardRows<'_>, mut gated: MatrixMut<'_>) {
        let (hidden, previous) = (self.hidden, rows.previous);
        if let Some(input) = &self.input {
            self.start(input, rows.gates.reborrow(), previous[0]);
        }
        if self.from_state {
            for (run, weights) in self.shape.runs.iter().zip(self.recurrent_weights) {
                // Runs with the same blocks as their input projection were computed with it.
                if self.input.is_none() || run.block != run.gate {
                    let blocks = rows.gates.reborrow().columns_from(run.block * hidden, run.gates * hidden);
                    weights.multiply(previous[0], blocks, Start::Keep);
                }
            }
        }
        if let Some(Gated { run, state }) = self.shape.gated {
            state_gate::gate(self.set, self.kind, rows.gates.reborrow(), previous);
            if let Some(weights) = self.recurrent_weights.last().filter(|_| self.from_state) {
                // Copy, because the product writes between the blocks that it would read.
                let states = rows.gates.as_matrix().columns_from(state * hidden, hidden);
                for row in 0..states.rows() {
                    gated.row_mut(row).copy_from_slice(states.row(row));
                }
                let blocks = rows.gates.reborrow().columns_from(run.block * hidden, run.gates * hidden);
                weights.multiply(gated.as_matrix(), blocks, Start::Keep);
            }
        }
        rows::forward(self.set, self.kind, rows);
    }

    /// Sets the blocks to the biases plus the input projection, and includes the recurrent products of the same
    /// blocks.
    fn start(&self, input: &Input<'_>, mut gates: MatrixMut<'_>, h_before: Matrix<'_>) {
        let hidden = self.hidden;
        for (product, weights) in self.shape.input_products().zip(input.weights) {
            let columns = product.gate * hidden..(product.gate + product.gates) * hidden;
            let blocks = gates.reborrow().columns_from(columns.start, columns.len());
            let start = Start::Row(&input.bias[columns]);
            match product.run.filter(|_| self.from_state) {
                Some(run) => {
                    let recurrent = (h_before, &self.recurrent_weights[run]);
                    weights.multiply_both(input.x, recurrent, blocks, start);
                }
                None => weights.multiply(input.x, blocks, start),
            }
        }
        let projected = self.shape.gates * hidden;
        if projected < gates.columns() {
            for row in 0..gates.rows() {
                gates.row_mut(row)[projected..].copy_from_slice(&input.bias[projected..]);
            }
        }
    }

    /// Turns the blocks into the gradients w.r.t. the pre-activations, and the gradients w.r.t. the states into those
    /// w.r.t. the previous states; `d_gated` is scratch space with a row of H per slot.
    pub(super) fn backward(&self, mut rows: BackwardRows<'_>, mut d_gated: MatrixMut<'_>) {
        let (hidden, previous) = (self.hidden, rows.previous);
        rows::backward(self.set, self.kind, rows.reborrow());
        let BackwardRows { mut gates, d_state: [mut d_h, d_c], .. } = rows;
        if let Some(Gated { run, .. }) = self.shape.gated {
            match self.recurrent_weights.last().filter(|_| self.from_state) {
                Some(weights) => {
                    let from = gates.as_matrix().columns_from(run.block * hidden, run.gates * hidden);
                    weights.multiply(from, d_gated.reborrow(), Start::Zero);
                }
                None => (0..d_gated.rows()).for_each(|row| d_gated.row_mut(row).fill(0.0)),
            }
            let rows = GateBackwardRows {
                gates: gates.reborrow(),
                previous,
                d_gated: d_gated.as_matrix(),
                d_previous: [d_h.reborrow(), d_c],
            };
            state_gate::gate_backward(self.set, self.kind, rows);
        }
        if self.from_state {
            for (run, weights) in self.shape.runs.iter().zip(self.recurrent_weights) {
                let blocks = gates.as_matrix().columns_from(run.block * hidden, run.gates * hidden);
                weights.multiply(blocks, d_h.reborrow(), Start::Keep);
            }
        }
    }
}
