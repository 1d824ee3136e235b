//! Choice between equivalent ways to compute the same values.

use super::ConvolutionShape;
use super::correlate::Runs;
use super::grid::Grid;

/// Grouping of the output rows into runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowMode {
    /// All rows in one run, including the positions at the ends of the rows, which belong to no output.
    Joined,
    /// One run per row; the last vector of each row is not full.
    Separate,
}

impl RowMode {
    /// Returns the mode with fewer vectors. In a forward pass (`taps` of a window) joined rows must be separated
    /// afterwards.
    pub(super) fn choose(grid: &Grid, width: usize, taps: Option<usize>) -> RowMode {
        if grid.is_dense() {
            return RowMode::Joined;
        }
        let (work, after) = taps.map_or((1, 0), |taps| (taps, COPY));
        let joined = grid.positions().div_ceil(width) * (work + after);
        let separate = grid.output[0] * grid.output[1].div_ceil(width) * work;
        if joined < separate { RowMode::Joined } else { RowMode::Separate }
    }

    /// Returns the runs over `rows` rows of `columns` positions; the destination rows are `pitch` separate.
    pub(super) fn runs(self, grid: &Grid, [rows, columns]: [usize; 2], pitch: usize) -> Runs {
        match self {
            RowMode::Joined => Runs::one((rows - 1) * grid.pitch() + columns),
            RowMode::Separate => {
                Runs { count: rows, length: columns, from_step: grid.pitch(), to_step: pitch }
            }
        }
    }
}

/// Cost of copying a vector, in multiplications of vectors.
const COPY: usize = 3;

/// True if the gradient w.r.t. the weights is computed as matrix products with output channels in the lanes of
/// vectors, instead of sums over positions in the lanes.
///
/// The products waste the lanes that the channels do not fill; the sums read and write a vector for each weight.
pub(super) fn uses_matrix_product(shape: &ConvolutionShape, positions: usize, width: usize) -> bool {
    let (inputs, outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    if inputs < MIN_ROWS {
        return false;
    }
    let lanes = outputs * (positions.div_ceil(width) + READ_AND_WRITE);
    let product = positions * outputs.div_ceil(2 * width) * 2;
    product < lanes
}

/// Below this number of rows, a product has too few independent chains.
const MIN_ROWS: usize = 4;
const READ_AND_WRITE: usize = 4;
