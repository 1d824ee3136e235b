//! The forward pass of a layer.

use std::ops::Range;

use super::recurrence::{BatchStates, Direction, Group, Recurrence, gather, split, split_rows};
use super::rows::ForwardRows;
use super::transition::{Input, Transition};
use crate::Sequences;
use crate::product::{Matrix, MatrixMut, Start};

/// Inputs of a forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a> {
    /// Batch of sequences.
    pub sequences: &'a Sequences,
    /// Packed frames [N, I].
    pub input: Matrix<'a>,
    /// Initial states, [S, B, H] in the caller's order; zero if `None`.
    pub initial: Option<&'a [f32]>,
    /// True to keep the values that a backward pass needs.
    pub keep: bool,
}

/// Mean number of rows per frame from which the input product and the recurrent product of a frame run as one.
const ROWS: usize = 12;

impl Recurrence {
    /// Computes h of every frame with the weights of the last [`Recurrence::pack_weights`].
    ///
    /// The result of a frame does not depend on other sequences: it has the same bits in any batch, and also if a
    /// sequence is split and continued from the state that it reached.
    ///
    /// # Shapes
    /// output [N, H], packed
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn forward(&mut self, pass: Forward<'_>, mut output: MatrixMut<'_>) {
        let Forward { sequences, input, .. } = pass;
        let (frames, hidden) = (sequences.frames(), self.hidden);
        assert_eq!((input.rows(), input.columns()), (frames, self.inputs), "the shape of the input");
        assert_eq!((output.rows(), output.columns()), (frames, hidden), "the shape of the output");
        self.states.begin(sequences, (self.shape.states, hidden), pass.initial);
        let cells = if pass.keep { frames } else { 2 * sequences.batch() };
        self.cells.sized(cells * self.cell_size());
        let mut spans = self.spans(sequences, self.direction);
        while let Some(span) = spans.next(sequences) {
            // With few rows per frame, one product for the whole span uses the processor better.
            let (first, end) = (sequences.start(span.start), sequences.start(span.end));
            let few = end - first < ROWS * span.len();
            self.gates.reserve(if pass.keep { frames } else { end - first });
            if few {
                self.project(pass, span.clone());
            }
            for step in 0..span.len() {
                let t = match self.direction {
                    Direction::Forward => span.start + step,
                    Direction::Backward => span.end - 1 - step,
                };
                for group in self.groups(sequences, t) {
                    if !group.slots.is_empty() {
                        self.step_group(pass, t, span.start, few, &group, output.reborrow());
                    }
                }
                self.save_final(pass, t, output.as_matrix());
            }
        }
    }

    /// Size of the cell state c: H for the LSTM, 0 for other cells.
    pub(super) fn cell_size(&self) -> usize {
        (self.shape.states - 1) * self.hidden
    }

    /// Sets the blocks of a span's frames to the biases plus the input projection.
    fn project(&mut self, pass: Forward<'_>, span: Range<usize>) {
        let sequences = pass.sequences;
        let (first, end) = (sequences.start(span.start), sequences.start(span.end));
        let (width, projected) = (self.shape.blocks * self.hidden, self.shape.gates * self.hidden);
        let offset = if pass.keep { first } else { 0 };
        let mut gates = self.gates.rows_mut(offset, end - first);
        let bias = &self.bias.all()[..width];
        if projected < width {
            for row in 0..gates.rows() {
                gates.row_mut(row)[projected..].copy_from_slice(&bias[projected..]);
            }
        }
        let input = pass.input.rows_from(first, end - first);
        for (product, weights) in self.shape.input_products().zip(&self.input_weights) {
            let columns = product.gate * self.hidden..(product.gate + product.gates) * self.hidden;
            let gates = gates.reborrow().columns_from(columns.start, columns.len());
            weights.multiply(input, gates, Start::Row(&bias[columns]));
        }
    }

