//! One frame at a time, as on a stream.

use super::recurrence::{Direction, Recurrence};
use super::rows::{self, ForwardRows};
use crate::product::{Matrix, MatrixMut, Start};

impl Recurrence {
    /// Takes a state one frame on, with the weights of the last [`Recurrence::prepare`]; the new h is its
    /// first H numbers.
    ///
    /// The numbers are bit for bit those of [`Recurrence::forward`] over the whole sequence.
    ///
    /// # Shapes
    /// frame `[I]`; state [S, H]
    ///
    /// # Panics
    /// If the shapes do not fit, or the layer reads backward: then there is no next frame to wait for.
    ///
    /// # Example
    /// ```
    /// use stapes_kernels::InstructionSet;
    /// use stapes_kernels::recurrent::{CellKind, Direction, Recurrence, Weights};
    ///
    /// let mut layer = Recurrence::new(InstructionSet::best(), CellKind::RnnRelu, (1, 1), Direction::Forward);
    /// layer.prepare(Weights { input: &[1.0], recurrent: &[0.5], bias: None });
    /// let mut state = [0.0];
    /// layer.step(&[1.0], &mut state);
    /// layer.step(&[2.0], &mut state);
    /// assert_eq!(state, [2.5]);
    /// ```
    pub fn step(&mut self, frame: &[f32], state: &mut [f32]) {
        let (hidden, memory, width) = (self.hidden, self.memory(), self.shape.blocks * self.hidden);
        assert_eq!(self.direction, Direction::Forward, "a layer that reads backward cannot run on a stream");
        assert_eq!(frame.len(), self.inputs, "the frame");
        assert_eq!(state.len(), hidden + memory, "the state");
        let before = self.before.sized(hidden + memory);
        before.copy_from_slice(state);
        let (h_before, c_before) = before.split_at(hidden);
        let (h_before, c_before) = (Matrix::new(h_before, 1, hidden), Matrix::new(c_before, 1, memory));
        let (h, c) = state.split_at_mut(hidden);
        self.gates.reserve(1);
        let mut gates = self.gates.rows_mut(0, 1);
        gates.row_mut(0).copy_from_slice(&self.bias.all()[..width]);
        let projected = gates.reborrow().columns_from(0, self.shape.gates * hidden);
        self.input_weights.multiply(Matrix::new(frame, 1, self.inputs), projected, Start::Keep);
        for (run, weights) in self.shape.runs.iter().zip(&self.recurrent_weights) {
            let blocks = gates.reborrow().columns_from(run.block * hidden, run.gates * hidden);
            weights.multiply(h_before, blocks, Start::Keep);
        }
        let state = [MatrixMut::new(h, 1, hidden), MatrixMut::new(c, 1, memory)];
        rows::forward(self.set, self.kind, ForwardRows { gates, previous: [h_before, c_before], state });
    }
}
