//! Backpropagation of a layer through time.

use std::ops::Range;

use super::recurrence::{Direction, Recurrence, gather, split};
use super::rows::BackwardRows;
use super::transition::Transition;
use super::weight_gradients::Gradients;
use crate::Sequences;
use crate::product::{Matrix, MatrixMut, Start};

/// Inputs of a backward pass; sequences, input and output as in the forward pass before.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a> {
    /// Batch of sequences.
    pub sequences: &'a Sequences,
    /// Packed frames [N, I].
    pub input: Matrix<'a>,
    /// Output of the forward pass, [N, H].
    pub output: Matrix<'a>,
    /// Gradient of the loss w.r.t. the output, [N, H].
    pub d_output: Matrix<'a>,
    /// Gradient w.r.t. the final state, [S, B, H] in the caller's order; zero if `None`.
    pub d_final: Option<&'a [f32]>,
    /// Truncated backpropagation through time: time is split into chunks of this many frames, and no gradient flows
    /// from a chunk to the chunk before (Williams and Peng 1990). `None` for no truncation.
    pub truncate: Option<usize>,
    /// True to store the norm of the gradient w.r.t. the h of each frame.
    pub norms: bool,
}

impl Recurrence {
    /// Backpropagates through the last forward pass, which must have had `keep`, with the weights of the last
    /// [`Recurrence::pack_weights_backward`]. Adds the gradients w.r.t. the weights to `gradients`. If `d_input` [N,
    /// I] is given, computes its start plus the gradient w.r.t. the input.
    ///
    /// # Panics
    /// If the shapes do not match, or the chunks of a truncation have 0 frames.
    pub fn backward(
        &mut self,
        pass: Backward<'_>,
        gradients: Gradients<'_>,
        mut d_input: Option<(MatrixMut<'_>, Start<'_>)>,
    ) {
        crate::require_training();
        let (sequences, hidden) = (pass.sequences, self.hidden);
        let frames = sequences.frames();
        assert_eq!(
            (pass.input.rows(), pass.input.columns()),
            (frames, self.inputs),
            "the shape of the input"
        );
        assert_eq!((pass.output.rows(), pass.output.columns()), (frames, hidden), "the shape of the output");
        assert_eq!(sequences.batch(), self.states.batch, "the sequences of the forward pass");
        assert_ne!(pass.truncate, Some(0), "chunks of 0 frames");
        self.begin_gradient(sequences, pass.d_final);
        self.sums.begin();
        self.norms.clear();
        self.norms.resize(if pass.norms { frames } else { 0 }, 0.0);
        let reverse = match self.direction {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        };
        let mut spans = self.spans(sequences, reverse);
        while let Some(span) = spans.next(sequences) {
            for step in 0..span.len() {
                let t = match reverse {
                    Direction::Forward => span.start + step,
                    Direction::Backward => span.end - 1 - step,
                };
                self.step_backward(pass, t);
            }
            self.add_sums(pass, span.clone());
            if let Some((d_input, start)) = &mut d_input {
                let (first, count) = frames_of(sequences, &span);
                let gates = self.gates.rows(first, count).columns_from(0, self.shape.gates * hidden);
                let to = d_input.reborrow().rows_from(first, count);
                self.input_weights_backward.multiply(gates, to, *start);
            }
        }
        self.sums.finish(gradients);
    }

    /// Initializes the gradient w.r.t. the states with that w.r.t. the final states; the rows of a slot are not used
    /// before the time of its last frame.
    fn begin_gradient(&mut self, sequences: &Sequences, d_final: Option<&[f32]>) {
        let len = self.state_len();
        match d_final {
            None => {
                self.states.gradient.zeroed(len);
            }
            Some(gradient) => {
                assert_eq!(gradient.len(), len, "the gradient w.r.t. the final state");
                gather(sequences, self.hidden, gradient, self.states.gradient.sized(len));
            }
        }
    }

    /// Backpropagates through time `t` for all slots that have this frame.
    fn step_backward(&mut self, pass: Backward<'_>, t: usize) {
        let (sequences, hidden, cell_size) = (pass.sequences, self.hidden, self.cell_size());
        let batch = sequences.batch();
        self.truncate(pass, t);
        if pass.norms {
            self.save_norms(pass, t);
        }
        let before = self.time_before(sequences, t);
        let frames = sequences.frames();
        let cells = Matrix::new(&self.cells.all()[..frames * cell_size], frames, cell_size);
        for group in self.groups(sequences, t) {
            let (slot, count) = (group.slots.start, group.slots.len());
            if count == 0 {
                continue;
            }
            let first = sequences.start(t) + slot;
            let previous = match before.filter(|_| group.continued) {
                Some(before) => {
                    [pass.output, cells].map(|states| states.rows_from(sequences.start(before) + slot, count))
                }
                None => split(&self.states.initial, batch, (hidden, cell_size))
                    .map(|states| states.rows_from(slot, count)),
            };
            let gates = self.gates.rows_mut(first, count);
            let (d_h, d_c) = self.states.gradient.all_mut().split_at_mut(batch * hidden);
            let d_h = MatrixMut::new(&mut d_h[slot * hidden..][..count * hidden], count, hidden);
            let d_c = MatrixMut::new(&mut d_c[slot * cell_size..][..count * cell_size], count, cell_size);
            let rows = BackwardRows {
                gates,
                previous,
                state: [pass.output.rows_from(first, count), cells.rows_from(first, count)],
                d_output: pass.d_output.rows_from(first, count),
                d_state: [d_h, d_c],
            };
            let transition = Transition {
                set: self.set,
                kind: self.kind,
                shape: self.shape,
                hidden,
                recurrent_weights: &self.recurrent_weights_backward,
                input: None,
                from_state: group.continued || self.states.has_initial,
            };
            let gated = MatrixMut::new(self.gated.sized(count * hidden), count, hidden);
            transition.backward(rows, gated);
        }
    }

