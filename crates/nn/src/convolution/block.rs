//! A convolution and what follows it.

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, ShapeError, Weights};
use stapes_kernels::norm::{
    Average, Finish, FinishedGradient, Normalised, add_gradient_sums, add_moments, finish, sign_bytes,
};
use stapes_random::Stream;

use crate::batch_norm::BatchNorm;
use crate::batch_sums::BatchSums;
use crate::initialise::WeightStart;
use crate::layer::{Backward, Layer, Macs, Mode, Pass, Shape};
use crate::parameters::{Layout, View, neighbours};

/// What a [`ConvolutionBlock`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct BlockConfig {
    /// Channels, window and steps.
    pub shape: ConvolutionShape,
    /// The means that are taken after rectification.
    pub average: Average,
    /// What the weights start from.
    pub start: WeightStart,
}

/// Convolution, batch normalisation of each channel where asked for, max(0, .), and means of neighbours, as
/// torch.nn.Conv2d, BatchNorm2d, ReLU and AvgPool2d (or their kin for one dimension).
///
/// # Shapes
/// [C, H, W] -> [C', H', W']; weight [C', C / groups, KH, KW], or [C', C / groups, KW] where the image is one
/// row, bias [C']
pub struct ConvolutionBlock {
    config: BlockConfig,
    /// Of the image.
    size: [usize; 2],
    /// Of the convolution's output.
    places: [usize; 2],
    convolution: Convolution,
    norm: Option<BatchNorm>,
    /// Weight and bias, and the tensors of the normalisation.
    views: Vec<View>,
    /// What was normalised.
    y: Vec<f32>,
    signs: Vec<u8>,
}

impl ConvolutionBlock {
    /// A block that reads images of this size [H, W]; the prefixes are those of the convolution's names and,
    /// where there is one, the normalisation's.
    ///
    /// # Errors
    /// [`ShapeError`] where the window does not fit into the image, or nothing is left to take means of.
    pub fn new(
        config: BlockConfig,
        size: [usize; 2],
        (prefix, norm): (&str, Option<&str>),
        layout: &mut Layout,
    ) -> Result<ConvolutionBlock, ShapeError> {
        let shape = config.shape;
        let places = shape.output(size)?;
        let window = config.average.window();
        for (axis, name) in ["height", "width"].into_iter().enumerate() {
            if places[axis] < window[axis] {
                let (window, size) = (window[axis], places[axis]);
                return Err(ShapeError::Window { axis: name, window, size, padding: 0 });
            }
        }
        let convolution = Convolution::new(InstructionSet::best(), shape)?;
        let mut axes = vec![shape.outputs, shape.inputs / shape.groups];
        axes.extend(if size[0] == 1 { &shape.kernel[1..] } else { &shape.kernel[..] });
        let mut views = vec![layout.add(format!("{prefix}weight"), &axes)];
        views.push(layout.add(format!("{prefix}bias"), &[shape.outputs]));
        let norm = norm.map(|prefix| BatchNorm::new(shape.outputs, prefix, layout));
        views.extend(norm.iter().flat_map(|norm| norm.views().clone()));
        Ok(ConvolutionBlock {
            config,
            size,
            places,
            convolution,
            norm,
            views,
            y: Vec::new(),
            signs: Vec::new(),
        })
    }

    /// Weight and bias.
    fn of_convolution(&self) -> &[View; 2] {
        // They were added first.
        self.views.first_chunk().unwrap_or_else(|| unreachable!("a convolution has a weight and a bias"))
    }

    fn input_len(&self) -> usize {
        self.config.shape.inputs * self.size[0] * self.size[1]
    }

    fn y_len(&self) -> usize {
        self.config.shape.outputs * self.places[0] * self.places[1]
    }

    fn output_len(&self) -> usize {
        self.output_shape().features()
    }

    fn sign_bytes(&self) -> usize {
        sign_bytes(self.config.shape.outputs, self.places)
    }
}

impl Layer for ConvolutionBlock {
    fn describe(&self) -> String {
        let shape = self.config.shape;
        let kernel = match self.size[0] {
            1 => shape.kernel[1].to_string(),
            _ => format!("{}x{}", shape.kernel[0], shape.kernel[1]),
        };
        let norm = if self.norm.is_some() { ", batch norm" } else { "" };
        let average = if self.config.average == Average::Nothing { "" } else { ", average 2" };
        format!("convolution {kernel}, {} -> {}{norm}, relu{average}", shape.inputs, shape.outputs)
    }

