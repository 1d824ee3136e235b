//! Convolution along the values of each frame.

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, ShapeError, Weights};
use stapes_kernels::norm::{Epilogue, EpilogueGradient};
use stapes_kernels::pool::{Pooling, max, max_backward};
use stapes_random::Rng;

use crate::graph::Operation;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};
use crate::parameters::{Layout, TensorSpec, adjacent_mut};
use crate::weight_init::WeightInit;

/// Activation after max pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(0, m)
    Relu,
    /// ln(max(0, m) + 0.01), the log energy of a learned filter.
    LogRelu,
}

/// Constant added before the logarithm.
pub(crate) const LOG_RELU_FLOOR: f32 = 0.01;

/// Configuration of a [`FrameConvolution`].
#[derive(Clone, Copy, Debug)]
pub struct FrameConvolutionConfig {
    /// C, number of filters.
    pub filters: usize,
    /// K, kernel size.
    pub window: usize,
    /// M, window of max pooling; all positions if not given.
    pub pool: Option<usize>,
    /// Activation after max pooling.
    pub activation: Activation,
}

/// Convolution along the values of each frame, max pooling and activation.
///
/// Max pooling uses adjacent windows of M positions and drops an incomplete last window, as
/// torch.nn.MaxPool1d; the first of equal values wins.
///
/// # Shapes
/// [T, F] -> [T, C*P], P = (F - K + 1) / M rounded down, with the positions of a filter next to each other;
/// weight [C, 1, K] with more axes of length 1 if PyTorch's layer has them, bias \[C\]
///
/// # Source
/// Convolution, max pooling and ReLU along frequency, and learned filters over raw samples, of CLDNN (Sainath
/// et al. 2015) and its small variants.
pub struct FrameConvolution {
    config: FrameConvolutionConfig,
    input: Shape,
    /// Number of positions of a filter, before and after max pooling.
    positions: [usize; 2],
    pooling: Pooling,
    convolution: Convolution,
    tensors: [TensorSpec; 2],
    /// Convolution output of one frame, or its gradient.
    frame: Vec<f32>,
    /// Position of the maximum, for each output of each frame.
    argmax: Vec<u32>,
    /// Input of the activation.
    pooled: Vec<f32>,
}

impl FrameConvolution {
    /// Creates a convolution over frames of this shape with the parameters `{prefix}weight`, of shape `axes`,
    /// and `{prefix}bias`.
    ///
    /// # Errors
    /// [`ShapeError`] if filter or pooling window are wider than their input, or a size is 0.
    ///
    /// # Panics
    /// If `axes` does not hold C K values.
    pub fn new(
        config: FrameConvolutionConfig,
        input: Shape,
        prefix: &str,
        axes: &[usize],
        layout: &mut Layout,
    ) -> Result<FrameConvolution, ShapeError> {
        let shape = ConvolutionShape::new(1, config.filters, [1, config.window]);
        let size = shape.output([1, input.features()])?;
        let window = [1, config.pool.unwrap_or(size[1])];
        let pooling = Pooling::new(window, window)?;
        let positions = [size[1], pooling.output(size)?[1]];
        assert_eq!(axes.iter().product::<usize>(), shape.weights(), "size of the weight");
        let weight = layout.add(format!("{prefix}weight"), axes);
        let tensors = [weight, layout.add(format!("{prefix}bias"), &[config.filters])];
        Ok(FrameConvolution {
            config,
            input,
            positions,
            pooling,
            convolution: Convolution::new(InstructionSet::best(), shape)?,
            tensors,
            frame: Vec::new(),
            argmax: Vec::new(),
            pooled: Vec::new(),
        })
    }
}

impl Layer for FrameConvolution {
    fn describe(&self) -> String {
        let FrameConvolutionConfig { filters, window, pool, activation } = self.config;
        let pool = pool.map_or("max".into(), |pool| format!("max of {pool}"));
        let activation = match activation {
            Activation::Relu => "relu",
            Activation::LogRelu => "ln(relu + 0.01)",
        };
        format!("{filters} filters of {window} along each frame, {pool}, {activation}")
    }

    fn operation(&self) -> Operation {
        let FrameConvolutionConfig { filters, window, pool, activation } = self.config;
        let [weight, bias] = self.tensors.each_ref().map(|tensor| tensor.name.clone());
        Operation::FrameConvolution { filters, window, pool, activation, weight, bias }
    }

    fn output_shape(&self) -> Shape {
        self.input.with_features(self.config.filters * self.positions[1])
    }

    fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    fn macs(&self, length: usize) -> u64 {
        let macs_per_row = self.config.filters * self.config.window * self.positions[0];
        (self.input.rows_per_sequence(length) * macs_per_row) as u64
    }

    fn initialize(&self, parameters: &mut [f32], rng: &mut Rng) {
        let fans = [self.config.window, self.config.filters * self.config.window];
        let [weight, bias] = &self.tensors;
        WeightInit::Uniform.fill(weight, Some(bias), fans, parameters, rng);
    }

    fn load_parameters(&mut self, parameters: &[f32]) {
        let [weights, bias] = self.tensors.each_ref().map(|tensor| tensor.slice(parameters));
        self.convolution.pack_weights(Weights { weights, bias: Some(bias) });
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let (width, each) = (self.input.features(), self.output_shape().features());
        let training = matches!(pass.mode, Mode::Training(_));
        if training {
            self.argmax.resize(output.len(), 0);
        }
        let size = [1, self.positions[0]];
        self.frame.resize(self.config.filters * self.positions[0], 0.0);
        for (at, (x, to)) in input.chunks_exact(width).zip(output.chunks_exact_mut(each)).enumerate() {
            self.convolution.forward((x, [1, width]), Epilogue::default(), &mut self.frame, None);
            let argmax = training.then(|| &mut self.argmax[at * each..(at + 1) * each]);
            max(InstructionSet::best(), self.pooling, (&self.frame, size), to, argmax);
        }
        if training {
            self.pooled.clear();
            self.pooled.extend_from_slice(output);
        }
        match self.config.activation {
            Activation::Relu => output.iter_mut().for_each(|value| *value = value.max(0.0)),
            Activation::LogRelu => {
                output.iter_mut().for_each(|value| *value = (value.max(0.0) + LOG_RELU_FLOOR).ln());
            }
        }
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        stapes_kernels::require_training();
        let (width, each) = (self.input.features(), self.output_shape().features());
        for (d, &pooled) in buffers.d_output.iter_mut().zip(&self.pooled) {
            *d = match self.config.activation {
                _ if pooled <= 0.0 => 0.0,
                Activation::Relu => *d,
                Activation::LogRelu => *d / (pooled + LOG_RELU_FLOOR),
            };
        }
        let [weight, bias] = &self.tensors;
        self.convolution.begin_backward(weight.slice(buffers.parameters));
        let mut d_inputs = buffers.d_input.map(|d_input| d_input.chunks_exact_mut(width));
        let frames = buffers.d_output.chunks_exact(each).zip(self.argmax.chunks_exact(each));
        let size = [1, self.positions[0]];
        for (x, (d, argmax)) in buffers.input.chunks_exact(width).zip(frames) {
            max_backward(InstructionSet::best(), self.pooling, d, argmax, (&mut self.frame, size));
            let d_input = d_inputs.as_mut().and_then(Iterator::next);
            self.convolution.backward((x, [1, width]), EpilogueGradient::plain(&self.frame), d_input);
        }
        let [weights, bias] = adjacent_mut([weight, bias], buffers.gradients);
        self.convolution.finish_backward(Gradients { weights, bias: Some(bias) });
    }
}
