//! Keyword spotting models against PyTorch on sequences of unequal lengths, recorded by `keyword/make.py`.

use std::collections::BTreeMap;

use crate::recorded::{Gradient, is_norm};
use serde::Deserialize;
use stapes_kernels::Sequences;
use stapes_nn::layer::{DropoutKey, Mode, Pass, Shape};
use stapes_nn::objective::Targets;
use stapes_nn::parameters::TensorSpec;
use stapes_nn::{ModelConfig, ModelError, Network};
use stapes_testkit::tolerance::{check_mixed, widen};

#[derive(Deserialize)]
struct Recorded {
    model: String,
    settings: String,
    features: usize,
    classes: usize,
    lengths: Vec<usize>,
    parameters: usize,
    logits: Vec<f64>,
    loss: f64,
    logits_eval: Vec<f64>,
    gradients: BTreeMap<String, Gradient>,
}

fn cases() -> Vec<Recorded> {
    serde_json::from_str(include_str!("keyword/recorded.json")).unwrap()
}

fn model(name: &str, settings: &str) -> ModelConfig {
    toml::from_str(&format!("[{name}]\n{settings}")).unwrap()
}

/// Returns `count` numbers in [-1, 1), as `uniform` in make.py.
fn uniform(number: usize, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |at| {
        let mut x = (at + number * 1_000_003) as u32;
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        f64::from(x ^ (x >> 16)) / 2f64.powi(31) - 1.0
    })
}

/// Sets all parameters by a formula, as `fill` in make.py.
fn fill(network: &Network, parameters: &mut [f32]) {
    let mut trained: Vec<&TensorSpec> = network.tensors().iter().filter(|spec| spec.trained).collect();
    trained.sort_by_key(|spec| &spec.name);
    for (number, spec) in trained.into_iter().enumerate() {
        let is_norm = is_norm(network, spec);
        let (scale, shift) = match spec.shape.as_slice() {
            [_, row @ ..] if !row.is_empty() => ((3.0 / row.iter().product::<usize>() as f64).sqrt(), 0.0),
            _ => (0.2, if is_norm { 1.0 } else { 0.0 }),
        };
        let drawn = uniform(number, spec.len()).map(|value| (scale * value + shift) as f32);
        spec.slice_mut(parameters).iter_mut().zip(drawn).for_each(|(to, value)| *to = value);
    }
}

/// Returns the frames of each sequence, [T, F].
fn frames(features: usize, lengths: &[usize]) -> Vec<Vec<f32>> {
    let mut drawn = uniform(1000, lengths.iter().sum::<usize>() * features).map(|value| (1.5 * value) as f32);
    lengths.iter().map(|length| drawn.by_ref().take(length * features).collect()).collect()
}

fn packed(sequences: &Sequences, frames: &[Vec<f32>], features: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
    let mut input = vec![0.0; sequences.frames() * features];
    sequences.pack(&rows, features, &mut input);
    input
}

fn without_dropout(mut config: ModelConfig) -> ModelConfig {
    config.disable_dropout();
    config
}

impl Recorded {
    fn check(&self) -> Result<(), String> {
        let config = without_dropout(model(&self.model, &self.settings));
        let mut network = config.build(Shape::frames(self.features), self.classes).unwrap();
        if network.parameter_count() != self.parameters {
            return Err(format!("{} parameters, expected {}", network.parameter_count(), self.parameters));
        }
        let mut parameters = network.initial_parameters(1);
        fill(&network, &mut parameters);
        let sequences = Sequences::new(&self.lengths).unwrap();
        let input = packed(&sequences, &frames(self.features, &self.lengths), self.features);
        let target: Vec<usize> = (0..self.lengths.len()).map(|at| at * at % self.classes).collect();
        let example_ids: Vec<usize> = (0..self.lengths.len()).collect();
        let pass = Pass {
            sequences: &sequences,
            mode: Mode::Training(DropoutKey { step: 0, example_ids: &example_ids }),
        };
        let (scores, loss, gradients) =
            crate::recorded::step(&mut network, &parameters, &input, Targets::Sequences(&target), pass);
        check_mixed("logits", &widen(&scores), &self.logits, 1e-4)?;
        check_mixed("loss", &[loss], &[self.loss], 1e-5)?;
        for spec in network.tensors().iter().filter(|spec| spec.trained) {
            crate::recorded::check_gradient(&self.gradients, spec, &gradients)?;
        }

        network.update_running_stats(&mut parameters);
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let scores = network.load(&parameters).forward(&input, pass).to_vec();
        check_mixed("logits_eval", &widen(&scores), &self.logits_eval, 1e-4)
    }
}

