//! Convolution with optional batch normalization, ReLU and average pooling.

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, ShapeError, Weights};
use stapes_kernels::norm::{
    AvgPool, Epilogue, EpilogueGradient, Normalized, add_gradient_sums, add_moments, epilogue,
};
use stapes_random::Rng;

use super::geometry::Geometry;
use crate::batch_norm::BatchNorm;
use crate::batch_stats::BatchStats;
use crate::graph::Operation;
use crate::layer::{Backward, Layer, Mode, Pass, Shape, Step};
use crate::parameters::{Layout, TensorSpec, adjacent_mut};
use crate::weight_init::WeightInit;

/// Configuration of a [`ConvolutionBlock`].
#[derive(Clone, Copy, Debug)]
pub struct BlockConfig {
    /// Channels, kernel size, stride, padding, dilation and groups.
    pub shape: ConvolutionShape,
    /// Initialization of the weights.
    pub init: WeightInit,
    /// True for a convolution in one dimension, over images of one row: the weight has no axis for the rows.
    pub one_dimensional: bool,
    /// True if the convolution has a bias.
    pub bias: bool,
    /// True if ReLU is applied.
    pub relu: bool,
    /// AvgPool pooling after ReLU.
    pub avg_pool: AvgPool,
}

impl BlockConfig {
    /// A convolution of this shape with a bias and nothing else.
    pub fn new(shape: ConvolutionShape) -> BlockConfig {
        BlockConfig {
            shape,
            init: WeightInit::Uniform,
            one_dimensional: false,
            bias: true,
            relu: false,
            avg_pool: AvgPool::None,
        }
    }
}

/// Convolution, and optionally batch normalization, ReLU and average pooling, as torch.nn.Conv2d,
/// BatchNorm2d, ReLU and AvgPool2d (or their one-dimensional versions).
///
/// Each image is as wide as its sequence is long. There is no padding to a common length, neither
/// in the data nor in the statistics.
///
/// # Shapes
/// [C, H, W] -> [C', H', W']; weight [C', C / groups, KH, KW], or [C', C / groups, KW] in one dimension; bias
/// \[C'\]
pub struct ConvolutionBlock {
    config: BlockConfig,
    geometry: Geometry,
    convolution: Convolution,
    /// The convolution over one window, for streams; `None` before the first step with new parameters.
    window_convolution: Option<Convolution>,
    norm: Option<BatchNorm>,
    /// Weight, bias if there is one, and the tensors of the normalization.
    tensors: Vec<TensorSpec>,
    /// Input of the normalization.
    y: Vec<f32>,
    /// Signs of the values before ReLU, as the kernel packs them.
    signs: Vec<u8>,
}

impl ConvolutionBlock {
    /// Creates a block for images of height and width `size`; without a width it reads images of any width.
    /// `norm` is the prefix of the normalization's tensors, if there is one.
    ///
    /// # Errors
    /// [`ShapeError`] if the window does not fit into the image, or nothing is left for pooling. Images of
    /// any width may be one column wide.
    pub fn new(
        config: BlockConfig,
        size: (usize, Option<usize>),
        prefix: &str,
        norm: Option<&str>,
        layout: &mut Layout,
    ) -> Result<ConvolutionBlock, ShapeError> {
        let shape = config.shape;
        let geometry = Geometry::new(shape, config.avg_pool, size)?;
        let convolution = Convolution::new(InstructionSet::best(), shape)?;
        let mut axes = vec![shape.outputs, shape.inputs / shape.groups];
        axes.extend(if config.one_dimensional { &shape.kernel[1..] } else { &shape.kernel[..] });
        let mut tensors = vec![layout.add(format!("{prefix}weight"), &axes)];
        tensors.extend(config.bias.then(|| layout.add(format!("{prefix}bias"), &[shape.outputs])));
        let norm = norm.map(|prefix| BatchNorm::new(shape.outputs, prefix, layout));
        tensors.extend(norm.iter().flat_map(|norm| norm.tensors().clone()));
        let (y, signs) = (Vec::new(), Vec::new());
        Ok(ConvolutionBlock {
            config,
            geometry,
            convolution,
            window_convolution: None,
            norm,
            tensors,
            y,
            signs,
        })
    }

