//! B packed once for many products.

use super::matrix::{Matrix, MatrixMut, Start};
use super::tile::{self, BLOCK, Layout, Sweep, TileStart};
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::simd::{Simd, kernel};

/// A matrix B [K, N] copied into column panels, for products A B that reuse it.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
/// use stapes_kernels::product::{Matrix, MatrixMut, Packed, Start};
///
/// let mut packed = Packed::new(InstructionSet::best());
/// packed.pack(Matrix::new(&[1.0, 2.0, 3.0, 4.0], 2, 2));
/// let mut c = [0.0; 2];
/// packed.multiply(Matrix::new(&[10.0, 1.0], 1, 2), MatrixMut::new(&mut c, 1, 2), Start::Row(&[0.5, 0.5]));
/// assert_eq!(c, [13.5, 24.5]);
/// ```
#[derive(Clone)]
pub struct Packed {
    set: InstructionSet,
    depth: usize,
    columns: usize,
    panels: Buffer,
}

impl Packed {
    /// An empty matrix, for this instruction set.
    pub fn new(set: InstructionSet) -> Packed {
        Packed { set, depth: 0, columns: 0, panels: Buffer::default() }
    }

    /// Copies B, in place of what was packed before.
    pub fn pack(&mut self, b: Matrix<'_>) {
        (self.depth, self.columns) = (b.rows(), b.columns());
        let panels = self.panels.sized(packed_len(b.rows(), b.columns(), self.set));
        pack(self.set, b, panels);
    }

    /// K, the rows of B.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// N, the columns of B.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// C = start + A B.
    ///
    /// # Shapes
    /// A [M, K], C [M, N], a starting row [N]
    ///
    /// # Panics
    /// If the shapes do not fit, or A is transposed ([`super::Products`] multiplies what is).
    pub fn multiply(&self, a: Matrix<'_>, c: MatrixMut<'_>, start: Start<'_>) {
        assert_eq!(a.columns(), self.depth, "columns of A, rows of B");
        assert_eq!(c.columns(), self.columns, "columns of C and of B");
        let panels = &self.panels.all()[..packed_len(self.depth, self.columns, self.set)];
        multiply_panels(self.set, a, panels, c, start);
    }
}

/// Numbers that the panels of a matrix [depth, columns] take.
pub(super) fn packed_len(depth: usize, columns: usize, set: InstructionSet) -> usize {
    depth * columns.next_multiple_of(2 * set.width())
}

kernel! {
    /// Copies B into panels: for each block of [`BLOCK`] rows, for each panel, row by row.
    pub(super) fn pack(b: Matrix<'_>, panels: &mut [f32]) = pack_generic
}

#[inline(always)]
fn pack_generic<S: Simd>(_simd: S, b: Matrix<'_>, panels: &mut [f32]) {
    let width = 2 * S::WIDTH;
    let mut panels = panels;
    for block in (0..b.rows()).step_by(BLOCK) {
        let depth = BLOCK.min(b.rows() - block);
        for first in (0..b.columns()).step_by(width) {
            let columns = width.min(b.columns() - first);
            let (panel, rest) = std::mem::take(&mut panels).split_at_mut(depth * width);
            panels = rest;
            pack_panel(b, (block, first), columns, panel, width);
        }
    }
}

/// Copies `columns` columns of B, from row and column `at` on, into a panel.
#[inline(always)]
fn pack_panel(b: Matrix<'_>, at: (usize, usize), columns: usize, panel: &mut [f32], width: usize) {
    let (row, first) = at;
    if b.column_stride() == 1 {
        for (k, to) in panel.chunks_exact_mut(width).enumerate() {
            to[..columns].copy_from_slice(&b.row(row + k)[first..first + columns]);
            to[columns..].fill(0.0);
        }
        return;
    }
    if columns < width {
        panel.fill(0.0);
    }
    for column in 0..columns {
        let from = b.transposed().rows_from(first + column, 1);
        for (k, to) in panel[column..].iter_mut().step_by(width).enumerate() {
            *to = from.get(0, row + k);
        }
    }
}

kernel! {
    /// C = start + A B with B in panels.
    pub(super) fn multiply_panels(a: Matrix<'_>, panels: &[f32], c: MatrixMut<'_>, start: Start<'_>) =
        multiply_panels_generic
}

#[inline(always)]
fn multiply_panels_generic<S: Simd>(
    simd: S,
    a: Matrix<'_>,
    panels: &[f32],
    mut c: MatrixMut<'_>,
    start: Start<'_>,
) {
    let width = 2 * S::WIDTH;
    let (depth, columns) = (a.columns(), c.columns());
    assert_eq!(a.rows(), c.rows(), "rows of A and of C");
    assert!(a.column_stride() == 1 || depth <= 1, "the columns of A lie side by side");
    assert_eq!(panels.len(), depth * columns.next_multiple_of(width), "packed for another product");
    if c.rows() == 0 || columns == 0 {
        return;
    }
    if let Start::Row(row) = start {
        assert_eq!(row.len(), columns, "the starting row and the columns of C");
    }
    let mut block = 0;
    loop {
        let rows = BLOCK.min(depth - block);
        let from = &panels[block * columns.next_multiple_of(width)..];
        let part = Sweep {
            rows: c.rows(),
            columns,
            depth: rows,
            a: a.pointer(0, block),
            a_layout: Layout::Rows { stride: a.row_stride() },
            b: from.as_ptr(),
            b_panel: rows * width,
            c: c.pointer(0),
            c_stride: c.stride(),
            start: match start {
                _ if block > 0 => TileStart::Keep,
                Start::Zero => TileStart::Zero,
                Start::Keep => TileStart::Keep,
                Start::Row(row) => TileStart::Row(row.as_ptr()),
            },
        };
        // SAFETY: `Matrix` and `MatrixMut` hold all elements of their shapes, which fit each other and the
        // panels by the assertions above; `c` is borrowed exclusively.
        unsafe { tile::sweep(simd, part) };
        block += rows;
        if block >= depth {
            return;
        }
    }
}
