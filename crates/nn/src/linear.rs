//! Linear layers.

use stapes_kernels::InstructionSet;
use stapes_kernels::product::{Matrix, MatrixMut, Packed, Products, Start};
use stapes_random::Rng;

use crate::graph::Operation;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};
use crate::parameters::{Layout, TensorSpec};
use crate::weight_init::WeightInit;

/// y = W x + b for every frame or vector, as torch.nn.Linear.
///
/// Backward, with dy the gradient of the loss with respect to y: dW = dy x^T and db = dy, summed over all
/// frames or vectors, and dx = W^T dy.
///
/// # Shapes
/// [T, I] -> [T, O] or \[I\] -> \[O\]; W [O, I], optional b \[O\]
pub struct Linear {
    input: Shape,
    outputs: usize,
    /// W, and b if there is one.
    tensors: Vec<TensorSpec>,
    products: Products,
    init: WeightInit,
    /// W^T, packed in the first inference pass after a parameter change. Training uses W too few times for
    /// packing to pay off.
    packed: Packed,
    is_packed: bool,
}

impl Linear {
    /// Creates a layer with the parameters `{prefix}weight` and `{prefix}bias`.
    pub fn new(input: Shape, outputs: usize, prefix: &str, layout: &mut Layout) -> Linear {
        let mut linear = Linear::without_bias(input, outputs, prefix, layout);
        linear.tensors.push(layout.add(format!("{prefix}bias"), &[outputs]));
        linear
    }

    /// Creates a layer without bias, with the parameter `{prefix}weight`.
    pub fn without_bias(input: Shape, outputs: usize, prefix: &str, layout: &mut Layout) -> Linear {
        Linear {
            input,
            outputs,
            tensors: vec![layout.add(format!("{prefix}weight"), &[outputs, input.features()])],
            products: Products::new(InstructionSet::best()),
            init: WeightInit::default(),
            packed: Packed::new(InstructionSet::best()),
            is_packed: false,
        }
    }

    fn weight(&self) -> &TensorSpec {
        &self.tensors[0]
    }

    fn bias(&self) -> Option<&TensorSpec> {
        self.tensors.get(1)
    }

    /// Sets the initialization of the weights.
    pub fn with_init(self, init: WeightInit) -> Linear {
        Linear { init, ..self }
    }
}

impl Layer for Linear {
    fn describe(&self) -> String {
        format!("linear {} -> {}", self.input.features(), self.outputs)
    }

    fn operation(&self) -> Operation {
        Operation::Linear {
            weight: self.weight().name.clone(),
            bias: self.bias().map(|bias| bias.name.clone()),
        }
    }

    fn output_shape(&self) -> Shape {
        self.input.with_features(self.outputs)
    }

    fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    fn macs(&self, length: usize) -> u64 {
        (self.input.rows_per_sequence(length) * self.input.features() * self.outputs) as u64
    }

    /// Initializes as [`WeightInit`] describes.
    fn initialize(&self, parameters: &mut [f32], rng: &mut Rng) {
        let fans = [self.input.features(), self.outputs];
        self.init.fill(self.weight(), self.bias(), fans, parameters, rng);
    }

    fn load_parameters(&mut self, _parameters: &[f32]) {
        self.is_packed = false;
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let (rows, inputs) = (self.input.rows(pass.sequences), self.input.features());
        let x = Matrix::new(input, rows, inputs);
        let w = Matrix::new(self.weight().slice(parameters), self.outputs, inputs);
        let y = MatrixMut::new(output, rows, self.outputs);
        let start = self.bias().map_or(Start::Zero, |bias| Start::Row(bias.slice(parameters)));
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
        stapes_kernels::require_training();
        let (rows, inputs) = (self.input.rows(pass.sequences), self.input.features());
        let weight = &self.tensors[0];
        let d_y = Matrix::new(buffers.d_output, rows, self.outputs);
        let x = Matrix::new(buffers.input, rows, inputs);
        let d_w = MatrixMut::new(weight.slice_mut(buffers.gradients), self.outputs, inputs);
        self.products.multiply(d_y.transposed(), x, d_w, Start::Keep);
        if let Some(bias) = self.bias() {
            let d_b = bias.slice_mut(buffers.gradients);
            for row in buffers.d_output.chunks_exact(self.outputs) {
                d_b.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
        if let Some(d_input) = buffers.d_input {
            let w = Matrix::new(weight.slice(buffers.parameters), self.outputs, inputs);
            self.products.multiply(d_y, w, MatrixMut::new(d_input, rows, inputs), Start::Zero);
        }
    }
}
