//! Networks on streams: frame by frame, causal models give the scores of a pass over the whole sequence.

use stapes_kernels::Sequences;
use stapes_kernels::convolution::ConvolutionShape;
use stapes_nn::convolution::{BlockConfig, ConvolutionBlock, FramesAsImage, ImageAsFrames, ImageMean};
use stapes_nn::head::{Pool, Pooling};
use stapes_nn::layer::{Mode, Pass, Shape};
use stapes_nn::linear::Linear;
use stapes_nn::objective::Objective;
use stapes_nn::{LoadedNetwork, ModelConfig, Network, NormActivation, Plan, Swish};
use stapes_random::Rng;

type Loaded<'a> = LoadedNetwork<&'a mut Network, &'a [f32]>;

fn network(text: &str, features: usize) -> Network {
    let model: ModelConfig = toml::from_str(text).unwrap();
    model.build(Shape::frames(features), 3).unwrap()
}

/// Returns parameters with different values in every normalization.
fn parameters(network: &Network) -> Vec<f32> {
    let mut parameters = network.initial_parameters(1);
    let mut rng = Rng::new(7, "statistics");
    let is_norm = |name: &str| name.contains("norm") || name.contains("bands");
    for spec in network.tensors().iter().filter(|spec| is_norm(&spec.name)) {
        spec.slice_mut(&mut parameters).iter_mut().for_each(|value| *value += 0.3 * rng.symmetric(1.0));
    }
    parameters
}

/// Returns the scores of a pass over the first `frames` frames: those of the sequence, or of its last frame.
fn offline(network: &mut Loaded<'_>, input: &[f32], frames: usize) -> Vec<f32> {
    let sequences = Sequences::new(&[frames]).unwrap();
    let pass = Pass { sequences: &sequences, mode: Mode::Inference };
    let input = &input[..network.input_shape().len(&sequences)];
    let scores = network.forward(input, pass);
    scores[scores.len() - 3..].to_vec()
}

const CAUSAL: [(&str, usize, usize); 8] = [
    // Model, number of features, and stride in time.
    ("[recurrent]\ncell = 'lstm'\nhidden_size = 5\nnum_layers = 2\nhead = 'per_frame'", 4, 1),
    ("[recurrent]\ncell = 'gru'\nhidden_size = 5\nhead = 'last'", 4, 1),
    ("[recurrent]\ncell = 'rnn_tanh'\nhidden_size = 5\nhead = 'mean'\nhead_dropout = 0.5", 4, 1),
    ("[recurrent]\ncell = 'rnn_relu'\nhidden_size = 5\nhead = 'max'", 4, 1),
    ("[recurrent]\ncell = 'gru_reset_before'\nhidden_size = 5\nhead = 'vote'", 4, 1),
    ("[cdnn]\nfilters = 3\nhidden_size = 4\nnum_layers = 2", 14, 1),
    ("[cdnn-raw]\nbands = 11\nwindow_samples = 5\nfilters = 3\nhidden_size = 4", 9, 1),
    ("[crnn]\nfilters = 6\nhidden_size = 5\nfc_size = 7\ndropout = 0.1", 8, 2),
];

#[test]
fn stream_is_bit_identical_to_the_sequence_up_to_each_frame() {
    for (text, features, stride) in CAUSAL {
        let mut network = network(text, features);
        let parameters = parameters(&network);
        let mut network = network.load(&parameters);
        let mut rng = Rng::new(3, "frames");
        let input: Vec<f32> = (0..21 * features).map(|_| rng.symmetric(1.0)).collect();
        let expected: Vec<Vec<f32>> = (1..=21).map(|frames| offline(&mut network, &input, frames)).collect();
        // Two streams alternate on the network and are independent.
        let mut streams = [network.stream().unwrap(), network.stream().unwrap()];
        for (t, frame) in input.chunks_exact(features).enumerate() {
            for stream in &mut streams {
                match network.step(stream, frame) {
                    Some(scores) => assert_eq!(scores, expected[t], "{text}: frame {t}"),
                    None => assert_ne!(t % stride, 0, "{text}: no scores at frame {t}"),
                }
            }
        }
    }
}

#[test]
fn stream_of_a_fixed_length_model_is_bit_identical_to_the_sequence() {
    let (text, features, _) = CAUSAL[7];
    let model: ModelConfig = toml::from_str(text).unwrap();
    let fixed = Shape::Sequence { features, frames: Some(21) };
    let mut network = model.build(fixed, 3).unwrap();
    let parameters = parameters(&network);
    let mut network = network.load(&parameters);
    let mut rng = Rng::new(3, "frames");
    let input: Vec<f32> = (0..21 * features).map(|_| rng.symmetric(1.0)).collect();
    let whole = offline(&mut network, &input, 21);
    let mut stream = network.stream().unwrap();
    let mut last = Vec::new();
    for frame in input.chunks_exact(features) {
        last = network.step(&mut stream, frame).map_or(last, <[f32]>::to_vec);
    }
    assert_eq!(last, whole);
}

