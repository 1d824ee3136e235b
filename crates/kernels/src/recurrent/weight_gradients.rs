//! The sums over frames that are the gradients by the weights.

use super::backward::Gradients;
use super::cell::{CellShape, Run};
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::column_sums::add_column_sums;
use crate::product::{Matrix, MatrixMut, OuterSum, Start, transpose};
use crate::simd::{Simd, kernel};

/// WeightGradients over the frames seen so far of x dᵀ, h dᵀ and d: input, state before and the gradient by the
/// pre-activations of each frame.
///
/// They are the transposes of the gradients by W and U: as the pre-activations are many and the inputs often
/// few and odd in number, the products run faster so.
#[derive(Clone)]
pub(super) struct WeightGradients {
    set: InstructionSet,
    inputs: usize,
    hidden: usize,
    shape: CellShape,
    /// x, or h before, or both side by side, of the frames of a span.
    pub(super) outer_sum: OuterSum,
    /// [I + H, G H]: the input's rows, then the state's.
    sums: Buffer,
    /// [blocks H]
    bias: Buffer,
    /// What the next products start from: zero for the first span.
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

    /// Starts from zero.
    pub(super) fn begin(&mut self) {
        self.sums.sized((self.inputs + self.hidden) * self.columns());
        self.bias.zeroed(self.shape.blocks * self.hidden);
        self.start = Start::Zero;
    }

    /// G H
    fn columns(&self) -> usize {
        self.shape.gates * self.hidden
    }

    /// Adds d, and x dᵀ with x as laid in `outer_sum`; `gates` is d of a span, [frames, blocks H].
    pub(super) fn add_input(&mut self, gates: Matrix<'_>) {
        self.add_bias(gates);
        self.add(gates.columns_from(0, self.columns()), (0, self.inputs), 0);
    }

    /// Adds h dᵀ, h as laid in `outer_sum`, for the products that read h.
    pub(super) fn add_recurrent(&mut self, gates: Matrix<'_>) {
        for &run in self.shape.runs {
            self.add_product(gates, run);
        }
    }

    /// Adds d, and x dᵀ and h dᵀ with x and h side by side as laid in `outer_sum`.
    pub(super) fn add_joint(&mut self, gates: Matrix<'_>) {
        self.add_bias(gates);
        self.add(gates.columns_from(0, self.columns()), (0, self.inputs + self.hidden), 0);
    }

    /// Adds h dᵀ of one recurrent product, with what it read as laid in `outer_sum`.
    pub(super) fn add_product(&mut self, gates: Matrix<'_>, run: Run) {
        let hidden = self.hidden;
        let blocks = gates.columns_from(run.block * hidden, run.gates * hidden);
        self.add(blocks, (self.inputs, hidden), run.gate * hidden);
    }

    /// Ends a span: what the next one adds is added to this one's.
    pub(super) fn end_span(&mut self) {
        self.start = Start::Keep;
    }

    fn add_bias(&mut self, gates: Matrix<'_>) {
        add_column_sums(self.set, gates, self.bias.sized(self.shape.blocks * self.hidden));
    }

    /// Adds what is laid in `outer_sum`, times some blocks, to these (first, count) rows of the sums from a column on.
    fn add(&mut self, blocks: Matrix<'_>, (first, rows): (usize, usize), column: usize) {
        let (all, columns) = (self.inputs + self.hidden, self.columns());
        let sums = MatrixMut::new(self.sums.sized(all * columns), all, columns);
        let to = sums.rows_from(first, rows).columns_from(column, blocks.columns());
        self.outer_sum.multiply_rows(blocks, to, self.start);
    }

    /// Adds the sums to the gradients by the weights.
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
    /// Adds the transpose of a matrix [M, N] to one [N, M].
    fn add_transposed(from: Matrix<'_>, to: &mut [f32]) = add_transposed_generic
}

#[inline(always)]
fn add_transposed_generic<S: Simd>(simd: S, from: Matrix<'_>, to: &mut [f32]) {
    let (rows, columns) = (from.rows(), from.columns());
    assert_eq!(to.len(), rows * columns, "numbers of the transpose of a matrix {rows} x {columns}");
    // Strips of columns whose transpose stays in the first cache until it is added.
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