    /// Computes the frame at `time` for a group of slots; `span` is the first time of the span, and `projected` is
    /// true if the blocks contain the input projection already.
    fn step_group(
        &mut self,
        pass: Forward<'_>,
        time: usize,
        span: usize,
        projected: bool,
        group: &Group,
        output: MatrixMut<'_>,
    ) {
        let (sequences, hidden) = (pass.sequences, self.hidden);
        let (count, cell_size) = (group.slots.len(), self.cell_size());
        let row = |t: usize| sequences.start(t) + group.slots.start;
        let cell_row = |t: usize| {
            let first = if pass.keep { sequences.start(t) } else { (t % 2) * sequences.batch() };
            first + group.slots.start
        };
        let before = self.time_before(sequences, time).filter(|_| group.continued);
        let cells = if pass.keep { sequences.frames() } else { 2 * sequences.batch() };
        let cells = MatrixMut::new(&mut self.cells.all_mut()[..cells * cell_size], cells, cell_size);
        let here = |row: usize| row..row + count;
        let ((h_before, h), (c_before, c)) = match before {
            Some(before) => (
                split_rows(output, here(row(before)), here(row(time))),
                split_rows(cells, here(cell_row(before)), here(cell_row(time))),
            ),
            None => {
                let states = split(&self.states.initial, sequences.batch(), (hidden, cell_size));
                let [h, c] = states.map(|state| state.rows_from(group.slots.start, count));
                ((h, output.rows_from(row(time), count)), (c, cells.rows_from(cell_row(time), count)))
            }
        };
        let first = row(time) - if pass.keep { 0 } else { sequences.start(span) };
        let gates = self.gates.rows_mut(first, count);
        let transition = Transition {
            set: self.set,
            kind: self.kind,
            shape: self.shape,
            hidden,
            recurrent_weights: &self.recurrent_weights,
            input: (!projected).then(|| Input {
                x: pass.input.rows_from(row(time), count),
                weights: &self.input_weights,
                bias: &self.bias.all()[..self.shape.blocks * hidden],
            }),
            from_state: group.continued || self.states.has_initial,
        };
        let rows = ForwardRows { gates, previous: [h_before, c_before], state: [h, c] };
        let gated = MatrixMut::new(self.gated.sized(count * hidden), count, hidden);
        transition.forward(rows, gated);
    }

    /// Copies the states of the sequences whose last frame to be read is at `time`.
    fn save_final(&mut self, pass: Forward<'_>, time: usize, output: Matrix<'_>) {
        let sequences = pass.sequences;
        let done = match self.direction {
            Direction::Forward if time + 1 < sequences.max_length() => {
                sequences.rows(time + 1)..sequences.rows(time)
            }
            Direction::Backward if time > 0 => return,
            _ => 0..sequences.rows(time),
        };
        let (hidden, cell_size) = (self.hidden, self.cell_size());
        let cells = if pass.keep { sequences.start(time) } else { (time % 2) * sequences.batch() };
        let (h, c) = self.states.last.all_mut().split_at_mut(sequences.batch() * hidden);
        for slot in done {
            let index = sequences.order()[slot];
            h[index * hidden..][..hidden].copy_from_slice(output.row(sequences.start(time) + slot));
            let from = &self.cells.all()[(cells + slot) * cell_size..][..cell_size];
            c[index * cell_size..][..cell_size].copy_from_slice(from);
        }
    }
}

impl BatchStates {
    /// Sets the initial state, zero if not given.
    fn begin(&mut self, sequences: &Sequences, (states, hidden): (usize, usize), initial: Option<&[f32]>) {
        self.batch = sequences.batch();
        self.has_initial = initial.is_some();
        let len = states * self.batch * hidden;
        self.last.sized(len);
        match initial {
            None => {
                self.initial.zeroed(len);
            }
            Some(state) => {
                assert_eq!(state.len(), len, "an initial state of {} sequences", self.batch);
                gather(sequences, hidden, state, self.initial.sized(len));
            }
        }
    }
}
