//! Sizes and offsets of the images of a batch before and after a convolution.

use std::ops::Range;

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, ShapeError};
use stapes_kernels::norm::{AvgPool, sign_bytes};

use crate::layer::{Pass, Shape};

/// A convolution followed by average pooling, for images of one height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    shape: ConvolutionShape,
    avg_pool: AvgPool,
    /// Height of the images.
    pub(super) height: usize,
    /// Width of the images, if it is fixed.
    width: Option<usize>,
}

/// Sizes and buffer ranges of one image of a batch.
pub(super) struct Example {
    pub(super) size: [usize; 2],
    /// Size of the convolution's output.
    pub(super) convolution_size: [usize; 2],
    pub(super) input: Range<usize>,
    /// Output of the convolution.
    pub(super) y: Range<usize>,
    /// Output of average pooling.
    pub(super) output: Range<usize>,
    /// Signs of the convolution's output.
    pub(super) signs: Range<usize>,
}

impl Geometry {
    /// Creates the geometry for images of this height, and of this width or of any.
    ///
    /// # Errors
    /// [`ShapeError`] if the window does not fit into the image, or nothing is left for pooling. Images of
    /// any width may be one column wide.
    pub(super) fn new(
        shape: ConvolutionShape,
        avg_pool: AvgPool,
        (height, width): (usize, Option<usize>),
    ) -> Result<Geometry, ShapeError> {
        let output = shape.output([height, width.unwrap_or(1)])?;
        let window = avg_pool.window();
        for (axis, name) in ["height", "width"].into_iter().enumerate() {
            if output[axis] < window[axis] {
                let (window, size) = (window[axis], output[axis]);
                return Err(ShapeError::Window { axis: name, window, size, padding: 0 });
            }
        }
        Ok(Geometry { shape, avg_pool, height, width })
    }

    /// Number of columns in a window before the last one.
    pub(super) fn past_columns(&self) -> usize {
        (self.shape.kernel[1] - 1) * self.shape.dilation[1]
    }

    /// The convolution of images as wide as the window.
    pub(super) fn window_convolution(&self) -> Convolution {
        let [rows, _] = self.shape.padding;
        let shape = ConvolutionShape { padding: [rows, [0, 0]], ..self.shape };
        // `new` checked the shape.
        Convolution::new(InstructionSet::best(), shape).unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// Size [H', W'] of the convolution's output for an image of this width.
    pub(super) fn convolution_size(&self, width: usize) -> [usize; 2] {
        let size = self.shape.output([self.height, width]);
        // `new` checked the narrowest image, and `max_length` bounds the widest.
        size.unwrap_or_else(|error| panic!("an image {width} wide: {error}"))
    }

    /// Output width for an image of this width.
    pub(super) fn output_width(&self, width: usize) -> usize {
        self.avg_pool.output(self.convolution_size(width))[1]
    }

    pub(super) fn output_shape(&self) -> Shape {
        let [height, width] = self.avg_pool.output(self.convolution_size(self.width.unwrap_or(1)));
        Shape::Image { channels: self.shape.outputs, height, width: self.width.map(|_| width) }
    }

    /// True if a window is one element, and the output has the size of the input.
    fn is_pointwise(&self) -> bool {
        let ConvolutionShape { kernel, stride, padding, .. } = self.shape;
        let is_single = [kernel, stride] == [[1, 1]; 2] && padding == [[0, 0]; 2];
        is_single && self.avg_pool == AvgPool::None
    }

    /// The images of a batch, in the caller's order.
    pub(super) fn examples<'a>(self, pass: Pass<'a>) -> impl Iterator<Item = Example> + use<'a> {
        let mut next = [0; 4];
        pass.sequences.lengths().iter().map(move |&width| {
            let (size, convolution_size) = ([self.height, width], self.convolution_size(width));
            // The windows of a pointwise convolution have no neighbors: rows become one row, without vectors at their ends.
            let positions = size[0].saturating_mul(size[1]);
            let (size, convolution_size) =
                match self.is_pointwise() && positions <= ConvolutionShape::MAX_SIDE {
                    true => ([1, positions], [1, positions]),
                    false => (size, convolution_size),
                };
            let output_size = self.avg_pool.output(convolution_size);
            let [inputs, outputs] = [self.shape.inputs, self.shape.outputs];
            let lens = [
                inputs * size[0] * size[1],
                outputs * convolution_size[0] * convolution_size[1],
                outputs * output_size[0] * output_size[1],
                sign_bytes(outputs, convolution_size),
            ];
            let starts = next;
            next = [0, 1, 2, 3].map(|at| starts[at] + lens[at]);
            let [input, y, output, signs] = [0, 1, 2, 3].map(|at| starts[at]..next[at]);
            Example { size, convolution_size, input, y, output, signs }
        })
    }
}
