//! Heads and the linear classifier against PyTorch's recorded logits, losses and gradients.

use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::Value;
use stapes_kernels::Sequences;
use stapes_nn::head::{Head, HeadKind};
use stapes_nn::layer::{Backward, Draw, Layer, Mode, Pass};
use stapes_nn::linear::Linear;
use stapes_nn::loss::cross_entropy;
use stapes_nn::parameters::Layout;
use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};
use stapes_testkit::tensors::{Tensor, read_safetensors};
use stapes_testkit::tolerance::{check_mixed, check_relative_to_largest, widen};

/// Groups of the manifest that this test does not run; `golden_recurrent` and the training crate do.
const OTHER_GROUPS: [&str; 5] = ["recurrent", "wiring", "gru_reset_before", "trajectory", "net"];
/// Heads that are not built yet.
const LATER_HEADS: [&str; 3] = ["attention", "vote", "frame_ensemble"];

fn main() -> ExitCode {
    suite::run(Fixture::Golden, |golden| list(&golden.join("nn")))
}

fn list(folder: &Path) -> Result<Vec<Case>, String> {
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let recorded = manifest["cases"].as_array().ok_or("the manifest has no list of cases")?;
    let mut cases = Vec::new();
    for case in recorded {
        let (name, group) = (case["name"].as_str().unwrap_or("?"), case["group"].as_str().unwrap_or("?"));
        if OTHER_GROUPS.contains(&group) {
            continue;
        }
        if group != "head" {
            return Err(format!("{name}: the group {group} is unknown to this test"));
        }
        if case["head"].as_str().is_some_and(|head| LATER_HEADS.contains(&head)) {
            cases.push(Case::not_built(name, "the head is not built yet"));
            continue;
        }
        let recorded = Recorded::deserialize(case).map_err(|error| format!("{name}: {error}"))?;
        let file = folder.join(format!("{name}.safetensors"));
        cases.push(Case::new(name, move || recorded.check(&file)));
    }
    Ok(cases)
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
        let tensors = read_safetensors(file)?;
        let tensor = |name: &str| tensors.get(name).ok_or_else(|| format!("no tensor {name}"));
        let sequences = Sequences::new(&self.lengths).map_err(|error| error.to_string())?;
        let mut layout = Layout::new();
        let mut linear = Linear::new(self.width, self.classes, "fc.", &mut layout);
        let mut parameters = vec![0.0; layout.len()];
        for view in layout.views() {
            view.of_mut(&mut parameters).copy_from_slice(&tensor(&format!("param.{}", view.name))?.to_f32());
        }
        let target = tensor("target")?.to_usize();
        let y = self.packed(&sequences, tensor("y")?);

        // The recorded states are those of two directions, half of the features each.
        let mut head = Head::new(self.head, self.width, 2);
        let places: Vec<usize> = (0..self.batch).collect();
        let pass = Pass { sequences: &sequences, mode: Mode::Training(Draw { key: 0, places: &places }) };
        let mut vector = vec![f32::NAN; self.batch * self.width];
        head.forward(&parameters, &y, &mut vector, pass);
        let mut logits = vec![f32::NAN; self.batch * self.classes];
        linear.forward(&parameters, &vector, &mut logits, pass);
        check_mixed("logits", &widen(&logits), &tensor("logits")?.values, 1e-4)?;

        let mut d_logits = logits.clone();
        let loss = cross_entropy(&mut d_logits, &target, self.batch);
        check_mixed("loss", &[loss], &tensor("loss")?.values, 1e-5)?;

        let mut gradients = vec![0.0; layout.len()];
        let (mut d_vector, mut d_y) = (vec![f32::NAN; vector.len()], vec![f32::NAN; y.len()]);
        let of_linear = Backward {
            parameters: &parameters,
            gradients: &mut gradients,
            input: &vector,
            output: &logits,
            d_output: &mut d_logits,
            d_input: Some(&mut d_vector),
        };
        linear.backward(of_linear, pass);
        let of_head = Backward {
            parameters: &parameters,
            gradients: &mut [],
            input: &y,
            output: &vector,
            d_output: &mut d_vector,
            d_input: Some(&mut d_y),
        };
        head.backward(of_head, pass);
        for view in layout.views() {
            let name = format!("grad.{}", view.name);
            check_relative_to_largest(&name, &widen(view.of(&gradients)), &tensor(&name)?.values, 1e-3)?;
        }
        let mut padded = vec![f32::NAN; self.batch * self.time * self.width];
        sequences.unpack(&d_y, self.width, &mut padded);
        check_relative_to_largest("grad.y", &widen(&padded), &tensor("grad.y")?.values, 1e-3)
    }

    /// The valid frames of a recorded [B, T, F].
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
