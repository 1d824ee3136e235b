//! Convolutional models: gradients by finite differences, running statistics, errors, summaries.

use stapes_kernels::Sequences;
use stapes_nn::layer::{DropoutKey, Mode, Pass, Shape};
use stapes_nn::objective::Targets;
use stapes_nn::{LoadedNetwork, ModelConfig, Network, NetworkBackward};
use stapes_random::Rng;

type Loaded<'a> = LoadedNetwork<&'a mut Network, &'a [f32]>;

fn model(text: &str) -> ModelConfig {
    toml::from_str(text).unwrap()
}

fn fixed(features: usize, frames: usize) -> Shape {
    Shape::Sequence { features, frames: Some(frames) }
}

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed, "numbers");
    (0..count).map(|_| rng.symmetric(1.0)).collect()
}

/// Returns the loss in training mode and its gradient with respect to the scores.
fn loss(network: &mut Loaded<'_>, input: &[f32], pass: Pass<'_>) -> (f64, Vec<f32>) {
    let mut scores = network.forward(input, pass).to_vec();
    let objective = network.objective();
    let total = objective.decision_count(pass.sequences);
    let classes: Vec<usize> = (0..total).map(|at| at * at % 3).collect();
    let targets = match objective.is_frame_level() {
        true => Targets::Frames(&classes),
        false => Targets::Sequences(&classes),
    };
    (objective.loss(&mut scores, targets, pass.sequences, total), scores)
}

#[test]
fn every_model_matches_finite_differences() {
    let cases = [
        ("[wave-cnn]", fixed(1, 77), vec![77; 3]),
        ("[wave-cnn]\ndropout = 0.3\nbatch_norm = true", fixed(80, 1), vec![1; 5]),
        ("[mfcc-cnn]\ndropout = 0.2", fixed(14, 15), vec![15; 4]),
        ("[cdnn]\nfilters = 3\nhidden_size = 4\nnum_layers = 2", Shape::frames(14), vec![2, 5, 1]),
        (
            "[cdnn-raw]\nbands = 11\nwindow_samples = 5\nfilters = 3\nhidden_size = 4",
            Shape::frames(9),
            vec![2, 5, 1],
        ),
        ("[ds-cnn]", Shape::frames(6), vec![3, 14, 1]),
        ("[tc-resnet]\nchannels = [4, 6, 6]", Shape::frames(5), vec![4, 13, 1]),
        ("[crnn]\nfilters = 4\nhidden_size = 7\nfc_size = 16", Shape::frames(7), vec![2, 11, 1]),
        ("[attention-rnn]\nfilters = 3\nhidden_size = 2", Shape::frames(5), vec![4, 7, 1]),
    ];
    for (text, shape, lengths) in cases {
        let mut network = model(text).build(shape, 3).unwrap();
        let mut parameters = network.initial_parameters(3);
        let sequences = Sequences::new(&lengths).unwrap();
        let mut input = numbers(sequences.frames() * shape.features(), 1);
        let example_ids: Vec<usize> = (0..lengths.len()).collect();
        let pass = Pass {
            sequences: &sequences,
            mode: Mode::Training(DropoutKey { step: 5, example_ids: &example_ids }),
        };
        let mut loaded = network.load(&parameters);
        let (_, d_output) = loss(&mut loaded, &input, pass);
        let mut gradients = vec![0.0; parameters.len()];
        let mut d_input = vec![f32::NAN; input.len()];
        let call = |network: &mut Loaded<'_>, gradients: &mut [f32], d_input: Option<&mut [f32]>| {
            let (input, d_output) = (&input[..], &d_output[..]);
            network.backward(NetworkBackward { gradients, input, d_output, d_input }, pass);
        };
        call(&mut loaded, &mut gradients, Some(&mut d_input));
        // Without the gradient of the input the others do not change.
        let mut without = vec![0.0; parameters.len()];
        loss(&mut loaded, &input, pass);
        call(&mut loaded, &mut without, None);
        assert_eq!(gradients, without, "{text}");

        for spec in network.tensors().to_vec() {
            let gradient = spec.slice(&gradients);
            if !spec.trained {
                assert!(gradient.iter().all(|&value| value == 0.0), "{text}: {}", spec.name);
                continue;
            }
            // The step is along the gradient, where kinks of single values have little weight.
            let length = gradient.iter().map(|value| value * value).sum::<f32>().sqrt();
            if length < 1e-6 {
                // A later normalization cancels biases, and scales of other normalizations.
                let flat = spec.name.ends_with("bias") || spec.name.contains("norm");
                assert!(flat, "{text}: no gradient of {}", spec.name);
                continue;
            }
            let kept = spec.slice(&parameters).to_vec();
            // A steep loss has a large curvature.
            let step = 1e-3 / length.max(1.0);
            let mut slope = 0.0;
            for sign in [1.0, -1.0f32] {
                let moved = kept.iter().zip(gradient).map(|(value, d)| value + sign * step * d / length);
                spec.slice_mut(&mut parameters).iter_mut().zip(moved).for_each(|(to, value)| *to = value);
                slope += f64::from(sign) * loss(&mut network.load(&parameters), &input, pass).0
                    / f64::from(2.0 * step);
                spec.slice_mut(&mut parameters).copy_from_slice(&kept);
            }
            assert!(agree(slope, length), "{text}: {}: {slope} and {length}", spec.name);
        }
        let length = d_input.iter().map(|value| value * value).sum::<f32>().sqrt();
        let kept = input.clone();
        let mut slope = 0.0;
        for sign in [1.0, -1.0f32] {
            input.clone_from(&kept);
            input.iter_mut().zip(&d_input).for_each(|(to, d)| *to += sign * 1e-3 * d / length);
            slope += f64::from(sign) * loss(&mut network.load(&parameters), &input, pass).0 / 2e-3;
        }
        assert!(agree(slope, length), "{text}: input: {slope} and {length}");
    }
}

