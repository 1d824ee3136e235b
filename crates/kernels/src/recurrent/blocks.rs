//! The gate blocks of frames.

use crate::buffer::Buffer;
use crate::product::{Matrix, MatrixMut};

/// A matrix with one row of gate blocks per frame, with padding between the rows for fast products.
///
/// Each row starts at a cache line. The distance between rows is an odd number of cache lines, so that the lines of a
/// column are distributed over all sets of a cache. After each row there is room to read a whole panel.
#[derive(Clone)]
pub(super) struct Blocks {
    width: usize,
    stride: usize,
    values: Buffer,
}

impl Blocks {
    /// Number of values in a cache line, and in the widest panel.
    const LINE: usize = 16;
    const PANEL: usize = 32;

    /// Creates a matrix without rows, `width` values wide.
    pub(super) fn new(width: usize) -> Blocks {
        let lines = (width + Blocks::PANEL).div_ceil(Blocks::LINE) | 1;
        Blocks { width, stride: lines * Blocks::LINE, values: Buffer::default() }
    }

    /// Makes room for this many rows; existing values remain.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.values.sized(rows * self.stride);
    }

    pub(super) fn rows(&self, first: usize, rows: usize) -> Matrix<'_> {
        Matrix::strided(&self.values.all()[first * self.stride..], (rows, self.width), self.stride)
    }

    pub(super) fn rows_mut(&mut self, first: usize, rows: usize) -> MatrixMut<'_> {
        let (width, stride) = (self.width, self.stride);
        MatrixMut::strided(&mut self.values.all_mut()[first * stride..], (rows, width), stride)
    }
}