    fn output_shape(&self) -> Shape {
        let [height, width] = self.config.average.output(self.places);
        Shape::Image { channels: self.config.shape.outputs, height, width }
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn macs(&self) -> Macs {
        let places = (self.places[0] * self.places[1]) as u64;
        Macs { a_frame: 0, a_sequence: places * self.config.shape.weights() as u64 }
    }

    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        let shape = self.config.shape;
        let area = shape.kernel[0] * shape.kernel[1];
        let fans = [shape.inputs / shape.groups * area, shape.outputs * area];
        self.config.start.fill(self.of_convolution(), fans, parameters, stream);
        if let Some(norm) = &self.norm {
            norm.initialise(parameters);
        }
    }

    fn prepare(&mut self, parameters: &[f32]) {
        let [weights, bias] = self.of_convolution().each_ref().map(|view| view.of(parameters));
        self.convolution.prepare(Weights { weights, bias: Some(bias) });
        if let Some(norm) = &mut self.norm {
            norm.prepare(parameters);
        }
    }

    fn sums(&mut self) -> Option<&mut BatchSums> {
        self.norm.as_mut().map(BatchNorm::sums)
    }

    fn begin_forward(&mut self, _parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        let (input_len, y_len) = (self.input_len(), self.y_len());
        let Some(norm) = &mut self.norm else { return };
        self.y.resize(pass.sequences.batch() * y_len, 0.0);
        let moments = norm.begin_forward();
        for (x, y) in input.chunks_exact(input_len).zip(self.y.chunks_exact_mut(y_len)) {
            self.convolution.forward((x, self.size), Finish::default(), y, None);
            add_moments(InstructionSet::best(), y, moments);
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let training = matches!(pass.mode, Mode::Training(_));
        let (input_len, y_len, bytes) = (self.input_len(), self.y_len(), self.sign_bytes());
        let outputs = output.chunks_exact_mut(self.output_len()).enumerate();
        if training {
            self.signs.resize(pass.sequences.batch() * bytes, 0);
        }
        let steps = Finish { channels: None, rectify: true, average: self.config.average };
        match &mut self.norm {
            Some(norm) if training => {
                norm.take_moments(parameters);
                let steps = Finish { channels: Some(norm.channels()), ..steps };
                for (at, output) in outputs {
                    let y = &self.y[at * y_len..(at + 1) * y_len];
                    let signs = Some(&mut self.signs[at * bytes..(at + 1) * bytes]);
                    finish(InstructionSet::best(), steps, (y, self.places), output, signs);
                }
            }
            norm => {
                let channels = norm.as_ref().map(|norm| norm.running());
                let steps = Finish { channels, ..steps };
                for (at, output) in outputs {
                    let x = &input[at * input_len..(at + 1) * input_len];
                    let signs = training.then(|| &mut self.signs[at * bytes..(at + 1) * bytes]);
                    self.convolution.forward((x, self.size), steps, output, signs);
                }
            }
        }
    }

    fn begin_backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        let (y_len, output_len, bytes) = (self.y_len(), self.output_len(), self.sign_bytes());
        let Some(norm) = &mut self.norm else { return };
        let (channels, sums) = norm.begin_backward();
        let kept = self.y.chunks_exact(y_len).zip(self.signs.chunks_exact(bytes));
        for (d, (y, signs)) in buffers.d_output.chunks_exact(output_len).zip(kept) {
            let average = self.config.average;
            let gradient = FinishedGradient { d, average, signs: Some(signs), normalised: None };
            add_gradient_sums(InstructionSet::best(), gradient, (y, self.places), channels, sums);
        }
        norm.add_gradients(buffers.parameters, buffers.gradients);
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        let (input_len, y_len, bytes) = (self.input_len(), self.y_len(), self.sign_bytes());
        if let Some(norm) = &mut self.norm {
            norm.take_gradients(buffers.parameters);
        }
        let [weight, bias] = self.of_convolution().clone();
        self.convolution.begin_backward(weight.of(buffers.parameters));
        let mut d_inputs = buffers.d_input.map(|d_input| d_input.chunks_exact_mut(input_len));
        let examples = buffers.input.chunks_exact(input_len);
        for (at, (x, d)) in examples.zip(buffers.d_output.chunks_exact(self.output_len())).enumerate() {
            let normalised = self
                .norm
                .as_ref()
                .map(|norm| Normalised { y: &self.y[at * y_len..(at + 1) * y_len], channels: norm.back() });
            let signs = Some(&self.signs[at * bytes..(at + 1) * bytes]);
            let gradient = FinishedGradient { d, average: self.config.average, signs, normalised };
            let d_input = d_inputs.as_mut().and_then(Iterator::next);
            self.convolution.backward((x, self.size), gradient, d_input);
        }
        let [weights, bias] = neighbours([&weight, &bias], buffers.gradients);
        self.convolution.finish_backward(Gradients { weights, bias: Some(bias) });
    }

    fn follow(&self, parameters: &mut [f32]) {
        if let Some(norm) = &self.norm {
            norm.follow(parameters);
        }
    }
}
