//! A convolution and what follows it.

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, ShapeError, Weights};
use stapes_kernels::norm::{
    Average, Finish, FinishedGradient, Normalised, add_gradient_sums, add_moments, finish,
};
use stapes_random::Stream;

use super::geometry::Geometry;
use crate::batch_norm::BatchNorm;
use crate::batch_sums::BatchSums;
use crate::initialise::WeightStart;
use crate::layer::{Backward, Layer, Mode, Pass, Shape, Step};
use crate::parameters::{Layout, View, neighbours};

/// What a [`ConvolutionBlock`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct BlockConfig {
    /// Channels, window and steps.
    pub shape: ConvolutionShape,
    /// What the weights start from.
    pub start: WeightStart,
    /// Whether it is a convolution in one dimension, over images of one row: then no axis of the weight is for
    /// the rows.
    pub one_dimension: bool,
    /// Whether the convolution has a bias.
    pub bias: bool,
    /// Whether max(0, .) is taken.
    pub rectify: bool,
    /// The means that are taken after rectification.
    pub average: Average,
}

impl BlockConfig {
    /// A convolution of this shape with a bias, and nothing behind it.
    pub fn new(shape: ConvolutionShape) -> BlockConfig {
        BlockConfig {
            shape,
            start: WeightStart::Uniform,
            one_dimension: false,
            bias: true,
            rectify: false,
            average: Average::Nothing,
        }
    }
}

/// Convolution, and where asked for batch normalisation of each channel, max(0, .), and means of neighbours, as
/// torch.nn.Conv2d, BatchNorm2d, ReLU and AvgPool2d (or their kin for one dimension).
///
/// Each image of a batch is as wide as its sequence is long: nothing outside of it counts, neither in the
/// statistics.
///
/// # Shapes
/// [C, H, W] -> [C', H', W']; weight [C', C / groups, KH, KW], or [C', C / groups, KW] in one dimension, bias
/// [C']
pub struct ConvolutionBlock {
    config: BlockConfig,
    geometry: Geometry,
    convolution: Convolution,
    /// The same convolution at one place in time, for streams; none before the first step with new parameters.
    of_window: Option<Convolution>,
    norm: Option<BatchNorm>,
    /// Weight, bias where there is one, and the tensors of the normalisation.
    views: Vec<View>,
    /// What was normalised.
    y: Vec<f32>,
    signs: Vec<u8>,
}

impl ConvolutionBlock {
    /// A block that reads images of this height, and of this width or of any; the prefixes are those of the
    /// convolution's names and, where there is one, the normalisation's.
    ///
    /// # Errors
    /// [`ShapeError`] where the window does not fit into the image, or nothing is left to take means of; an
    /// image of any width may be one place wide.
    pub fn new(
        config: BlockConfig,
        size: (usize, Option<usize>),
        (prefix, norm): (&str, Option<&str>),
        layout: &mut Layout,
    ) -> Result<ConvolutionBlock, ShapeError> {
        let shape = config.shape;
        let geometry = Geometry::new(shape, config.average, size)?;
        let convolution = Convolution::new(InstructionSet::best(), shape)?;
        let mut axes = vec![shape.outputs, shape.inputs / shape.groups];
        axes.extend(if config.one_dimension { &shape.kernel[1..] } else { &shape.kernel[..] });
        let mut views = vec![layout.add(format!("{prefix}weight"), &axes)];
        views.extend(config.bias.then(|| layout.add(format!("{prefix}bias"), &[shape.outputs])));
        let norm = norm.map(|prefix| BatchNorm::new(shape.outputs, prefix, layout));
        views.extend(norm.iter().flat_map(|norm| norm.views().clone()));
        let (y, signs) = (Vec::new(), Vec::new());
        Ok(ConvolutionBlock { config, geometry, convolution, of_window: None, norm, views, y, signs })
    }

    fn weight(&self) -> &View {
        // It was added first.
        &self.views[0]
    }

    fn bias(&self) -> Option<&View> {
        self.config.bias.then(|| &self.views[1])
    }
}

impl Layer for ConvolutionBlock {
    fn describe(&self) -> String {
        let ConvolutionShape { inputs, outputs, kernel, stride, dilation, groups, .. } = self.config.shape;
        let by = |[height, width]: [usize; 2]| match self.config.one_dimension {
            true => width.to_string(),
            false => format!("{height}x{width}"),
        };
        let kind = if groups > 1 { "convolution in groups" } else { "convolution" };
        let mut words = format!("{kind} {}, {inputs} -> {outputs}", by(kernel));
        for (word, steps) in [("stride", stride), ("dilation", dilation)] {
            if steps != [1, 1] {
                words += &format!(", {word} {}", by(steps));
            }
        }
        let behind = [
            (self.norm.is_some(), ", batch norm"),
            (self.config.rectify, ", relu"),
            (self.config.average != Average::Nothing, ", average 2"),
        ];
        behind.iter().filter(|(there, _)| *there).for_each(|(_, word)| words += word);
        words
    }

    fn output_shape(&self) -> Shape {
        self.geometry.output_shape()
    }

    fn output_length(&self, length: usize) -> usize {
        self.geometry.output_width(length)
    }

    fn longest(&self) -> usize {
        ConvolutionShape::LARGEST_SIDE
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn macs(&self, length: usize) -> u64 {
        let [height, width] = self.geometry.places(length);
        (height * width * self.config.shape.weights()) as u64
    }

    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        let shape = self.config.shape;
        let area = shape.kernel[0] * shape.kernel[1];
        let fans = [shape.inputs / shape.groups * area, shape.outputs * area];
        self.config.start.fill((self.weight(), self.bias()), fans, parameters, stream);
        if let Some(norm) = &self.norm {
            norm.initialise(parameters);
        }
    }

