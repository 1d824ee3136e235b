//! Convolutional nets against PyTorch's recorded logits, losses and gradients.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Map, Value};
use stapes_kernels::Sequences;
use stapes_nn::layer::{Draw, Mode, Pass, Shape};
use stapes_nn::objective::Targets;
use stapes_nn::parameters::View;
use stapes_nn::{ModelConfig, Network, NetworkBackward};
use stapes_testkit::fixture::Fixture;
use stapes_testkit::manifest;
use stapes_testkit::suite::{self, Case};
use stapes_testkit::tensors::read_safetensors;
use stapes_testkit::tolerance::{check_absolute, check_mixed, widen};

fn main() -> ExitCode {
    suite::run(Fixture::Golden, list)
}

fn list(golden: &Path) -> Result<Vec<Case>, String> {
    let cases = manifest::networks::<Recorded>(golden, &["net"])?;
    Ok(cases.into_iter().map(|case| Case::new(case.name, move || case.recorded.check(&case.file))).collect())
}

#[derive(Deserialize)]
struct Recorded {
    net: String,
    config: Map<String, Value>,
    parameters: usize,
    gradients: BTreeMap<String, Gradient>,
}

#[derive(Deserialize)]
struct Gradient {
    shape: Vec<usize>,
    grad_l2: f64,
    grad_first8: Vec<f64>,
}

impl Recorded {
    fn check(&self, file: &Path) -> Result<(), String> {
        let tensors = read_safetensors(file)?;
        let tensor = |name: &str| tensors.get(name).ok_or_else(|| format!("no tensor {name}"));
        let x = tensor("x")?;
        let target = tensor("target")?.to_usize();
        let rows = self.rows(&x.shape, &x.to_f32())?;
        let (batch, frames) = (rows.len(), self.frames(&x.shape));
        let features = rows[0].len() / frames;
        let shape = Shape::Sequence { features, frames: Some(frames) };
        let classes = *tensor("logits")?.shape.last().ok_or("logits without an axis")?;
        let mut network = self.model()?.build(shape, classes).map_err(|error| error.to_string())?;
        if network.parameter_count() != self.parameters {
            return Err(format!("{} parameters, expected {}", network.parameter_count(), self.parameters));
        }
        let mut parameters = network.initial_parameters(1);
        let trained: Vec<View> = network.views().iter().filter(|view| view.trained).cloned().collect();
        self.check_names(&trained)?;
        for (number, view) in trained.iter().enumerate() {
            fill(number, view, view.of_mut(&mut parameters), is_norm(&network, view));
        }

        let sequences = Sequences::new(&vec![frames; batch]).map_err(|error| error.to_string())?;
        let mut input = vec![0.0; sequences.frames() * features];
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        sequences.pack(&rows, features, &mut input);
        let objective = network.objective();
        let packed: Vec<usize>;
        let targets = match objective.decides_frames() {
            false => Targets::Sequences(&target),
            // Equal lengths lie time-major.
            true => {
                packed = (0..target.len()).map(|at| target[at % batch * frames + at / batch]).collect();
                Targets::Frames(&packed)
            }
        };
        let places: Vec<usize> = (0..batch).collect();
        let pass = Pass { sequences: &sequences, mode: Mode::Training(Draw { key: 0, places: &places }) };
        let unpacked = |scores: &[f32]| match objective.decides_frames() {
            false => widen(scores),
            true => {
                let mut padded = vec![0.0; scores.len()];
                sequences.unpack(scores, classes, &mut padded);
                widen(&padded)
            }
        };
        network.prepare(&parameters);
        let mut scores = network.forward(&parameters, &input, pass).to_vec();
        check_mixed("logits", &unpacked(&scores), &tensor("logits")?.values, 1e-4)?;
        let loss = objective.loss(&mut scores, targets, &sequences, objective.decisions(&sequences));
        check_mixed("loss", &[loss], &tensor("loss")?.values, 1e-5)?;

        let mut gradients = vec![0.0; parameters.len()];
        let call = NetworkBackward {
            parameters: &parameters,
            gradients: &mut gradients,
            input: &input,
            d_output: &scores,
            d_input: None,
        };
        network.backward(call, pass);
        for view in &trained {
            self.check_gradient(view, &widen(view.of(&gradients)))?;
        }

        network.follow(&mut parameters);
        network.prepare(&parameters);
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let scores = network.forward(&parameters, &input, pass).to_vec();
        check_mixed("logits_eval", &unpacked(&scores), &tensor("logits_eval")?.values, 1e-4)
    }