/// True if a slope equals the norm of the gradient, within the error of differences in single precision.
fn agree(slope: f64, length: f32) -> bool {
    (slope - f64::from(length)).abs() < 5e-2 * f64::from(length) + 1e-4
}

#[test]
fn running_statistics_are_updated_and_are_not_parameters() {
    let shape = fixed(1, 80);
    let mut network = model("[wave-cnn]\nbatch_norm = true").build(shape, 3).unwrap();
    let plain = model("[wave-cnn]").build(shape, 3).unwrap();
    assert_eq!(network.parameter_count(), plain.parameter_count() + 2 * (4 + 8 + 16 + 32 + 128 + 64));
    assert_eq!(network.buffer_len(), network.parameter_count() + 2 * (4 + 8 + 16 + 32 + 128 + 64));
    let mut parameters = network.initial_parameters(1);
    let spec = |name: &str| network.tensors().iter().find(|spec| spec.name == name).unwrap().clone();
    let (weight, bias) = (spec("0.weight"), spec("0.bias"));
    let (mean, variance) = (spec("1.running_mean"), spec("1.running_var"));
    assert!(variance.slice(&parameters).iter().all(|&value| value == 1.0));

    let sequences = Sequences::new(&[80, 80]).unwrap();
    let input = numbers(160, 2);
    let pass =
        Pass { sequences: &sequences, mode: Mode::Training(DropoutKey { step: 0, example_ids: &[0, 1] }) };
    network.load(&parameters).forward(&input, pass);
    let before = parameters.clone();
    network.update_running_stats(&mut parameters);
    for channel in 0..4 {
        // Packed frames of two sequences alternate.
        let outputs: Vec<f64> = (0..2 * 76)
            .map(|at| {
                let sum: f32 = (0..5)
                    .map(|k| weight.slice(&before)[channel * 5 + k] * input[(at / 2 + k) * 2 + at % 2])
                    .sum();
                f64::from(sum + bias.slice(&before)[channel])
            })
            .collect();
        let batch_mean = outputs.iter().sum::<f64>() / 152.0;
        let squares: f64 = outputs.iter().map(|value| (value - batch_mean).powi(2)).sum();
        let got = [&mean, &variance].map(|spec| f64::from(spec.slice(&parameters)[channel]));
        assert!((got[0] - 0.1 * batch_mean).abs() < 1e-6, "{got:?}");
        assert!((got[1] - 0.9 - 0.1 * squares / 151.0).abs() < 1e-6, "{got:?}");
    }
    // Only the statistics changed.
    for spec in network.tensors().iter().filter(|spec| spec.trained) {
        assert_eq!(spec.slice(&parameters), spec.slice(&before), "{}", spec.name);
    }
}

