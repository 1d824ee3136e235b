//! Weights and gradients of each recurrence in the flat buffers.

use stapes_kernels::recurrent::{Direction, Gradients, Weights};

use super::config::{Directions, RecurrentConfig};
use crate::parameters::{Layout, TensorSpec};

/// Adds the parameters of one direction of a layer with this input size: W, U and, with biases, b and c.
pub(super) fn add_tensors(
    config: &RecurrentConfig,
    layer: usize,
    input_size: usize,
    direction: Direction,
    prefix: &str,
    layout: &mut Layout,
) -> Vec<TensorSpec> {
    let (stack, suffix) = match (config.directions, direction) {
        (Directions::Unidirectional, _) | (Directions::Interleaved, Direction::Forward) => ("", ""),
        (Directions::Interleaved, Direction::Backward) => ("", "_reverse"),
        (Directions::Shared, _) | (Directions::Independent, Direction::Forward) => ("forward.", ""),
        (Directions::Independent, Direction::Backward) => ("backward.", ""),
    };
    let rows = config.cell.gates() * config.hidden_size;
    let mut add =
        |name: &str, shape: &[usize]| layout.add(format!("{prefix}{stack}{name}_l{layer}{suffix}"), shape);
    let mut tensors =
        vec![add("weight_ih", &[rows, input_size]), add("weight_hh", &[rows, config.hidden_size])];
    if config.bias {
        tensors.extend(["bias_ih", "bias_hh"].map(|name| add(name, &[rows])));
    }
    tensors
}

/// Tensors of recurrence number `at`; both directions of a shared stack have the same.
fn tensors_of<'a>(config: &RecurrentConfig, tensors: &'a [TensorSpec], at: usize) -> &'a [TensorSpec] {
    let at = if config.directions == Directions::Shared { at / 2 } else { at };
    let each = if config.bias { 4 } else { 2 };
    &tensors[at * each..(at + 1) * each]
}

/// Weights of recurrence number `at`.
pub(super) fn weights<'a>(
    config: &RecurrentConfig,
    tensors: &[TensorSpec],
    parameters: &'a [f32],
    at: usize,
) -> Weights<'a> {
    let tensors = tensors_of(config, tensors, at);
    Weights {
        input: tensors[0].slice(parameters),
        recurrent: tensors[1].slice(parameters),
        bias: config.bias.then(|| [tensors[2].slice(parameters), tensors[3].slice(parameters)]),
    }
}

/// Gradient buffers of recurrence number `at`. Its tensors are adjacent, because they were added together.
pub(super) fn gradients<'a>(
    config: &RecurrentConfig,
    tensors: &[TensorSpec],
    gradients: &'a mut [f32],
    at: usize,
) -> Gradients<'a> {
    let tensors = tensors_of(config, tensors, at);
    let mut rest = &mut gradients[tensors[0].offset..];
    let mut parts = tensors.iter().map(|tensor| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(tensor.len());
        rest = after;
        part
    });
    let mut next = || parts.next().unwrap_or_default();
    let (input, recurrent) = (next(), next());
    Gradients { input, recurrent, bias: config.bias.then(|| [next(), next()]) }
}
