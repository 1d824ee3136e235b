//! The state of a recurrent layer, and the lookup of the previous state of a frame.

use std::ops::Range;

use super::blocks::Blocks;
use super::cell::{CellKind, CellShape};
use super::weight_gradients::WeightGradients;
use crate::buffer::Buffer;
use crate::product::{Matrix, MatrixMut, Packed};
use crate::{InstructionSet, Sequences};

/// Direction in which a layer reads its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first frame to the last.
    Forward,
    /// From each sequence's own last frame to its first.
    Backward,
}

/// Weights of one layer and direction, in PyTorch's layout.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// W [G H, I]; the rows of the gates in PyTorch's order (i, f, g, o; r, z, n).
    pub input: &'a [f32],
    /// U [G H, H].
    pub recurrent: &'a [f32],
    /// b and c, [G H] each.
    pub bias: Option<[&'a [f32]; 2]>,
}

/// One recurrent layer in one direction, with the working memory for its passes.
///
/// Memory grows to the largest batch and is reused. Call [`Recurrence::pack_weights`] first (and
/// [`Recurrence::pack_weights_backward`] before backward passes), then [`Recurrence::forward`] and, after a forward
/// pass with `keep`, [`Recurrence::backward`].
///
/// # Shapes
/// Frames are packed as in [`Sequences`]: input [N, I], output [N, H]. States are [S, B, H], B in the caller's order
/// of the sequences, S = 2 (h, then c) for the LSTM and 1 for other cells.
///
/// # Example
/// ```
/// use stapes_kernels::product::{Matrix, MatrixMut};
/// use stapes_kernels::recurrent::{CellKind, Direction, Forward, Recurrence, Weights};
/// use stapes_kernels::{InstructionSet, Sequences};
///
/// let mut layer = Recurrence::new(InstructionSet::best(), CellKind::RnnTanh, (1, 1), Direction::Forward);
/// layer.pack_weights(Weights { input: &[1.0], recurrent: &[0.5], bias: None });
/// let sequences = Sequences::new(&[2])?;
/// let mut output = [0.0; 2];
/// let pass = Forward { sequences: &sequences, input: Matrix::new(&[1.0, 2.0], 2, 1), initial: None, keep: false };
/// layer.forward(pass, MatrixMut::new(&mut output, 2, 1));
/// assert!((output[1] - (2.0 + 0.5 * 1.0f32.tanh()).tanh()).abs() < 1e-6);
/// # Ok::<(), stapes_kernels::SequencesError>(())
/// ```
#[derive(Clone)]
pub struct Recurrence {
    pub(super) set: InstructionSet,
    pub(super) kind: CellKind,
    pub(super) shape: CellShape,
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) direction: Direction,
    /// Wᵀ for each input product, and Uᵀ for each recurrent product.
    pub(super) input_weights: Vec<Packed>,
    pub(super) recurrent_weights: Vec<Packed>,
    /// W, and U for each recurrent product.
    pub(super) input_weights_backward: Packed,
    pub(super) recurrent_weights_backward: Vec<Packed>,
    /// Start value of each block of a frame.
    pub(super) bias: Buffer,
    /// Blocks of all frames, or of one span of time in a pass without `keep`.
    pub(super) gates: Blocks,
    /// c of all frames, or of two time steps in a pass without `keep`.
    pub(super) cells: Buffer,
    pub(super) states: BatchStates,
    pub(super) sums: WeightGradients,
    /// See [`super::Backward::norms`].
    pub(super) norms: Vec<f32>,
    /// Gated states of a time step, or the gradients w.r.t. them.
    pub(super) gated: Buffer,
    /// Previous state in a single step.
    pub(super) before: Buffer,
}

/// Initial and final states of the sequences.
#[derive(Clone, Default)]
pub(super) struct BatchStates {
    pub(super) batch: usize,
    /// True if the caller passed an initial state; zero otherwise.
    pub(super) has_initial: bool,
    /// [S, B, H] by slot.
    pub(super) initial: Buffer,
    /// [S, B, H] in the caller's order.
    pub(super) last: Buffer,
    /// [S, B, H] by slot: the gradient w.r.t. the states between two time steps.
    pub(super) gradient: Buffer,
}

/// Slots whose previous state has the same origin.
pub(super) struct Group {
    pub(super) slots: Range<usize>,
    /// True if the previous state is that of the previous frame, false if it is the initial state.
    pub(super) continued: bool,
}

