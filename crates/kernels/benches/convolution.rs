//! Times convolutions and whole training steps of convolutional nets on one core.
//!
//! `cargo bench -p stapes-kernels --bench convolution -- [--set=avx2] [WORD...]` prints for each line whose
//! name has one of the words the median and the tenth percentile of the processor time, the rate of useful
//! operations at the latter (a multiplication and an addition are two; only convolutions and products count)
//! and its share of the rate measured for multiply-adds from registers.

mod stopwatch;

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, Weights};
use stapes_kernels::norm::{
    self, Average, Channel, ChannelGradient, Finish, FinishedGradient, GradientSums, Moments, Normalised,
    Running,
};
use stapes_kernels::product::{Matrix, MatrixMut, Packed, Products, Start};
use stopwatch::{Bench, numbers};

const BATCH: usize = 32;
const EPSILON: f64 = 1e-5;

fn main() {
    let bench = Bench::new();
    bench.layers();
    for plan in PLANS {
        for batch_norm in [false, true] {
            bench.net(plan, batch_norm);
        }
    }
}

/// A net: convolutions with what follows each, then linear layers.
struct Plan {
    name: &'static str,
    size: [usize; 2],
    convolutions: &'static [(ConvolutionShape, Average)],
    linear: &'static [usize],
}

const fn line(inputs: usize, outputs: usize) -> (ConvolutionShape, Average) {
    (ConvolutionShape::new(inputs, outputs, [1, 5]), Average::Pairs)
}

const PLANS: [&Plan; 2] = [
    &Plan {
        name: "wave-cnn",
        size: [1, 6000],
        convolutions: &[line(1, 4), line(4, 8), line(8, 16), line(16, 32)],
        linear: &[11_872, 128, 64, 10],
    },
    &Plan {
        name: "mfcc-cnn",
        size: [13, 74],
        convolutions: &[
            (ConvolutionShape::new(1, 8, [2, 3]), Average::Squares),
            (ConvolutionShape::new(8, 16, [3, 3]), Average::Nothing),
            (ConvolutionShape::new(16, 32, [3, 3]), Average::Squares),
        ],
        linear: &[512, 128, 64, 10],
    },
];

