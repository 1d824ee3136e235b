//! The sums over frames that are the gradients by the weights.

use super::backward::Gradients;
use super::cell::CellShape;
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::product::{Matrix, MatrixMut, Start, Tall, transpose};
use crate::simd::{Simd, kernel};
use crate::sums::add_column_sums;

/// Sums over the frames seen so far of x dᵀ, h dᵀ and d: input, state before and the gradient by the
/// pre-activations of each frame.
///
/// They are the transposes of the gradients by W and U: as the pre-activations are many and the inputs often
/// few and odd in number, the products run faster so.
#[derive(Clone)]
pub(super) struct Sums {
    set: InstructionSet,
    /// x, or h before, of the frames of a span.
    pub(super) tall: Tall,
    /// [I, G H]
    input: Buffer,
    /// [H, G H]
    recurrent: Buffer,
    /// [blocks H]
    bias: Buffer,
    /// What the next products start from: zero for the first span.
    start: Start<'static>,
}

impl Sums {
    pub(super) fn new(set: InstructionSet) -> Sums {
        Sums {
            set,
            tall: Tall::new(set),
            input: Buffer::default(),
            recurrent: Buffer::default(),
            bias: Buffer::default(),
            start: Start::Zero,
        }
    }

    /// Starts from zero.
    pub(super) fn begin(&mut self, (inputs, hidden): (usize, usize), shape: CellShape) {
        self.input.sized(inputs * shape.gates * hidden);
        self.recurrent.sized(hidden * shape.gates * hidden);
        self.bias.zeroed(shape.blocks * hidden);
        self.start = Start::Zero;
    }

    /// Adds d, and x dᵀ with x as laid in `tall`; `gates` is d of a span, [frames, blocks H].
    pub(super) fn add_input(
        &mut self,
        gates: Matrix<'_>,
        (inputs, hidden): (usize, usize),
        shape: CellShape,
    ) {
        add_column_sums(self.set, gates, self.bias.sized(shape.blocks * hidden));
        let columns = shape.gates * hidden;
        let sum = MatrixMut::new(self.input.sized(inputs * columns), inputs, columns);
        self.tall.multiply_rows(gates.columns_from(0, columns), sum, self.start);
    }

    /// Adds h dᵀ, h as laid in `tall`; the last of a span.
    pub(super) fn add_recurrent(&mut self, gates: Matrix<'_>, hidden: usize, shape: CellShape) {
        let columns = shape.gates * hidden;
        let mut sum = MatrixMut::new(self.recurrent.sized(hidden * columns), hidden, columns);
        for run in shape.runs {
            let to = sum.reborrow().columns_from(run.gate * hidden, run.gates * hidden);
            let blocks = gates.columns_from(run.block * hidden, run.gates * hidden);
            self.tall.multiply_rows(blocks, to, self.start);
        }
        self.start = Start::Keep;
    }

    /// Adds the sums to the gradients by the weights.
    pub(super) fn finish(
        &self,
        (inputs, hidden): (usize, usize),
        shape: CellShape,
        gradients: Gradients<'_>,
    ) {
        let columns = shape.gates * hidden;
        let input = Matrix::new(&self.input.all()[..inputs * columns], inputs, columns);
        add_transposed(self.set, input, gradients.input);
        let recurrent = &self.recurrent.all()[..hidden * columns];
        add_transposed(self.set, Matrix::new(recurrent, hidden, columns), gradients.recurrent);
        let Some([of_input, of_recurrent]) = gradients.bias else { return };
        let sums = &self.bias.all()[..shape.blocks * hidden];
        let add = |to: &mut [f32], from: &[f32]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        add(of_input, sums);
        for run in shape.runs {
            let to = &mut of_recurrent[run.gate * hidden..][..run.gates * hidden];
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
