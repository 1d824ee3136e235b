//! Where a runner's weights lie in the flat buffers.

use stapes_kernels::recurrent::{Gradients, Weights};

use super::config::RecurrentConfig;
use crate::parameters::View;

/// The views of runner number `at`.
fn views_of<'a>(config: &RecurrentConfig, views: &'a [View], at: usize) -> &'a [View] {
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
