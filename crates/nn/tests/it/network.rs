//! Whole networks: gradients by finite differences, and what an utterance's batch mates must not change.

use stapes_kernels::Sequences;
use stapes_nn::layer::{Draw, Mode, Pass, Shape};
use stapes_nn::objective::Targets;
use stapes_nn::{ModelConfig, Network, NetworkBackward};
use stapes_random::Stream;

fn model(text: &str) -> ModelConfig {
    toml::from_str(&format!("[recurrent]\n{text}")).unwrap()
}

fn frames(lengths: &[usize], width: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(seed, "frames");
    lengths.iter().map(|length| (0..length * width).map(|_| stream.symmetric(1.0)).collect()).collect()
}

fn packed(sequences: &Sequences, frames: &[Vec<f32>], width: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
    let mut packed = vec![0.0; sequences.frames() * width];
    sequences.pack(&rows, width, &mut packed);
    packed
}

fn loss(network: &mut Network, parameters: &[f32], input: &[f32], pass: Pass<'_>) -> (f64, Vec<f32>) {
    network.prepare(parameters);
    let mut scores = network.forward(parameters, input, pass).to_vec();
    let objective = network.objective();
    let frames: Vec<usize> = (0..pass.sequences.frames()).map(|frame| frame % 2).collect();
    let targets = match objective.decides_frames() {
        true => Targets::Frames(&frames),
        false => Targets::Sequences(&CLASSES),
    };
    let whole = objective.decisions(pass.sequences);
    (objective.loss(&mut scores, targets, pass.sequences, whole), scores)
}

const LENGTHS: [usize; 3] = [4, 7, 1];
const CLASSES: [usize; 3] = [2, 0, 1];

#[test]
fn every_head_and_wiring_has_the_gradient_that_finite_differences_find() {
    let heads = [
        "last",
        "mean",
        "max",
        "attention",
        "vote",
        "frame_ensemble",
        "concatenate",
        "per_frame",
        "per_frame_binary",
    ];
    for head in heads {
        // A fixed length where the head asks for one.
        let fixed = ["frame_ensemble", "concatenate"].contains(&head);
        let lengths = if fixed { [4; 3] } else { LENGTHS };
        let shape = Shape::Sequence { features: 4, frames: fixed.then_some(4) };
        let classes = if head == "per_frame_binary" { 2 } else { 3 };
        for wiring in ["unidirectional", "stacked", "parallel", "tied"] {
            let text = format!(
                "cell = 'lstm'\nhidden = 5\nlayers = 2\nwiring = '{wiring}'\nhead = '{head}'\nhead_dropout = 0.3\ndropout = 0.2"
            );
            let mut network = model(&text).build(shape, classes).unwrap();
            let mut parameters = network.initial_parameters(3);
            let sequences = Sequences::new(&lengths).unwrap();
            let input = packed(&sequences, &frames(&lengths, 4, 1), 4);
            // The same dropout in every pass: its choices depend on the key alone.
            let pass =
                Pass { sequences: &sequences, mode: Mode::Training(Draw { key: 5, places: &[0, 1, 2] }) };
            let (_, d_output) = loss(&mut network, &parameters, &input, pass);
            let mut gradients = vec![0.0; parameters.len()];
            let mut d_input = vec![f32::NAN; input.len()];
            let call = NetworkBackward {
                parameters: &parameters,
                gradients: &mut gradients,
                input: &input,
                d_output: &d_output,
                d_input: Some(&mut d_input),
            };
            network.backward(call, pass);
            let largest = gradients.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            for at in (0..parameters.len()).step_by(7) {
                let start = parameters[at];
                let mut slope = 0.0;
                for sign in [1.0, -1.0] {
                    parameters[at] = start + sign * 3e-3;
                    slope += f64::from(sign) * loss(&mut network, &parameters, &input, pass).0 / 6e-3;
                }
                parameters[at] = start;
                let difference = (slope - f64::from(gradients[at])).abs();
                assert!(
                    difference < 1e-2 * f64::from(largest),
                    "{text}\nparameter {at}: {slope} and {}",
                    gradients[at]
                );
            }
            assert!(d_input.iter().all(|value| value.is_finite()));
        }
    }
}

#[test]
fn scores_are_the_same_bits_alone_and_in_any_batch() {
    let network = model("cell = 'lstm'\nhidden = 13\nlayers = 2\nwiring = 'stacked'\nhead = 'mean'");
    let mut network = network.build(Shape::frames(5), 4).unwrap();
    let parameters = network.initial_parameters(1);
    let lengths = [3, 17, 1, 9, 17, 2, 30];
    let frames = frames(&lengths, 5, 2);
    network.prepare(&parameters);
    let together = Sequences::new(&lengths).unwrap();
    let input = packed(&together, &frames, 5);
    let pass = Pass { sequences: &together, mode: Mode::Inference };
    let batch = network.forward(&parameters, &input, pass).to_vec();
    for (index, sequence) in frames.iter().enumerate() {
        let alone = Sequences::new(&lengths[index..=index]).unwrap();
        let pass = Pass { sequences: &alone, mode: Mode::Inference };
        assert_eq!(
            network.forward(&parameters, sequence, pass),
            &batch[index * 4..][..4],
            "sequence {index}"
        );
    }
}

#[test]
fn impossible_models_are_refused_with_their_key() {
    let cases = [
        ("cell = 'lstm'\nhidden = 0", "model.recurrent.hidden"),
        ("cell = 'lstm'\nhidden = 4\nlayers = 0", "model.recurrent.layers"),
        ("cell = 'lstm'\nhidden = 4\nlayers = 2\ndropout = 1.0", "model.recurrent.dropout"),
        ("cell = 'lstm'\nhidden = 4\ndropout = 0.5", "model.recurrent.dropout"),
        ("cell = 'lstm'\nhidden = 4\nhead_dropout = nan", "model.recurrent.head_dropout"),
        ("cell = 'lstm'\nhidden = 100000", "hidden"),
        ("cell = 'gru'\nhidden = 4\nforget_bias = 1.0", "model.recurrent.forget_bias"),
        ("cell = 'lstm'\nhidden = 4\nbias = false\nforget_bias = 1.0", "model.recurrent.forget_bias"),
        ("cell = 'lstm'\nhidden = 4\ntruncate_frames = 0", "model.recurrent.truncate_frames"),
        ("cell = 'lstm'\nhidden = 4\nhead = 'frame_ensemble'", "head = frame_ensemble: reads all frames"),
        ("cell = 'lstm'\nhidden = 4\nhead = 'concatenate'", "one fixed length, but the frames are [T, 4]"),
        ("cell = 'lstm'\nhidden = 4\nhead = 'per_frame_binary'", "two classes apart, but there are 3"),
    ];
    for (text, key) in cases {
        let error = model(text).build(Shape::frames(4), 3).err().expect(text).to_string();
        assert!(error.contains(key), "{error}");
    }
}
