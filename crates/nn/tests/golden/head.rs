//! Heads against recorded logits, losses and gradients of PyTorch.

use std::path::Path;

use serde::Deserialize;
use stapes_kernels::Sequences;
use stapes_nn::head::{Attention, HeadInput, HeadKind};
use stapes_nn::layer::{DropoutKey, Mode, Pass, Shape};
use stapes_nn::loss::argmax;
use stapes_nn::objective::Targets;
use stapes_nn::parameters::Layout;
use stapes_nn::{Network, NetworkBackward};
use stapes_testkit::manifest;
use stapes_testkit::suite::Case;
use stapes_testkit::tensors::{Tensor, read_safetensors};
use stapes_testkit::tolerance::{check_mixed, check_relative_to_largest, widen};

pub(crate) fn list(golden: &Path) -> Result<Vec<Case>, String> {
    let cases = manifest::networks::<Recorded>(golden, &["head"])?;
    Ok(cases.into_iter().map(|case| Case::new(case.name, move || case.recorded.check(&case.file))).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "group")]
    _group: String,
    head: HeadKind,
    width: usize,
    classes: usize,
    batch: usize,
    time: usize,
    lengths: Vec<usize>,
}

impl Recorded {
    fn check(&self, file: &Path) -> Result<(), String> {
        let mut tensors = read_safetensors(file)?;
        let mut tensor = |name: &str| tensors.remove(name).ok_or_else(|| format!("no tensor {name}"));
        if tensor("lengths")?.to_usize() != self.lengths {
            return Err("the lengths of file and manifest differ".into());
        }
        let sequences = Sequences::new(&self.lengths).map_err(|error| error.to_string())?;
        let fixed = self.lengths.iter().all(|&length| length == self.time).then_some(self.time);
        let states = Shape::Sequence { features: self.width, frames: fixed };
        // The recorded states have two directions, half of the features each.
        let input =
            HeadInput { states, num_directions: 2, classes: self.classes, dropout: 0.0, dropout_id: 0 };
        let mut layout = Layout::new();
        let layers = self.head.layers(input, &mut layout).map_err(|error| error.to_string())?;
        let objective = self.head.objective();
        let mut network = Network::new(states, layers, layout, objective);
        let specs = network.tensors().to_vec();
        let mut parameters = vec![0.0; network.buffer_len()];
        for spec in &specs {
            spec.slice_mut(&mut parameters)
                .copy_from_slice(&tensor(&format!("param.{}", spec.name))?.to_f32());
        }
        let target = tensor("target")?.to_usize();
        let y = self.packed(&sequences, &tensor("y")?);

        let example_ids: Vec<usize> = (0..self.batch).collect();
        let pass = Pass {
            sequences: &sequences,
            mode: Mode::Training(DropoutKey { step: 0, example_ids: &example_ids }),
        };
        let mut network = network.load(&parameters);
        let scores = network.forward(&y, pass).to_vec();
        let logits = match self.head {
            HeadKind::Vote => mean_log_probabilities(&scores, &sequences, self.classes),
            _ => widen(&scores),
        };
        check_mixed("logits", &logits, &tensor("logits")?.values, 1e-4)?;
        if self.head == HeadKind::Vote {
            let fractions = objective.probabilities(&scores, &sequences);
            let votes: Vec<usize> = fractions.chunks_exact(self.classes).map(argmax).collect();
            let expected = tensor("vote")?.to_usize();
            if votes != expected {
                return Err(format!("votes {votes:?}, expected {expected:?}"));
            }
        }
        if let Some(attention) = network.layer::<Attention>() {
            let mut weights = attention.weights().iter();
            let mut padded = vec![0.0; self.batch * self.time];
            for (row, &length) in padded.chunks_exact_mut(self.time).zip(&self.lengths) {
                row[..length].iter_mut().zip(&mut weights).for_each(|(to, &weight)| *to = weight);
            }
            check_mixed("attention", &widen(&padded), &tensor("attention")?.values, 1e-5)?;
        }

        let mut d_scores = scores;
        let loss = objective.loss(&mut d_scores, Targets::Sequences(&target), &sequences, self.batch);
        check_mixed("loss", &[loss], &tensor("loss")?.values, 1e-5)?;

        let mut gradients = vec![0.0; parameters.len()];
        let mut d_y = vec![f32::NAN; y.len()];
        let call = NetworkBackward {
            gradients: &mut gradients,
            input: &y,
            d_output: &d_scores,
            d_input: Some(&mut d_y),
        };
        network.backward(call, pass);
        for spec in &specs {
            let name = format!("grad.{}", spec.name);
            check_relative_to_largest(&name, &widen(spec.slice(&gradients)), &tensor(&name)?.values, 1e-3)?;
        }
        let mut padded = vec![f32::NAN; self.batch * self.time * self.width];
        sequences.unpack(&d_y, self.width, &mut padded);
        check_relative_to_largest("grad.y", &widen(&padded), &tensor("grad.y")?.values, 1e-3)?;
        match tensors.keys().next() {
            Some(name) => Err(format!("the tensor {name} was not compared")),
            None => Ok(()),
        }
    }

    /// Packs the valid frames of a recorded [B, T, F].
    fn packed(&self, sequences: &Sequences, y: &Tensor) -> Vec<f32> {
        let values = y.to_f32();
        let rows: Vec<&[f32]> = self
            .lengths
            .iter()
            .enumerate()
            .map(|(index, length)| &values[index * self.time * self.width..][..length * self.width])
            .collect();
        let mut packed = vec![0.0; sequences.frames() * self.width];
        sequences.pack(&rows, self.width, &mut packed);
        packed
    }
}

/// Mean log-softmax over the frames of each sequence, [B, K].
fn mean_log_probabilities(scores: &[f32], sequences: &Sequences, classes: usize) -> Vec<f64> {
    let mut means = vec![0.0; sequences.batch() * classes];
    for (slot, &index) in sequences.order().iter().enumerate() {
        let length = sequences.slot_length(slot);
        for t in 0..length {
            let row = widen(&scores[(sequences.start(t) + slot) * classes..][..classes]);
            let log_sum = row.iter().map(|score| score.exp()).sum::<f64>().ln();
            for (mean, score) in means[index * classes..].iter_mut().zip(row) {
                *mean += (score - log_sum) / length as f64;
            }
        }
    }
    means
}
