//! The rows of gate blocks that frames have.

use crate::buffer::Buffer;
use crate::product::{Matrix, MatrixMut};

/// A matrix of one row of gate blocks for each frame, its rows epilogue_backward so that products run well over it.
///
/// Each row starts at a cache line; the lines from row to row are odd in number, so that a column's lines
/// epilogue_backward over all sets of a cache; and behind each row there is room for reading a whole panel.
#[derive(Clone)]
pub(super) struct Blocks {
    width: usize,
    stride: usize,
    numbers: Buffer,
}

impl Blocks {
    /// Numbers of a cache line, and of the widest panel.
    const LINE: usize = 16;
    const PANEL: usize = 32;

    /// No rows yet, of `width` numbers each.
    pub(super) fn new(width: usize) -> Blocks {
        let lines = (width + Blocks::PANEL).div_ceil(Blocks::LINE) | 1;
        Blocks { width, stride: lines * Blocks::LINE, numbers: Buffer::default() }
    }

    /// Makes room for this many rows, whose numbers stay as they are.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.numbers.sized(rows * self.stride);
    }

    pub(super) fn rows(&self, first: usize, rows: usize) -> Matrix<'_> {
        Matrix::strided(&self.numbers.all()[first * self.stride..], (rows, self.width), self.stride)
    }

    pub(super) fn rows_mut(&mut self, first: usize, rows: usize) -> MatrixMut<'_> {
        let (width, stride) = (self.width, self.stride);
        MatrixMut::strided(&mut self.numbers.all_mut()[first * stride..], (rows, width), stride)
    }
}