#[test]
fn summary_lists_the_shapes_of_all_layers() {
    let network = model("[mfcc-cnn]").build(fixed(13, 74), 10).unwrap();
    let summary = network.summary(74);
    let lines: Vec<String> = summary.iter().map(|line| format!("{} {}", line.layer, line.output)).collect();
    assert_eq!(
        lines,
        [
            "frames as an image [1, 13, 74]",
            "convolution 2x3, 1 -> 8, batch norm, relu, avg pool 2 [8, 6, 36]",
            "convolution 3x3, 8 -> 16, batch norm, relu [16, 4, 34]",
            "convolution 3x3, 16 -> 32, batch norm, relu, avg pool 2 [32, 1, 16]",
            "linear 512 -> 128 [128]",
            "relu [128]",
            "linear 128 -> 64 [64]",
            "relu [64]",
            "linear 64 -> 10 [10]",
        ]
    );
    assert_eq!(summary.iter().map(|line| line.parameters).sum::<usize>(), 80_546);
    // 12 x 72 positions, kernels of 2 x 3, 8 channels.
    assert_eq!(summary[1].macs, 12 * 72 * 6 * 8);
    let network = model("[cdnn-raw]").build(Shape::frames(480), 2).unwrap();
    let shapes: Vec<String> = network.summary(1).iter().map(|line| line.output.to_string()).collect();
    assert_eq!(shapes, ["[T, 40]", "[T, 176]", "[T, 16]", "[T, 2]"]);
}

#[test]
fn wave_cnn_has_xavier_initialization() {
    let network = model("[wave-cnn]").build(fixed(1, 6000), 10).unwrap();
    let parameters = network.initial_parameters(1);
    for (name, bound) in
        [("9.weight", (6.0f32 / (16.0 * 5.0 + 32.0 * 5.0)).sqrt()), ("15.weight", (6.0f32 / 192.0).sqrt())]
    {
        let spec = network.tensors().iter().find(|spec| spec.name == name).unwrap();
        let largest = spec.slice(&parameters).iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        assert!(largest <= bound && largest > 0.98 * bound, "{name}: {largest} of {bound}");
    }
}

#[test]
fn invalid_input_is_an_error_with_layer_and_advice() {
    let cases = [
        (
            "[wave-cnn]",
            Shape::frames(1),
            "model.wave-cnn cannot read [T, 1]: it needs recordings of one fixed length; set",
        ),
        (
            "[wave-cnn]",
            fixed(13, 74),
            "model.wave-cnn cannot read [74, 13]: it reads the samples of one waveform",
        ),
        (
            "[wave-cnn]",
            fixed(1, 60),
            "convolution 1x5 with 32 channels cannot read [16, 1, 4]: width: a window of 5",
        ),
        (
            "[wave-cnn]",
            fixed(1, 70),
            "convolution 1x5 with 32 channels cannot read [16, 1, 5]: width: a window of 2",
        ),
        ("[wave-cnn]\ndropout = 1.0", fixed(1, 6000), "model.wave-cnn.dropout = 1"),
        ("[mfcc-cnn]\ndropout = -0.5", fixed(13, 74), "model.mfcc-cnn.dropout = -0.5"),
        (
            "[mfcc-cnn]",
            fixed(13, 3),
            "cannot read [1, 13, 3]: width: a window of 2 does not fit an input of 1",
        ),
        ("[mfcc-cnn]", Shape::frames(13), "set features.fixed_length_samples"),
        (
            "[cdnn]",
            Shape::frames(9),
            "max pooling of 3 cannot read [T, 9]: width: a window of 3 does not fit an input of 2",
        ),
        ("[cdnn]\nhidden_size = 0", Shape::frames(40), "model.cdnn.hidden_size = 0: must be from 1"),
        ("[cdnn-raw]", Shape::frames(400), "filters of 401 samples cannot read [T, 400]"),
        ("[cdnn-raw]\nbands = 9", Shape::frames(480), "model.cdnn-raw: convolution of 8 features"),
        ("[cdnn-raw]\nnum_layers = 99999", Shape::frames(480), "model.cdnn-raw.num_layers = 99999"),
    ];
    for (text, shape, expected) in cases {
        let error = model(text).build(shape, 3).err().expect(text).to_string();
        assert!(error.contains(expected), "{text} on {shape}: {error}");
    }
    assert!(toml::from_str::<ModelConfig>("[wave-cnn]\nbatchnorm = true").is_err());
}

#[test]
fn disable_dropout_keeps_the_parameters() {
    let mut with = model("[wave-cnn]\ndropout = 0.5\nbatch_norm = true");
    let of = |model: &ModelConfig| model.build(fixed(1, 80), 3).unwrap().tensors().to_vec();
    let specs = of(&with);
    with.disable_dropout();
    assert_eq!(with, model("[wave-cnn]\nbatch_norm = true"));
    assert_eq!(of(&with), specs);
}
