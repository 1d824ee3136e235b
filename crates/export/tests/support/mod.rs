//! Models with initial parameters, and sounds, for tests of exports.

pub(crate) mod cases;

use stapes_audio::Clip;
use stapes_features::{FeatureConfig, Normalization, StandardScaler};
use stapes_infer::{Classifier, Model};
use stapes_nn::ModelConfig;

/// Returns a sound of tones, noise and silence.
pub(crate) fn sound(length: usize, seed: usize) -> Vec<f32> {
    let sample = |at: usize| {
        let tone = (at as f32 * (0.05 + 0.02 * seed as f32)).sin() * (at as f32 * 0.0011).cos();
        let hiss = ((at * at * (7 + seed)) % 997) as f32 / 997.0 - 0.5;
        if at % 5000 > 4200 { 0.0 } else { 0.4 * tone + 0.05 * hiss }
    };
    (0..length).map(sample).collect()
}

/// Returns a model with initial parameters, running statistics from a formula, and mean and scale of a sound.
pub(crate) fn model(features: &str, network: &str, classes: usize) -> Model {
    let features: FeatureConfig = toml::from_str(features).unwrap();
    let config: ModelConfig = toml::from_str(network).unwrap();
    let labels = (0..classes).map(|class| format!("\"@{class}@\\ ?\u{e9}0")).collect();
    let mut model = Model::untrained(features.clone(), config, labels, 1).unwrap();
    // Small variances keep the signal of layers with initial weights.
    for tensor in model.network().unwrap().tensors().iter().filter(|tensor| !tensor.trained) {
        let is_variance = tensor.name.ends_with("var");
        for (at, value) in tensor.slice_mut(&mut model.parameters).iter_mut().enumerate() {
            let wave = 0.05 * (at as f32 + 0.3).sin();
            *value = if is_variance { 0.1 + wave.abs() } else { wave };
        }
    }
    if features.normalization == Normalization::PerCoefficient {
        let frames = features.init().unwrap().extract(&sound(features.sample_rate_hz as usize, 3)).unwrap();
        model.normalizer = Some(StandardScaler::fit([&frames]).unwrap());
    }
    scale_head(&mut model, features.sample_rate_hz);
    model
}

/// Scales the weights of the last layer until the scores of a sound are neither equal nor all 0 and 1.
fn scale_head(model: &mut Model, sample_rate_hz: u32) {
    for _ in 0..30 {
        let clip = Clip { samples: sound(4000, 3), sample_rate_hz };
        let scores = Classifier::new(model).unwrap().classify(&clip).unwrap();
        let scores = &scores[..model.labels.len()];
        let largest = scores.iter().copied().fold(0.0, f32::max);
        let smallest = scores.iter().copied().fold(1.0, f32::min);
        let factor = match (largest > 0.95, largest - smallest < 0.05) {
            (true, _) => 0.5,
            (_, true) => 2.0,
            _ => break,
        };
        for tensor in model.network().unwrap().tensors().iter().rev().take(2) {
            tensor.slice_mut(&mut model.parameters).iter_mut().for_each(|value| *value *= factor);
        }
    }
}

/// Returns the sections of a recipe of the program.
pub(crate) fn recipe(name: &str) -> (String, String) {
    let path = stapes_testkit::fixture::workspace_root().join("crates/stapes/recipes").join(name);
    let recipe: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let section = |key: &str| toml::to_string(&recipe[key]).unwrap();
    (section("features"), section("model"))
}
