//! A linear layer.

use stapes_kernels::InstructionSet;
use stapes_kernels::product::{Matrix, MatrixMut, Packed, Products, Start};
use stapes_random::Stream;

use crate::initialise::WeightStart;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};
use crate::parameters::{Layout, View};

/// y = W x + b of every frame or vector, as torch.nn.Linear.
///
/// With the gradient dy of the loss by y: dW = dy x^T and db = dy, summed over all frames or vectors, and
/// dx = W^T dy.
///
/// # Shapes
/// [T, I] -> [T, O] or \[I\] -> \[O\]; W [O, I], b \[O\] where there is one
pub struct Linear {
    input: Shape,
    outputs: usize,
    /// W, and b where there is one.
    views: Vec<View>,
    products: Products,
    start: WeightStart,
    /// W^T, packed at the first pass of inference after the parameters changed: training reads W too few times
    /// to make up for a copy of it.
    packed: Packed,
    is_packed: bool,
}

impl Linear {
    /// A layer whose parameters are `{prefix}weight` and `{prefix}bias`.
    pub fn new(input: Shape, outputs: usize, prefix: &str, layout: &mut Layout) -> Linear {
        let mut linear = Linear::without_bias(input, outputs, prefix, layout);
        linear.views.push(layout.add(format!("{prefix}bias"), &[outputs]));
        linear
    }

    /// A layer without b whose parameter is `{prefix}weight`.
    pub fn without_bias(input: Shape, outputs: usize, prefix: &str, layout: &mut Layout) -> Linear {
        Linear {
            input,
            outputs,
            views: vec![layout.add(format!("{prefix}weight"), &[outputs, input.features()])],
            products: Products::new(InstructionSet::best()),
            start: WeightStart::default(),
            packed: Packed::new(InstructionSet::best()),
            is_packed: false,
        }
    }

    fn weight(&self) -> &View {
        &self.views[0]
    }

    fn bias(&self) -> Option<&View> {
        self.views.get(1)
    }

    /// The same layer with weights that start otherwise.
    pub fn starting(self, start: WeightStart) -> Linear {
        Linear { start, ..self }
    }
}

impl Layer for Linear {
    fn describe(&self) -> String {
        format!("linear {} -> {}", self.input.features(), self.outputs)
    }

    fn output_shape(&self) -> Shape {
        self.input.with_features(self.outputs)
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn macs(&self, length: usize) -> u64 {
        (self.input.rows_of(length) * self.input.features() * self.outputs) as u64
    }

    /// As [`WeightStart`] says.
    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        let fans = [self.input.features(), self.outputs];
        self.start.fill((self.weight(), self.bias()), fans, parameters, stream);
    }

    fn prepare(&mut self, _parameters: &[f32]) {
        self.is_packed = false;
    }

    fn stream(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let (rows, inputs) = (self.input.rows(pass.sequences), self.input.features());
        let x = Matrix::new(input, rows, inputs);
        let w = Matrix::new(self.weight().of(parameters), self.outputs, inputs);
        let y = MatrixMut::new(output, rows, self.outputs);
        let start = self.bias().map_or(Start::Zero, |bias| Start::Row(bias.of(parameters)));
        if let Mode::Training(_) = pass.mode {
            return self.products.multiply(x, w.transposed(), y, start);
        }
        if !self.is_packed {
            self.packed.pack(w.transposed());
            self.is_packed = true;
        }
        self.packed.multiply(x, y, start);
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let (rows, inputs) = (self.input.rows(pass.sequences), self.input.features());
        let weight = &self.views[0];
        let d_y = Matrix::new(buffers.d_output, rows, self.outputs);
        let x = Matrix::new(buffers.input, rows, inputs);
        let d_w = MatrixMut::new(weight.of_mut(buffers.gradients), self.outputs, inputs);
        self.products.multiply(d_y.transposed(), x, d_w, Start::Keep);
        if let Some(bias) = self.bias() {
            let d_b = bias.of_mut(buffers.gradients);
            for row in buffers.d_output.chunks_exact(self.outputs) {
                d_b.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
        if let Some(d_input) = buffers.d_input {
            let w = Matrix::new(weight.of(buffers.parameters), self.outputs, inputs);
            self.products.multiply(d_y, w, MatrixMut::new(d_input, rows, inputs), Start::Zero);
        }
    }
}
