//! Products Aᵀ B of tall matrices, as the gradient by a weight is: a sum over frames.

use super::matrix::{Matrix, MatrixMut, Start};
use super::packed::{Left, NOTHING, Packed, Right, multiply};
use super::tile::{self, BLOCK};
use crate::InstructionSet;
use crate::buffer::Buffer;

/// A tall matrix [K, M], put together of parts, as the left factor of products Aᵀ B.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
/// use stapes_kernels::product::{Matrix, MatrixMut, Packed, Start, OuterSum};
///
/// let set = InstructionSet::best();
/// let mut a = OuterSum::new(set);
/// a.resize(3, 2);
/// a.set_rows(0, Matrix::new(&[1.0, 2.0, 3.0, 4.0], 2, 2));
/// a.set_rows(2, Matrix::new(&[5.0, 6.0], 1, 2));
/// let mut b = Packed::new(set);
/// b.pack(Matrix::new(&[1.0, 10.0, 100.0], 3, 1));
/// let mut c = [0.0; 2];
/// a.multiply(&b, MatrixMut::new(&mut c, 2, 1), Start::Zero);
/// assert_eq!(c, [531.0, 642.0]);
/// ```
#[derive(Clone)]
pub struct OuterSum {
    set: InstructionSet,
    depth: usize,
    columns: usize,
    numbers: Buffer,
}

impl OuterSum {
    /// Without memory yet, for this instruction set.
    pub fn new(set: InstructionSet) -> OuterSum {
        OuterSum { set, depth: 0, columns: 0, numbers: Buffer::default() }
    }

    /// Begins a matrix of K = `depth` rows and M = `columns` columns.
    pub fn resize(&mut self, depth: usize, columns: usize) {
        (self.depth, self.columns) = (depth, columns);
        self.numbers.sized(depth * columns);
    }

    /// Copies a part, in place of the rows from `first` on.
    ///
    /// # Panics
    /// If the part does not fit.
    pub fn set_rows(&mut self, first: usize, part: Matrix<'_>) {
        assert_eq!(part.columns(), self.columns, "columns of the part");
        self.set_block(first, 0, part);
    }

    /// Copies a part, in place of the rows from `first` and the columns from `left` on.
    ///
    /// # Panics
    /// If the part does not fit.
    pub fn set_block(&mut self, first: usize, left: usize, part: Matrix<'_>) {
        let right = left + part.columns();
        assert!(right <= self.columns, "columns {left}..{right} of {}", self.columns);
        assert!(first + part.rows() <= self.depth, "rows {first}..{}", first + part.rows());
        let (tiles, each, longer) = tile::split_rows(self.columns, self.set.tile_rows());
        let mut done = 0;
        while done < part.rows() {
            let block = (first + done) / BLOCK * BLOCK;
            let depth = BLOCK.min(self.depth - block);
            let at = first + done - block;
            let rows = (depth - at).min(part.rows() - done);
            let numbers = &mut self.numbers.all_mut()[block * self.columns..][..depth * self.columns];
            let mut column = 0;
            for tile in 0..tiles {
                let columns = each + usize::from(tile < longer);
                let to = &mut numbers[column * depth + at * columns..][..rows * columns];
                let (from, end) = (column.max(left), (column + columns).min(right));
                if from < end {
                    let part = part.rows_from(done, rows).columns_from(from - left, end - from);
                    copy_to_tile(part, to, (columns, from - column));
                }
                column += columns;
            }
            done += rows;
        }
    }

    /// C = start + Aᵀ B.
    ///
    /// # Shapes
    /// A [K, M], B [K, N], C [M, N], a starting row `[N]`
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn multiply(&self, b: &Packed, c: MatrixMut<'_>, start: Start<'_>) {
        assert_eq!(c.columns(), b.columns(), "columns of C and of B");
        multiply(self.set, [(self.left(), Right::Packed(b)), NOTHING], c, start);
    }

    /// C = start + Aᵀ B for a B that is not worth packing: its rows, and as many numbers behind the last as
    /// fill a panel, lie within its slice.
    pub(crate) fn multiply_rows(&self, b: Matrix<'_>, c: MatrixMut<'_>, start: Start<'_>) {
        multiply(self.set, [(self.left(), Right::Rows(b)), NOTHING], c, start);
    }

    fn left(&self) -> Left<'_> {
        let numbers = &self.numbers.all()[..self.depth * self.columns];
        Left::Tiles { numbers, rows: self.columns, depth: self.depth }
    }
}

/// Copies a few columns to those from `left` on of a tile of `width` columns, so that those of a row lie side by
/// side.
fn copy_to_tile(from: Matrix<'_>, to: &mut [f32], (width, left): (usize, usize)) {
    macro_rules! fixed {
        ($($columns:literal),*) => {
            match from.columns() {
                columns if columns < width => {
                    for (k, to) in to.chunks_exact_mut(width).enumerate() {
                        let to = to[left..left + columns].iter_mut();
                        to.enumerate().for_each(|(column, to)| *to = from.get(k, column));
                    }
                }
                $($columns if from.column_stride() == 1 => {
                    for (k, to) in to.as_chunks_mut::<$columns>().0.iter_mut().enumerate() {
                        to.copy_from_slice(from.row(k));
                    }
                })*
                columns => {
                    for (k, to) in to.chunks_exact_mut(columns).enumerate() {
                        to.iter_mut().enumerate().for_each(|(column, to)| *to = from.get(k, column));
                    }
                }
            }
        };
    }
    // The sizes that tiles mostly have, as copies of fixed length.
    fixed!(1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14);
}