impl Recurrence {
    /// Creates a layer of this (input size, hidden size).
    ///
    /// # Panics
    /// If the input size or the hidden size is 0.
    pub fn new(
        set: InstructionSet,
        kind: CellKind,
        (inputs, hidden): (usize, usize),
        direction: Direction,
    ) -> Recurrence {
        // A few blocks of rows of each size, without wrapping.
        let sizes = 1..=usize::MAX >> 8;
        let fit = sizes.contains(&inputs) && sizes.contains(&hidden);
        assert!(fit, "a recurrent layer of {inputs} inputs and {hidden} units");
        let shape = kind.shape();
        let packed = || vec![Packed::new(set); shape.products().count()];
        Recurrence {
            set,
            kind,
            shape,
            inputs,
            hidden,
            direction,
            input_weights: vec![Packed::new(set); shape.input_products().count()],
            recurrent_weights: packed(),
            input_weights_backward: Packed::new(set),
            recurrent_weights_backward: packed(),
            bias: Buffer::default(),
            gates: Blocks::new(shape.blocks * hidden),
            cells: Buffer::default(),
            states: BatchStates::default(),
            sums: WeightGradients::new(set, (inputs, hidden), shape),
            norms: Vec::new(),
            gated: Buffer::default(),
            before: Buffer::default(),
        }
    }

    /// Packs the weights for forward passes.
    ///
    /// # Panics
    /// If the weights do not have the shape of this layer.
    pub fn pack_weights(&mut self, weights: Weights<'_>) {
        let (input, recurrent) = self.matrices(weights);
        for (product, packed) in self.shape.input_products().zip(&mut self.input_weights) {
            packed
                .pack(input.rows_from(product.gate * self.hidden, product.gates * self.hidden).transposed());
        }
        for (run, packed) in self.shape.products().zip(&mut self.recurrent_weights) {
            let rows = recurrent.rows_from(run.gate * self.hidden, run.gates * self.hidden);
            packed.pack(rows.transposed());
        }
        let (hidden, gates) = (self.hidden, self.shape.gates * self.hidden);
        let start = self.bias.zeroed(self.shape.blocks * hidden);
        let Some([input_bias, recurrent_bias]) = weights.bias else { return };
        assert_eq!((input_bias.len(), recurrent_bias.len()), (gates, gates), "the biases");
        start[..gates].copy_from_slice(input_bias);
        for run in self.shape.products() {
            let from = &recurrent_bias[run.gate * hidden..][..run.gates * hidden];
            let to = &mut start[run.block * hidden..][..run.gates * hidden];
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }

    /// Packs the weights for backward passes.
    ///
    /// # Panics
    /// If the weights do not have the shape of this layer.
    pub fn pack_weights_backward(&mut self, weights: Weights<'_>) {
        crate::require_training();
        let (input, recurrent) = self.matrices(weights);
        self.input_weights_backward.pack(input);
        for (run, packed) in self.shape.products().zip(&mut self.recurrent_weights_backward) {
            packed.pack(recurrent.rows_from(run.gate * self.hidden, run.gates * self.hidden));
        }
    }

    fn matrices<'a>(&self, weights: Weights<'a>) -> (Matrix<'a>, Matrix<'a>) {
        let rows = self.shape.gates * self.hidden;
        (Matrix::new(weights.input, rows, self.inputs), Matrix::new(weights.recurrent, rows, self.hidden))
    }

    /// Final states of the last forward pass (after each sequence's last frame; after the first in backward
    /// direction), [S, B, H] in the caller's order.
    pub fn final_state(&self) -> &[f32] {
        &self.states.last.all()[..self.state_len()]
    }

    /// Copies the gradient w.r.t. the initial state from the last backward pass, [S, B, H] in the caller's order.
    ///
    /// # Panics
    /// If the forward pass had no initial state, or the slice has a different length.
    pub fn initial_state_gradient(&self, sequences: &Sequences, gradient: &mut [f32]) {
        assert!(self.states.has_initial, "the forward pass had no initial state");
        assert_eq!(gradient.len(), self.state_len(), "a state of {} sequences", self.states.batch);
        scatter(sequences, self.hidden, &self.states.gradient.all()[..gradient.len()], gradient);
    }

    pub(super) fn state_len(&self) -> usize {
        self.shape.states * self.states.batch * self.hidden
    }