impl Bench {
    /// Each part of single layers, a batch at a time.
    fn layers(&self) {
        let group = |shape: ConvolutionShape, groups: usize| ConvolutionShape {
            groups,
            padding: [[1, 1]; 2],
            ..shape
        };
        let layers = [
            ("wave 1", ConvolutionShape::new(1, 4, [1, 5]), [1, 6000]),
            ("wave 2", ConvolutionShape::new(4, 8, [1, 5]), [1, 2998]),
            ("wave 3", ConvolutionShape::new(8, 16, [1, 5]), [1, 1497]),
            ("wave 4", ConvolutionShape::new(16, 32, [1, 5]), [1, 746]),
            ("mfcc 1", ConvolutionShape::new(1, 8, [2, 3]), [13, 74]),
            ("mfcc 2", ConvolutionShape::new(8, 16, [3, 3]), [6, 36]),
            ("mfcc 3", ConvolutionShape::new(16, 32, [3, 3]), [4, 34]),
            ("pointwise 64 x 64", ConvolutionShape::new(64, 64, [1, 1]), [5, 25]),
            ("pointwise 276 x 276", ConvolutionShape::new(276, 276, [1, 1]), [5, 25]),
            ("depthwise 64", group(ConvolutionShape::new(64, 64, [3, 3]), 64), [5, 25]),
            ("frequency 32", ConvolutionShape::new(1, 32, [1, 8]), [98, 40]),
            ("square 64 x 64", group(ConvolutionShape::new(64, 64, [3, 3]), 1), [20, 25]),
            ("raw 401", ConvolutionShape::new(1, 40, [1, 401]), [10, 560]),
        ];
        for (name, shape, size) in layers {
            let output = shape.output(size).expect("a window that fits");
            let one = shape.weights() * output[0] * output[1];
            let operations = 2.0 * (BATCH * one) as f64;
            let (inputs, outputs) = (shape.inputs * size[0] * size[1], shape.outputs * output[0] * output[1]);
            let (input, weights) = (numbers(BATCH * inputs), numbers(shape.weights()));
            let (d_output, mut d_input) = (numbers(BATCH * outputs), vec![0.0; BATCH * inputs]);
            let (mut y, mut d_weights) = (vec![0.0; BATCH * outputs], weights.clone());
            let mut convolution = Convolution::new(self.set, shape).expect("a shape");
            self.time(&format!("{name}: forward"), operations, || {
                convolution.prepare(Weights { weights: &weights, bias: None });
                for (input, y) in input.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
                    convolution.forward((input, size), Finish::default(), y, None);
                }
            });
            for (what, times, with_input) in [("backward", 2.0, true), ("gradient by weights", 1.0, false)] {
                self.time(&format!("{name}: {what}"), times * operations, || {
                    convolution.begin_backward(&weights);
                    for example in 0..BATCH {
                        let d_input = &mut d_input[example * inputs..][..inputs];
                        let input = &input[example * inputs..][..inputs];
                        let d = FinishedGradient::plain(&d_output[example * outputs..][..outputs]);
                        convolution.backward((input, size), d, with_input.then_some(d_input));
                    }
                    convolution.finish_backward(Gradients { weights: &mut d_weights, bias: None });
                });
            }
        }
    }

    fn net(&self, plan: &Plan, batch_norm: bool) {
        let name = format!("{}{}", plan.name, if batch_norm { " with batch norm" } else { "" });
        let mut net = Net::new(plan, batch_norm, self.set);
        let input = numbers(BATCH * plan.size[0] * plan.size[1]);
        let forward = 2.0 * (BATCH * net.multiply_adds) as f64;
        self.time(&format!("{name}: forward"), forward, || net.forward(&input));
        net.forward(&input);
        self.time(&format!("{name}: convolutions back"), 0.0, || net.convolutions_back(&input));
        self.time(&format!("{name}: linear forward"), 0.0, || net.linear_forward());
        self.time(&format!("{name}: linear back"), 0.0, || net.linear_back());
        self.time(&format!("{name}: descent"), 0.0, || net.descend());
        let step = 3.0 * forward - 2.0 * (BATCH * net.first) as f64;
        self.time(&format!("{name}: training step"), step, || net.train(&input));
        net.prepare_inference();
        let clip = &input[..plan.size[0] * plan.size[1]];
        self.time(&format!("{name}: one clip"), 2.0 * net.multiply_adds as f64, || net.infer(clip));
    }
}

/// A convolution and what follows it.
struct Stage {
    convolution: Convolution,
    parameters: Parameters,
    norm: Option<Norm>,
    kept: Kept,
}

/// The sizes of a stage, and its buffers for a batch.
struct Kept {
    shape: ConvolutionShape,
    average: Average,
    size: [usize; 2],
    output: [usize; 2],
    /// Numbers of an example's finished output.
    len: usize,
    /// [B, C, H', W'], before the normalisation; only with one.
    y: Vec<f32>,
    signs: Vec<u8>,
    finished: Vec<f32>,
    d_finished: Vec<f32>,
}

struct Norm {
    affine: Parameters,
    moments: Vec<Moments>,
    channels: Vec<Channel>,
    gradients: Vec<ChannelGradient>,
    sums: Vec<GradientSums>,
    running: Vec<Running>,
}

/// Weights and bias, and their gradients.
struct Parameters {
    weights: Vec<f32>,
    bias: Vec<f32>,
    d_weights: Vec<f32>,
    d_bias: Vec<f32>,
}

impl Parameters {
    fn new(weights: usize, outputs: usize) -> Parameters {
        let scale = (3.0 * outputs as f32 / weights as f32).sqrt();
        Parameters {
            weights: numbers(weights).iter().map(|weight| weight * scale).collect(),
            bias: vec![0.0; outputs],
            d_weights: vec![0.0; weights],
            d_bias: vec![0.0; outputs],
        }
    }

    fn descend(&mut self) {
        let step = |to: &mut [f32], d: &mut [f32]| {
            for (to, d) in to.iter_mut().zip(d) {
                *to -= 1e-5 * *d;
                *d = 0.0;
            }
        };
        step(&mut self.weights, &mut self.d_weights);
        step(&mut self.bias, &mut self.d_bias);
    }
}

