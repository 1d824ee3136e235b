//! A convolution along the values of each frame.

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, ShapeError, Weights};
use stapes_kernels::norm::{Finish, FinishedGradient};
use stapes_kernels::pool::{Pooling, largest, largest_backward};
use stapes_random::Stream;

use crate::initialise::WeightStart;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};
use crate::parameters::{Layout, View, neighbours};

/// What becomes of the largest number m of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rectification {
    /// max(0, m)
    Plain,
    /// ln(max(0, m) + 0.01), the energy of a learned filter.
    Logarithm,
}

/// What is added to a filter's output in front of the logarithm.
const FLOOR: f32 = 0.01;

/// What a [`FrameConvolution`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct FrameConvolutionConfig {
    /// C, filters.
    pub filters: usize,
    /// K, values that a filter reads.
    pub window: usize,
    /// M, places of a filter of which the largest output is kept; none for all places.
    pub pool: Option<usize>,
    /// What becomes of what is kept.
    pub rectification: Rectification,
}

/// A convolution along the values of each frame, the largest number of neighbouring places, and rectification.
///
/// The largest number of windows of M places one after the other is kept, a rest of fewer places left out, as
/// torch.nn.MaxPool1d does; of equal numbers the first.
///
/// # Shapes
/// [T, F] -> [T, C*P], P = (F - K + 1) / M rounded down, all places of a filter side by side; weight
/// [C, 1, K] with more axes of length 1 where PyTorch's layer has them, bias \[C\]
///
/// # Source
/// Conv, max-pool and ReLU along frequency, and the learned filters over raw samples, of CLDNN (Sainath et al.
/// 2015) and its small kin.
pub struct FrameConvolution {
    config: FrameConvolutionConfig,
    input: Shape,
    /// Places of a filter, before and after the largest are kept.
    places: [usize; 2],
    pooling: Pooling,
    convolution: Convolution,
    views: [View; 2],
    /// A frame's outputs of the filters, or the gradient by them.
    frame: Vec<f32>,
    /// Where the largest were, for each output of each frame.
    winners: Vec<u32>,
    /// What was rectified.
    kept: Vec<f32>,
}

impl FrameConvolution {
    /// A convolution over frames of this shape with the parameters `{prefix}weight`, its axes `axes`, and
    /// `{prefix}bias`.
    ///
    /// # Errors
    /// [`ShapeError`] where filter or pool are wider than what they read, or a number is 0.
    ///
    /// # Panics
    /// If the axes are not those of C K numbers.
    pub fn new(
        config: FrameConvolutionConfig,
        input: Shape,
        (prefix, axes): (&str, &[usize]),
        layout: &mut Layout,
    ) -> Result<FrameConvolution, ShapeError> {
        let shape = ConvolutionShape::new(1, config.filters, [1, config.window]);
        let size = shape.output([1, input.features()])?;
        let window = [1, config.pool.unwrap_or(size[1])];
        let pooling = Pooling::new(window, window)?;
        let places = [size[1], pooling.output(size)?[1]];
        assert_eq!(axes.iter().product::<usize>(), shape.weights(), "numbers of the weight");
        let weight = layout.add(format!("{prefix}weight"), axes);
        let views = [weight, layout.add(format!("{prefix}bias"), &[config.filters])];
        Ok(FrameConvolution {
            config,
            input,
            places,
            pooling,
            convolution: Convolution::new(InstructionSet::best(), shape)?,
            views,
            frame: Vec::new(),
            winners: Vec::new(),
            kept: Vec::new(),
        })
    }
}

impl Layer for FrameConvolution {
    fn describe(&self) -> String {
        let FrameConvolutionConfig { filters, window, pool, rectification } = self.config;
        let pool = pool.map_or("largest".into(), |pool| format!("largest of {pool}"));
        let rectification = match rectification {
            Rectification::Plain => "relu",
            Rectification::Logarithm => "ln(relu + 0.01)",
        };
        format!("{filters} filters of {window} along each frame, {pool}, {rectification}")
    }

    fn output_shape(&self) -> Shape {
        self.input.with_features(self.config.filters * self.places[1])
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn macs(&self, length: usize) -> u64 {
        (self.input.rows_of(length) * self.config.filters * self.config.window * self.places[0]) as u64
    }

    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        let fans = [self.config.window, self.config.filters * self.config.window];
        let [weight, bias] = &self.views;
        WeightStart::Uniform.fill((weight, Some(bias)), fans, parameters, stream);
    }

    fn prepare(&mut self, parameters: &[f32]) {
        let [weights, bias] = self.views.each_ref().map(|view| view.of(parameters));
        self.convolution.prepare(Weights { weights, bias: Some(bias) });
    }

    fn stream(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let (width, each) = (self.input.features(), self.output_shape().features());
        let training = matches!(pass.mode, Mode::Training(_));
        if training {
            self.winners.resize(output.len(), 0);
        }
        let size = [1, self.places[0]];
        self.frame.resize(self.config.filters * self.places[0], 0.0);
        for (at, (x, to)) in input.chunks_exact(width).zip(output.chunks_exact_mut(each)).enumerate() {
            self.convolution.forward((x, [1, width]), Finish::default(), &mut self.frame, None);
            let winners = training.then(|| &mut self.winners[at * each..(at + 1) * each]);
            largest(InstructionSet::best(), self.pooling, (&self.frame, size), to, winners);
        }
        if training {
            self.kept.clear();
            self.kept.extend_from_slice(output);
        }
        match self.config.rectification {
            Rectification::Plain => output.iter_mut().for_each(|value| *value = value.max(0.0)),
            Rectification::Logarithm => {
                output.iter_mut().for_each(|value| *value = (value.max(0.0) + FLOOR).ln());
            }
        }
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        let (width, each) = (self.input.features(), self.output_shape().features());
        for (d, &kept) in buffers.d_output.iter_mut().zip(&self.kept) {
            *d = match self.config.rectification {
                _ if kept <= 0.0 => 0.0,
                Rectification::Plain => *d,
                Rectification::Logarithm => *d / (kept + FLOOR),
            };
        }
        let [weight, bias] = &self.views;
        self.convolution.begin_backward(weight.of(buffers.parameters));
        let mut d_inputs = buffers.d_input.map(|d_input| d_input.chunks_exact_mut(width));
        let frames = buffers.d_output.chunks_exact(each).zip(self.winners.chunks_exact(each));
        let size = [1, self.places[0]];
        for (x, (d, winners)) in buffers.input.chunks_exact(width).zip(frames) {
            largest_backward(InstructionSet::best(), self.pooling, d, winners, (&mut self.frame, size));
            let d_input = d_inputs.as_mut().and_then(Iterator::next);
            self.convolution.backward((x, [1, width]), FinishedGradient::plain(&self.frame), d_input);
        }
        let [weights, bias] = neighbours([weight, bias], buffers.gradients);
        self.convolution.finish_backward(Gradients { weights, bias: Some(bias) });
    }
}
