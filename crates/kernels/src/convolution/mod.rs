//! Convolution of one example at a time, forward and backward.
//!
//! An example is [C, H, W] of its own size, channels first as in PyTorch; in one dimension H is 1. Weights
//! are prepared once for all examples of a batch. What follows the convolution in most nets (batch
//! normalisation, rectification, the mean of neighbours) is done on the way out, strip by strip in the first
//! cache, and undone on the way back; see [`Epilogue`](crate::norm::Epilogue).
//!
//! An output is one chain of sums over (channel, row, column) of its window, from the bias on: it depends on
//! nothing but its window. Gradients by the weights are summed over examples in the order of the calls.
//!
//! # How it is fast
//!
//! `grid` lays an example so that the numbers of a window lie at fixed distances from its position, whatever
//! stride, padding and dilation are. So one kernel, `correlate`, serves the forward pass and the gradient by
//! the input: a tile of rows (channels) by vectors of positions in registers, one step for each number of the
//! window, and no copies of windows. `choice` says where rows are joined to one run, and where the gradient
//! by the weights becomes a product of matrices.

mod backward;
#[allow(unsafe_code, reason = "tiles reached by pointers")]
mod correlate;
mod forward;
#[allow(unsafe_code, reason = "tiles reached by pointers")]
mod gradient;
mod grid;
mod packing;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
#[allow(unsafe_code, reason = "rows reached by pointers")]
mod rows;
mod shape;
mod strategy;
mod taps;
mod weight_gradients;

use packing::{BackwardWeights, ForwardWeights};
pub use shape::{ConvolutionShape, ShapeError};
pub(crate) use shape::{check_pooling, window_positions};
use taps::Taps;
use weight_gradients::WeightGradients;

use crate::InstructionSet;
use crate::buffer::Buffer;

/// The parameters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// [outputs, inputs / groups, KH, KW]
    pub weights: &'a [f32],
    /// `[outputs]`
    pub bias: Option<&'a [f32]>,
}

/// Where the gradients by the parameters are added.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// [outputs, inputs / groups, KH, KW]
    pub weights: &'a mut [f32],
    /// `[outputs]`
    pub bias: Option<&'a mut [f32]>,
}

/// Runs a convolution, and owns the memory that this takes.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
/// use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, Weights};
/// use stapes_kernels::norm::{Epilogue, EpilogueGradient};
///
/// let shape = ConvolutionShape::new(1, 1, [1, 2]);
/// let mut convolution = Convolution::new(InstructionSet::best(), shape)?;
/// let weights = [1.0, -1.0];
/// convolution.pack_weights(Weights { weights: &weights, bias: Some(&[0.5]) });
/// let (input, size) = ([1.0, 4.0, 2.0], [1, 3]);
/// let mut output = [0.0; 2];
/// convolution.forward((&input, size), Epilogue::default(), &mut output, None);
/// assert_eq!(output, [-2.5, 2.5]);
///
/// convolution.begin_backward(&weights);
/// let (mut d_input, mut d_weights) = ([0.0; 3], [0.0; 2]);
/// let gradient = EpilogueGradient::plain(&[1.0, 10.0]);
/// convolution.backward((&input, size), gradient, Some(&mut d_input));
/// convolution.finish_backward(Gradients { weights: &mut d_weights, bias: None });
/// assert_eq!((d_input, d_weights), ([1.0, 9.0, -10.0], [41.0, 24.0]));
/// # Ok::<(), stapes_kernels::convolution::ShapeError>(())
/// ```
#[derive(Clone)]
pub struct Convolution {
    set: InstructionSet,
    shape: ConvolutionShape,
    forward: ForwardWeights,
    bias: Option<Vec<f32>>,
    backward: BackwardWeights,
    planes: Buffer,
    /// A strip of outputs before they are forward_strips.
    strip: Buffer,
    /// The gradient by the output, gradient_planes as the planes are.
    d_output: Buffer,
    d_planes: Buffer,
    taps: Taps,
    sums: WeightGradients,
}

impl Convolution {
    /// A convolution of this shape, for this instruction set.
    ///
    /// # Errors
    /// Those of [`ConvolutionShape::check`].
    pub fn new(set: InstructionSet, shape: ConvolutionShape) -> Result<Convolution, ShapeError> {
        shape.check()?;
        Ok(Convolution {
            set,
            shape,
            forward: ForwardWeights::default(),
            bias: None,
            backward: BackwardWeights::default(),
            planes: Buffer::default(),
            strip: Buffer::default(),
            d_output: Buffer::default(),
            d_planes: Buffer::default(),
            taps: Taps::default(),
            sums: WeightGradients::new(set, &shape),
        })
    }

    /// The shape.
    pub fn shape(&self) -> &ConvolutionShape {
        &self.shape
    }

    /// Prepares the weights for the forward pass: once for all examples until they change.
    ///
    /// # Panics
    /// If they are not as many as the shape says.
    pub fn pack_weights(&mut self, weights: Weights<'_>) {
        self.forward.pack(self.set, &self.shape, weights.weights);
        match weights.bias {
            None => self.bias = None,
            Some(bias) => {
                assert_eq!(bias.len(), self.shape.outputs, "numbers of the bias");
                let kept = self.bias.get_or_insert_default();
                kept.clear();
                kept.extend_from_slice(bias);
            }
        }
    }
}
