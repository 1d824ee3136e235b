//! One training step of a network, and comparison of its gradients with recorded norms and first values.

use std::collections::BTreeMap;

use serde::Deserialize;
use stapes_nn::layer::Pass;
use stapes_nn::objective::Targets;
use stapes_nn::parameters::TensorSpec;
use stapes_nn::{Network, NetworkBackward};
use stapes_testkit::tolerance::{check_absolute, widen};

/// Recorded numbers of the gradient of one parameter.
#[derive(Deserialize)]
pub(crate) struct Gradient {
    pub(crate) shape: Vec<usize>,
    #[serde(alias = "grad_l2")]
    l2: f64,
    /// Largest magnitude, if it is recorded.
    largest: Option<f64>,
    #[serde(alias = "grad_first8")]
    first: Vec<f64>,
}

/// Returns the scores, the loss and the gradients of one training step.
pub(crate) fn step(
    network: &mut Network,
    parameters: &[f32],
    input: &[f32],
    targets: Targets<'_>,
    pass: Pass<'_>,
) -> (Vec<f32>, f64, Vec<f32>) {
    let mut network = network.load(parameters);
    let scores = network.forward(input, pass).to_vec();
    let (objective, mut d_output) = (network.objective(), scores.clone());
    let total = objective.decision_count(pass.sequences);
    let loss = objective.loss(&mut d_output, targets, pass.sequences, total);
    let mut gradients = vec![0.0; parameters.len()];
    let d_output = &d_output[..];
    network.backward(NetworkBackward { gradients: &mut gradients, input, d_output, d_input: None }, pass);
    (scores, loss, gradients)
}

/// Checks the gradient of a tensor, within 1e-3 of the largest value.
pub(crate) fn check_gradient(
    recorded: &BTreeMap<String, Gradient>,
    spec: &TensorSpec,
    gradients: &[f32],
) -> Result<(), String> {
    let got = widen(spec.slice(gradients));
    let Gradient { shape, l2, largest, first } =
        recorded.get(&spec.name).ok_or_else(|| format!("{} is not recorded", spec.name))?;
    if *shape != spec.shape {
        return Err(format!("{}: {:?}, expected {shape:?}", spec.name, spec.shape));
    }
    // The gradient of a bias before a normalization is 0 up to rounding errors, which are compared with the
    // gradient of its weight.
    let weight = spec.name.replace("bias", "weight");
    let floor = if *l2 < 1e-10 { 1e-5 * recorded[&weight].l2 } else { 0.0 };
    let length = got.iter().map(|value| value * value).sum::<f64>().sqrt();
    check_absolute(&format!("|grad.{}|", spec.name), &[length], &[*l2], 1e-3 * l2 + floor)?;
    // If the largest value is not recorded, this is a lower bound.
    let mean = l2 / (got.len() as f64).sqrt();
    let largest = largest.unwrap_or(first.iter().fold(mean, |largest, value| largest.max(value.abs())));
    check_absolute(&format!("grad.{}", spec.name), &got[..first.len()], first, 1e-3 * largest + floor)
}

/// True if a tensor is the weight of a normalization.
pub(crate) fn is_norm(network: &Network, spec: &TensorSpec) -> bool {
    let running = spec.name.replace("weight", "running_mean");
    spec.name.ends_with("weight") && network.tensors().iter().any(|other| other.name == running)
}
