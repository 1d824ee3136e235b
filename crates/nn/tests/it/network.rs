//! Networks of recurrent models: gradients by finite differences, independence of the batch, errors, recipe
//! keys.

use stapes_kernels::Sequences;
use stapes_nn::layer::{DropoutKey, Mode, Pass, Shape};
use stapes_nn::objective::Targets;
use stapes_nn::recurrent::Directions;
use stapes_nn::{LoadedNetwork, ModelConfig, Network, NetworkBackward, RecurrentModelConfig};
use stapes_random::Rng;

type Loaded<'a> = LoadedNetwork<&'a mut Network, &'a [f32]>;

fn model(text: &str) -> ModelConfig {
    toml::from_str(&format!("[recurrent]\n{text}")).unwrap()
}

fn frames(lengths: &[usize], width: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = Rng::new(seed, "frames");
    lengths.iter().map(|length| (0..length * width).map(|_| rng.symmetric(1.0)).collect()).collect()
}

fn packed(sequences: &Sequences, frames: &[Vec<f32>], width: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
    let mut packed = vec![0.0; sequences.frames() * width];
    sequences.pack(&rows, width, &mut packed);
    packed
}

fn loss(network: &mut Loaded<'_>, input: &[f32], pass: Pass<'_>) -> (f64, Vec<f32>) {
    let mut scores = network.forward(input, pass).to_vec();
    let objective = network.objective();
    let frames: Vec<usize> = (0..pass.sequences.frames()).map(|frame| frame % 2).collect();
    let targets = match objective.is_frame_level() {
        true => Targets::Frames(&frames),
        false => Targets::Sequences(&CLASSES),
    };
    let total = objective.decision_count(pass.sequences);
    (objective.loss(&mut scores, targets, pass.sequences, total), scores)
}

const LENGTHS: [usize; 3] = [4, 7, 1];
const CLASSES: [usize; 3] = [2, 0, 1];

