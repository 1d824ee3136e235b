//! A layer's pass back through time.

use std::ops::Range;

use super::recurrence::{Direction, Recurrence, gather, split};
use super::rows::{self, BackwardRows};
use crate::Sequences;
use crate::product::{Matrix, MatrixMut, Start};

/// What a backward pass reads, all of it as in the forward pass before.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a> {
    /// Which frames exist.
    pub sequences: &'a Sequences,
    /// The packed frames [N, I].
    pub input: Matrix<'a>,
    /// What the forward pass wrote, [N, H].
    pub output: Matrix<'a>,
    /// The gradient of the loss by the output, [N, H].
    pub d_output: Matrix<'a>,
    /// The gradient by the final state, [S, B, H] in the caller's order; zero if not given.
    pub d_final: Option<&'a [f32]>,
}

/// Where a backward pass adds the gradients by the weights; shapes as in [`super::Weights`].
#[derive(Debug)]
pub struct Gradients<'a> {
    /// By W [G H, I].
    pub input: &'a mut [f32],
    /// By U [G H, H].
    pub recurrent: &'a mut [f32],
    /// By b and c, [G H] each.
    pub bias: Option<[&'a mut [f32]; 2]>,
}

impl Recurrence {
    /// Adds the gradients by the weights and, where it is asked for, starts or continues `d_input` [N, I]
    /// with the gradient by the input; for the forward pass that came last, which must have kept what is
    /// needed, with the weights of the last [`Recurrence::prepare_backward`].
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward(
        &mut self,
        pass: Backward<'_>,
        gradients: Gradients<'_>,
        mut d_input: Option<(MatrixMut<'_>, Start<'_>)>,
    ) {
        let (sequences, hidden) = (pass.sequences, self.hidden);
        let frames = sequences.frames();
        assert_eq!(
            (pass.input.rows(), pass.input.columns()),
            (frames, self.inputs),
            "the shape of the input"
        );
        assert_eq!((pass.output.rows(), pass.output.columns()), (frames, hidden), "the shape of the output");
        assert_eq!(sequences.batch(), self.states.batch, "the sequences of the forward pass");
        self.begin_gradient(sequences, pass.d_final);
        self.sums.begin((self.inputs, hidden), self.shape);
        let against = match self.direction {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        };
        let mut spans = self.spans(sequences, against);
        while let Some(span) = spans.next(sequences) {
            for step in 0..span.len() {
                let t = match against {
                    Direction::Forward => span.start + step,
                    Direction::Backward => span.end - 1 - step,
                };
                self.step_back(pass, t);
            }
            self.add_sums(pass, span.clone());
            if let Some((d_input, start)) = &mut d_input {
                let (first, count) = frames_of(sequences, &span);
                let gates = self.gates.rows(first, count).columns_from(0, self.shape.gates * hidden);
                let to = d_input.reborrow().rows_from(first, count);
                self.input_weights_back.multiply(gates, to, *start);
            }
        }
        self.sums.finish((self.inputs, hidden), self.shape, gradients);
    }

    /// Starts the gradient by the states with that by the final states: a slot's rows are not touched
    /// before the time of its last frame comes.
    fn begin_gradient(&mut self, sequences: &Sequences, d_final: Option<&[f32]>) {
        let len = self.state_len();
        match d_final {
            None => {
                self.states.gradient.zeroed(len);
            }
            Some(gradient) => {
                assert_eq!(gradient.len(), len, "a gradient by the final state");
                gather(sequences, self.hidden, gradient, self.states.gradient.sized(len));
            }
        }
    }

    /// Takes all slots that run at time `t` back through their frame.
    fn step_back(&mut self, pass: Backward<'_>, t: usize) {
        let (sequences, hidden, memory) = (pass.sequences, self.hidden, self.memory());
        let batch = sequences.batch();
        let before = self.time_before(sequences, t);
        let frames = sequences.frames();
        let cells = Matrix::new(&self.cells.all()[..frames * memory], frames, memory);
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
                None => split(&self.states.initial, batch, (hidden, memory))
                    .map(|states| states.rows_from(slot, count)),
            };
            let mut gates = self.gates.rows_mut(first, count);
            let (d_h, d_c) = self.states.gradient.all_mut().split_at_mut(batch * hidden);
            let mut d_h = MatrixMut::new(&mut d_h[slot * hidden..][..count * hidden], count, hidden);
            let d_c = MatrixMut::new(&mut d_c[slot * memory..][..count * memory], count, memory);
            let rows = BackwardRows {
                gates: gates.reborrow(),
                previous,
                state: [pass.output.rows_from(first, count), cells.rows_from(first, count)],
                d_output: pass.d_output.rows_from(first, count),
                d_state: [d_h.reborrow(), d_c],
            };
            rows::backward(self.set, self.kind, rows);
            if group.continued || self.states.given {
                let gates = gates.as_matrix();
                for (run, weights) in self.shape.runs.iter().zip(&self.recurrent_weights_back) {
                    let blocks = gates.columns_from(run.block * hidden, run.gates * hidden);
                    weights.multiply(blocks, d_h.reborrow(), Start::Keep);
                }
            }
        }
    }

    /// Adds what the frames of the span give to the gradients by the weights.
    fn add_sums(&mut self, pass: Backward<'_>, span: Range<usize>) {
        let (sequences, hidden) = (pass.sequences, self.hidden);
        let (first, count) = frames_of(sequences, &span);
        let gates = self.gates.rows(first, count);
        self.sums.tall.begin(count, self.inputs);
        self.sums.tall.lay(0, pass.input.rows_from(first, count));
        self.sums.add_input(gates, (self.inputs, hidden), self.shape);
        self.sums.tall.begin(count, hidden);
        let [initial, _] = split(&self.states.initial, sequences.batch(), (hidden, self.memory()));
        for t in span {
            let before = self.time_before(sequences, t);
            for group in self.groups(sequences, t) {
                let (slot, rows) = (group.slots.start, group.slots.len());
                let h_before = match before.filter(|_| group.continued) {
                    Some(before) => pass.output.rows_from(sequences.start(before) + slot, rows),
                    None => initial.rows_from(slot, rows),
                };
                self.sums.tall.lay(sequences.start(t) + slot - first, h_before);
            }
        }
        self.sums.add_recurrent(gates, hidden, self.shape);
    }
}

/// The first packed row of a span of time, and how many there are.
fn frames_of(sequences: &Sequences, span: &Range<usize>) -> (usize, usize) {
    let first = sequences.start(span.start);
    (first, sequences.start(span.end) - first)
}