    /// Time step of the state before `t`, if any.
    pub(super) fn time_before(&self, sequences: &Sequences, t: usize) -> Option<usize> {
        match self.direction {
            Direction::Forward => t.checked_sub(1),
            Direction::Backward => (t + 1 < sequences.max_length()).then_some(t + 1),
        }
    }

    /// Slots with a frame at time `t`: first those that continue from the time before, then those that start here.
    pub(super) fn groups(&self, sequences: &Sequences, t: usize) -> [Group; 2] {
        let rows = sequences.rows(t);
        let continued = self.time_before(sequences, t).map_or(0, |before| sequences.rows(before).min(rows));
        [Group { slots: 0..continued, continued: true }, Group { slots: continued..rows, continued: false }]
    }

    /// Splits all time steps into spans whose blocks fit into a cache, in this direction; a span is a range of times.
    pub(super) fn spans(&self, sequences: &Sequences, direction: Direction) -> Spans {
        Spans { direction, rows: self.span_rows(), next: 0, max_length: sequences.max_length() }
    }

    fn span_rows(&self) -> usize {
        const VALUES: usize = 128 * 1024;
        // With fewer frames, the sums over frames would wait for the values they add to: use at least as many as a
        // product processes at a time.
        const FRAMES: usize = 256;
        (VALUES / (self.shape.blocks * self.hidden)).max(FRAMES)
    }
}

/// See [`Recurrence::spans`].
#[derive(Clone)]
pub(super) struct Spans {
    direction: Direction,
    rows: usize,
    next: usize,
    max_length: usize,
}

impl Spans {
    /// Next span as a range of ascending times; at least one step.
    pub(super) fn next(&mut self, sequences: &Sequences) -> Option<Range<usize>> {
        let at = |step: usize| match self.direction {
            Direction::Forward => step,
            Direction::Backward => self.max_length - 1 - step,
        };
        if self.next == self.max_length {
            return None;
        }
        let first = self.next;
        let mut rows = sequences.rows(at(first));
        let mut end = first + 1;
        while end < self.max_length && rows + sequences.rows(at(end)) <= self.rows {
            rows += sequences.rows(at(end));
            end += 1;
        }
        self.next = end;
        Some(match self.direction {
            Direction::Forward => first..end,
            Direction::Backward => self.max_length - end..self.max_length - first,
        })
    }
}

/// Reorders [S, B, H] from the caller's order to slots.
pub(super) fn gather(sequences: &Sequences, hidden: usize, from: &[f32], to: &mut [f32]) {
    let state = sequences.batch() * hidden;
    for (from, to) in from.chunks_exact(state).zip(to.chunks_exact_mut(state)) {
        for (slot, &index) in sequences.order().iter().enumerate() {
            to[slot * hidden..][..hidden].copy_from_slice(&from[index * hidden..][..hidden]);
        }
    }
}

/// Reorders [S, B, H] from slots to the caller's order.
pub(super) fn scatter(sequences: &Sequences, hidden: usize, from: &[f32], to: &mut [f32]) {
    let state = sequences.batch() * hidden;
    for (from, to) in from.chunks_exact(state).zip(to.chunks_exact_mut(state)) {
        for (slot, &index) in sequences.order().iter().enumerate() {
            to[index * hidden..][..hidden].copy_from_slice(&from[slot * hidden..][..hidden]);
        }
    }
}

/// Views of h and c, [B, H] each, in a buffer of states by slot.
pub(super) fn split(states: &Buffer, batch: usize, (hidden, cell_size): (usize, usize)) -> [Matrix<'_>; 2] {
    let (h, c) = states.all().split_at(batch * hidden);
    [Matrix::new(h, batch, hidden), Matrix::new(&c[..batch * cell_size], batch, cell_size)]
}

/// Two disjoint row ranges of one matrix: `before` read-only, `now` mutable.
pub(super) fn split_rows(
    matrix: MatrixMut<'_>,
    before: Range<usize>,
    now: Range<usize>,
) -> (Matrix<'_>, MatrixMut<'_>) {
    if before.start < now.start {
        let (low, high) = matrix.split_at(now.start);
        (low.into_matrix().rows_from(before.start, before.len()), high.rows_from(0, now.len()))
    } else {
        let (low, high) = matrix.split_at(before.start);
        (high.into_matrix().rows_from(0, before.len()), low.rows_from(now.start, now.len()))
    }
}
