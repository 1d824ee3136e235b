//! One step against the gradient, over the flat parameter buffer.

mod clip;
mod sgd;

use std::ops::Range;

use rayon::prelude::*;
use stapes_kernels::InstructionSet;
use stapes_kernels::adam::{self, AdamMemory};
use stapes_nn::parameters::View;

use crate::config::{OptimiserKind, TrainConfig};

/// Adam or stochastic gradient descent, as PyTorch has them, after clipping by the global norm.
///
/// Adam (Kingma and Ba 2015) has PyTorch's defaults and decoupled weight decay (Loshchilov and Hutter 2019);
/// its formula stands with the kernel, [`adam::update`]. Gradient descent adds the weight decay to the
/// gradient and may have momentum: v = m v + g, p = p - rate v. Weight decay acts on weights of two or more
/// axes and spares biases.
pub struct Optimiser {
    learning_rate: f32,
    clip_norm: Option<f32>,
    /// Runs of the flat buffer and the weight decay that acts there.
    decays: Vec<(Range<usize>, f32)>,
    rule: Rule,
    step: u64,
}

enum Rule {
    Adam {
        mean: Vec<f32>,
        square: Vec<f32>,
    },
    Sgd {
        momentum: f32,
        /// Empty without momentum.
        velocity: Vec<f32>,
    },
}

/// Numbers that one thread updates at a time. Every number has its own update, so the result does not depend
/// on the threads.
const PIECE: usize = 32 * 1024;

impl Optimiser {
    /// An optimiser for parameters laid out as `views`.
    pub fn new(config: &TrainConfig, views: &[View]) -> Optimiser {
        let length = views.last().map_or(0, |view| view.offset + view.len());
        let mut decays: Vec<(Range<usize>, f32)> = Vec::new();
        // What is not trained is in no run: no rule touches it.
        for view in views.iter().filter(|view| view.trained) {
            let decay = if view.shape.len() > 1 { config.weight_decay } else { 0.0 };
            let end = view.offset + view.len();
            match decays.last_mut() {
                // Neighbours with the same decay are one run.
                Some((run, same)) if *same == decay && run.end == view.offset => run.end = end,
                _ => decays.push((view.offset..end, decay)),
            }
        }
        let rule = match config.optimiser {
            OptimiserKind::Adam => Rule::Adam { mean: vec![0.0; length], square: vec![0.0; length] },
            OptimiserKind::Sgd => {
                let kept = if config.momentum > 0.0 { length } else { 0 };
                Rule::Sgd { momentum: config.momentum, velocity: vec![0.0; kept] }
            }
        };
        Optimiser { learning_rate: config.learning_rate, clip_norm: config.clip_norm, decays, rule, step: 0 }
    }

    /// One step against the gradient; `factor` scales the learning rate. The gradient may be scaled in place
    /// by clipping. Returns the norm of the gradient before clipping, where it is clipped.
    pub fn update(&mut self, parameters: &mut [f32], gradients: &mut [f32], factor: f32) -> Option<f32> {
        let norm = self.clip_norm.map(|largest| clip::clip(gradients, largest));
        self.step += 1;
        let rate = f64::from(self.learning_rate) * f64::from(factor);
        let (step, decays) = (self.step, &self.decays);
        let pieces = parameters.par_chunks_mut(PIECE).zip(gradients.par_chunks(PIECE)).enumerate();
        match &mut self.rule {
            Rule::Adam { mean, square } => {
                let memory = mean.par_chunks_mut(PIECE).zip(square.par_chunks_mut(PIECE));
                pieces.zip(memory).for_each(|((piece, (parameters, gradients)), (mean, square))| {
                    for (run, decay) in within(decays, piece, parameters.len()) {
                        let settings = adam::Adam { rate, weight_decay: decay, ..adam::Adam::default() };
                        let memory = AdamMemory {
                            step,
                            mean: &mut mean[run.clone()],
                            square: &mut square[run.clone()],
                        };
                        let (gradients, parameters) = (&gradients[run.clone()], &mut parameters[run]);
                        adam::update(InstructionSet::best(), settings, memory, gradients, parameters);
                    }
                });
            }
            Rule::Sgd { momentum, velocity } if velocity.is_empty() => {
                debug_assert_eq!(*momentum, 0.0);
                pieces.for_each(|(piece, (parameters, gradients))| {
                    for (run, decay) in within(decays, piece, parameters.len()) {
                        sgd::update((rate, decay), &gradients[run.clone()], &mut parameters[run]);
                    }
                });
            }
            Rule::Sgd { momentum, velocity } => {
                let momentum = *momentum;
                pieces.zip(velocity.par_chunks_mut(PIECE)).for_each(
                    |((piece, (parameters, gradients)), velocity)| {
                        for (run, decay) in within(decays, piece, parameters.len()) {
                            let (velocity, gradients) = (&mut velocity[run.clone()], &gradients[run.clone()]);
                            let settings = (rate, decay);
                            sgd::update_with_momentum(
                                settings,
                                (momentum, velocity),
                                gradients,
                                &mut parameters[run],
                            );
                        }
                    },
                );
            }
        }
        norm
    }
}