    fn weight(&self) -> &TensorSpec {
        &self.tensors[0]
    }

    fn bias(&self) -> Option<&TensorSpec> {
        self.config.bias.then(|| &self.tensors[1])
    }
}

impl Layer for ConvolutionBlock {
    fn describe(&self) -> String {
        let ConvolutionShape { inputs, outputs, kernel, stride, dilation, groups, .. } = self.config.shape;
        let by = |[height, width]: [usize; 2]| match self.config.one_dimensional {
            true => width.to_string(),
            false => format!("{height}x{width}"),
        };
        let kind = if groups > 1 { "grouped convolution" } else { "convolution" };
        let mut words = format!("{kind} {}, {inputs} -> {outputs}", by(kernel));
        for (word, steps) in [("stride", stride), ("dilation", dilation)] {
            if steps != [1, 1] {
                words += &format!(", {word} {}", by(steps));
            }
        }
        let parts = [
            (self.norm.is_some(), ", batch norm"),
            (self.config.relu, ", relu"),
            (self.config.avg_pool != AvgPool::None, ", avg pool 2"),
        ];
        parts.iter().filter(|(present, _)| *present).for_each(|(_, word)| words += word);
        words
    }

    fn operation(&self) -> Operation {
        let BlockConfig { shape, one_dimensional, relu, avg_pool, .. } = self.config;
        Operation::Convolution {
            shape,
            one_dimensional,
            weight: self.weight().name.clone(),
            bias: self.bias().map(|bias| bias.name.clone()),
            norm: self.norm.as_ref().map(BatchNorm::names),
            relu,
            avg_pool: avg_pool.window(),
        }
    }

    fn output_shape(&self) -> Shape {
        self.geometry.output_shape()
    }

    fn output_length(&self, length: usize) -> usize {
        self.geometry.output_width(length)
    }

    fn max_length(&self) -> usize {
        ConvolutionShape::MAX_SIDE
    }

    fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    fn macs(&self, length: usize) -> u64 {
        let [height, width] = self.geometry.convolution_size(length);
        (height * width * self.config.shape.weights()) as u64
    }

    fn initialize(&self, parameters: &mut [f32], rng: &mut Rng) {
        let shape = self.config.shape;
        let area = shape.kernel[0] * shape.kernel[1];
        let fans = [shape.inputs / shape.groups * area, shape.outputs * area];
        self.config.init.fill(self.weight(), self.bias(), fans, parameters, rng);
        if let Some(norm) = &self.norm {
            norm.initialize(parameters);
        }
    }

    fn load_parameters(&mut self, parameters: &[f32]) {
        let bias = self.bias().map(|tensor| tensor.slice(parameters));
        self.convolution.pack_weights(Weights { weights: self.weight().slice(parameters), bias });
        self.window_convolution = None;
        if let Some(norm) = &mut self.norm {
            norm.load_running_stats(parameters);
        }
    }

    fn batch_stats(&mut self) -> Option<&mut BatchStats> {
        self.norm.as_mut().map(BatchNorm::stats)
    }

    /// Columns of the current window, [C, H, K], and the index of the frame within a stride.
    fn initial_state(&self) -> Option<Vec<f32>> {
        let is_causal = self.config.shape.padding[1] == [self.geometry.past_columns(), 0];
        let columns = self.config.shape.inputs * self.geometry.height * (self.geometry.past_columns() + 1);
        (is_causal && self.config.avg_pool == AvgPool::None).then(|| vec![0.0; columns + 1])
    }

    fn step(&mut self, buffers: Step<'_>, _pass: Pass<'_>) -> bool {
        let Step { parameters, state, frame, output } = buffers;
        let Some((phase, columns)) = state.split_last_mut() else { return false };
        let window = self.geometry.past_columns() + 1;
        for (row, &value) in columns.chunks_exact_mut(window).zip(frame) {
            row.copy_within(1.., 0);
            row[window - 1] = value;
        }
        let stride = self.config.shape.stride[1];
        let has_output = *phase == 0.0;
        *phase = (*phase + 1.0) % stride as f32;
        if has_output {
            let (weights, bias) = (self.weight().clone(), self.bias().cloned());
            let convolution = self.window_convolution.get_or_insert_with(|| {
                let mut convolution = self.geometry.window_convolution();
                let bias = bias.as_ref().map(|tensor| tensor.slice(parameters));
                convolution.pack_weights(Weights { weights: weights.slice(parameters), bias });
                convolution
            });
            let channels = self.norm.as_ref().map(BatchNorm::running_channels);
            let steps = Epilogue { channels, relu: self.config.relu, pool: AvgPool::None };
            convolution.forward((columns, [self.geometry.height, window]), steps, output, None);
        }
        has_output
    }