impl Norm {
    fn new(channels: usize) -> Norm {
        let mut affine = Parameters::new(channels, channels);
        affine.weights.fill(1.0);
        Norm {
            affine,
            moments: vec![Moments::default(); channels],
            channels: vec![Channel::IDENTITY; channels],
            gradients: vec![ChannelGradient { centre: 0.0, scale: 1.0, slope: 0.0, shift: 0.0 }; channels],
            sums: vec![GradientSums::default(); channels],
            running: vec![Running { mean: 0.0, variance: 1.0 }; channels],
        }
    }

    /// Uses the moments of a batch.
    fn settle(&mut self) {
        for channel in 0..self.channels.len() {
            let affine = [self.affine.weights[channel], self.affine.bias[channel]];
            self.channels[channel] = Channel::trained(&self.moments[channel], affine, EPSILON);
            self.running[channel].follow(&self.moments[channel], 0.1);
        }
    }

    fn turn(&mut self) {
        for channel in 0..self.channels.len() {
            let weight = self.affine.weights[channel];
            let (gradient, [d_weight, d_bias]) =
                ChannelGradient::trained(&self.moments[channel], weight, EPSILON, &self.sums[channel]);
            self.gradients[channel] = gradient;
            self.affine.d_weights[channel] += d_weight;
            self.affine.d_bias[channel] += d_bias;
        }
    }
}

/// A linear layer y = W x + b, and what follows it.
struct Linear {
    inputs: usize,
    outputs: usize,
    parameters: Parameters,
    norm: Option<Norm>,
    rectify: bool,
    packed: Packed,
    /// [B, O]
    y: Vec<f32>,
    signs: Vec<u8>,
    finished: Vec<f32>,
    d_finished: Vec<f32>,
    d_y: Vec<f32>,
}

struct Net {
    set: InstructionSet,
    stages: Vec<Stage>,
    linear: Vec<Linear>,
    products: Products,
    multiply_adds: usize,
    first: usize,
}

impl Net {
    fn new(plan: &Plan, batch_norm: bool, set: InstructionSet) -> Net {
        let mut size = plan.size;
        let (mut stages, mut multiply_adds, mut first) = (Vec::new(), 0, 0);
        for &(shape, average) in plan.convolutions {
            let output = shape.output(size).expect("a window that fits");
            let averages = average.output(output);
            let len = shape.outputs * averages[0] * averages[1];
            let y = if batch_norm { BATCH * shape.outputs * output[0] * output[1] } else { 0 };
            stages.push(Stage {
                convolution: Convolution::new(set, shape).expect("a shape"),
                parameters: Parameters::new(shape.weights(), shape.outputs),
                norm: batch_norm.then(|| Norm::new(shape.outputs)),
                kept: Kept {
                    shape,
                    average,
                    size,
                    output,
                    len,
                    y: vec![0.0; y],
                    signs: vec![0; BATCH * norm::sign_bytes(shape.outputs, output)],
                    finished: vec![0.0; BATCH * len],
                    d_finished: vec![0.0; BATCH * len],
                },
            });
            multiply_adds += shape.weights() * output[0] * output[1];
            if first == 0 {
                first = multiply_adds;
            }
            size = averages;
        }
        let mut linear = Vec::new();
        for (layer, sizes) in plan.linear.windows(2).enumerate() {
            let (inputs, outputs) = (sizes[0], sizes[1]);
            let rectify = layer + 2 < plan.linear.len();
            linear.push(Linear {
                inputs,
                outputs,
                parameters: Parameters::new(inputs * outputs, outputs),
                norm: (batch_norm && rectify).then(|| Norm::new(outputs)),
                rectify,
                packed: Packed::new(set),
                y: vec![0.0; BATCH * outputs],
                signs: vec![0; BATCH * norm::sign_bytes(outputs, [1, 1])],
                finished: vec![0.0; BATCH * outputs],
                d_finished: vec![1e-3; BATCH * outputs],
                d_y: vec![0.0; BATCH * outputs],
            });
            multiply_adds += inputs * outputs;
        }
        Net { set, stages, linear, products: Products::new(set), multiply_adds, first }
    }