/// The runs within a piece of `len` numbers, counted from its start, each with its weight decay.
fn within(
    decays: &[(Range<usize>, f32)],
    piece: usize,
    len: usize,
) -> impl Iterator<Item = (Range<usize>, f64)> {
    let (first, end) = (piece * PIECE, piece * PIECE + len);
    let overlapping = decays.iter().filter(move |(run, _)| run.start < end && run.end > first);
    overlapping
        .map(move |(run, decay)| (run.start.max(first) - first..run.end.min(end) - first, f64::from(*decay)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(width: usize) -> [View; 2] {
        let view = |name: &str, shape: &[usize], offset| View {
            name: name.into(),
            shape: shape.to_vec(),
            offset,
            trained: true,
        };
        [view("fc.weight", &[1, width], 0), view("fc.bias", &[1], width)]
    }

    fn optimiser(width: usize, extra: &str) -> Optimiser {
        let text = format!("batch = 1\nepochs = 1\nlearning_rate = 0.1\n{extra}");
        Optimiser::new(&toml::from_str(&text).unwrap(), &views(width))
    }

    #[test]
    fn weight_decay_shrinks_weights_and_spares_biases_in_every_piece() {
        // Without a gradient no rule moves: what is left is 1 - 0.1 * 0.5.
        for extra in ["", "optimiser = 'sgd'\n", "optimiser = 'sgd'\nmomentum = 0.9\n"] {
            let width = 2 * PIECE + 3;
            let mut parameters = vec![1.0; width + 1];
            let mut optimiser = optimiser(width, &format!("{extra}weight_decay = 0.5"));
            optimiser.update(&mut parameters, &mut vec![0.0; width + 1], 1.0);
            assert!(parameters[..width].iter().all(|value| (value - 0.95).abs() < 1e-6), "{extra}");
            assert_eq!(parameters[width], 1.0, "{extra}");
        }
    }

    #[test]
    fn the_schedule_scales_the_step() {
        let mut parameters = [1.0, 1.0, 1.0];
        optimiser(2, "").update(&mut parameters, &mut [0.3, -0.2, 5.0], 0.5);
        // The first step of Adam is the rate, whatever the gradient.
        for (got, expected) in parameters.iter().zip([0.95, 1.05, 0.95]) {
            assert!((got - expected).abs() < 1e-6, "{parameters:?}");
        }
        let mut parameters = [1.0, 1.0, 1.0];
        optimiser(2, "optimiser = 'sgd'").update(&mut parameters, &mut [0.3, -0.2, 5.0], 0.5);
        for (got, expected) in parameters.iter().zip([0.985, 1.01, 0.75]) {
            assert!((got - expected).abs() < 1e-6, "{parameters:?}");
        }
    }

    #[test]
    fn the_norm_before_clipping_is_told() {
        let mut gradients = [3.0, 4.0, 0.0];
        let norm = optimiser(2, "clip_norm = 1.0").update(&mut [0.0; 3], &mut gradients, 1.0);
        assert_eq!(norm, Some(5.0));
        assert_eq!(optimiser(2, "").update(&mut [0.0; 3], &mut gradients, 1.0), None);
    }
}