    /// At a truncation boundary between time `t` and the frame that is read next: clears the gradient that flows
    /// back.
    fn truncate(&mut self, pass: Backward<'_>, t: usize) {
        let (sequences, batch) = (pass.sequences, pass.sequences.batch());
        let next = match self.direction {
            Direction::Forward => (t + 1 < sequences.max_length()).then_some(t + 1),
            Direction::Backward => t.checked_sub(1),
        };
        let (Some(chunk), Some(next)) = (pass.truncate, next) else { return };
        if !t.max(next).is_multiple_of(chunk) {
            return;
        }
        let rows = sequences.rows(t).min(sequences.rows(next));
        let (hidden, cell_size) = (self.hidden, self.cell_size());
        let (d_h, d_c) = self.states.gradient.all_mut().split_at_mut(batch * hidden);
        d_h[..rows * hidden].fill(0.0);
        d_c[..rows * cell_size].fill(0.0);
    }

    /// Stores the norms of the gradients w.r.t. h at time `t`: the sum of the gradient of the output and the gradient
    /// from the frame that is read next.
    fn save_norms(&mut self, pass: Backward<'_>, t: usize) {
        let sequences = pass.sequences;
        for slot in 0..sequences.rows(t) {
            let row = sequences.start(t) + slot;
            let from_next = &self.states.gradient.all()[slot * self.hidden..][..self.hidden];
            let both = pass.d_output.row(row).iter().zip(from_next);
            let squares = both.map(|(&above, &next)| (f64::from(above) + f64::from(next)).powi(2));
            self.norms[row] = squares.sum::<f64>().sqrt() as f32;
        }
    }

    /// Norms of the gradient of the loss w.r.t. the h of every frame, packed \[N\], from the last backward pass;
    /// empty if that pass did not request them.
    pub fn state_gradient_norms(&self) -> &[f32] {
        &self.norms
    }

    /// Adds the contribution of the span's frames to the gradients w.r.t. the weights.
    fn add_sums(&mut self, pass: Backward<'_>, span: Range<usize>) {
        let (sequences, hidden) = (pass.sequences, self.hidden);
        let (first, count) = frames_of(sequences, &span);
        let gates = self.gates.rows(first, count);
        let x = pass.input.rows_from(first, count);
        let joint = self.shape.is_joint();
        let before_h = if joint { self.inputs } else { 0 };
        if joint {
            self.sums.outer_sum.resize(count, self.inputs + hidden);
            self.sums.outer_sum.set_block(0, 0, x);
        } else {
            self.sums.outer_sum.resize(count, self.inputs);
            self.sums.outer_sum.set_rows(0, x);
            self.sums.add_input(gates);
            self.sums.outer_sum.resize(count, hidden);
        }
        let [initial, _] = split(&self.states.initial, sequences.batch(), (hidden, self.cell_size()));
        for t in span {
            let before = self.time_before(sequences, t);
            for group in self.groups(sequences, t) {
                let (slot, rows) = (group.slots.start, group.slots.len());
                let h_before = match before.filter(|_| group.continued) {
                    Some(before) => pass.output.rows_from(sequences.start(before) + slot, rows),
                    None => initial.rows_from(slot, rows),
                };
                self.sums.outer_sum.set_block(sequences.start(t) + slot - first, before_h, h_before);
            }
        }
        if joint {
            self.sums.add_joint(gates);
        } else {
            self.sums.add_recurrent(gates);
        }
        if let Some(gated) = self.shape.gated {
            self.sums.outer_sum.resize(count, hidden);
            self.sums.outer_sum.set_rows(0, gates.columns_from(gated.state * hidden, hidden));
            self.sums.add_product(gates, gated.run);
        }
        self.sums.end_span();
    }
}

/// Returns the first packed row of a span of time and its number of rows.
fn frames_of(sequences: &Sequences, span: &Range<usize>) -> (usize, usize) {
    let first = sequences.start(span.start);
    (first, sequences.start(span.end) - first)
}