/// Builds a causal residual network with batch and sub-spectral normalization, dilation, a stride in time,
/// Swish, and a mean over rows that is added to all rows.
fn residual(shape: Shape) -> Network {
    let mut plan = Plan::new(shape);
    plan.push(FramesAsImage::new(6, None));
    let convolution = |inputs: usize, outputs: usize, frames: usize, dilation: usize| ConvolutionShape {
        padding: [[1, 1], [(frames - 1) * dilation, 0]],
        dilation: [1, dilation],
        ..ConvolutionShape::new(inputs, outputs, [3, frames])
    };
    let block = |plan: &mut Plan, shape: ConvolutionShape, prefix: &str| {
        let config = BlockConfig { relu: true, ..BlockConfig::new(shape) };
        let names = [format!("{prefix}conv."), format!("{prefix}norm.")];
        let block =
            ConvolutionBlock::new(config, (6, None), &names[0], Some(&names[1]), plan.layout()).unwrap();
        plan.push(block);
    };
    let strided = ConvolutionShape { stride: [1, 2], ..convolution(1, 4, 4, 1) };
    block(&mut plan, strided, "a.");
    let start = plan.outlet();
    block(&mut plan, convolution(4, 4, 3, 2), "b.");
    let bands = NormActivation::in_bands(plan.shape(), 3, "bands.", plan.layout());
    plan.push(bands);
    let rows = plan.outlet();
    plan.push(ImageMean::over_rows(plan.shape()));
    plan.push(Swish::new(plan.shape()));
    plan.push_residual(&[rows, plan.outlet(), start], true);
    plan.push(ImageAsFrames::new(plan.shape()));
    plan.push(Pool::new(Pooling::Max, 24, 1));
    let linear = Linear::new(plan.shape(), 3, "fc.", plan.layout());
    plan.push(linear);
    plan.finish(Objective::Classes)
}

#[test]
fn stream_of_a_residual_network_is_bit_identical_to_the_sequence() {
    let mut network = residual(Shape::frames(6));
    let parameters = parameters(&network);
    let mut network = network.load(&parameters);
    let mut rng = Rng::new(3, "frames");
    let input: Vec<f32> = (0..19 * 6).map(|_| rng.symmetric(1.0)).collect();
    let expected: Vec<Vec<f32>> = (1..=19).map(|frames| offline(&mut network, &input, frames)).collect();
    let mut stream = network.stream().unwrap();
    for (t, frame) in input.chunks_exact(6).enumerate() {
        match network.step(&mut stream, frame) {
            Some(scores) => assert_eq!(scores, expected[t], "frame {t}"),
            None => assert_eq!(t % 2, 1, "no scores at frame {t}"),
        }
    }
}

#[test]
fn stream_uses_new_parameters() {
    let mut network = network(CAUSAL[7].0, 8);
    let mut scores = |parameters: &[f32]| {
        let mut network = network.load(parameters);
        let mut stream = network.stream().unwrap();
        network.step(&mut stream, &[1.0; 8]).unwrap().to_vec()
    };
    let first: Vec<f32> = (0..20_000).map(|at| (at as f32 * 0.7).sin() * 0.3).collect();
    let len =
        ModelConfig::build(&toml::from_str(CAUSAL[7].0).unwrap(), Shape::frames(8), 3).unwrap().buffer_len();
    let other: Vec<f32> = first[..len].iter().map(|value| value * 0.5).collect();
    assert_ne!(scores(&first[..len]), scores(&other));
    assert_eq!(scores(&first[..len]), scores(&first[..len]));
}

#[test]
fn error_names_the_layer_that_needs_future_frames() {
    for (text, features, layer) in [
        ("[recurrent]\ncell = 'lstm'\nhidden_size = 5\nbidirectional = true", 4, "lstm 4 -> 5"),
        ("[recurrent]\ncell = 'lstm'\nhidden_size = 5\nhead = 'attention'", 4, "attention over frames"),
        ("[tc-resnet]", 40, "convolution 3, 40 -> 16"),
        ("[ds-cnn]", 10, "convolution 4x10, 1 -> 64"),
    ] {
        let error = network(text, features).stream().err().unwrap().to_string();
        assert!(error.starts_with(layer) && error.contains("needs future frames"), "{error}");
    }
}
