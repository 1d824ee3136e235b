//! Which of the ways to compute the same numbers is taken.

use super::ConvolutionShape;
use super::correlate::Runs;
use super::grid::Grid;

/// How many rows of the output are computed in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowMode {
    /// All: the positions at the ends of the rows, which belong to no output, come along.
    Joined,
    /// Each for itself: the last vector of each row is not full.
    Separate,
}

impl RowMode {
    /// The fewer vectors; joined rows of a forward pass (`taps` of a window) must be taken apart afterwards.
    pub(super) fn choose(grid: &Grid, width: usize, taps: Option<usize>) -> RowMode {
        if grid.is_dense() {
            return RowMode::Joined;
        }
        let (work, after) = taps.map_or((1, 0), |taps| (taps, COPY));
        let joined = grid.positions().div_ceil(width) * (work + after);
        let apart = grid.output[0] * grid.output[1].div_ceil(width) * work;
        if joined < apart { RowMode::Joined } else { RowMode::Separate }
    }

    /// The runs over `rows` rows of `columns` positions; those written are `pitch` apart.
    pub(super) fn runs(self, grid: &Grid, [rows, columns]: [usize; 2], pitch: usize) -> Runs {
        match self {
            RowMode::Joined => Runs::one((rows - 1) * grid.pitch() + columns),
            RowMode::Separate => {
                Runs { count: rows, length: columns, from_step: grid.pitch(), to_step: pitch }
            }
        }
    }
}

/// What copying a vector costs, in multiplications of vectors.
const COPY: usize = 3;

/// Whether the gradient by the weights is a sum of products of matrices, with output channels in the lanes of
/// vectors, rather than sums over positions in the lanes.
///
/// The former wastes the lanes that the channels do not fill, the latter has to read and write a vector for
/// each weight.
pub(super) fn uses_matrix_product(shape: &ConvolutionShape, positions: usize, width: usize) -> bool {
    let (inputs, outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    if inputs < MIN_ROWS {
        return false;
    }
    let lanes = outputs * (positions.div_ceil(width) + READ_AND_WRITE);
    let product = positions * outputs.div_ceil(2 * width) * 2;
    product < lanes
}

/// Below, a product has too few chains of sums.
const MIN_ROWS: usize = 4;
const READ_AND_WRITE: usize = 4;
