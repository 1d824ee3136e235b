//! Where the images of a batch lie in front of a convolution, and behind it.

use std::ops::Range;

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, ShapeError};
use stapes_kernels::norm::{Average, sign_bytes};

use crate::layer::{Pass, Shape};

/// A convolution and the means behind it, for images of one height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    shape: ConvolutionShape,
    average: Average,
    /// Of the images.
    pub(super) height: usize,
    /// Of the images, where it is fixed.
    width: Option<usize>,
}

/// One image of a batch: its sizes, and where it lies.
pub(super) struct Example {
    pub(super) size: [usize; 2],
    /// Of the convolution's output.
    pub(super) places: [usize; 2],
    pub(super) input: Range<usize>,
    /// The convolution's output.
    pub(super) y: Range<usize>,
    /// After the means.
    pub(super) output: Range<usize>,
    /// The signs of the convolution's output.
    pub(super) signs: Range<usize>,
}

impl Geometry {
    /// For images of this height, and of this width or of any.
    ///
    /// # Errors
    /// [`ShapeError`] where the window does not fit into the image, or nothing is left to take means of; an
    /// image of any width may be one place wide.
    pub(super) fn new(
        shape: ConvolutionShape,
        average: Average,
        (height, width): (usize, Option<usize>),
    ) -> Result<Geometry, ShapeError> {
        let places = shape.output([height, width.unwrap_or(1)])?;
        let window = average.window();
        for (axis, name) in ["height", "width"].into_iter().enumerate() {
            if places[axis] < window[axis] {
                let (window, size) = (window[axis], places[axis]);
                return Err(ShapeError::Window { axis: name, window, size, padding: 0 });
            }
        }
        Ok(Geometry { shape, average, height, width })
    }

    /// Columns in front of the last one of a window.
    pub(super) fn reach(&self) -> usize {
        (self.shape.kernel[1] - 1) * self.shape.dilation[1]
    }

    /// The convolution of images as wide as the window.
    pub(super) fn of_window(&self) -> Convolution {
        let [rows, _] = self.shape.padding;
        let shape = ConvolutionShape { padding: [rows, [0, 0]], ..self.shape };
        // `new` checked the shape.
        Convolution::new(InstructionSet::best(), shape).unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// Places [H', W'] of the convolution for an image of this width.
    pub(super) fn places(&self, width: usize) -> [usize; 2] {
        let places = self.shape.output([self.height, width]);
        // The narrowest image has room for the window, `new` checked it; the widest is what `longest` says.
        places.unwrap_or_else(|error| panic!("an image {width} wide: {error}"))
    }

    /// The width behind the means, for an image of this width.
    pub(super) fn output_width(&self, width: usize) -> usize {
        self.average.output(self.places(width))[1]
    }

    pub(super) fn output_shape(&self) -> Shape {
        let [height, width] = self.average.output(self.places(self.width.unwrap_or(1)));
        Shape::Image { channels: self.shape.outputs, height, width: self.width.map(|_| width) }
    }

    /// The images of a batch, in the caller's order.
    pub(super) fn examples<'a>(self, pass: Pass<'a>) -> impl Iterator<Item = Example> + use<'a> {
        let mut next = [0; 4];
        pass.sequences.lengths().iter().map(move |&width| {
            let (size, places) = ([self.height, width], self.places(width));
            let [height, behind] = self.average.output(places);
            let [inputs, outputs] = [self.shape.inputs, self.shape.outputs];
            let lens = [
                inputs * size[0] * size[1],
                outputs * places[0] * places[1],
                outputs * height * behind,
                sign_bytes(outputs, places),
            ];
            let starts = next;
            next = [0, 1, 2, 3].map(|at| starts[at] + lens[at]);
            let [input, y, output, signs] = [0, 1, 2, 3].map(|at| starts[at]..next[at]);
            Example { size, places, input, y, output, signs }
        })
    }
}
