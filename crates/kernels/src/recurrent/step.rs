//! One frame at a time, as on a stream.

use super::recurrence::{Direction, Recurrence};
use super::rows::ForwardRows;
use super::transition::{Input, Transition};
use crate::product::{Matrix, MatrixMut};

impl Recurrence {
    /// Takes a state one frame on, with the weights of the last [`Recurrence::pack_weights`]; the new h is its
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
    /// layer.pack_weights(Weights { input: &[1.0], recurrent: &[0.5], bias: None });
    /// let mut state = [0.0];
    /// layer.step(&[1.0], &mut state);
    /// layer.step(&[2.0], &mut state);
    /// assert_eq!(state, [2.5]);
    /// ```
    pub fn step(&mut self, frame: &[f32], state: &mut [f32]) {
        let (hidden, cell_size) = (self.hidden, self.cell_size());
        assert_eq!(self.direction, Direction::Forward, "a layer that reads backward cannot run on a stream");
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
