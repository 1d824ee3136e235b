//! Processing of single frames, as in a stream.

use super::recurrence::{Direction, Recurrence};
use super::rows::ForwardRows;
use super::transition::{Input, Transition};
use crate::product::{Matrix, MatrixMut};

impl Recurrence {
    /// Updates a state by one frame, with the weights of the last [`Recurrence::pack_weights`]; the new h is the
    /// first H values of the state.
    ///
    /// The result has the same bits as [`Recurrence::forward`] over the whole sequence.
    ///
    /// # Shapes
    /// frame `[I]`; state [S, H]
    ///
    /// # Panics
    /// If the shapes do not match, or the layer reads backward and so cannot process a stream.
    ///
    /// # Example
    /// ```
    /// use stapes_kernels::InstructionSet;
    /// use stapes_kernels::recurrent::{CellKind, Direction, Recurrence, Weights};
    ///
    /// let mut layer = Recurrence::new(InstructionSet::best(), CellKind::RnnRelu, (1, 1), Direction::Forward);
    /// layer.pack_weights(Weights { input: &[1.0], recurrent: &[0.5], bias: None });
    /// let mut state = [0.0];
    /// layer.step(&[1.0], &mut state);
    /// layer.step(&[2.0], &mut state);
    /// assert_eq!(state, [2.5]);
    /// ```
    pub fn step(&mut self, frame: &[f32], state: &mut [f32]) {
        let (hidden, cell_size) = (self.hidden, self.cell_size());
        assert_eq!(self.direction, Direction::Forward, "a backward layer cannot process a stream");
        assert_eq!(frame.len(), self.inputs, "the frame");
        assert_eq!(state.len(), hidden + cell_size, "the state");
        let before = self.before.sized(hidden + cell_size);
        before.copy_from_slice(state);
        let (h_before, c_before) = before.split_at(hidden);
        let (h_before, c_before) = (Matrix::new(h_before, 1, hidden), Matrix::new(c_before, 1, cell_size));
        let (h, c) = state.split_at_mut(hidden);
        self.gates.reserve(1);
        let gates = self.gates.rows_mut(0, 1);
        let transition = Transition {
            set: self.set,
            kind: self.kind,
            shape: self.shape,
            hidden,
            recurrent_weights: &self.recurrent_weights,
            input: Some(Input {
                x: Matrix::new(frame, 1, self.inputs),
                weights: &self.input_weights,
                bias: &self.bias.all()[..self.shape.blocks * hidden],
            }),
            from_state: true,
        };
        let state = [MatrixMut::new(h, 1, hidden), MatrixMut::new(c, 1, cell_size)];
        let gated = MatrixMut::new(self.gated.sized(hidden), 1, hidden);
        transition.forward(ForwardRows { gates, previous: [h_before, c_before], state }, gated);
    }
}
