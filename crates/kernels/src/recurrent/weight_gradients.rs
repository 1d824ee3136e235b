//! Gradients w.r.t. the weights, as sums over frames.

use super::cell::{CellShape, Run};
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::column_sums::add_column_sums;
use crate::product::{Matrix, MatrixMut, OuterSum, Start, transpose};
use crate::simd::{Simd, kernel};
use crate::sizes;

/// Buffers to which a backward pass adds the gradients w.r.t. the weights; shapes as in [`super::Weights`].
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Gradient w.r.t. W, [G H, I].
    pub input: &'a mut [f32],
    /// Gradient w.r.t. U, [G H, H].
    pub recurrent: &'a mut [f32],
    /// Gradients w.r.t. b and c, [G H] each.
    pub bias: Option<[&'a mut [f32]; 2]>,
}

/// Sums over the frames so far of x dᵀ, h dᵀ and d: input, previous state, and gradient w.r.t. the pre-activations of
/// each frame.
///
/// These are the transposes of the gradients w.r.t. W and U. Products in this orientation are faster, because there
/// are many pre-activations and often a small, odd number of inputs.
#[derive(Clone)]
pub(super) struct WeightGradients {
    set: InstructionSet,
    inputs: usize,
    hidden: usize,
    shape: CellShape,
    /// x, or the previous h, or both side by side, of the frames of a span.
    pub(super) outer_sum: OuterSum,
    /// [I + H, G H]: the rows of the input, then those of the state.
    sums: Buffer,
    /// [blocks H]
    bias: Buffer,
    /// Start of the next products: zero for the first span.
    start: Start<'static>,
}

impl WeightGradients {
    pub(super) fn new(
        set: InstructionSet,
        (inputs, hidden): (usize, usize),
        shape: CellShape,
    ) -> WeightGradients {
        WeightGradients {
            set,
            inputs,
            hidden,
            shape,
            outer_sum: OuterSum::new(set),
            sums: Buffer::default(),
            bias: Buffer::default(),
            start: Start::Zero,
        }
    }

    /// Resets the sums to zero.
    pub(super) fn begin(&mut self) {
        self.sums.sized((self.inputs + self.hidden) * self.columns());
        self.bias.zeroed(self.shape.blocks * self.hidden);
        self.start = Start::Zero;
    }

    /// G H
    fn columns(&self) -> usize {
        self.shape.gates * self.hidden
    }

    /// Adds d, and x dᵀ with x from `outer_sum`; `gates` is d of a span, [frames, blocks H].
    pub(super) fn add_input(&mut self, gates: Matrix<'_>) {
        self.add_bias(gates);
        self.add(gates.columns_from(0, self.columns()), (0, self.inputs), 0);
    }

    /// Adds h dᵀ with h from `outer_sum`, for the products that read h.
    pub(super) fn add_recurrent(&mut self, gates: Matrix<'_>) {
        for &run in self.shape.runs {
            self.add_product(gates, run);
        }
    }

    /// Adds d, x dᵀ and h dᵀ with x and h side by side from `outer_sum`.
    pub(super) fn add_joint(&mut self, gates: Matrix<'_>) {
        self.add_bias(gates);
        self.add(gates.columns_from(0, self.columns()), (0, self.inputs + self.hidden), 0);
    }

    /// Adds h dᵀ of one recurrent product, with its input from `outer_sum`.
    pub(super) fn add_product(&mut self, gates: Matrix<'_>, run: Run) {
        let hidden = self.hidden;
        let blocks = gates.columns_from(run.block * hidden, run.gates * hidden);
        self.add(blocks, (self.inputs, hidden), run.gate * hidden);
    }

    /// Ends a span; the sums of the next span are added to this one.
    pub(super) fn end_span(&mut self) {
        self.start = Start::Keep;
    }

    fn add_bias(&mut self, gates: Matrix<'_>) {
        add_column_sums(self.set, gates, self.bias.sized(self.shape.blocks * self.hidden));
    }

    /// Adds `outer_sum` times some blocks to these (first, count) rows of the sums, from a column on.
    fn add(&mut self, blocks: Matrix<'_>, (first, rows): (usize, usize), column: usize) {
        let (all, columns) = (self.inputs + self.hidden, self.columns());
        let sums = MatrixMut::new(self.sums.sized(all * columns), all, columns);
        let to = sums.rows_from(first, rows).columns_from(column, blocks.columns());
        self.outer_sum.multiply_rows(blocks, to, self.start);
    }

    /// Adds the sums to the gradients w.r.t. the weights.
    pub(super) fn finish(&self, gradients: Gradients<'_>) {
        let (all, columns, hidden) = (self.inputs + self.hidden, self.columns(), self.hidden);
        let sums = Matrix::new(&self.sums.all()[..all * columns], all, columns);
        add_transposed(self.set, sums.rows_from(0, self.inputs), gradients.input);
        add_transposed(self.set, sums.rows_from(self.inputs, hidden), gradients.recurrent);
        let Some([input_bias, recurrent_bias]) = gradients.bias else { return };
        let sums = &self.bias.all()[..self.shape.blocks * hidden];
        let add = |to: &mut [f32], from: &[f32]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        add(input_bias, sums);
        for run in self.shape.products() {
            let to = &mut recurrent_bias[run.gate * hidden..][..run.gates * hidden];
            add(to, &sums[run.block * hidden..]);
        }
    }
}

kernel! {
    /// Adds the transpose of a matrix [M, N] to a matrix [N, M].
    fn add_transposed(from: Matrix<'_>, to: &mut [f32]) = add_transposed_generic
}

#[inline(always)]
fn add_transposed_generic<S: Simd>(simd: S, from: Matrix<'_>, to: &mut [f32]) {
    let (rows, columns) = (from.rows(), from.columns());
    assert_eq!(
        to.len(),
        sizes::count([rows, columns]),
        "length of the transpose of a {rows} x {columns} matrix"
    );
    // Strips of columns whose transpose stays in the L1 cache until it is added.
    const STRIP: usize = 8;
    const ROWS: usize = 512;
    let mut strip = [0.0; STRIP * ROWS];
    for top in (0..rows).step_by(ROWS) {
        let height = ROWS.min(rows - top);
        for left in (0..columns).step_by(STRIP) {
            let width = STRIP.min(columns - left);
            let part = from.rows_from(top, height).columns_from(left, width);
            transpose(simd, part, &mut strip, height);
            for (column, values) in strip.chunks_exact(height).take(width).enumerate() {
                let to = &mut to[(left + column) * rows + top..][..height];
                to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
            }
        }
    }
}
