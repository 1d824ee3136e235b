//! Where a runner's weights lie in the flat buffers.

use stapes_kernels::recurrent::{Direction, Gradients, Weights};

use super::config::{RecurrentConfig, Wiring};
use crate::parameters::{Layout, View};

/// Adds the parameters of one layer and direction: W, U and, where there are biases, b and c.
pub(super) fn add_views(
    config: &RecurrentConfig,
    (layer, inputs): (usize, usize),
    direction: Direction,
    (prefix, layout): (&str, &mut Layout),
) -> Vec<View> {
    let (stack, suffix) = match (config.wiring, direction) {
        (Wiring::Unidirectional, _) | (Wiring::Stacked, Direction::Forward) => ("", ""),
        (Wiring::Stacked, Direction::Backward) => ("", "_reverse"),
        (Wiring::Tied, _) | (Wiring::Parallel, Direction::Forward) => ("forward.", ""),
        (Wiring::Parallel, Direction::Backward) => ("backward.", ""),
    };
    let rows = config.cell.kernel().gates() * config.hidden;
    let mut add =
        |name: &str, shape: &[usize]| layout.add(format!("{prefix}{stack}{name}_l{layer}{suffix}"), shape);
    let mut views = vec![add("weight_ih", &[rows, inputs]), add("weight_hh", &[rows, config.hidden])];
    if config.bias {
        views.extend(["bias_ih", "bias_hh"].map(|name| add(name, &[rows])));
    }
    views
}

/// The views of runner number `at`; the two directions of a tied stack have the same.
fn views_of<'a>(config: &RecurrentConfig, views: &'a [View], at: usize) -> &'a [View] {
    let at = if config.wiring == Wiring::Tied { at / 2 } else { at };
    let each = if config.bias { 4 } else { 2 };
    &views[at * each..(at + 1) * each]
}

/// The weights of runner number `at`.
pub(super) fn weights<'a>(
    config: &RecurrentConfig,
    views: &[View],
    parameters: &'a [f32],
    at: usize,
) -> Weights<'a> {
    let views = views_of(config, views, at);
    Weights {
        input: views[0].of(parameters),
        recurrent: views[1].of(parameters),
        bias: config.bias.then(|| [views[2].of(parameters), views[3].of(parameters)]),
    }
}

/// Where runner number `at` adds its gradients: its views lie one behind the other, as they were added.
pub(super) fn gradients<'a>(
    config: &RecurrentConfig,
    views: &[View],
    gradients: &'a mut [f32],
    at: usize,
) -> Gradients<'a> {
    let views = views_of(config, views, at);
    let mut rest = &mut gradients[views[0].offset..];
    let mut parts = views.iter().map(|view| {
        let (part, behind) = std::mem::take(&mut rest).split_at_mut(view.len());
        rest = behind;
        part
    });
    let mut next = || parts.next().unwrap_or_default();
    let (input, recurrent) = (next(), next());
    Gradients { input, recurrent, bias: config.bias.then(|| [next(), next()]) }
}