    fn begin_forward(&mut self, _parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        let Some(norm) = &mut self.norm else { return };
        let moments = norm.begin_forward();
        for example in self.geometry.examples(pass) {
            if self.y.len() < example.y.end {
                self.y.resize(example.y.end, 0.0);
            }
            let (x, y) = (&input[example.input], &mut self.y[example.y]);
            self.convolution.forward((x, example.size), Epilogue::default(), y, None);
            add_moments(InstructionSet::best(), y, moments);
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let training = matches!(pass.mode, Mode::Training(_));
        let keeps_signs = training && self.config.relu;
        if let (Some(norm), true) = (&mut self.norm, training) {
            norm.finish_forward(parameters);
        }
        let channels = match &self.norm {
            Some(norm) if training => Some(norm.training_channels()),
            norm => norm.as_ref().map(BatchNorm::running_channels),
        };
        let steps = Epilogue { channels, relu: self.config.relu, pool: self.config.avg_pool };
        for example in self.geometry.examples(pass) {
            let output = &mut output[example.output];
            if keeps_signs && self.signs.len() < example.signs.end {
                self.signs.resize(example.signs.end, 0);
            }
            let signs = keeps_signs.then(|| &mut self.signs[example.signs]);
            if training && self.norm.is_some() {
                // `begin_forward` computed the convolution.
                let y = (&self.y[example.y], example.convolution_size);
                epilogue(InstructionSet::best(), steps, y, output, signs);
            } else {
                self.convolution.forward((&input[example.input], example.size), steps, output, signs);
            }
        }
    }

    fn begin_backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        stapes_kernels::require_training();
        let Some(norm) = &mut self.norm else { return };
        let (channels, sums) = norm.begin_backward();
        for example in self.geometry.examples(pass) {
            let gradient = EpilogueGradient {
                d: &buffers.d_output[example.output],
                pool: self.config.avg_pool,
                signs: self.config.relu.then(|| &self.signs[example.signs]),
                normalized: None,
            };
            let y = (&self.y[example.y], example.convolution_size);
            add_gradient_sums(InstructionSet::best(), gradient, y, channels, sums);
        }
        norm.add_gradients(buffers.parameters, buffers.gradients);
    }

    fn backward(&mut self, mut buffers: Backward<'_>, pass: Pass<'_>) {
        stapes_kernels::require_training();
        if let Some(norm) = &mut self.norm {
            norm.finish_backward(buffers.parameters);
        }
        let (weight, bias) = (self.weight().clone(), self.bias().cloned());
        self.convolution.begin_backward(weight.slice(buffers.parameters));
        for example in self.geometry.examples(pass) {
            let (y, norm) = (&self.y, self.norm.as_ref());
            let gradient = EpilogueGradient {
                d: &buffers.d_output[example.output],
                pool: self.config.avg_pool,
                signs: self.config.relu.then(|| &self.signs[example.signs]),
                normalized: norm
                    .map(|norm| Normalized { y: &y[example.y], channels: norm.channel_gradients() }),
            };
            let x = (&buffers.input[example.input.clone()], example.size);
            let d_input = buffers.d_input.as_deref_mut().map(|d_input| &mut d_input[example.input]);
            self.convolution.backward(x, gradient, d_input);
        }
        let (weights, bias) = match &bias {
            Some(bias) => {
                let [weights, bias] = adjacent_mut([&weight, bias], buffers.gradients);
                (weights, Some(bias))
            }
            None => (weight.slice_mut(buffers.gradients), None),
        };
        self.convolution.finish_backward(Gradients { weights, bias });
    }

    fn update_running_stats(&self, parameters: &mut [f32]) {
        if let Some(norm) = &self.norm {
            norm.update_running_stats(parameters);
        }
    }
}
