//! Products of two matrices of any layout.

use super::matrix::{Matrix, MatrixMut, Start};
use super::packed::{pack, packed_len};
use super::tile::{self, BLOCK, Layout, Sweep, TileStart};
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::simd::{Simd, kernel};

/// Rows of A in a block: 96 KiB of it stay in the second cache.
const ROWS: usize = 96;
/// Columns of B in a block: 1 MiB at most.
const COLUMNS: usize = 1024;

/// Products of two matrices, and the memory that they need.
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
    set: InstructionSet,
    a_block: Buffer,
    b_block: Buffer,
    exchanged: Buffer,
}

impl Products {
    /// Without memory yet, for this instruction set.
    pub fn new(set: InstructionSet) -> Products {
        Products { set, a_block: Buffer::default(), b_block: Buffer::default(), exchanged: Buffer::default() }
    }

    /// C = start + A B.
    ///
    /// # Shapes
    /// A [M, K], B [K, N], C [M, N], a starting row [N]
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn multiply(&mut self, a: Matrix<'_>, b: Matrix<'_>, mut c: MatrixMut<'_>, start: Start<'_>) {
        assert_eq!(a.columns(), b.rows(), "columns of A, rows of B");
        assert_eq!((c.rows(), c.columns()), (a.rows(), b.columns()), "the shape of C and of A B");
        if let Start::Row(row) = start {
            assert_eq!(row.len(), c.columns(), "the starting row and the columns of C");
        }
        if c.rows() == 0 || c.columns() == 0 {
            return;
        }
        if !self.better_exchanged(&a, &b) {
            return self.blocks(a, b, c, start);
        }
        // Cᵀ = Bᵀ Aᵀ has the same chains: a product's factors may change places.
        let (rows, columns) = (c.rows(), c.columns());
        let mut memory = std::mem::take(&mut self.exchanged);
        let numbers = memory.sized(rows * columns);
        match start {
            Start::Zero => {}
            Start::Keep => transpose(c.as_matrix(), numbers),
            Start::Row(row) => {
                numbers.chunks_exact_mut(rows).zip(row).for_each(|(to, &value)| to.fill(value))
            }
        }
        let inner = if matches!(start, Start::Zero) { Start::Zero } else { Start::Keep };
        self.blocks(b.transposed(), a.transposed(), MatrixMut::new(numbers, columns, rows), inner);
        let exchanged = Matrix::new(numbers, columns, rows).transposed();
        for row in 0..rows {
            for (column, to) in c.row_mut(row).iter_mut().enumerate() {
                *to = exchanged.get(row, column);
            }
        }
        self.exchanged = memory;
    }

    /// Whether Cᵀ = Bᵀ Aᵀ wastes fewer lanes of the panels, by enough to pay for transposing C.
    fn better_exchanged(&self, a: &Matrix<'_>, b: &Matrix<'_>) -> bool {
        let width = 2 * self.set.width();
        let waste = |columns: usize| columns.next_multiple_of(width) as f32 / columns as f32;
        a.columns() >= 64 && waste(b.columns()) > 1.2 * waste(a.rows())
    }

    /// C = start + A B, block by block of B and A.
    fn blocks(&mut self, a: Matrix<'_>, b: Matrix<'_>, mut c: MatrixMut<'_>, start: Start<'_>) {
        for left in (0..c.columns()).step_by(COLUMNS) {
            let columns = COLUMNS.min(c.columns() - left);
            for top in (0..a.columns().max(1)).step_by(BLOCK) {
                let depth = BLOCK.min(a.columns() - top);
                let b = b.rows_from(top, depth).transposed().rows_from(left, columns).transposed();
                let panels = self.b_block.sized(packed_len(depth, columns, self.set));
                pack(self.set, b, panels);
                let a = a.transposed().rows_from(top, depth).transposed();
                let start = match start {
                    _ if top > 0 => Start::Keep,
                    Start::Row(row) => Start::Row(&row[left..left + columns]),
                    other => other,
                };
                for first in (0..a.rows()).step_by(ROWS) {
                    let rows = ROWS.min(a.rows() - first);
                    let a = a.rows_from(first, rows);
                    let c = c.reborrow().rows_from(first, rows).columns_from(left, columns);
                    if a.column_stride() == 1 {
                        super::packed::multiply_panels(self.set, a, panels, c, start);
                    } else {
                        let block = self.a_block.sized(rows * depth);
                        multiply_block(self.set, Operands { a, panels, block }, c, start);
                    }
                }
            }
        }
    }
}

/// Writes C, row by row, into the rows of its transpose.
fn transpose(c: Matrix<'_>, to: &mut [f32]) {
    let rows = c.rows();
    for row in 0..rows {
        for column in 0..c.columns() {
            to[column * rows + row] = c.get(row, column);
        }
    }
}

/// A block of A, the panels of B, and memory for A's rows side by side.
struct Operands<'a> {
    a: Matrix<'a>,
    panels: &'a [f32],
    block: &'a mut [f32],
}

kernel! {
    /// C = start + A B for a block of A whose rows are not contiguous: they are laid side by side first.
    fn multiply_block(operands: Operands<'_>, c: MatrixMut<'_>, start: Start<'_>) = multiply_block_generic
}

#[inline(always)]
fn multiply_block_generic<S: Simd>(simd: S, operands: Operands<'_>, mut c: MatrixMut<'_>, start: Start<'_>) {
    let Operands { a, panels, block } = operands;
    let (depth, columns, width) = (a.columns(), c.columns(), 2 * S::WIDTH);
    assert_eq!(a.rows(), c.rows(), "rows of A and of C");
    assert_eq!(panels.len(), depth * columns.next_multiple_of(width), "packed for another product");
    if let Start::Row(row) = start {
        assert_eq!(row.len(), columns, "the starting row and the columns of C");
    }
    let (tiles, rows, longer) = tile::cut(a.rows(), S::TILE_ROWS);
    let mut first = 0;
    for tile in 0..tiles {
        let rows = rows + usize::from(tile < longer);
        let to = &mut block[first * depth..][..rows * depth];
        lay_tile(a.rows_from(first, rows).transposed(), to);
        first += rows;
    }
    let sweep = Sweep {
        rows: a.rows(),
        columns,
        depth,
        a: block.as_ptr(),
        a_layout: Layout::Tiles,
        b: panels.as_ptr(),
        b_panel: depth * width,
        c: c.pointer(0),
        c_stride: c.stride(),
        start: match start {
            Start::Zero => TileStart::Zero,
            Start::Keep => TileStart::Keep,
            Start::Row(row) => TileStart::Row(row.as_ptr()),
        },
    };
    // SAFETY: C and the panels have the sizes stated, by the assertions above; the block of A was just laid
    // out, tile by tile.
    unsafe { tile::sweep(simd, sweep) };
}

/// Copies a few columns of Aᵀ, [K, R], so that they lie side by side.
#[inline(always)]
fn lay_tile(from: Matrix<'_>, to: &mut [f32]) {
    macro_rules! fixed {
        ($($rows:literal),*) => {
            match from.columns() {
                $($rows if from.column_stride() == 1 => {
                    for (k, to) in to.as_chunks_mut::<$rows>().0.iter_mut().enumerate() {
                        to.copy_from_slice(from.row(k));
                    }
                })*
                rows => {
                    for (k, to) in to.chunks_exact_mut(rows).enumerate() {
                        to.iter_mut().enumerate().for_each(|(row, to)| *to = from.get(k, row));
                    }
                }
            }
        };
    }
    fixed!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
}
