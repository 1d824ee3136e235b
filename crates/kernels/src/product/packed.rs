//! A matrix B that is packed once for many products.

use super::matrix::{Matrix, MatrixMut, Start};
use super::tile::{self, BLOCK, Factors, Layout, Sweep, TileStart};
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::simd::{Simd, kernel};
use crate::sizes;

/// A matrix B [K, N] in column panels, for products A B that reuse it.
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
    /// Creates an empty matrix for this instruction set.
    pub fn new(set: InstructionSet) -> Packed {
        Packed { set, depth: 0, columns: 0, panels: Buffer::default() }
    }

    /// Packs B and replaces the previous matrix.
    pub fn pack(&mut self, b: Matrix<'_>) {
        let panels = b.columns().div_ceil(2 * self.set.width());
        let len = sizes::count([b.rows(), panels, 2 * self.set.width()]);
        pack(self.set, b, self.panels.sized(len));
        (self.depth, self.columns) = (b.rows(), b.columns());
    }

    pub(super) fn set(&self) -> InstructionSet {
        self.set
    }

    /// Number of rows of B, K.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Number of columns of B, N.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Computes C = start + A B.
    ///
    /// # Shapes
    /// A [M, K], C [M, N], start row `[N]`
    ///
    /// # Panics
    /// If the shapes do not match, or A is transposed (use [`super::Products`] for a transposed A).
    pub fn multiply(&self, a: Matrix<'_>, c: MatrixMut<'_>, start: Start<'_>) {
        assert_eq!(c.columns(), self.columns, "columns of C and of B");
        multiply(self.set, [(Left::Rows(a), Right::Packed(self)), NOTHING], c, start);
    }

    /// Computes C = start + A B + A' B'. The result is bit for bit that of [`Packed::multiply`] by B and then by B',
    /// but C is not written in between.
    ///
    /// # Shapes
    /// A [M, K], A' [M, K'], C [M, N] with N the columns of B (B' may have more), start row `[N]`
    ///
    /// # Panics
    /// As [`Packed::multiply`].
    pub fn multiply_both(
        &self,
        a: Matrix<'_>,
        (more, by): (Matrix<'_>, &Packed),
        c: MatrixMut<'_>,
        start: Start<'_>,
    ) {
        assert_eq!(c.columns(), self.columns, "columns of C and of B");
        let second = (Left::Rows(more), Right::Packed(by));
        multiply(self.set, [(Left::Rows(a), Right::Packed(self)), second], c, start);
    }
}

/// Placeholder for an unused second product.
pub(super) const NOTHING: (Left<'static>, Right<'static>) =
    (Left::Tiles { values: &[], rows: 0, depth: 0 }, Right::Nothing);

