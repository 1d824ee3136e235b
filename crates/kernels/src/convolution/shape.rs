//! The shape of a convolution, and the sizes that follow from it.

use crate::sizes;

/// Channels, window and steps of a convolution; in one dimension all heights are 1.
///
/// # Example
/// ```
/// use stapes_kernels::convolution::ConvolutionShape;
///
/// let shape = ConvolutionShape { stride: [1, 2], ..ConvolutionShape::new(3, 8, [1, 5]) };
/// assert_eq!(shape.output([1, 100]), Ok([1, 48]));
/// assert_eq!(shape.weights(), 8 * 3 * 5);
/// assert!(shape.output([1, 4]).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvolutionShape {
    /// Number of input channels.
    pub inputs: usize,
    /// Number of output channels.
    pub outputs: usize,
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Step between two positions of the window.
    pub stride: [usize; 2],
    /// Zeros before and after the input, for height and width.
    pub padding: [[usize; 2]; 2],
    /// Step between two elements of the window.
    pub dilation: [usize; 2],
    /// Number of channel groups; the outputs of a group read only the inputs of the same group.
    pub groups: usize,
}

/// Reason why a shape is invalid or does not fit an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A value is 0.
    #[error("{field} = 0: must be at least 1")]
    Zero {
        /// Name of the value.
        field: &'static str,
    },
    /// A value is too large: no convolution needs it, and products of sizes could overflow.
    #[error("{field} = {value}: must be at most {max}")]
    TooLarge {
        /// Name of the value.
        field: &'static str,
        /// The value.
        value: usize,
        /// Largest allowed value.
        max: usize,
    },
    /// The groups do not divide the channels.
    #[error("groups = {groups} does not divide the {channels} {field}; choose a divisor")]
    Groups {
        /// Kind of the channels: inputs or outputs.
        field: &'static str,
        /// Number of channels.
        channels: usize,
        /// Number of groups.
        groups: usize,
    },
    /// The window is larger than the padded input.
    #[error(
        "{axis}: a window of {window} does not fit an input of {size} with {padding} of padding; use a smaller window"
    )]
    Window {
        /// Axis: height or width.
        axis: &'static str,
        /// Size of the window, including dilation.
        window: usize,
        /// Size of the input without padding.
        size: usize,
        /// Zeros on both sides together.
        padding: usize,
    },
    /// The window or the stride of a pooling layer is 0.
    #[error("{axis}: a pooling window of {window} with stride {stride}: both must be at least 1")]
    Pooling {
        /// Axis: height or width.
        axis: &'static str,
        /// Size of the window.
        window: usize,
        /// Stride.
        stride: usize,
    },
}

const AXES: [&str; 2] = ["height", "width"];

/// Limits that keep every product of sizes below 2^63: channels, sides of a kernel, and sides of an input (also
/// strides, dilation and padding).
const MAX_CHANNELS: usize = 1 << 16;
const MAX_KERNEL: usize = 1 << 14;
const MAX_SIDE: usize = 1 << 22;

impl ConvolutionShape {
    /// Largest height or width of an input.
    pub const MAX_SIDE: usize = MAX_SIDE;

    /// Creates a shape with stride 1, no padding, no dilation and one group.
    pub const fn new(inputs: usize, outputs: usize, kernel: [usize; 2]) -> ConvolutionShape {
        ConvolutionShape {
            inputs,
            outputs,
            kernel,
            stride: [1, 1],
            padding: [[0, 0]; 2],
            dilation: [1, 1],
            groups: 1,
        }
    }