    /// A stage, what goes into it, and where the gradient by that goes.
    fn stage<'a>(
        stages: &'a mut [Stage],
        at: usize,
        input: &'a [f32],
    ) -> (&'a mut Stage, &'a [f32], Option<&'a mut [f32]>) {
        let (below, here) = stages.split_at_mut(at);
        match below.last_mut() {
            Some(Stage { kept, .. }) => (&mut here[0], &kept.finished, Some(&mut kept.d_finished)),
            None => (&mut here[0], input, None),
        }
    }

    /// Without a normalisation an example goes through all stages while it is in the cache.
    fn forward(&mut self, input: &[f32]) {
        let stages = &mut self.stages;
        stages.iter_mut().for_each(Stage::prepare);
        if stages[0].norm.is_some() {
            for at in 0..stages.len() {
                let (stage, input, _) = Net::stage(stages, at, input);
                stage.forward_batch(self.set, input);
            }
        } else {
            for example in 0..BATCH {
                for at in 0..stages.len() {
                    let (stage, input, _) = Net::stage(stages, at, input);
                    stage.forward(input, example);
                }
            }
        }
        self.linear_forward();
    }

    fn convolutions_back(&mut self, input: &[f32]) {
        let stages = &mut self.stages;
        if stages[0].norm.is_some() {
            for at in (0..stages.len()).rev() {
                let (stage, input, mut d_input) = Net::stage(stages, at, input);
                stage.begin_backward(self.set);
                for example in 0..BATCH {
                    stage.backward(input, example, d_input.as_deref_mut());
                }
            }
        } else {
            stages.iter_mut().for_each(|stage| stage.begin_backward(self.set));
            for example in 0..BATCH {
                for at in (0..stages.len()).rev() {
                    let (stage, input, d_input) = Net::stage(stages, at, input);
                    stage.backward(input, example, d_input);
                }
            }
        }
        stages.iter_mut().for_each(Stage::finish_backward);
    }

    fn linear_forward(&mut self) {
        for at in 0..self.linear.len() {
            let (below, here) = self.linear.split_at_mut(at);
            let input = below
                .last()
                .map_or(&self.stages[self.stages.len() - 1].kept.finished, |layer| &layer.finished);
            here[0].forward(self.set, &mut self.products, input);
        }
    }

    fn linear_back(&mut self) {
        for at in (0..self.linear.len()).rev() {
            let (below, here) = self.linear.split_at_mut(at);
            let (input, d_input) = match below.last_mut() {
                Some(layer) => (&layer.finished, &mut layer.d_finished),
                None => {
                    let last = self.stages.len() - 1;
                    let stage = &mut self.stages[last].kept;
                    (&stage.finished, &mut stage.d_finished)
                }
            };
            here[0].backward(self.set, &mut self.products, input, d_input);
        }
    }

    fn descend(&mut self) {
        let stages = self.stages.iter_mut().map(|stage| (&mut stage.parameters, &mut stage.norm));
        let linear = self.linear.iter_mut().map(|layer| (&mut layer.parameters, &mut layer.norm));
        for (parameters, norm) in stages.chain(linear) {
            parameters.descend();
            norm.iter_mut().for_each(|norm| norm.affine.descend());
        }
    }

    fn train(&mut self, input: &[f32]) {
        self.forward(input);
        self.linear_back();
        self.convolutions_back(input);
        self.descend();
    }

    fn prepare_inference(&mut self) {
        let freeze = |norm: &mut Option<Norm>| {
            if let Some(norm) = norm {
                for channel in 0..norm.channels.len() {
                    let affine = [norm.affine.weights[channel], norm.affine.bias[channel]];
                    norm.channels[channel] = Channel::running(norm.running[channel], affine, EPSILON);
                }
            }
        };
        for stage in &mut self.stages {
            freeze(&mut stage.norm);
            let Parameters { weights, bias, .. } = &stage.parameters;
            stage.convolution.prepare(Weights { weights, bias: Some(bias) });
        }
        for layer in &mut self.linear {
            freeze(&mut layer.norm);
            layer
                .packed
                .pack(Matrix::new(&layer.parameters.weights, layer.outputs, layer.inputs).transposed());
        }
    }

    fn infer(&mut self, clip: &[f32]) {
        for at in 0..self.stages.len() {
            let (below, here) = self.stages.split_at_mut(at);
            let Stage { convolution, norm, kept: Kept { average, size, finished, len, .. }, .. } =
                &mut here[0];
            let input = below.last().map_or(clip, |Stage { kept, .. }| &kept.finished[..kept.len]);
            let channels = norm.as_ref().map(|norm| &norm.channels[..]);
            let finish = Finish { channels, rectify: true, average: *average };
            convolution.forward((input, *size), finish, &mut finished[..*len], None);
        }
        for at in 0..self.linear.len() {
            let (below, here) = self.linear.split_at_mut(at);
            let last = &self.stages[self.stages.len() - 1].kept;
            let input =
                below.last().map_or(&last.finished[..last.len], |layer| &layer.finished[..layer.outputs]);
            let Linear { inputs, outputs, packed, y, finished, norm, rectify, parameters, .. } = &mut here[0];
            let to = MatrixMut::new(&mut y[..*outputs], 1, *outputs);
            packed.multiply(Matrix::new(input, 1, *inputs), to, Start::Row(&parameters.bias));
            let channels = norm.as_ref().map(|norm| &norm.channels[..]);
            let finish = Finish { channels, rectify: *rectify, average: Average::Nothing };
            norm::finish(self.set, finish, (&y[..*outputs], [1, 1]), &mut finished[..*outputs], None);
        }
    }
}

