//! Memory layout of an example, in which every window is a fixed pattern of positions.

use std::ops::Range;

use super::ConvolutionShape;
use super::rows::{Block, copy_rows};
use crate::InstructionSet;
use crate::sizes;

/// Sizes of one example.
///
/// The padded input is split into *planes*, one for each channel and each remainder of row and column modulo the
/// stride: row r and column c of the padded input are in plane (r % s, c % s) at (r / s, c / s). In a plane, element
/// k of the window at position i is at i + a constant, for any stride, padding and dilation. Rows have no gaps, so
/// the position (row, column) is one index p = row * pitch + column. Indices p at the end of a row, where no window
/// starts, are computed with the others if this is cheaper than a stop at each row.
///
/// Without stride and padding the planes are the input itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) size: [usize; 2],
    pub(super) output: [usize; 2],
    /// Height and width of a plane.
    pub(super) plane: [usize; 2],
    /// Number of planes per channel, in rows and in columns.
    pub(super) phases: [usize; 2],
    stride: [usize; 2],
    /// Zeros before the input, in height and width.
    padding: [usize; 2],
    dilation: [usize; 2],
    kernel: [usize; 2],
}

impl Grid {
    /// # Panics
    /// If the window does not fit into the input.
    pub(super) fn new(shape: &ConvolutionShape, size: [usize; 2]) -> Grid {
        let output = match shape.output(size) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        };
        let axis = |axis: usize| {
            let reach = (shape.kernel[axis] - 1) * shape.dilation[axis] / shape.stride[axis];
            output[axis] + reach
        };
        // A window of one element reads only one phase.
        let phases = |axis: usize| if shape.kernel[axis] == 1 { 1 } else { shape.stride[axis] };
        Grid {
            size,
            output,
            plane: [axis(0), axis(1)],
            phases: [phases(0), phases(1)],
            stride: shape.stride,
            padding: shape.padding.map(|[before, _]| before),
            dilation: shape.dilation,
            kernel: shape.kernel,
        }
    }

    /// True if the planes are the input itself.
    pub(super) fn is_input(&self) -> bool {
        // As many rows and columns as the input: no padding, and no row or column that no window reads.
        self.stride == [1, 1] && self.plane == self.size
    }

    /// Number of values in a plane.
    pub(super) fn plane_len(&self) -> usize {
        sizes::count(self.plane)
    }

    /// Number of values in the planes of a channel.
    pub(super) fn channel(&self) -> usize {
        sizes::count([self.phases[0], self.phases[1], self.plane_len()])
    }

    /// Distance between the rows of a plane.
    pub(super) fn pitch(&self) -> usize {
        self.plane[1]
    }

    /// Number of positions, including those at the ends of rows.
    pub(super) fn positions(&self) -> usize {
        (self.output[0] - 1) * self.pitch() + self.output[1]
    }

    /// True if every position belongs to the output.
    pub(super) fn is_dense(&self) -> bool {
        self.output[0] == 1 || self.pitch() == self.output[1]
    }

    /// Returns the plane, within its channel, of element (row, column) of a window, and its offset from the position
    /// of the window.
    pub(super) fn tap(&self, window: [usize; 2]) -> (usize, usize) {
        let at = |axis: usize| window[axis] * self.dilation[axis];
        let split = |axis: usize| {
            let stride = self.stride[axis];
            if self.phases[axis] == 1 && stride > 1 { (0, 0) } else { (at(axis) % stride, at(axis) / stride) }
        };
        let ((row_phase, row), (column_phase, column)) = (split(0), split(1));
        (row_phase * self.phases[1] + column_phase, row * self.pitch() + column)
    }

    /// Row and column of a window element; elements are in the order of the weights.
    pub(super) fn window(&self, number: usize) -> [usize; 2] {
        [number / self.kernel[1], number % self.kernel[1]]
    }

    /// All elements of the window, in the order of the weights.
    pub(super) fn windows(&self) -> impl Iterator<Item = [usize; 2]> {
        (0..self.kernel[0] * self.kernel[1]).map(|number| self.window(number))
    }

    /// Largest offset of a window element from the position of the window.
    pub(super) fn reach(&self) -> usize {
        self.windows().map(|window| self.tap(window).1).max().unwrap_or(0)
    }

    /// Returns the rows or columns of a plane that are not padding, and the row or column of the input where the
    /// first of them is.
    fn inside(&self, axis: usize, phase: usize) -> (Range<usize>, usize) {
        let (stride, padding) = (self.stride[axis], self.padding[axis]);
        let all = self.plane[axis];
        let first = padding.saturating_sub(phase).div_ceil(stride).min(all);
        let end = (self.size[axis] + padding).saturating_sub(phase).div_ceil(stride).min(all);
        if end <= first { (0..0, 0) } else { (first..end, first * stride + phase - padding) }
    }

    /// Calls `f` for each plane of a channel with the start of its inner part in the plane and in the input, and the
    /// number of rows and columns.
    fn each_plane(&self, mut f: impl FnMut(usize, usize, [usize; 2])) {
        for plane in 0..self.phases[0] * self.phases[1] {
            let (rows, row) = self.inside(0, plane / self.phases[1]);
            let (columns, column) = self.inside(1, plane % self.phases[1]);
            let start = plane * self.plane_len() + rows.start * self.pitch() + columns.start;
            f(start, row * self.size[1] + column, [rows.len(), columns.len()]);
        }
    }

    /// Copies an example [C, H, W] into planes.
    pub(super) fn split_planes(&self, set: InstructionSet, input: &[f32], planes: &mut [f32]) {
        planes.fill(0.0);
        let steps = [self.stride[0] * self.size[1], self.stride[1]];
        let channels = input.chunks_exact(self.size[0] * self.size[1]);
        for (input, planes) in channels.zip(planes.chunks_exact_mut(self.channel())) {
            self.each_plane(|plane, position, [rows, columns]| {
                let block = Block { rows, columns, from_pitch: steps[0], to_pitch: self.pitch() };
                if rows * columns == 0 {
                    return;
                }
                if steps[1] == 1 {
                    return copy_rows(set, block, &input[position..], &mut planes[plane..]);
                }
                for row in 0..rows {
                    let reach = (columns - 1) * steps[1] + 1;
                    let from = &input[position + row * block.from_pitch..][..reach];
                    let to = &mut planes[plane + row * block.to_pitch..][..columns];
                    for (column, to) in to.iter_mut().enumerate() {
                        *to = from[column * steps[1]];
                    }
                }
            });
        }
    }

    /// Copies planes back into an example; values that no window reads become 0.
    pub(super) fn merge_planes(&self, set: InstructionSet, planes: &[f32], output: &mut [f32]) {
        output.fill(0.0);
        let steps = [self.stride[0] * self.size[1], self.stride[1]];
        let channels = output.chunks_exact_mut(self.size[0] * self.size[1]);
        for (output, planes) in channels.zip(planes.chunks_exact(self.channel())) {
            self.each_plane(|plane, position, [rows, columns]| {
                let block = Block { rows, columns, from_pitch: self.pitch(), to_pitch: steps[0] };
                if rows * columns == 0 {
                    return;
                }
                if steps[1] == 1 {
                    return copy_rows(set, block, &planes[plane..], &mut output[position..]);
                }
                for row in 0..rows {
                    let reach = (columns - 1) * steps[1] + 1;
                    let from = &planes[plane + row * block.from_pitch..][..columns];
                    let to = &mut output[position + row * block.to_pitch..][..reach];
                    for (column, &from) in from.iter().enumerate() {
                        to[column * steps[1]] = from;
                    }
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_in_planes_equal_windows_in_the_padded_input() {
        for stride in [[1, 1], [2, 3], [3, 2]] {
            for padding in [[[0, 0], [0, 0]], [[1, 1], [4, 4]], [[5, 0], [1, 3]]] {
                for dilation in [[1, 1], [2, 1], [1, 3]] {
                    let shape =
                        ConvolutionShape { stride, padding, dilation, ..ConvolutionShape::new(2, 1, [2, 3]) };
                    let size = [6, 9];
                    let grid = Grid::new(&shape, size);
                    let input: Vec<f32> = (1..=2 * 54).map(|number| number as f32).collect();
                    let mut planes = vec![f32::NAN; 2 * grid.channel()];
                    grid.split_planes(InstructionSet::best(), &input, &mut planes);
                    for channel in 0..2 {
                        for row in 0..grid.output[0] {
                            for column in 0..grid.output[1] {
                                for window in grid.windows() {
                                    let (plane, shift) = grid.tap(window);
                                    let at = channel * grid.channel() + plane * grid.plane_len() + shift;
                                    let got = planes[at + row * grid.pitch() + column];
                                    let position = |axis: usize, at: usize| {
                                        (at * stride[axis] + window[axis] * dilation[axis])
                                            .checked_sub(padding[axis][0])
                                            .filter(|&at| at < size[axis])
                                    };
                                    let expected = match (position(0, row), position(1, column)) {
                                        (Some(y), Some(x)) => input[channel * 54 + y * 9 + x],
                                        _ => 0.0,
                                    };
                                    assert_eq!(got, expected, "{shape:?}, {row} {column} {window:?}");
                                    assert!(shift <= grid.reach());
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
