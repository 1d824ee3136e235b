//! Products of two matrices of any layout.

use super::matrix::{Matrix, MatrixMut, Start};
use super::outer_sum::OuterSum;
use super::packed::Packed;
use crate::InstructionSet;
use crate::sizes;

/// Rows of A and columns of B that are packed at a time: a few hundred KiB each.
const ROWS: usize = 256;
const COLUMNS: usize = 512;

/// Matrix products, with the working memory that they need.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
/// use stapes_kernels::product::{Matrix, MatrixMut, Products, Start};
///
/// let mut products = Products::new(InstructionSet::best());
/// let (a, b) = (Matrix::new(&[1.0, 2.0], 2, 1), Matrix::new(&[3.0, 4.0], 2, 1));
/// let mut c = [0.0];
/// products.multiply(a.transposed(), b, MatrixMut::new(&mut c, 1, 1), Start::Zero);
/// assert_eq!(c, [11.0]);
/// ```
#[derive(Clone)]
pub struct Products {
    a: OuterSum,
    b: Packed,
}

impl Products {
    /// Creates a multiplier for this instruction set; memory is allocated on first use.
    pub fn new(set: InstructionSet) -> Products {
        Products { a: OuterSum::new(set), b: Packed::new(set) }
    }

    /// Computes C = start + A B.
    ///
    /// # Shapes
    /// A [M, K], B [K, N], C [M, N], start row `[N]`
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn multiply(&mut self, a: Matrix<'_>, b: Matrix<'_>, mut c: MatrixMut<'_>, start: Start<'_>) {
        assert_eq!(a.columns(), b.rows(), "columns of A, rows of B");
        assert_eq!((c.rows(), c.columns()), (a.rows(), b.columns()), "the shape of C and of A B");
        if let Start::Row(row) = start {
            assert_eq!(row.len(), c.columns(), "the starting row and the columns of C");
        }
        if c.rows() == 0 || c.columns() == 0 {
            return;
        }
        let depth = a.columns();
        if self.can_skip_packing(a, b) {
            self.a.resize(depth, a.rows());
            self.a.set_rows(0, a.transposed());
            return self.a.multiply_rows(b, c, start);
        }
        for left in (0..c.columns()).step_by(COLUMNS) {
            let columns = COLUMNS.min(c.columns() - left);
            // At least once, because a product of depth 0 is its start.
            for top in (0..depth.max(1)).step_by(super::tile::BLOCK) {
                let rows = super::tile::BLOCK.min(depth - top);
                self.b.pack(b.rows_from(top, rows).columns_from(left, columns));
                let start = match start {
                    _ if top > 0 => Start::Keep,
                    Start::Row(row) => Start::Row(&row[left..left + columns]),
                    other => other,
                };
                let c = c.reborrow().columns_from(left, columns);
                self.multiply_packed(a.columns_from(top, rows), c, start);
            }
        }
    }

    /// True if A has so few rows that packing B would cost more than it saves, and B can be read in place.
    fn can_skip_packing(&self, a: Matrix<'_>, b: Matrix<'_>) -> bool {
        let set = self.b.set();
        let panels = sizes::count([b.columns().div_ceil(2 * set.width()), 2 * set.width()]);
        a.rows() <= set.tile_rows() && b.column_stride() == 1 && b.has_width(panels)
    }

    /// Computes C = start + A B for the packed B.
    fn multiply_packed(&mut self, a: Matrix<'_>, mut c: MatrixMut<'_>, start: Start<'_>) {
        if a.column_stride() == 1 {
            return self.b.multiply(a, c, start);
        }
        for first in (0..a.rows()).step_by(ROWS) {
            let rows = ROWS.min(a.rows() - first);
            self.a.resize(a.columns(), rows);
            self.a.set_rows(0, a.rows_from(first, rows).transposed());
            self.a.multiply(&self.b, c.reborrow().rows_from(first, rows), start);
        }
    }
}