impl Kept {
    /// Numbers of an example that go in, those before they are finished, and bytes of the signs.
    fn sizes(&self) -> [usize; 3] {
        let inputs = self.shape.inputs * self.size[0] * self.size[1];
        let outputs = self.shape.outputs * self.output[0] * self.output[1];
        [inputs, outputs, norm::sign_bytes(self.shape.outputs, self.output)]
    }

    fn y(&self, example: usize) -> &[f32] {
        let [_, outputs, _] = self.sizes();
        &self.y[example * outputs..][..outputs]
    }

    fn gradient<'a>(&'a self, example: usize, norm: Option<&'a Norm>) -> FinishedGradient<'a> {
        let [_, _, bytes] = self.sizes();
        FinishedGradient {
            d: &self.d_finished[example * self.len..][..self.len],
            average: self.average,
            signs: Some(&self.signs[example * bytes..][..bytes]),
            normalised: norm.map(|norm| Normalised { y: self.y(example), channels: &norm.gradients }),
        }
    }
}

impl Stage {
    fn prepare(&mut self) {
        let Parameters { weights, bias, .. } = &self.parameters;
        self.convolution.prepare(Weights { weights, bias: Some(bias) });
    }

    /// One example, where there is no normalisation.
    fn forward(&mut self, input: &[f32], example: usize) {
        let Stage { convolution, kept, .. } = self;
        let [inputs, _, bytes] = kept.sizes();
        let finish = Finish { channels: None, rectify: true, average: kept.average };
        let finished = &mut kept.finished[example * kept.len..][..kept.len];
        let signs = Some(&mut kept.signs[example * bytes..][..bytes]);
        convolution.forward((&input[example * inputs..][..inputs], kept.size), finish, finished, signs);
    }

    /// A batch, as the statistics of a normalisation want all examples.
    fn forward_batch(&mut self, set: InstructionSet, input: &[f32]) {
        let Stage { convolution, kept, norm: Some(norm), .. } = self else { return };
        let [inputs, outputs, bytes] = kept.sizes();
        norm.moments.fill(Moments::default());
        for (input, y) in input.chunks_exact(inputs).zip(kept.y.chunks_exact_mut(outputs)) {
            convolution.forward((input, kept.size), Finish::default(), y, None);
            norm::add_moments(set, y, &mut norm.moments);
        }
        norm.settle();
        let finish = Finish { channels: Some(&norm.channels), rectify: true, average: kept.average };
        let all = kept.y.chunks_exact(outputs).zip(kept.signs.chunks_exact_mut(bytes));
        for ((y, signs), finished) in all.zip(kept.finished.chunks_exact_mut(kept.len)) {
            norm::finish(set, finish, (y, kept.output), finished, Some(signs));
        }
    }

