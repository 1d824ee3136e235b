//! Depthwise convolution: every output channel reads one input channel.
//!
//! A channel is small, so it passes through all steps while it is in the L1 cache: padding, convolution and epilogue, or
//! epilogue, gradient w.r.t. the weights and gradient w.r.t. the input. Rows of zeros above and below the input are
//! skipped instead of stored; only columns of zeros are.

use super::depthwise_rows::{Backward, Forward, Scratch, backward, forward};
use super::{Convolution, ConvolutionShape};
use crate::norm::{self, Epilogue, EpilogueGradient};
use crate::sizes;

/// Sizes of one example.
#[derive(Clone, Copy)]
pub(super) struct Depthwise {
    pub(super) channels: usize,
    pub(super) kernel: [usize; 2],
    pub(super) dilation: [usize; 2],
    /// Distance between the windows of two output rows.
    pub(super) row_step: usize,
    /// Zeros before the first row and the first column.
    pub(super) padding: [usize; 2],
    pub(super) size: [usize; 2],
    pub(super) output: [usize; 2],
}

impl Depthwise {
    /// Returns the sizes for an input, if the convolution is depthwise with stride 1 along the columns.
    ///
    /// # Panics
    /// If the window does not fit into the input.
    pub(super) fn new(shape: &ConvolutionShape, size: [usize; 2]) -> Option<Depthwise> {
        if !is_depthwise(shape) {
            return None;
        }
        let output = shape.output(size).unwrap_or_else(|error| panic!("{error}"));
        Some(Depthwise {
            channels: shape.groups,
            kernel: shape.kernel,
            dilation: shape.dilation,
            row_step: shape.stride[0],
            padding: shape.padding.map(|[before, _]| before),
            size,
            output,
        })
    }

    /// Number of columns from the first to the last of a window, minus 1.
    fn reach(&self) -> usize {
        (self.kernel[1] - 1) * self.dilation[1]
    }

    /// Number of columns of a padded row of the input.
    pub(super) fn padded_width(&self) -> usize {
        self.output[1] + self.reach()
    }

    /// True if the windows read columns of zeros, so that the input has to be copied between them.
    pub(super) fn needs_padding(&self) -> bool {
        self.padding[1] > 0 || self.padded_width() > self.size[1]
    }

    /// Columns of zeros before a row of the gradient w.r.t. the output.
    pub(super) fn margin(&self) -> usize {
        self.reach().saturating_sub(self.padding[1])
    }

    /// Number of columns of a row of the gradient with all zeros that the gradient w.r.t. the input reads.
    pub(super) fn gradient_width(&self) -> usize {
        self.margin() + self.output[1].max(self.size[1] + self.padding[1])
    }

    /// Row of the input that row `window_row` of the window of an output row reads; `None` for zeros.
    #[inline(always)]
    pub(super) fn input_row(&self, row: usize, window_row: usize) -> Option<usize> {
        let padded = row * self.row_step + window_row * self.dilation[0];
        padded.checked_sub(self.padding[0]).filter(|&row| row < self.size[0])
    }

    /// Output row whose window reads an input row with its row `window_row`, if there is one.
    #[inline(always)]
    pub(super) fn output_row(&self, input_row: usize, window_row: usize) -> Option<usize> {
        let start = (input_row + self.padding[0]).checked_sub(window_row * self.dilation[0])?;
        let row = match self.row_step {
            1 => start,
            step if start % step == 0 => start / step,
            _ => return None,
        };
        (row < self.output[0]).then_some(row)
    }
}

/// True for convolutions of this module.
pub(super) fn is_depthwise(shape: &ConvolutionShape) -> bool {
    shape.groups > 1 && [shape.inputs, shape.outputs] == [shape.groups; 2] && shape.stride[1] == 1
}

/// Values that vectors may read after the last row.
const SLACK: usize = 16;

impl Convolution {
    pub(super) fn forward_depthwise(
        &mut self,
        of: Depthwise,
        input: &[f32],
        epilogue: Epilogue<'_>,
        output: &mut [f32],
        signs: Option<&mut [u8]>,
    ) {
        let scratch = Scratch {
            rows: self.planes.sized(sizes::count([of.size[0], of.padded_width()]).saturating_add(SLACK)),
            channel: self.strip.sized(sizes::count(of.output)),
        };
        let weights = self.forward.all(&self.shape);
        let call = Forward { of, input, weights, bias: self.bias.as_deref(), epilogue };
        forward(self.set, call, scratch, output, signs);
    }

    pub(super) fn backward_depthwise(
        &mut self,
        of: Depthwise,
        input: &[f32],
        gradient: EpilogueGradient<'_>,
        d_input: Option<&mut [f32]>,
    ) {
        let scratch = Scratch {
            rows: self.planes.sized(sizes::count([of.size[0], of.padded_width()]).saturating_add(SLACK)),
            channel: self
                .d_output
                .sized(sizes::count([of.output[0], of.gradient_width()]).saturating_add(SLACK)),
        };
        let weights = self.forward.all(&self.shape);
        let (sums, bias) = self.sums.positions(&self.shape);
        let call = Backward { of, input, weights, gradient };
        backward(self.set, call, scratch, (sums, bias), d_input);
    }
}

/// Panics unless the slices of a forward pass have the lengths that the shapes need.
pub(super) fn check_forward(
    of: &Depthwise,
    (input, weights): (&[f32], &[f32]),
    epilogue: Epilogue<'_>,
    (output, signs): (&[f32], Option<&[u8]>),
) {
    assert_eq!(input.len(), sizes::count([of.channels, of.size[0], of.size[1]]), "length of the input");
    assert_eq!(
        weights.len(),
        sizes::count([of.channels, of.kernel[0], of.kernel[1]]),
        "length of the weights"
    );
    let pooled = epilogue.pool.output(of.output);
    assert_eq!(output.len(), sizes::count([of.channels, pooled[0], pooled[1]]), "length of the output");
    if let Some(signs) = signs {
        assert_eq!(signs.len(), norm::sign_bytes(of.channels, of.output), "length of the signs");
    }
}
