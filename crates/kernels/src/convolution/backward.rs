//! The backward pass: lays out the gradient like the planes, sums it for the weights, correlates it with the weights.

use super::correlate::{Correlation, Runs, correlate};
use super::depthwise::{Depthwise, is_depthwise};
use super::grid::Grid;
use super::taps::Layout;
use super::weight_gradients::PlaneGradient;
use super::{Convolution, Gradients};
use crate::buffer::Buffer;
use crate::norm::{AvgPool, EpilogueGradient, RowsMut, epilogue_backward_rows};
use crate::sizes;

/// Values per cache line; channels start at a cache line.
const LINE: usize = 16;

impl Convolution {
    /// Starts the backward pass of a batch: packs the weights and resets the sums to zero.
    ///
    /// # Panics
    /// If the number of weights does not match the shape.
    pub fn begin_backward(&mut self, weights: &[f32]) {
        crate::require_training();
        if is_depthwise(&self.shape) {
            self.forward.pack(self.set, &self.shape, weights);
        } else {
            self.backward.pack(self.set, &self.shape, weights);
        }
        self.sums.begin(self.bias.is_some());
    }

    /// Backpropagates through one example, given its input and the gradient w.r.t. the output of
    /// [`Convolution::forward`].
    ///
    /// # Shapes
    /// input [Cin, H, W] with its size [H, W]; d_input like the input
    ///
    /// # Panics
    /// If the slice lengths do not match the shapes, or [`Convolution::begin_backward`] was not called.
    pub fn backward(
        &mut self,
        (input, size): (&[f32], [usize; 2]),
        gradient: EpilogueGradient<'_>,
        d_input: Option<&mut [f32]>,
    ) {
        crate::require_training();
        if let Some(of) = Depthwise::new(&self.shape, size) {
            return self.backward_depthwise(of, input, gradient, d_input);
        }
        let grid = self.prepare_input(input, size);
        let mut buffer = std::mem::take(&mut self.d_output);
        let plain = gradient.normalized.is_none()
            && gradient.signs.is_none()
            && gradient.pool == AvgPool::None
            && grid.plane == grid.output;
        let (layout, gradient_planes) = if plain {
            assert_eq!(
                gradient.d.len(),
                sizes::count([self.shape.outputs, grid.plane_len()]),
                "length of the gradient"
            );
            (Layout { margin: 0, stride: grid.plane_len() }, gradient.d)
        } else {
            self.expand_gradient(&grid, gradient, &mut buffer)
        };
        let planes = if grid.is_input() { input } else { self.planes.all() };
        let d = PlaneGradient { values: &gradient_planes[layout.margin..], stride: layout.stride };
        self.sums.add(&self.shape, &grid, planes, self.taps.forward(), d);
        if let Some(d_input) = d_input {
            assert_eq!(d_input.len(), input.len(), "length of the gradient w.r.t. the input");
            self.input_gradient(&grid, layout, gradient_planes, d_input);
        }
        self.d_output = buffer;
    }

    /// Ends the backward pass of a batch: adds the sums over its examples to the gradients.
    ///
    /// # Panics
    /// If the slice lengths do not match the shapes, or there is a gradient w.r.t. a bias that the convolution does not
    /// have.
    pub fn finish_backward(&mut self, gradients: Gradients<'_>) {
        crate::require_training();
        self.sums.finish(&self.shape, gradients);
    }

    /// Backpropagates through the epilogue into rows with the pitch of the planes, with zeros between them.
    fn expand_gradient<'a>(
        &self,
        grid: &Grid,
        gradient: EpilogueGradient<'_>,
        buffer: &'a mut Buffer,
    ) -> (Layout, &'a [f32]) {
        let channels = self.shape.outputs;
        let margin = grid.reach().next_multiple_of(LINE);
        let stride = (margin + grid.plane_len()).next_multiple_of(LINE);
        let values = buffer.sized(sizes::count([channels, stride]));
        for channel in values.chunks_exact_mut(stride) {
            if grid.output[0] == 1 {
                channel[..margin].fill(0.0);
                channel[margin + grid.output[1]..].fill(0.0);
            } else {
                channel.fill(0.0);
            }
        }
        let to = RowsMut {
            to: &mut values[margin..],
            strides: [stride, grid.pitch()],
            channels,
            size: grid.output,
        };
        epilogue_backward_rows(self.set, gradient, to);
        (Layout { margin, stride }, values)
    }

    /// d_plane[input, p] = sum over (output, window element) of weight d[output, p - shift].
    fn input_gradient(&mut self, grid: &Grid, layout: Layout, gradient_planes: &[f32], d_input: &mut [f32]) {
        let (inputs, outputs) =
            (self.shape.inputs / self.shape.groups, self.shape.outputs / self.shape.groups);
        let mut buffer = std::mem::take(&mut self.d_planes);
        let planes = match grid.is_input() {
            true => &mut *d_input,
            false => buffer.sized(sizes::count([self.shape.inputs, grid.channel()])),
        };
        let windows = self.backward.windows();
        self.taps.set_backward(grid, layout, outputs, windows);
        for plane in 0..windows.len() {
            for group in 0..self.shape.groups {
                let correlation = Correlation {
                    input: &gradient_planes[group * outputs * layout.stride..],
                    taps: self.taps.backward(plane),
                    weights: self.backward.plane(&self.shape, group, plane),
                    starts: None,
                    rows: inputs,
                    runs: Runs::one(grid.plane_len()),
                };
                let to = &mut planes[group * inputs * grid.channel() + plane * grid.plane_len()..];
                correlate(self.set, correlation, to, grid.channel());
            }
        }
        if !grid.is_input() {
            grid.merge_planes(self.set, buffer.all(), d_input);
        }
        self.d_planes = buffer;
    }
}