    /// What must be known of the whole batch before its examples can go back.
    fn begin_backward(&mut self, set: InstructionSet) {
        let Stage { convolution, kept, norm, parameters } = self;
        if let Some(norm) = norm {
            norm.sums.fill(GradientSums::default());
            for example in 0..BATCH {
                let y = (kept.y(example), kept.output);
                let gradient = kept.gradient(example, None);
                norm::add_gradient_sums(set, gradient, y, &norm.channels, &mut norm.sums);
            }
            norm.turn();
        }
        convolution.begin_backward(&parameters.weights);
    }

    fn backward(&mut self, input: &[f32], example: usize, d_input: Option<&mut [f32]>) {
        let Stage { convolution, kept, norm, .. } = self;
        let [inputs, _, _] = kept.sizes();
        let d_input = d_input.map(|d_input| &mut d_input[example * inputs..][..inputs]);
        let input = (&input[example * inputs..][..inputs], kept.size);
        convolution.backward(input, kept.gradient(example, norm.as_ref()), d_input);
    }

    fn finish_backward(&mut self) {
        let Parameters { d_weights, d_bias, .. } = &mut self.parameters;
        self.convolution.finish_backward(Gradients { weights: d_weights, bias: Some(d_bias) });
    }
}

impl Linear {
    fn forward(&mut self, set: InstructionSet, products: &mut Products, input: &[f32]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let weights = Matrix::new(&self.parameters.weights, outputs, inputs);
        let x = Matrix::new(input, BATCH, inputs);
        let y = MatrixMut::new(&mut self.y, BATCH, outputs);
        products.multiply(x, weights.transposed(), y, Start::Row(&self.parameters.bias));
        let mut finish = Finish { channels: None, rectify: self.rectify, average: Average::Nothing };
        if let Some(norm) = &mut self.norm {
            norm.moments.fill(Moments::default());
            self.y.chunks_exact(outputs).for_each(|y| norm::add_moments(set, y, &mut norm.moments));
            norm.settle();
            finish.channels = Some(&norm.channels);
        }
        let bytes = norm::sign_bytes(outputs, [1, 1]);
        for example in 0..BATCH {
            let y = &self.y[example * outputs..][..outputs];
            let signs = Some(&mut self.signs[example * bytes..][..bytes]);
            let finished = &mut self.finished[example * outputs..][..outputs];
            norm::finish(set, finish, (y, [1, 1]), finished, signs);
        }
    }

    fn backward(&mut self, set: InstructionSet, products: &mut Products, input: &[f32], d_input: &mut [f32]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let bytes = norm::sign_bytes(outputs, [1, 1]);
        let gradient = |example: usize| FinishedGradient {
            d: &self.d_finished[example * outputs..][..outputs],
            average: Average::Nothing,
            signs: self.rectify.then(|| &self.signs[example * bytes..][..bytes]),
            normalised: None,
        };
        let y = |example: usize| &self.y[example * outputs..][..outputs];
        if let Some(norm) = &mut self.norm {
            norm.sums.fill(GradientSums::default());
            for example in 0..BATCH {
                let y = (y(example), [1, 1]);
                norm::add_gradient_sums(set, gradient(example), y, &norm.channels, &mut norm.sums);
            }
            norm.turn();
        }
        for (example, d_y) in self.d_y.chunks_exact_mut(outputs).enumerate() {
            let normalised =
                self.norm.as_ref().map(|norm| Normalised { y: y(example), channels: &norm.gradients });
            norm::spread(set, FinishedGradient { normalised, ..gradient(example) }, [1, 1], d_y);
        }
        let d_y = Matrix::new(&self.d_y, BATCH, outputs);
        let x = Matrix::new(input, BATCH, inputs);
        let d_weights = MatrixMut::new(&mut self.parameters.d_weights, outputs, inputs);
        products.multiply(d_y.transposed(), x, d_weights, Start::Keep);
        for row in self.d_y.chunks_exact(outputs) {
            self.parameters.d_bias.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
        }
        let weights = Matrix::new(&self.parameters.weights, outputs, inputs);
        products.multiply(d_y, weights, MatrixMut::new(d_input, BATCH, inputs), Start::Zero);
    }
}
