//! What a convolution is made of, and the sizes that follow.

/// A convolution's channels, window and steps; in one dimension the height of everything is 1.
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
    /// Channels that go in.
    pub inputs: usize,
    /// Channels that come out.
    pub outputs: usize,
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Steps from one position of the window to the next.
    pub stride: [usize; 2],
    /// Zeros before and behind the input, for the height and for the width.
    pub padding: [[usize; 2]; 2],
    /// Steps from one number of the window to the next.
    pub dilation: [usize; 2],
    /// Parts into which the channels fall; each part of the output sees only its part of the input.
    pub groups: usize,
}

/// Why a window does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A number is 0 that must not be.
    #[error("{field} = 0: must be at least 1")]
    Zero {
        /// Which number.
        field: &'static str,
    },
    /// A number is larger than any convolution here needs, and than products of sizes can hold.
    #[error("{field} = {value}: must be at max {max}")]
    TooLarge {
        /// Which number.
        field: &'static str,
        /// Its value.
        value: usize,
        /// The largest that is allowed.
        max: usize,
    },
    /// The groups do not divide the channels.
    #[error("groups = {groups} with {channels} {field}: must divide them")]
    Groups {
        /// Which channels: inputs or outputs.
        field: &'static str,
        /// How many channels.
        channels: usize,
        /// How many groups.
        groups: usize,
    },
    /// The window is larger than the input.
    #[error("{axis}: a window of {window} on an input of {size} with {padding} of padding: must fit into it")]
    Window {
        /// Which axis: height or width.
        axis: &'static str,
        /// What the window covers, dilation included.
        window: usize,
        /// The input without padding.
        size: usize,
        /// Zeros on both sides together.
        padding: usize,
    },
    /// A window of a pooling or its stride is 0.
    #[error("{axis}: a pooling window of {window} with stride {stride}: both must be at least 1")]
    Pooling {
        /// Which axis: height or width.
        axis: &'static str,
        /// The window.
        window: usize,
        /// The stride.
        stride: usize,
    },
}

const AXES: [&str; 2] = ["height", "width"];

/// What keeps every product of sizes below 2^63: channels, sides of a kernel, and sides of an input with what is
/// counted along them.
const MAX_CHANNELS: usize = 1 << 16;
const MAX_KERNEL: usize = 1 << 14;
const MAX_SIDE: usize = 1 << 22;

impl ConvolutionShape {
    /// The largest height or width of an input.
    pub const MAX_SIDE: usize = MAX_SIDE;

    /// Stride 1, no padding, no dilation, one group.
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

    /// Checks what does not depend on the input's size.
    ///
    /// # Errors
    /// [`ShapeError::Zero`], [`ShapeError::Groups`].
    pub fn check(&self) -> Result<(), ShapeError> {
        let numbers = [
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
        if let Some(&(field, _)) = numbers.iter().find(|(_, number)| *number == 0) {
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
            ("padding height behind", self.padding[0][1], MAX_SIDE),
            ("padding width before", self.padding[1][0], MAX_SIDE),
            ("padding width behind", self.padding[1][1], MAX_SIDE),
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

    /// The size [H, W] of the output for an input of this size, as PyTorch rounds it (down).
    ///
    /// # Errors
    /// Those of [`ConvolutionShape::check`], and [`ShapeError::Window`].
    pub fn output(&self, size: [usize; 2]) -> Result<[usize; 2], ShapeError> {
        self.check()?;
        check_limits(&[("height", size[0], MAX_SIDE), ("width", size[1], MAX_SIDE)])?;
        let mut output = [0; 2];
        for axis in 0..2 {
            let window = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            output[axis] = window_positions(
                axis,
                (window, self.stride[axis]),
                size[axis],
                self.padding[axis].iter().sum(),
            )?;
        }
        Ok(output)
    }

    /// Numbers of the weights, [outputs, inputs / groups, KH, KW].
    pub fn weights(&self) -> usize {
        self.outputs * self.taps()
    }

    /// Numbers of a window over all channels that one output sees.
    pub(super) fn taps(&self) -> usize {
        self.inputs / self.groups.max(1) * self.kernel[0] * self.kernel[1]
    }
}

fn check_limits(limits: &[(&'static str, usize, usize)]) -> Result<(), ShapeError> {
    match limits.iter().find(|(_, value, max)| value > max) {
        Some(&(field, value, max)) => Err(ShapeError::TooLarge { field, value, max }),
        None => Ok(()),
    }
}

/// How many positions a window has on an axis.
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

/// Checks a window and its stride.
pub(crate) fn check_pooling(window: [usize; 2], stride: [usize; 2]) -> Result<(), ShapeError> {
    for axis in 0..2 {
        if window[axis] == 0 || stride[axis] == 0 {
            return Err(ShapeError::Pooling { axis: AXES[axis], window: window[axis], stride: stride[axis] });
        }
    }
    Ok(())
}