    fn model(&self) -> Result<ModelConfig, String> {
        let number = |key: &str| self.config.get(key).and_then(Value::as_u64).ok_or(format!("no {key}"));
        let text = match self.net.as_str() {
            "wave_cnn" | "wave_cnn_batchnorm" => {
                let norm = self.config.get("batch_norm").ok_or("no batch_norm")?;
                format!("[wave-cnn]\nbatch_norm = {norm}")
            }
            "mfcc_cnn" => "[mfcc-cnn]".into(),
            "cdnn" => {
                let [filters, cells, layers] = [number("F")?, number("cells")?, number("layers")?];
                format!("[cdnn]\nfilters = {filters}\ncells = {cells}\nlayers = {layers}")
            }
            "cdnn_raw" => {
                let [filters, cells, layers] = [number("F")?, number("cells")?, number("layers")?];
                let [bands, window] = [number("P")?, number("N")?];
                format!(
                    "[cdnn-raw]\nbands = {bands}\nwindow_samples = {window}\nfilters = {filters}\ncells = {cells}\nlayers = {layers}"
                )
            }
            net => return Err(format!("the net {net} is unknown to this test")),
        };
        toml::from_str(&text).map_err(|error| error.to_string())
    }

    /// T of the recorded input.
    fn frames(&self, shape: &[usize]) -> usize {
        match self.net.as_str() {
            "wave_cnn" | "wave_cnn_batchnorm" => 1,
            "mfcc_cnn" => shape[3],
            _ => shape[1],
        }
    }

    /// The sequences [T, F]: recorded so, or as images [1, F, T].
    fn rows(&self, shape: &[usize], x: &[f32]) -> Result<Vec<Vec<f32>>, String> {
        let frames = self.frames(shape);
        let examples = x.chunks_exact(x.len() / shape[0]);
        let transposed = |example: &[f32]| {
            (0..frames).flat_map(|t| example.iter().skip(t).step_by(frames).copied()).collect()
        };
        Ok(match self.net.as_str() {
            "mfcc_cnn" => examples.map(transposed).collect(),
            _ => examples.map(<[f32]>::to_vec).collect(),
        })
    }

    /// Names and shapes are those recorded, their order that of the modules.
    fn check_names(&self, trained: &[View]) -> Result<(), String> {
        for view in trained {
            match self.gradients.get(&view.name) {
                None => return Err(format!("{} is not recorded", view.name)),
                Some(of) if of.shape != view.shape => {
                    return Err(format!("{}: {:?}, expected {:?}", view.name, view.shape, of.shape));
                }
                Some(_) => {}
            }
        }
        match self.gradients.keys().find(|name| trained.iter().all(|view| view.name != **name)) {
            Some(name) => Err(format!("{name} is recorded and no parameter")),
            None => Ok(()),
        }
    }

    fn check_gradient(&self, view: &View, got: &[f64]) -> Result<(), String> {
        let Gradient { grad_l2, grad_first8, .. } = &self.gradients[&view.name];
        // The gradient of a bias in front of a normalisation is 0: rounding errors, set against those of the
        // weight beside it.
        let weight = view.name.replace("bias", "weight");
        let floor = if *grad_l2 < 1e-10 { 1e-5 * self.gradients[&weight].grad_l2 } else { 0.0 };
        let length = got.iter().map(|value| value * value).sum::<f64>().sqrt();
        check_absolute(&format!("|grad.{}|", view.name), &[length], &[*grad_l2], 1e-3 * grad_l2 + floor)?;
        // Not all numbers are recorded: of the largest it is known that it is at least this.
        let largest = grad_l2 / (got.len() as f64).sqrt();
        let largest = grad_first8.iter().fold(largest, |largest, value| largest.max(value.abs()));
        let first = &got[..grad_first8.len()];
        check_absolute(&format!("grad.{}", view.name), first, grad_first8, 1e-3 * largest + floor)
    }
}

/// Whether a view is the weight of a normalisation.
fn is_norm(network: &Network, view: &View) -> bool {
    let running = view.name.replace("weight", "running_mean");
    view.name.ends_with("weight") && network.views().iter().any(|other| other.name == running)
}

/// s sin(1 + 0.37 k + 0.011 i) for element i of parameter k; see the README beside the recorded numbers.
fn fill(number: usize, view: &View, values: &mut [f32], norm: bool) {
    let scale = match view.shape.as_slice() {
        [_, row @ ..] if !row.is_empty() => 1.0 / (row.iter().product::<usize>() as f64).sqrt(),
        _ => 0.1,
    };
    for (at, value) in values.iter_mut().enumerate() {
        let sine = (1.0 + 0.37 * number as f64 + 0.011 * at as f64).sin();
        *value = (scale * sine + if norm { 1.0 } else { 0.0 }) as f32;
    }
}
