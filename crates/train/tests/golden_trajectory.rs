//! Ten training steps match PyTorch's recorded losses and final parameters.

use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use stapes_features::Features;
use stapes_nn::layer::Shape;
use stapes_testkit::fixture::Fixture;
use stapes_testkit::manifest;
use stapes_testkit::suite::{self, Case};
use stapes_testkit::tensors::read_safetensors;
use stapes_train::{Crop, Examples, LabelsRef, Optimizer, Shards, StepOptions};

fn main() -> ExitCode {
    suite::run(Fixture::Golden, list)
}

fn list(golden: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for case in manifest::networks::<Recorded>(golden, &["trajectory"])? {
        for shards in [1, 3] {
            let (recorded, file) = (case.recorded.clone(), case.file.clone());
            let name = format!("{}, {shards} shards", case.name);
            cases.push(Case::new(name, move || recorded.check(&file, shards)));
        }
    }
    Ok(cases)
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "group")]
    _group: String,
    kind: String,
    input: usize,
    hidden: usize,
    layers: usize,
    bidirectional: bool,
    classes: usize,
    batch: usize,
    time: usize,
    optimizer: String,
    lr: f32,
    momentum: Option<f32>,
    clip_norm: Option<f32>,
    head: String,
    #[serde(rename = "adam")]
    _adam: String,
}

impl Recorded {
    fn check(&self, file: &Path, shards: usize) -> Result<(), String> {
        let tensors = read_safetensors(file)?;
        let tensor = |name: &str| tensors.get(name).ok_or_else(|| format!("no tensor {name}"));
        let model = format!(
            "[recurrent]\ncell = '{}'\nhidden_size = {}\nnum_layers = {}\nbidirectional = {}\nhead = '{}'",
            self.kind, self.hidden, self.layers, self.bidirectional, self.head
        );
        let model = toml::from_str(&model).map_err(|error| error.to_string())?;
        let train = format!(
            "batch_size = {}\nepochs = 1\nlearning_rate = {}\noptimizer = '{}'\nmomentum = {:?}",
            self.batch,
            self.lr,
            self.optimizer,
            self.momentum.unwrap_or(0.0)
        );
        let mut config: stapes_train::TrainConfig =
            toml::from_str(&train).map_err(|error| error.to_string())?;
        config.max_grad_norm = self.clip_norm;

        config.check().map_err(|error| error.to_string())?;

        let built = Shards::new(&model, Shape::frames(self.input), self.classes, shards);
        let mut shards = built.map_err(|error| error.to_string())?;
        let specs = shards.network().tensors().to_vec();
        let mut parameters = vec![0.0; shards.network().buffer_len()];
        for spec in &specs {
            spec.slice_mut(&mut parameters)
                .copy_from_slice(&tensor(&format!("param.{}", spec.name))?.to_f32());
        }
        let mut optimizer = Optimizer::new(&config, &specs);
        let (x, target) = (tensor("x")?.to_f32(), tensor("target")?.to_usize());
        let size = self.time * self.input;
        for (step, &expected) in tensor("losses")?.values.iter().enumerate() {
            let inputs = &x[step * self.batch * size..][..self.batch * size];
            let features: Vec<Features> =
                inputs.chunks_exact(size).map(|one| Features::new(self.input, one.to_vec())).collect();
            let labels = LabelsRef::PerExample(&target[step * self.batch..][..self.batch]);
            let examples = Examples::new(&features, labels);
            let examples = examples.map_err(|error| error.to_string())?;
            let batch: Vec<Crop> = (0..self.batch).map(|example| examples.full(example)).collect();
            let options = StepOptions::default();
            let loss = shards.compute_gradients(&parameters, examples, &batch, options);
            if (loss / expected - 1.0).abs() > 1e-5 {
                return Err(format!("step {step}: loss {loss}, expected {expected}"));
            }
            let norm = optimizer.update(&mut parameters, shards.gradients_mut(), 1.0);
            if self.clip_norm.is_some() {
                let expected = tensor("grad_norms_before_clipping")?.values[step];
                if (f64::from(norm) / expected - 1.0).abs() > 1e-4 {
                    return Err(format!("step {step}: gradient norm {norm}, expected {expected}"));
                }
            }
        }
        for spec in &specs {
            let expected = &tensor(&format!("final.{}", spec.name))?.values;
            let distance: f64 =
                spec.slice(&parameters).iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum();
            let length: f64 = expected.iter().map(|value| value * value).sum();
            if distance.sqrt() > 1e-4 * length.sqrt() {
                return Err(format!("{}: relative distance {:.2e}", spec.name, (distance / length).sqrt()));
            }
        }
        Ok(())
    }
}
