//! Weights in the order in which the kernel reads them.

use super::ConvolutionShape;
use super::correlate::{max_tile_rows, tiles};
use super::grid::Grid;
use crate::InstructionSet;
use crate::buffer::Buffer;

/// Writes a matrix [rows, taps] tile by tile: for each tap, the values of the tile's rows side by side.
fn pack_tiles(set: InstructionSet, rows: usize, to: &mut [f32], value: impl Fn(usize, usize) -> f32) {
    let taps = to.len().checked_div(rows).unwrap_or(0);
    for (first, count) in tiles(rows, max_tile_rows(set.tile_rows())) {
        let to = &mut to[first * taps..][..count * taps];
        for (tap, to) in to.chunks_exact_mut(count).enumerate() {
            to.iter_mut().enumerate().for_each(|(row, to)| *to = value(first + row, tap));
        }
    }
}

/// Weights of each group: rows are its outputs, taps are (input, KH, KW).
#[derive(Clone, Default)]
pub(super) struct ForwardWeights {
    values: Buffer,
    len: usize,
}

impl ForwardWeights {
    pub(super) fn pack(&mut self, set: InstructionSet, shape: &ConvolutionShape, weights: &[f32]) {
        assert_eq!(weights.len(), shape.weights(), "length of the weights");
        self.len = weights.len();
        let (rows, taps) = (shape.outputs / shape.groups, shape.taps());
        let groups = self.values.sized(self.len).chunks_exact_mut(rows * taps);
        for (to, from) in groups.zip(weights.chunks_exact(rows * taps)) {
            pack_tiles(set, rows, to, |row, tap| from[row * taps + tap]);
        }
    }

    /// Weights of all groups; with one row per group in the order of the parameters.
    pub(super) fn all(&self, shape: &ConvolutionShape) -> &[f32] {
        assert_eq!(self.len, shape.weights(), "forward before pack_weights");
        &self.values.all()[..self.len]
    }

    pub(super) fn group(&self, shape: &ConvolutionShape, group: usize) -> &[f32] {
        assert_eq!(self.len, shape.weights(), "forward before pack_weights");
        let len = self.len / shape.groups;
        &self.values.all()[group * len..][..len]
    }
}

/// Weights of each group and plane: rows are the group's inputs, taps are (output, window element of this plane).
#[derive(Clone, Default)]
pub(super) struct BackwardWeights {
    values: Buffer,
    len: usize,
    /// Window elements of each plane.
    windows: Vec<Vec<usize>>,
}

impl BackwardWeights {
    pub(super) fn pack(&mut self, set: InstructionSet, shape: &ConvolutionShape, weights: &[f32]) {
        assert_eq!(weights.len(), shape.weights(), "length of the weights");
        if self.windows.is_empty() {
            self.windows = windows(shape);
        }
        self.len = weights.len();
        let (rows, outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
        let window = shape.kernel[0] * shape.kernel[1];
        let mut to = self.values.sized(self.len);
        for from in weights.chunks_exact(rows * outputs * window) {
            for of_plane in &self.windows {
                let (here, rest) = std::mem::take(&mut to).split_at_mut(rows * outputs * of_plane.len());
                to = rest;
                pack_tiles(set, rows, here, |row, tap| {
                    let (output, number) = (tap / of_plane.len(), of_plane[tap % of_plane.len()]);
                    from[(output * rows + row) * window + number]
                });
            }
        }
    }

    /// Window elements of each plane, in order.
    pub(super) fn windows(&self) -> &[Vec<usize>] {
        &self.windows
    }

    /// Weights of a group for a plane.
    pub(super) fn plane(&self, shape: &ConvolutionShape, group: usize, plane: usize) -> &[f32] {
        assert_eq!(self.len, shape.weights(), "backward before begin_backward");
        let of_window = self.len / shape.groups / (shape.kernel[0] * shape.kernel[1]);
        let before: usize = self.windows[..plane].iter().map(Vec::len).sum();
        let start = group * (self.len / shape.groups) + before * of_window;
        &self.values.all()[start..][..self.windows[plane].len() * of_window]
    }
}

/// Returns the window elements of each plane, which are the same for all sizes of the input.
fn windows(shape: &ConvolutionShape) -> Vec<Vec<usize>> {
    let smallest = [0, 1].map(|axis| shape.dilation[axis] * (shape.kernel[axis] - 1) + 1);
    let grid = Grid::new(&ConvolutionShape { padding: [[0, 0]; 2], ..*shape }, smallest);
    let mut planes = vec![Vec::new(); grid.phases[0] * grid.phases[1]];
    for (number, window) in grid.windows().enumerate() {
        planes[grid.tap(window).0].push(number);
    }
    planes
}