    /// Checks everything that does not depend on the size of the input.
    ///
    /// # Errors
    /// [`ShapeError::Zero`], [`ShapeError::TooLarge`], [`ShapeError::Groups`].
    pub fn check(&self) -> Result<(), ShapeError> {
        let values = [
            ("inputs", self.inputs),
            ("outputs", self.outputs),
            ("kernel height", self.kernel[0]),
            ("kernel width", self.kernel[1]),
            ("stride height", self.stride[0]),
            ("stride width", self.stride[1]),
            ("dilation height", self.dilation[0]),
            ("dilation width", self.dilation[1]),
            ("groups", self.groups),
        ];
        if let Some(&(field, _)) = values.iter().find(|(_, number)| *number == 0) {
            return Err(ShapeError::Zero { field });
        }
        let limits = [
            ("inputs", self.inputs, MAX_CHANNELS),
            ("outputs", self.outputs, MAX_CHANNELS),
            ("kernel height", self.kernel[0], MAX_KERNEL),
            ("kernel width", self.kernel[1], MAX_KERNEL),
            ("stride height", self.stride[0], MAX_SIDE),
            ("stride width", self.stride[1], MAX_SIDE),
            ("dilation height", self.dilation[0], MAX_SIDE),
            ("dilation width", self.dilation[1], MAX_SIDE),
            ("padding height before", self.padding[0][0], MAX_SIDE),
            ("padding height after", self.padding[0][1], MAX_SIDE),
            ("padding width before", self.padding[1][0], MAX_SIDE),
            ("padding width after", self.padding[1][1], MAX_SIDE),
        ];
        check_limits(&limits)?;
        let groups = self.groups;
        for (field, channels) in [("inputs", self.inputs), ("outputs", self.outputs)] {
            if channels % groups != 0 {
                return Err(ShapeError::Groups { field, channels, groups });
            }
        }
        Ok(())
    }

    /// Size [H, W] of the output for an input of this size, rounded down as in PyTorch.
    ///
    /// # Errors
    /// Those of [`ConvolutionShape::check`], [`ShapeError::TooLarge`], [`ShapeError::Window`].
    pub fn output(&self, size: [usize; 2]) -> Result<[usize; 2], ShapeError> {
        self.check()?;
        check_limits(&[("height", size[0], MAX_SIDE), ("width", size[1], MAX_SIDE)])?;
        let mut output = [0; 2];
        for axis in 0..2 {
            let window = sizes::extent([(self.kernel[axis], self.dilation[axis])]);
            output[axis] = window_positions(
                axis,
                (window, self.stride[axis]),
                size[axis],
                self.padding[axis][0].saturating_add(self.padding[axis][1]),
            )?;
        }
        Ok(output)
    }

    /// Number of weights, [outputs, inputs / groups, KH, KW].
    pub fn weights(&self) -> usize {
        sizes::count([self.outputs, self.taps()])
    }

    /// Number of window elements over all input channels of one output.
    pub(super) fn taps(&self) -> usize {
        sizes::count([self.inputs / self.groups.max(1), self.kernel[0], self.kernel[1]])
    }
}

fn check_limits(limits: &[(&'static str, usize, usize)]) -> Result<(), ShapeError> {
    match limits.iter().find(|(_, value, max)| value > max) {
        Some(&(field, value, max)) => Err(ShapeError::TooLarge { field, value, max }),
        None => Ok(()),
    }
}

/// Number of positions of a window on an axis.
pub(crate) fn window_positions(
    axis: usize,
    (window, stride): (usize, usize),
    size: usize,
    padding: usize,
) -> Result<usize, ShapeError> {
    match size.saturating_add(padding).checked_sub(window) {
        Some(room) => Ok(room / stride + 1),
        None => Err(ShapeError::Window { axis: AXES[axis], window, size, padding }),
    }
}

/// Checks the window and the stride of a pooling layer.
pub(crate) fn check_pooling(window: [usize; 2], stride: [usize; 2]) -> Result<(), ShapeError> {
    for axis in 0..2 {
        if window[axis] == 0 || stride[axis] == 0 {
            return Err(ShapeError::Pooling { axis: AXES[axis], window: window[axis], stride: stride[axis] });
        }
    }
    Ok(())
}
