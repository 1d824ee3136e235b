//! Products Aᵀ B of tall matrices: sums of outer products over frames, as in the gradient w.r.t. a weight matrix.

use super::matrix::{Matrix, MatrixMut, Start};
use super::packed::{Left, NOTHING, Packed, Right, multiply};
use super::tile::{self, BLOCK};
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::sizes;

/// A tall matrix [K, M] that is assembled from blocks, as the left factor of products Aᵀ B.
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
    values: Buffer,
}

impl OuterSum {
    /// Creates an empty matrix for this instruction set; memory is allocated on first use.
    pub fn new(set: InstructionSet) -> OuterSum {
        OuterSum { set, depth: 0, columns: 0, values: Buffer::default() }
    }

    /// Sets the shape to K = `depth` rows and M = `columns` columns; all rows must be set again.
    pub fn resize(&mut self, depth: usize, columns: usize) {
        self.values.sized(sizes::count([depth, columns]));
        (self.depth, self.columns) = (depth, columns);
    }

    /// Copies rows into the matrix, from row `first` on.
    ///
    /// # Panics
    /// If the rows do not fit.
    pub fn set_rows(&mut self, first: usize, part: Matrix<'_>) {
        assert_eq!(part.columns(), self.columns, "columns of the part");
        self.set_block(first, 0, part);
    }

    /// Copies a block into the matrix, from row `first` and column `left` on.
    ///
    /// # Panics
    /// If the block does not fit.
    pub fn set_block(&mut self, first: usize, left: usize, part: Matrix<'_>) {
        sizes::check_range("columns", (left, part.columns()), self.columns);
        sizes::check_range("rows", (first, part.rows()), self.depth);
        if part.columns() == 0 {
            return;
        }
        let right = left + part.columns();
        let (tiles, each, longer) = tile::split_rows(self.columns, self.set.tile_rows());
        let mut done = 0;
        while done < part.rows() {
            let block = (first + done) / BLOCK * BLOCK;
            let depth = BLOCK.min(self.depth - block);
            let at = first + done - block;
            let rows = (depth - at).min(part.rows() - done);
            let values = &mut self.values.all_mut()[block * self.columns..][..depth * self.columns];
            let mut column = 0;
            for tile in 0..tiles {
                let columns = each + usize::from(tile < longer);
                let to = &mut values[column * depth + at * columns..][..rows * columns];
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

    /// Computes C = start + Aᵀ B.
    ///
    /// # Shapes
    /// A [K, M], B [K, N], C [M, N], start row `[N]`
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn multiply(&self, b: &Packed, c: MatrixMut<'_>, start: Start<'_>) {
        assert_eq!(c.columns(), b.columns(), "columns of C and of B");
        multiply(self.set, [(self.left(), Right::Packed(b)), NOTHING], c, start);
    }

    /// Computes C = start + Aᵀ B for a B that is not worth packing. The slice of B must contain its rows and, after
    /// the last row, enough values to fill a panel.
    pub(crate) fn multiply_rows(&self, b: Matrix<'_>, c: MatrixMut<'_>, start: Start<'_>) {
        multiply(self.set, [(self.left(), Right::Rows(b)), NOTHING], c, start);
    }

    fn left(&self) -> Left<'_> {
        let values = &self.values.all()[..self.depth * self.columns];
        Left::Tiles { values, rows: self.columns, depth: self.depth }
    }
}

/// Copies a few columns into a tile of `width` columns, from column `left` on; the values of a row are contiguous.
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
    // Common tile sizes, as copies of constant length.
    fixed!(1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14);
}
