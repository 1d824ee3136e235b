//! Gradients w.r.t. the parameters, summed over examples.

use super::gradient::{PositionSums, add_lanes, add_position_sums, add_row_sums};
use super::grid::Grid;
use super::strategy::{RowMode, uses_matrix_product};
use super::{ConvolutionShape, Gradients};
use crate::InstructionSet;
use crate::buffer::Buffer;
use crate::product::{Matrix, MatrixMut, Packed, Start};

/// Gradient w.r.t. the output in the layout of the planes, zero at positions without output.
#[derive(Clone, Copy)]
pub(super) struct PlaneGradient<'a> {
    /// Values from the first position of the first channel on.
    pub(super) values: &'a [f32],
    /// Distance between channels.
    pub(super) stride: usize,
}

/// Sums over the examples so far; each kind of sums is zeroed on its first use.
#[derive(Clone)]
pub(super) struct WeightGradients {
    set: InstructionSet,
    /// [outputs, taps] vectors, whose lanes are added at the end.
    positions: Buffer,
    has_positions: bool,
    /// [groups, KH KW, inputs / groups, outputs / groups]
    products: Buffer,
    has_products: bool,
    packed: Packed,
    /// True if the gradient w.r.t. the bias is needed.
    has_bias: bool,
    bias: Vec<f64>,
}

impl WeightGradients {
    pub(super) fn new(set: InstructionSet, shape: &ConvolutionShape) -> WeightGradients {
        WeightGradients {
            set,
            positions: Buffer::default(),
            has_positions: false,
            products: Buffer::default(),
            has_products: false,
            packed: Packed::new(set),
            has_bias: false,
            bias: vec![0.0; shape.outputs],
        }
    }

    /// Starts a batch; without a bias its gradient is not summed.
    pub(super) fn begin(&mut self, has_bias: bool) {
        self.has_bias = has_bias;
        (self.has_positions, self.has_products) = (false, false);
        self.bias.fill(0.0);
    }

    /// Adds an example, given its planes, the offsets of the window elements in them, and the gradient.
    pub(super) fn add(
        &mut self,
        shape: &ConvolutionShape,
        grid: &Grid,
        planes: &[f32],
        taps: &[usize],
        d: PlaneGradient<'_>,
    ) {
        if self.has_bias {
            add_row_sums(self.set, d.values, d.stride, grid.positions(), &mut self.bias);
        }
        let width = self.set.width();
        let outputs = shape.outputs / shape.groups;
        let rows = RowMode::choose(grid, width, None);
        let runs = rows.runs(grid, grid.output, grid.pitch());
        let products = uses_matrix_product(shape, grid.positions(), width);
        let len = shape.weights() * if products { 1 } else { width };
        let (sums, has_sums) = match products {
            true => (&mut self.products, &mut self.has_products),
            false => (&mut self.positions, &mut self.has_positions),
        };
        if !std::mem::replace(has_sums, true) {
            sums.zeroed(len);
        }
        for group in 0..shape.groups {
            let planes = &planes[group * (shape.inputs / shape.groups) * grid.channel()..];
            let d = PlaneGradient { values: &d.values[group * outputs * d.stride..], ..d };
            if products {
                self.add_products(shape, grid, planes, taps, d, group);
            } else {
                let all =
                    PositionSums { d: d.values, stride: d.stride, rows: outputs, input: planes, taps, runs };
                let len = outputs * taps.len() * width;
                add_position_sums(self.set, all, &mut self.positions.all_mut()[group * len..][..len]);
            }
        }
    }

    /// Adds, for each window element, the product [inputs, positions] x [positions, outputs].
    fn add_products(
        &mut self,
        shape: &ConvolutionShape,
        grid: &Grid,
        planes: &[f32],
        taps: &[usize],
        d: PlaneGradient<'_>,
        group: usize,
    ) {
        let (inputs, outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
        let positions = grid.positions();
        self.packed.pack(Matrix::strided(d.values, (outputs, positions), d.stride).transposed());
        let sums = &mut self.products.all_mut()[group * taps.len() * outputs..][..taps.len() * outputs];
        for (number, sum) in sums.chunks_exact_mut(inputs * outputs).enumerate() {
            let input = Matrix::strided(&planes[taps[number]..], (inputs, positions), grid.channel());
            self.packed.multiply(input, MatrixMut::new(sum, inputs, outputs), Start::Keep);
        }
    }

    /// Returns the sums over positions, [outputs, taps] vectors, and those for the bias, if it has a gradient.
    pub(super) fn positions(&mut self, shape: &ConvolutionShape) -> (&mut [f32], Option<&mut [f64]>) {
        let len = shape.weights() * self.set.width();
        if !std::mem::replace(&mut self.has_positions, true) {
            self.positions.zeroed(len);
        }
        (&mut self.positions.all_mut()[..len], self.has_bias.then_some(&mut self.bias[..]))
    }

    /// Adds the sums to the gradients.
    pub(super) fn finish(&self, shape: &ConvolutionShape, gradients: Gradients<'_>) {
        let Gradients { weights, bias } = gradients;
        assert_eq!(weights.len(), shape.weights(), "length of the gradient w.r.t. the weights");
        if self.has_positions {
            add_lanes(self.set, &self.positions.all()[..weights.len() * self.set.width()], weights);
        }
        if self.has_products {
            let (inputs, outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
            let window = shape.kernel[0] * shape.kernel[1];
            let len = window * inputs * outputs;
            for (group, to) in weights.chunks_exact_mut(len).enumerate() {
                let from = &self.products.all()[group * len..][..len];
                for (output, to) in to.chunks_exact_mut(inputs * window).enumerate() {
                    for (input, to) in to.chunks_exact_mut(window).enumerate() {
                        for (number, to) in to.iter_mut().enumerate() {
                            *to += from[(number * inputs + input) * outputs + output];
                        }
                    }
                }
            }
        }
        if let Some(bias) = bias {
            assert!(self.has_bias, "a gradient w.r.t. a bias that does not exist");
            assert_eq!(bias.len(), shape.outputs, "length of the gradient w.r.t. the bias");
            bias.iter_mut().zip(&self.bias).for_each(|(to, &sum)| *to += sum as f32);
        }
    }
}
