//! Convolution of one example at a time, forward and backward.
//!
//! An example is [C, H, W] of its own size, channels first as in PyTorch; in one dimension H is 1. Weights are packed
//! once for all examples of a batch. The layers that usually follow a convolution (batch normalization, ReLU, average
//! pooling) are computed together with it, strip by strip in the L1 cache, and backpropagated together with it; see
//! [`Epilogue`](crate::norm::Epilogue).
//!
//! An output is one chain of additions over (channel, row, column) of its window, starting from the bias; it depends
//! only on its window. Gradients w.r.t. the weights are summed over examples in the order of the calls.
//!
//! # Performance
//!
//! `grid` arranges an example so that the elements of a window have fixed offsets from its position, for any stride,
//! padding and dilation. One kernel, `correlate`, serves the forward pass and the gradient w.r.t. the input: a tile
//! of rows (channels) by vectors of positions in registers, one step for each window element, and no copies of
//! windows. Depthwise convolutions have loops of their own in `depthwise`. `strategy` decides when rows are joined
//! into one run, and when the gradient w.r.t. the weights is computed as matrix products.

mod backward;
#[allow(unsafe_code, reason = "tiles reached by pointers")]
mod correlate;
mod depthwise;
#[allow(unsafe_code, reason = "rows reached by pointers")]
mod depthwise_rows;
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

/// Parameters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// [outputs, inputs / groups, KH, KW]
    pub weights: &'a [f32],
    /// `[outputs]`
    pub bias: Option<&'a [f32]>,
}

/// Buffers to which the gradients w.r.t. the parameters are added.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// [outputs, inputs / groups, KH, KW]
    pub weights: &'a mut [f32],
    /// `[outputs]`
    pub bias: Option<&'a mut [f32]>,
}

/// A convolution layer with its working memory.
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
    /// Strip of outputs before the epilogue.
    strip: Buffer,
    /// Gradient w.r.t. the output, in the layout of the planes.
    d_output: Buffer,
    d_planes: Buffer,
    taps: Taps,
    sums: WeightGradients,
}

impl Convolution {
    /// Creates a convolution of this shape for this instruction set.
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

    /// Shape of the convolution.
    pub fn shape(&self) -> &ConvolutionShape {
        &self.shape
    }

    /// Packs the weights for the forward pass, once for all examples until the weights change.
    ///
    /// # Panics
    /// If the number of weights does not match the shape.
    pub fn pack_weights(&mut self, weights: Weights<'_>) {
        self.forward.pack(self.set, &self.shape, weights.weights);
        match weights.bias {
            None => self.bias = None,
            Some(bias) => {
                assert_eq!(bias.len(), self.shape.outputs, "length of the bias");
                let kept = self.bias.get_or_insert_default();
                kept.clear();
                kept.extend_from_slice(bias);
            }
        }
    }
}
