//! Convolutional models against recorded logits, losses and gradients of PyTorch.

use std::collections::BTreeMap;
use std::path::Path;

use crate::recorded::{Gradient, is_norm};
use serde::Deserialize;
use serde_json::{Map, Value};
use stapes_kernels::Sequences;
use stapes_nn::ModelConfig;
use stapes_nn::layer::{DropoutKey, Mode, Pass, Shape};
use stapes_nn::objective::Targets;
use stapes_nn::parameters::TensorSpec;
use stapes_testkit::manifest;
use stapes_testkit::suite::Case;
use stapes_testkit::tensors::read_safetensors;
use stapes_testkit::tolerance::{check_mixed, widen};

pub(crate) fn list(golden: &Path) -> Result<Vec<Case>, String> {
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
        let trained: Vec<TensorSpec> =
            network.tensors().iter().filter(|spec| spec.trained).cloned().collect();
        self.check_names(&trained)?;
        for (number, spec) in trained.iter().enumerate() {
            fill(number, spec, spec.slice_mut(&mut parameters), is_norm(&network, spec));
        }

        let sequences = Sequences::new(&vec![frames; batch]).map_err(|error| error.to_string())?;
        let mut input = vec![0.0; sequences.frames() * features];
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        sequences.pack(&rows, features, &mut input);
        let objective = network.objective();
        let packed: Vec<usize>;
        let targets = match objective.is_frame_level() {
            false => Targets::Sequences(&target),
            // Packed frames of equal lengths are time-major.
            true => {
                packed = (0..target.len()).map(|at| target[at % batch * frames + at / batch]).collect();
                Targets::Frames(&packed)
            }
        };
        let example_ids: Vec<usize> = (0..batch).collect();
        let pass = Pass {
            sequences: &sequences,
            mode: Mode::Training(DropoutKey { step: 0, example_ids: &example_ids }),
        };
        let unpacked = |scores: &[f32]| match objective.is_frame_level() {
            false => widen(scores),
            true => {
                let mut padded = vec![0.0; scores.len()];
                sequences.unpack(scores, classes, &mut padded);
                widen(&padded)
            }
        };
        let (scores, loss, gradients) =
            crate::recorded::step(&mut network, &parameters, &input, targets, pass);
        check_mixed("logits", &unpacked(&scores), &tensor("logits")?.values, 1e-4)?;
        check_mixed("loss", &[loss], &tensor("loss")?.values, 1e-5)?;
        for spec in &trained {
            crate::recorded::check_gradient(&self.gradients, spec, &gradients)?;
        }

        network.update_running_stats(&mut parameters);
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let scores = network.load(&parameters).forward(&input, pass).to_vec();
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
                format!("[cdnn]\nfilters = {filters}\nhidden_size = {cells}\nnum_layers = {layers}")
            }
            "cdnn_raw" => {
                let [filters, cells, layers] = [number("F")?, number("cells")?, number("layers")?];
                let [bands, window] = [number("P")?, number("N")?];
                format!(
                    "[cdnn-raw]\nbands = {bands}\nwindow_samples = {window}\nfilters = {filters}\nhidden_size = {cells}\nnum_layers = {layers}"
                )
            }
            net => return Err(format!("this test does not support the net {net}")),
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

    /// Sequences [T, F], recorded as such or as images [1, F, T].
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

    /// Checks that every recorded gradient has a parameter; `check_gradient` checks the reverse.
    fn check_names(&self, trained: &[TensorSpec]) -> Result<(), String> {
        match self.gradients.keys().find(|name| trained.iter().all(|spec| spec.name != **name)) {
            Some(name) => Err(format!("{name} is recorded and is not a parameter")),
            None => Ok(()),
        }
    }
}

/// s sin(1 + 0.37 k + 0.011 i) for element i of parameter k; see the README of the recorded numbers.
fn fill(number: usize, spec: &TensorSpec, values: &mut [f32], norm: bool) {
    let scale = match spec.shape.as_slice() {
        [_, row @ ..] if !row.is_empty() => 1.0 / (row.iter().product::<usize>() as f64).sqrt(),
        _ => 0.1,
    };
    for (at, value) in values.iter_mut().enumerate() {
        let sine = (1.0 + 0.37 * number as f64 + 0.011 * at as f64).sin();
        *value = (scale * sine + if norm { 1.0 } else { 0.0 }) as f32;
    }
}