#[test]
fn every_head_and_mode_matches_finite_differences() {
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
        // Some heads need a fixed length.
        let fixed = ["frame_ensemble", "concatenate"].contains(&head);
        let lengths = if fixed { [4; 3] } else { LENGTHS };
        let shape = Shape::Sequence { features: 4, frames: fixed.then_some(4) };
        let classes = if head == "per_frame_binary" { 2 } else { 3 };
        for mode in [None, Some("interleaved"), Some("independent"), Some("shared")] {
            let mode =
                mode.map_or("".into(), |mode| format!("bidirectional = true\nbidirectional_mode = '{mode}'"));
            let text = format!(
                "cell = 'lstm'\nhidden_size = 5\nnum_layers = 2\nhead = '{head}'\nhead_dropout = 0.3\n\
                 dropout = 0.2\n{mode}"
            );
            let mut network = model(&text).build(shape, classes).unwrap();
            let mut parameters = network.initial_parameters(3);
            let sequences = Sequences::new(&lengths).unwrap();
            let input = packed(&sequences, &frames(&lengths, 4, 1), 4);
            // Every pass has the same key, and therefore the same dropout.
            let pass = Pass {
                sequences: &sequences,
                mode: Mode::Training(DropoutKey { step: 5, example_ids: &[0, 1, 2] }),
            };
            let mut loaded = network.load(&parameters);
            let (_, d_output) = loss(&mut loaded, &input, pass);
            let mut gradients = vec![0.0; parameters.len()];
            let mut d_input = vec![f32::NAN; input.len()];
            let call = NetworkBackward {
                gradients: &mut gradients,
                input: &input,
                d_output: &d_output,
                d_input: Some(&mut d_input),
            };
            loaded.backward(call, pass);
            let largest = gradients.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            for at in (0..parameters.len()).step_by(7) {
                let start = parameters[at];
                let mut slope = 0.0;
                for sign in [1.0, -1.0] {
                    parameters[at] = start + sign * 3e-3;
                    slope += f64::from(sign) * loss(&mut network.load(&parameters), &input, pass).0 / 6e-3;
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
fn scores_are_bit_identical_alone_and_in_any_batch() {
    let network =
        model("cell = 'lstm'\nhidden_size = 13\nnum_layers = 2\nbidirectional = true\nhead = 'mean'");
    let mut network = network.build(Shape::frames(5), 4).unwrap();
    let parameters = network.initial_parameters(1);
    let lengths = [3, 17, 1, 9, 17, 2, 30];
    let frames = frames(&lengths, 5, 2);
    let mut network = network.load(&parameters);
    let together = Sequences::new(&lengths).unwrap();
    let input = packed(&together, &frames, 5);
    let pass = Pass { sequences: &together, mode: Mode::Inference };
    let batch = network.forward(&input, pass).to_vec();
    for (index, sequence) in frames.iter().enumerate() {
        let alone = Sequences::new(&lengths[index..=index]).unwrap();
        let pass = Pass { sequences: &alone, mode: Mode::Inference };
        assert_eq!(network.forward(sequence, pass), &batch[index * 4..][..4], "sequence {index}");
    }
}

#[test]
fn invalid_configurations_are_errors_with_their_key() {
    let cases = [
        ("cell = 'lstm'\nhidden_size = 0", "model.recurrent.hidden_size"),
        ("cell = 'lstm'\nhidden_size = 4\nnum_layers = 0", "model.recurrent.num_layers"),
        ("cell = 'lstm'\nhidden_size = 4\nnum_layers = 2\ndropout = 1.0", "model.recurrent.dropout"),
        ("cell = 'lstm'\nhidden_size = 4\ndropout = 0.5", "model.recurrent.dropout"),
        ("cell = 'lstm'\nhidden_size = 4\nhead_dropout = nan", "model.recurrent.head_dropout"),
        ("cell = 'lstm'\nhidden_size = 100000", "reduce hidden_size"),
        ("cell = 'gru'\nhidden_size = 4\nforget_bias = 1.0", "model.recurrent.forget_bias"),
        ("cell = 'lstm'\nhidden_size = 4\nbias = false\nforget_bias = 1.0", "model.recurrent.forget_bias"),
        (
            "cell = 'lstm'\nhidden_size = 4\ntruncated_bptt_frames = 0",
            "model.recurrent.truncated_bptt_frames",
        ),
        (
            "cell = 'lstm'\nhidden_size = 4\nhead = 'frame_ensemble'",
            "head = frame_ensemble: it reads all frames",
        ),
        ("cell = 'lstm'\nhidden_size = 4\nhead = 'concatenate'", "shape [T, 4] have no fixed length"),
        (
            "cell = 'lstm'\nhidden_size = 4\nhead = 'per_frame_binary'",
            "it is for two classes, but there are 3",
        ),
        (
            "cell = 'lstm'\nhidden_size = 4\nbidirectional_mode = 'shared'",
            "model.recurrent.bidirectional_mode = shared: needs bidirectional = true",
        ),
    ];
    for (text, key) in cases {
        let error = model(text).build(Shape::frames(4), 3).err().expect(text).to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn bidirectional_mode_is_interleaved_by_default() {
    let directions = |text: &str| match model(&format!("cell = 'gru'\nhidden_size = 4\n{text}")) {
        ModelConfig::Recurrent(config) => config.directions(),
        other => panic!("{other:?}"),
    };
    assert_eq!(directions(""), Directions::Unidirectional);
    assert_eq!(directions("bidirectional = true"), Directions::Interleaved);
    assert_eq!(directions("bidirectional = true\nbidirectional_mode = 'shared'"), Directions::Shared);
    for mode in ["unidirectional", "stacked"] {
        let text = format!("[recurrent]\ncell = 'gru'\nhidden_size = 4\nbidirectional_mode = '{mode}'");
        assert!(toml::from_str::<ModelConfig>(&text).is_err(), "{mode}");
    }
    let config = RecurrentModelConfig {
        bidirectional: true,
        bidirectional_mode: Some(Directions::Unidirectional),
        ..RecurrentModelConfig::default()
    };
    let error = ModelConfig::Recurrent(config).build(Shape::frames(4), 3).err().unwrap().to_string();
    assert!(error.contains("must be interleaved, independent or shared"), "{error}");
}

#[test]
fn default_of_the_recurrent_model_is_that_of_its_keys() {
    let read = model("cell = 'gru'\nhidden_size = 64");
    assert_eq!(read, ModelConfig::Recurrent(RecurrentModelConfig::default()));
}
