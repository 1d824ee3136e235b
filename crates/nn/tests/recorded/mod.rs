//! A training step of a network, and its gradients against recorded ones of which only some numbers are kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use stapes_nn::layer::Pass;
use stapes_nn::objective::Targets;
use stapes_nn::parameters::View;
use stapes_nn::{Network, NetworkBackward};
use stapes_testkit::tolerance::{check_absolute, widen};

/// What is recorded of the gradient by one parameter.
#[derive(Deserialize)]
pub(crate) struct Gradient {
    pub(crate) shape: Vec<usize>,
    #[serde(alias = "grad_l2")]
    l2: f64,
    /// Of all numbers, where it is recorded.
    largest: Option<f64>,
    #[serde(alias = "grad_first8")]
    first: Vec<f64>,
}

/// The scores, the loss and the gradients of one step in training, with the parameters taken in.
pub(crate) fn step(
    network: &mut Network,
    parameters: &[f32],
    input: &[f32],
    targets: Targets<'_>,
    pass: Pass<'_>,
) -> (Vec<f32>, f64, Vec<f32>) {
    network.prepare(parameters);
    let scores = network.forward(parameters, input, pass).to_vec();
    let (objective, mut d_output) = (network.objective(), scores.clone());
    let whole = objective.decisions(pass.sequences);
    let loss = objective.loss(&mut d_output, targets, pass.sequences, whole);
    let mut gradients = vec![0.0; parameters.len()];
    let d_output = &d_output[..];
    network.backward(
        NetworkBackward { parameters, gradients: &mut gradients, input, d_output, d_input: None },
        pass,
    );
    (scores, loss, gradients)
}

/// Checks the gradient by a view, within 1e-3 of the largest number.
pub(crate) fn check_gradient(
    recorded: &BTreeMap<String, Gradient>,
    view: &View,
    gradients: &[f32],
) -> Result<(), String> {
    let got = widen(view.of(gradients));
    let Gradient { shape, l2, largest, first } =
        recorded.get(&view.name).ok_or_else(|| format!("{} is not recorded", view.name))?;
    if *shape != view.shape {
        return Err(format!("{}: {:?}, expected {shape:?}", view.name, view.shape));
    }
    // The gradient of a bias in front of a normalisation is 0: rounding errors, set against those of the weight
    // beside it.
    let weight = view.name.replace("bias", "weight");
    let floor = if *l2 < 1e-10 { 1e-5 * recorded[&weight].l2 } else { 0.0 };
    let length = got.iter().map(|value| value * value).sum::<f64>().sqrt();
    check_absolute(&format!("|grad.{}|", view.name), &[length], &[*l2], 1e-3 * l2 + floor)?;
    // Where the largest is not recorded it is known to be at least this.
    let mean = l2 / (got.len() as f64).sqrt();
    let largest = largest.unwrap_or(first.iter().fold(mean, |largest, value| largest.max(value.abs())));
    check_absolute(&format!("grad.{}", view.name), &got[..first.len()], first, 1e-3 * largest + floor)
}

/// Whether a view is the weight of a normalisation.
pub(crate) fn is_norm(network: &Network, view: &View) -> bool {
    let running = view.name.replace("weight", "running_mean");
    view.name.ends_with("weight") && network.views().iter().any(|other| other.name == running)
}