kernel! {
    /// Copies B into panels: for each block of [`BLOCK`] rows, for each panel, row by row.
    fn pack(b: Matrix<'_>, panels: &mut [f32]) = pack_generic
}

#[inline(always)]
fn pack_generic<S: Simd>(simd: S, b: Matrix<'_>, panels: &mut [f32]) {
    let width = 2 * S::WIDTH;
    let mut panels = panels;
    if panels.is_empty() {
        return;
    }
    for block in (0..b.rows()).step_by(BLOCK) {
        let depth = BLOCK.min(b.rows() - block);
        for first in (0..b.columns()).step_by(width) {
            let columns = width.min(b.columns() - first);
            let (panel, rest) = std::mem::take(&mut panels).split_at_mut(depth * width);
            panels = rest;
            pack_panel(simd, b.rows_from(block, depth).columns_from(first, columns), panel);
        }
    }
}

/// Copies B, at most as wide as a panel, into a panel.
#[inline(always)]
fn pack_panel<S: Simd>(simd: S, b: Matrix<'_>, panel: &mut [f32]) {
    let (width, columns) = (2 * S::WIDTH, b.columns());
    if columns < width {
        panel.fill(0.0);
    }
    if b.column_stride() != 1 {
        return transpose(simd, b.transposed(), panel, width);
    }
    for (k, to) in panel.chunks_exact_mut(width).enumerate() {
        if columns == width {
            // The length is known at compile time.
            to.copy_from_slice(&b.row(k)[..2 * S::WIDTH]);
        } else {
            to[..columns].copy_from_slice(b.row(k));
        }
    }
}

/// Writes the transpose of a matrix; its rows start `stride` values apart.
#[inline(always)]
pub(crate) fn transpose<S: Simd>(simd: S, from: Matrix<'_>, to: &mut [f32], stride: usize) {
    let (rows, columns) = (from.rows(), from.columns());
    assert!(from.column_stride() == 1 && rows <= stride, "rows of the transpose");
    assert!(sizes::extent([(columns, stride), (rows, 1)]) <= to.len(), "length of the transpose");
    let (whole_rows, whole_columns) = (rows - rows % 8, columns - columns % 8);
    for row in (0..whole_rows).step_by(8) {
        for column in (0..whole_columns).step_by(8) {
            let at = column * stride + row;
            // SAFETY: eight rows and columns from here on are within both, by the assertions above.
            unsafe {
                let to = to[at..].as_mut_ptr();
                simd.transpose8(from.pointer(row, column), from.row_stride(), to, stride);
            }
        }
    }
    for row in 0..rows {
        let done = if row < whole_rows { whole_columns } else { 0 };
        for (column, &value) in from.row(row).iter().enumerate().skip(done) {
            to[column * stride + row] = value;
        }
    }
}

/// The left factor A of a product with packed panels.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    /// Rows with contiguous columns.
    Rows(Matrix<'a>),
    /// [M, K] in the order of the tiles: for each [`BLOCK`] of K, tile by tile as in [`tile::split_rows`], with the
    /// rows of a tile side by side for each k.
    Tiles { values: &'a [f32], rows: usize, depth: usize },
}

impl Left<'_> {
    fn shape(&self) -> (usize, usize) {
        match *self {
            Left::Rows(matrix) => (matrix.rows(), matrix.columns()),
            Left::Tiles { rows, depth, .. } => (rows, depth),
        }
    }
}

/// The right factor B of a product.
#[derive(Clone, Copy)]
pub(super) enum Right<'a> {
    Packed(&'a Packed),
    /// Rows with contiguous columns; values after each row may be read up to a whole panel.
    Rows(Matrix<'a>),
    /// No product.
    Nothing,
}

impl Right<'_> {
    fn shape(&self) -> (usize, usize) {
        match self {
            Right::Packed(packed) => (packed.depth, packed.columns),
            Right::Rows(matrix) => (matrix.rows(), matrix.columns()),
            Right::Nothing => (0, 0),
        }
    }

    /// Panics unless whole panels can be read.
    fn check<S: Simd>(&self) {
        match self {
            Right::Packed(packed) => {
                assert_eq!(packed.set.width(), S::WIDTH, "B is packed for another instruction set");
            }
            Right::Rows(matrix) => {
                assert_eq!(matrix.column_stride(), 1, "the columns of B must be contiguous");
                let width = sizes::count([matrix.columns().div_ceil(2 * S::WIDTH), 2 * S::WIDTH]);
                assert!(matrix.has_width(width), "the rows of B must be readable to the end of a panel");
            }
            Right::Nothing => {}
        }
    }

    /// Returns the start of the rows from `block` on, the distance between panels and the distance between rows.
    fn block(&self, block: usize, depth: usize, width: usize) -> (*const f32, usize, usize) {
        match self {
            Right::Packed(packed) => {
                let start = block * packed.columns.next_multiple_of(width);
                (packed.panels.all()[start..].as_ptr(), depth * width, width)
            }
            Right::Rows(matrix) => (matrix.pointer(block, 0), width, matrix.row_stride()),
            Right::Nothing => (std::ptr::null(), 0, 0),
        }
    }
}

kernel! {
    /// Computes C = start + A B + A' B' for the first columns of B, as many as C has.
    pub(super) fn multiply(
        products: [(Left<'_>, Right<'_>); 2],
        c: MatrixMut<'_>,
        start: Start<'_>
    ) = multiply_generic
}

#[inline(always)]
fn multiply_generic<S: Simd>(
    simd: S,
    products: [(Left<'_>, Right<'_>); 2],
    mut c: MatrixMut<'_>,
    start: Start<'_>,
) {
    let width = 2 * S::WIDTH;
    let rows = c.rows();
    let in_tiles = |(a, _): &(Left<'_>, Right<'_>)| matches!(a, Left::Tiles { .. });
    assert!(
        matches!(products[1].1, Right::Nothing) || in_tiles(&products[0]) == in_tiles(&products[1]),
        "both A must have the same layout"
    );
    for (a, b) in &products {
        if let Right::Nothing = b {
            continue;
        }
        let depth = b.shape().0;
        b.check::<S>();
        assert_eq!(a.shape(), (rows, depth), "rows of A and of C, columns of A and rows of B");
        assert!(c.columns() <= b.shape().1, "columns of C and of B");
        match a {
            Left::Rows(a) => {
                assert!(a.column_stride() == 1 || depth <= 1, "the columns of A must be contiguous")
            }
            Left::Tiles { values, .. } => {
                assert_eq!(values.len(), sizes::count([rows, depth]), "the tiles of A")
            }
        }
    }
    if let Start::Row(row) = start {
        assert_eq!(row.len(), c.columns(), "the starting row and the columns of C");
    }
    if c.rows() == 0 || c.columns() == 0 {
        return;
    }
    // Blocks of k, two at a time where the first product ends and the second begins.
    let mut sweep = Sweep {
        rows,
        columns: c.columns(),
        factors: [Factors::NONE; 2],
        products: 0,
        layout: match products[0].0 {
            Left::Rows(_) => Layout::Rows,
            Left::Tiles { .. } => Layout::Tiles,
        },
        c: c.pointer(0),
        c_stride: c.stride(),
        start: match start {
            Start::Zero => TileStart::Zero,
            Start::Keep => TileStart::Keep,
            Start::Row(row) => TileStart::Row(row.as_ptr()),
        },
    };
    let [(_, first), (_, second)] = &products;
    let whole = first.shape().0 <= BLOCK && second.shape().0 <= BLOCK;
    for (a, b) in &products {
        let depth = b.shape().0;
        for block in (0..depth).step_by(BLOCK) {
            let here = BLOCK.min(depth - block);
            let (a, a_stride) = match a {
                Left::Rows(a) => (a.pointer(0, block), a.row_stride()),
                Left::Tiles { values, .. } => (values[block * rows..].as_ptr(), 0),
            };
            let (b, b_panel, b_step) = b.block(block, here, width);
            sweep.factors[sweep.products] = Factors { depth: here, a, a_stride, b, b_panel, b_step };
            sweep.products += 1;
            if !whole {
                // SAFETY: as below.
                unsafe { tile::sweep(simd, sweep) };
                (sweep.products, sweep.start) = (0, TileStart::Keep);
            }
        }
    }
    if whole {
        // SAFETY: `Matrix`, `MatrixMut` and `Packed` contain all elements of their shapes, the tiles of A as many,
        // and the rows of B whole panels; the shapes match by the assertions above, and `c` is borrowed exclusively.
        unsafe { tile::sweep(simd, sweep) };
    }
}
