//! One step against the gradient, over the flat parameter buffer.

mod clip;
mod sgd;

use std::ops::Range;

use rayon::prelude::*;
use stapes_kernels::InstructionSet;
use stapes_kernels::adam::{self, AdamMemory};
use stapes_nn::parameters::View;

use crate::config::{OptimiserKind, TrainConfig};

/// Adam, AdamW or stochastic gradient descent, as PyTorch has them, after clipping by the global norm.
///
/// Adam (Kingma and Ba 2015) has PyTorch's defaults; its formula stands with the kernel, [`adam::update`]. Weight decay
/// adds to the gradient with `sgd` and `adam`, and shrinks the weights apart from it with `adamw` (Loshchilov and Hutter
/// 2019). Gradient descent may have momentum: v = m v + g, p = p - rate v. Weight decay acts on weights of two or more
/// axes and spares biases and what normalises.
pub struct Optimiser {
    kind: OptimiserKind,
    learning_rate: f32,
    momentum: f32,
    clip_norm: Option<f32>,
    /// Runs of the flat buffer and the weight decay that acts there.
    decays: Vec<(Range<usize>, f32)>,
    /// What is remembered of the gradients before: Adam's running mean, or the velocity; empty without momentum.
    mean: Vec<f32>,
    /// Adam's running mean of the square; else empty.
    square: Vec<f32>,
    step: u64,
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
        let adam = config.optimiser != OptimiserKind::Sgd;
        let kept = |keeps: bool| if keeps { vec![0.0; length] } else { Vec::new() };
        Optimiser {
            kind: config.optimiser,
            learning_rate: config.learning_rate,
            momentum: config.momentum,
            clip_norm: config.clip_norm,
            decays,
            mean: kept(adam || config.momentum > 0.0),
            square: kept(adam),
            step: 0,
        }
    }

    /// What the next steps depend on, beside the number of those before.
    pub(crate) fn buffers(&self) -> [(&'static str, &[f32]); 2] {
        [(MEAN, &self.mean), (SQUARE, &self.square)]
    }

    /// The same, to be filled with what was.
    pub(crate) fn buffers_mut(&mut self) -> [(&'static str, &mut [f32]); 2] {
        [(MEAN, &mut self.mean), (SQUARE, &mut self.square)]
    }

    /// Counts on from so many steps.
    pub(crate) fn go_on_from(&mut self, steps: usize) {
        self.step = steps as u64;
    }

    /// One step against the gradient; `factor` scales the learning rate. The gradient may be changed in place, by
    /// clipping and by weight decay. Returns the norm that it had.
    pub fn update(&mut self, parameters: &mut [f32], gradients: &mut [f32], factor: f32) -> f32 {
        let norm = clip::clip(gradients, self.clip_norm);
        self.step += 1;
        let rate = f64::from(self.learning_rate) * f64::from(factor);
        let Optimiser { step, decays, momentum, kind, mean, square, .. } = self;
        let pieces = parameters.par_chunks_mut(PIECE).zip(gradients.par_chunks_mut(PIECE)).enumerate();
        match kind {
            OptimiserKind::Adam | OptimiserKind::AdamW => {
                let memory = mean.par_chunks_mut(PIECE).zip(square.par_chunks_mut(PIECE));
                pieces.zip(memory).for_each(|((piece, (parameters, gradients)), (mean, square))| {
                    for (run, decay) in within(decays, piece, parameters.len()) {
                        let (gradients, parameters) =
                            (&mut gradients[run.clone()], &mut parameters[run.clone()]);
                        let mut settings = adam::Adam { rate, ..adam::Adam::default() };
                        match kind {
                            OptimiserKind::AdamW => settings.weight_decay = decay,
                            _ => add_decay(decay as f32, parameters, gradients),
                        }
                        let memory = AdamMemory {
                            step: *step,
                            mean: &mut mean[run.clone()],
                            square: &mut square[run],
                        };
                        adam::update(InstructionSet::best(), settings, memory, gradients, parameters);
                    }
                });
            }
            OptimiserKind::Sgd if mean.is_empty() => pieces.for_each(|(piece, (parameters, gradients))| {
                for (run, decay) in within(decays, piece, parameters.len()) {
                    let (gradients, parameters) = (&mut gradients[run.clone()], &mut parameters[run]);
                    add_decay(decay as f32, parameters, gradients);
                    sgd::update(rate as f32, gradients, parameters);
                }
            }),
            OptimiserKind::Sgd => {
                pieces.zip(mean.par_chunks_mut(PIECE)).for_each(
                    |((piece, (parameters, gradients)), velocity)| {
                        for (run, decay) in within(decays, piece, parameters.len()) {
                            let (gradients, parameters) =
                                (&mut gradients[run.clone()], &mut parameters[run.clone()]);
                            add_decay(decay as f32, parameters, gradients);
                            let velocity = (*momentum, &mut velocity[run]);
                            sgd::update_with_momentum(rate as f32, velocity, gradients, parameters);
                        }
                    },
                );
            }
        }
        norm
    }
}

/// Names of buffers in a snapshot.
const MEAN: &str = "optimiser.mean";
const SQUARE: &str = "optimiser.square";

/// g = g + decay p
fn add_decay(decay: f32, parameters: &[f32], gradients: &mut [f32]) {
    if decay > 0.0 {
        gradients.iter_mut().zip(parameters).for_each(|(gradient, parameter)| *gradient += decay * parameter);
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
        for extra in ["optimiser = 'adamw'\n", "optimiser = 'sgd'\n", "optimiser = 'sgd'\nmomentum = 0.9\n"] {
            let width = 2 * PIECE + 3;
            let mut parameters = vec![1.0; width + 1];
            let mut optimiser = optimiser(width, &format!("{extra}weight_decay = 0.5"));
            optimiser.update(&mut parameters, &mut vec![0.0; width + 1], 1.0);
            assert!(parameters[..width].iter().all(|value| (value - 0.95).abs() < 1e-6), "{extra}");
            assert_eq!(parameters[width], 1.0, "{extra}");
        }
    }

    #[test]
    fn with_adam_weight_decay_is_a_part_of_the_gradient() {
        // Without another gradient Adam's first step is the rate, however small the decay.
        let mut parameters = [1.0, -2.0, 1.0];
        optimiser(2, "weight_decay = 0.01").update(&mut parameters, &mut [0.0; 3], 1.0);
        for (got, expected) in parameters.iter().zip([0.9, -1.9, 1.0]) {
            assert!((got - expected).abs() < 1e-5, "{parameters:?}");
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
        assert_eq!(norm, 5.0);
        let norm = optimiser(2, "").update(&mut [0.0; 3], &mut gradients, 1.0);
        assert!((norm - 1.0).abs() < 1e-6, "{norm}");
    }
}
