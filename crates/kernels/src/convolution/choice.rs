//! Which of the ways to compute the same numbers is taken.

use super::ConvolutionShape;
use super::correlate::Runs;
use super::grid::Grid;

/// How many rows of the output are computed in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// All: the places at the ends of the rows, which belong to no output, come along.
    Joined,
    /// Each for itself: the last vector of each row is not full.
    Apart,
}

impl Rows {
    /// The fewer vectors; joined rows of a forward pass (`taps` of a window) must be taken apart afterwards.
    pub(super) fn choose(grid: &Grid, width: usize, taps: Option<usize>) -> Rows {
        if grid.is_dense() {
            return Rows::Joined;
        }
        let (work, after) = taps.map_or((1, 0), |taps| (taps, COPY));
        let joined = grid.positions().div_ceil(width) * (work + after);
        let apart = grid.output[0] * grid.output[1].div_ceil(width) * work;
        if joined < apart { Rows::Joined } else { Rows::Apart }
    }

    /// The runs over `rows` rows of `columns` places; those written are `pitch` apart.
    pub(super) fn runs(self, grid: &Grid, [rows, columns]: [usize; 2], pitch: usize) -> Runs {
        match self {
            Rows::Joined => Runs::one((rows - 1) * grid.pitch() + columns),
            Rows::Apart => Runs { count: rows, length: columns, from_step: grid.pitch(), to_step: pitch },
        }
    }
}

/// What copying a vector costs, in multiplications of vectors.
const COPY: usize = 3;

/// Whether the gradient by the weights is a sum of products of matrices, with output channels in the lanes of
/// vectors, rather than sums over places in the lanes.
///
/// The former wastes the lanes that the channels do not fill, the latter has to read and write a vector for
/// each weight.
pub(super) fn by_product(shape: &ConvolutionShape, places: usize, width: usize) -> bool {
    let (inputs, outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    if inputs < FEWEST_ROWS {
        return false;
    }
    let lanes = outputs * (places.div_ceil(width) + READ_AND_WRITE);
    let product = places * outputs.div_ceil(2 * width) * 2;
    product < lanes
}

/// Below, a product has too few chains of sums.
const FEWEST_ROWS: usize = 4;
const READ_AND_WRITE: usize = 4;