#[test]
fn scores_loss_and_gradients_match_pytorch_with_unequal_lengths() {
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| {
            case.check().err().map(|error| format!("{} {}: {error}", case.model, case.settings))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn parameter_names_match_pytorch() {
    for case in cases() {
        let network = model(&case.model, &case.settings).build(Shape::frames(case.features), case.classes);
        let mut names: Vec<String> = network
            .unwrap()
            .tensors()
            .iter()
            .filter(|spec| spec.trained)
            .map(|spec| spec.name.clone())
            .collect();
        names.sort();
        assert_eq!(names, case.gradients.into_keys().collect::<Vec<_>>(), "{}", case.model);
    }
}

#[test]
fn parameter_counts_match_the_papers() {
    // Twelve classes. The GRU here has one more bias than that of the CRNN paper, 2 x 3 x 60 parameters.
    for (name, settings, features, parameters) in [
        ("ds-cnn", "", 10, 22_604 + 9 * 2 * 64),
        ("ds-cnn", "size = 'medium'", 10, 135_032 + 9 * 2 * 172),
        ("crnn", "", 10, 75_432 + 360),
        ("bc-resnet", "width = 3", 40, 54_168),
    ] {
        let network = model(name, settings).build(Shape::frames(features), 12).unwrap();
        assert_eq!(network.parameter_count(), parameters, "{name} {settings}");
    }
}

/// Returns one case per model.
fn one_per_model() -> Vec<Recorded> {
    let mut cases = cases();
    cases.retain(|case| case.parameters < 100_000);
    let mut seen: Vec<String> = Vec::new();
    cases.retain(|case| {
        let new = !seen.contains(&case.model);
        seen.push(case.model.clone());
        new
    });
    assert_eq!(cases.len(), 5);
    cases
}

#[test]
fn scores_do_not_depend_on_longer_sequences_in_the_batch() {
    for case in one_per_model() {
        let config = without_dropout(model(&case.model, &case.settings));
        let mut network = config.build(Shape::frames(case.features), case.classes).unwrap();
        let parameters = network.initial_parameters(3);
        let mut network = network.load(&parameters);
        let lengths = [5, 1, 33, 18];
        let frames = frames(case.features, &lengths);
        let mut scores = |lengths: &[usize], frames: &[Vec<f32>]| {
            let sequences = Sequences::new(lengths).unwrap();
            let input = packed(&sequences, frames, case.features);
            let pass = Pass { sequences: &sequences, mode: Mode::Inference };
            network.forward(&input, pass).to_vec()
        };
        let together = scores(&lengths, &frames);
        for (at, row) in together.chunks_exact(case.classes).enumerate() {
            let alone = scores(&lengths[at..=at], &frames[at..=at]);
            assert_eq!(row, alone, "{} of {} frames", case.model, lengths[at]);
        }
    }
}

#[test]
fn fixed_and_variable_length_give_equal_scores() {
    for case in one_per_model() {
        let config = without_dropout(model(&case.model, &case.settings));
        let any = Shape::frames(case.features);
        let fixed = Shape::Sequence { features: case.features, frames: Some(21) };
        let sequences = Sequences::new(&[21, 21]).unwrap();
        let input = packed(&sequences, &frames(case.features, &[21, 21]), case.features);
        let scores = [any, fixed].map(|shape| {
            let mut network = config.build(shape, case.classes).unwrap();
            let parameters = network.initial_parameters(3);
            let pass = Pass { sequences: &sequences, mode: Mode::Inference };
            network.load(&parameters).forward(&input, pass).to_vec()
        });
        assert_eq!(scores[0], scores[1], "{}", case.model);
    }
}

#[test]
fn invalid_input_is_an_error_with_the_layer() {
    let error = |name: &str, settings: &str, features: usize| -> ModelError {
        model(name, settings).build(Shape::frames(features), 12).err().unwrap()
    };
    let message = error("bc-resnet", "", 39).to_string();
    assert_eq!(
        message,
        "model.bc-resnet cannot read [T, 39]: it reads frames of 40 values; set n_mels = 40 (num_bins = 40 for Kaldi's front ends)"
    );
    let message = error("crnn", "", 3).to_string();
    assert!(
        message.contains("model.crnn: convolution 4x10 with 48 channels cannot read [1, 3, T]"),
        "{message}"
    );
    for (name, settings, key) in [
        ("tc-resnet", "channels = []", "model.tc-resnet.channels = []"),
        ("tc-resnet", "channels = [16, 0]", "model.tc-resnet.channels = 0"),
        ("tc-resnet", "dropout = 1.0", "model.tc-resnet.dropout = 1"),
        ("crnn", "hidden_size = 0", "model.crnn.hidden_size = 0"),
        ("attention-rnn", "filters = 100000", "model.attention-rnn.filters = 100000"),
    ] {
        let message = error(name, settings, 40).to_string();
        assert!(message.starts_with(key), "{message}");
    }
}