    fn prepare(&mut self, parameters: &[f32]) {
        let (weights, bias) = (self.weight().of(parameters), self.bias().map(|view| view.of(parameters)));
        self.convolution.prepare(Weights { weights, bias });
        self.of_window = None;
        if let Some(norm) = &mut self.norm {
            norm.prepare(parameters);
        }
    }

    fn sums(&mut self) -> Option<&mut BatchSums> {
        self.norm.as_mut().map(BatchNorm::sums)
    }

    /// The columns that the window of the frame at hand reads, [C, H, K], and the number of the frame.
    fn stream(&self) -> Option<Vec<f32>> {
        let is_causal = self.config.shape.padding[1] == [self.geometry.reach(), 0];
        let columns = self.config.shape.inputs * self.geometry.height * (self.geometry.reach() + 1);
        (is_causal && self.config.average == Average::Nothing).then(|| vec![0.0; columns + 1])
    }

    fn step(&mut self, buffers: Step<'_>, _pass: Pass<'_>) -> bool {
        let Step { parameters, memory, frame, output } = buffers;
        let Some((number, columns)) = memory.split_last_mut() else { return false };
        let window = self.geometry.reach() + 1;
        for (row, &value) in columns.chunks_exact_mut(window).zip(frame) {
            row.copy_within(1.., 0);
            row[window - 1] = value;
        }
        let stride = self.config.shape.stride[1];
        let is_due = *number == 0.0;
        *number = (*number + 1.0) % stride as f32;
        if is_due {
            let (weights, bias) = (self.weight().clone(), self.bias().cloned());
            let convolution = self.of_window.get_or_insert_with(|| {
                let mut convolution = self.geometry.of_window();
                let bias = bias.as_ref().map(|view| view.of(parameters));
                convolution.prepare(Weights { weights: weights.of(parameters), bias });
                convolution
            });
            let channels = self.norm.as_ref().map(BatchNorm::running);
            let steps = Finish { channels, rectify: self.config.rectify, average: Average::Nothing };
            convolution.forward((columns, [self.geometry.height, window]), steps, output, None);
        }
        is_due
    }

    fn begin_forward(&mut self, _parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        let Some(norm) = &mut self.norm else { return };
        let moments = norm.begin_forward();
        self.y.clear();
        for example in self.geometry.examples(pass) {
            self.y.resize(example.y.end, 0.0);
            let (x, y) = (&input[example.input], &mut self.y[example.y]);
            self.convolution.forward((x, example.size), Finish::default(), y, None);
            add_moments(InstructionSet::best(), y, moments);
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let training = matches!(pass.mode, Mode::Training(_));
        let keeps_signs = training && self.config.rectify;
        if let (Some(norm), true) = (&mut self.norm, training) {
            norm.take_moments(parameters);
        }
        let channels = match &self.norm {
            Some(norm) if training => Some(norm.channels()),
            norm => norm.as_ref().map(BatchNorm::running),
        };
        let steps = Finish { channels, rectify: self.config.rectify, average: self.config.average };
        for example in self.geometry.examples(pass) {
            let output = &mut output[example.output];
            if keeps_signs && self.signs.len() < example.signs.end {
                self.signs.resize(example.signs.end, 0);
            }
            let signs = keeps_signs.then(|| &mut self.signs[example.signs]);
            if training && self.norm.is_some() {
                // The convolution was computed before the sums.
                finish(InstructionSet::best(), steps, (&self.y[example.y], example.places), output, signs);
            } else {
                self.convolution.forward((&input[example.input], example.size), steps, output, signs);
            }
        }
    }

    fn begin_backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let Some(norm) = &mut self.norm else { return };
        let (channels, sums) = norm.begin_backward();
        for example in self.geometry.examples(pass) {
            let gradient = FinishedGradient {
                d: &buffers.d_output[example.output],
                average: self.config.average,
                signs: self.config.rectify.then(|| &self.signs[example.signs]),
                normalised: None,
            };
            let y = (&self.y[example.y], example.places);
            add_gradient_sums(InstructionSet::best(), gradient, y, channels, sums);
        }
        norm.add_gradients(buffers.parameters, buffers.gradients);
    }

    fn backward(&mut self, mut buffers: Backward<'_>, pass: Pass<'_>) {
        if let Some(norm) = &mut self.norm {
            norm.take_gradients(buffers.parameters);
        }
        let (weight, bias) = (self.weight().clone(), self.bias().cloned());
        self.convolution.begin_backward(weight.of(buffers.parameters));
        for example in self.geometry.examples(pass) {
            let of_norm = self.norm.as_ref();
            let gradient = FinishedGradient {
                d: &buffers.d_output[example.output],
                average: self.config.average,
                signs: self.config.rectify.then(|| &self.signs[example.signs]),
                normalised: of_norm.map(|norm| Normalised { y: &self.y[example.y], channels: norm.back() }),
            };
            let x = (&buffers.input[example.input.clone()], example.size);
            let d_input = buffers.d_input.as_deref_mut().map(|d_input| &mut d_input[example.input]);
            self.convolution.backward(x, gradient, d_input);
        }
        let (weights, bias) = match &bias {
            Some(bias) => {
                let [weights, bias] = neighbours([&weight, bias], buffers.gradients);
                (weights, Some(bias))
            }
            None => (weight.of_mut(buffers.gradients), None),
        };
        self.convolution.finish_backward(Gradients { weights, bias });
    }

    fn follow(&self, parameters: &mut [f32]) {
        if let Some(norm) = &self.norm {
            norm.follow(parameters);
        }
    }
}
