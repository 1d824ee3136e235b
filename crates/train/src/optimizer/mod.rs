//! Optimizers: Adam, AdamW and SGD over the flat parameter buffer.

mod clip;
mod sgd;

use std::ops::Range;

use rayon::prelude::*;
use stapes_kernels::InstructionSet;
use stapes_kernels::adam::{self, AdamState};
use stapes_nn::parameters::TensorSpec;

use crate::config::{OptimizerKind, TrainConfig};

/// Adam, AdamW or stochastic gradient descent as in PyTorch, after clipping by the global norm.
///
/// Adam (Kingma and Ba 2015) has PyTorch's defaults; the formula is at [`adam::update`]. SGD with momentum m:
/// v = m v + g, p = p - rate v. Weight decay is added to the gradient with `sgd` and `adam`, and decoupled from it with
/// `adamw` (Loshchilov and Hutter 2019). It applies to parameters of two or more axes, so not to biases and normalization
/// parameters.
pub struct Optimizer {
    kind: OptimizerKind,
    learning_rate: f32,
    momentum: f32,
    max_grad_norm: Option<f32>,
    /// Ranges of trained parameters in the flat buffer, with their weight decay.
    decays: Vec<(Range<usize>, f32)>,
    /// Ranges of frozen parameters, which have no gradient.
    frozen: Vec<Range<usize>>,
    /// Adam's running mean of the gradient, or the velocity; empty for SGD without momentum.
    mean: Vec<f32>,
    /// Adam's running mean of the squared gradient; empty for SGD.
    square: Vec<f32>,
    step: u64,
}

/// Number of values that one thread updates at a time. Each value is updated on its own, so the result does not depend on
/// threads.
const CHUNK: usize = 32 * 1024;

impl Optimizer {
    /// Creates an optimizer for parameters with this layout.
    pub fn new(config: &TrainConfig, tensors: &[TensorSpec]) -> Optimizer {
        let length = tensors.last().map_or(0, |tensor| tensor.offset + tensor.len());
        let mut decays: Vec<(Range<usize>, f32)> = Vec::new();
        let mut frozen = Vec::new();
        // Running statistics are not trained, so no range includes them.
        for tensor in tensors.iter().filter(|tensor| tensor.trained) {
            if config.freezes(&tensor.name) {
                frozen.push(tensor.offset..tensor.offset + tensor.len());
                continue;
            }
            let decay = if tensor.shape.len() > 1 { config.weight_decay } else { 0.0 };
            let end = tensor.offset + tensor.len();
            match decays.last_mut() {
                // Adjacent tensors with the same decay share a range.
                Some((range, same)) if *same == decay && range.end == tensor.offset => range.end = end,
                _ => decays.push((tensor.offset..end, decay)),
            }
        }
        let adam = config.optimizer != OptimizerKind::Sgd;
        let zeros_if = |needed: bool| if needed { vec![0.0; length] } else { Vec::new() };
        Optimizer {
            kind: config.optimizer,
            learning_rate: config.learning_rate,
            momentum: config.momentum,
            max_grad_norm: config.max_grad_norm,
            decays,
            frozen,
            mean: zeros_if(adam || config.momentum > 0.0),
            square: zeros_if(adam),
            step: 0,
        }
    }

    /// Returns the state that, together with the step number, determines the next updates.
    pub(crate) fn buffers(&self) -> [(&'static str, &[f32]); 2] {
        [(MEAN, &self.mean), (SQUARE, &self.square)]
    }

    /// Returns the mutable state, to be restored from a checkpoint.
    pub(crate) fn buffers_mut(&mut self) -> [(&'static str, &mut [f32]); 2] {
        [(MEAN, &mut self.mean), (SQUARE, &mut self.square)]
    }

    /// Sets the number of updates that were made before.
    pub(crate) fn resume_from(&mut self, steps: usize) {
        self.step = steps as u64;
    }

    /// Updates the parameters; `factor` scales the learning rate. Clipping and weight decay may change the gradients in
    /// place. Returns the gradient norm before clipping.
    pub fn update(&mut self, parameters: &mut [f32], gradients: &mut [f32], factor: f32) -> f32 {
        self.frozen.iter().for_each(|range| gradients[range.clone()].fill(0.0));
        let norm = clip::clip(gradients, self.max_grad_norm);
        self.step += 1;
        let rate = f64::from(self.learning_rate) * f64::from(factor);
        let Optimizer { step, decays, momentum, kind, mean, square, .. } = self;
        let chunks = parameters.par_chunks_mut(CHUNK).zip(gradients.par_chunks_mut(CHUNK)).enumerate();
        match kind {
            OptimizerKind::Adam | OptimizerKind::AdamW => {
                let state = mean.par_chunks_mut(CHUNK).zip(square.par_chunks_mut(CHUNK));
                chunks.zip(state).for_each(|((chunk, (parameters, gradients)), (mean, square))| {
                    for (range, decay) in ranges_in_chunk(decays, chunk, parameters.len()) {
                        let (gradients, parameters) =
                            (&mut gradients[range.clone()], &mut parameters[range.clone()]);
                        let mut settings = adam::Adam { learning_rate: rate, ..adam::Adam::default() };
                        match kind {
                            OptimizerKind::AdamW => settings.weight_decay = decay,
                            _ => add_decay(decay as f32, parameters, gradients),
                        }
                        let state = AdamState {
                            step: *step,
                            mean: &mut mean[range.clone()],
                            square: &mut square[range],
                        };
                        adam::update(InstructionSet::best(), settings, state, gradients, parameters);
                    }
                });
            }
            OptimizerKind::Sgd if mean.is_empty() => chunks.for_each(|(chunk, (parameters, gradients))| {
                for (range, decay) in ranges_in_chunk(decays, chunk, parameters.len()) {
                    let (gradients, parameters) = (&mut gradients[range.clone()], &mut parameters[range]);
                    add_decay(decay as f32, parameters, gradients);
                    sgd::update(rate as f32, gradients, parameters);
                }
            }),
            OptimizerKind::Sgd => {
                chunks.zip(mean.par_chunks_mut(CHUNK)).for_each(
                    |((chunk, (parameters, gradients)), velocity)| {
                        for (range, decay) in ranges_in_chunk(decays, chunk, parameters.len()) {
                            let (gradients, parameters) =
                                (&mut gradients[range.clone()], &mut parameters[range.clone()]);
                            add_decay(decay as f32, parameters, gradients);
                            let velocity = &mut velocity[range];
                            sgd::update_with_momentum(
                                rate as f32,
                                *momentum,
                                velocity,
                                gradients,
                                parameters,
                            );
                        }
                    },
                );
            }
        }
        norm
    }
}

/// Names of the buffers in a snapshot.
const MEAN: &str = "optimizer.mean";
const SQUARE: &str = "optimizer.square";

/// g = g + decay p
fn add_decay(decay: f32, parameters: &[f32], gradients: &mut [f32]) {
    if decay > 0.0 {
        gradients.iter_mut().zip(parameters).for_each(|(gradient, parameter)| *gradient += decay * parameter);
    }
}

/// Returns the ranges within a chunk of `len` values, relative to its start, with their weight decay.
fn ranges_in_chunk(
    decays: &[(Range<usize>, f32)],
    chunk: usize,
    len: usize,
) -> impl Iterator<Item = (Range<usize>, f64)> {
    let (start, end) = (chunk * CHUNK, chunk * CHUNK + len);
    let overlapping = decays.iter().filter(move |(range, _)| range.start < end && range.end > start);
    overlapping.map(move |(range, decay)| {
        (range.start.max(start) - start..range.end.min(end) - start, f64::from(*decay))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(width: usize) -> [TensorSpec; 2] {
        let tensor = |name: &str, shape: &[usize], offset| TensorSpec {
            name: name.into(),
            shape: shape.to_vec(),
            offset,
            trained: true,
        };
        [tensor("fc.weight", &[1, width], 0), tensor("fc.bias", &[1], width)]
    }

    fn optimizer(width: usize, settings: &str) -> Optimizer {
        let text = format!("batch_size = 1\nepochs = 1\nlearning_rate = 0.1\n{settings}");
        Optimizer::new(&toml::from_str(&text).unwrap(), &tensors(width))
    }

    #[test]
    fn weight_decay_shrinks_weights_in_every_chunk_but_not_biases() {
        // Without a gradient only the decay acts: 1 - 0.1 * 0.5.
        for kind in ["optimizer = 'adamw'\n", "optimizer = 'sgd'\n", "optimizer = 'sgd'\nmomentum = 0.9\n"] {
            let width = 2 * CHUNK + 3;
            let mut parameters = vec![1.0; width + 1];
            let mut optimizer = optimizer(width, &format!("{kind}weight_decay = 0.5"));
            optimizer.update(&mut parameters, &mut vec![0.0; width + 1], 1.0);
            assert!(parameters[..width].iter().all(|value| (value - 0.95).abs() < 1e-6), "{kind}");
            assert_eq!(parameters[width], 1.0, "{kind}");
        }
    }

    #[test]
    fn adam_adds_weight_decay_to_the_gradient() {
        // Adam's first step is the learning rate, however small the gradient, and here the decay is the whole gradient.
        let mut parameters = [1.0, -2.0, 1.0];
        optimizer(2, "weight_decay = 0.01").update(&mut parameters, &mut [0.0; 3], 1.0);
        for (got, expected) in parameters.iter().zip([0.9, -1.9, 1.0]) {
            assert!((got - expected).abs() < 1e-5, "{parameters:?}");
        }
    }

    #[test]
    fn the_factor_scales_the_learning_rate() {
        let mut parameters = [1.0, 1.0, 1.0];
        optimizer(2, "").update(&mut parameters, &mut [0.3, -0.2, 5.0], 0.5);
        // Adam's first step is the learning rate for any gradient.
        for (got, expected) in parameters.iter().zip([0.95, 1.05, 0.95]) {
            assert!((got - expected).abs() < 1e-6, "{parameters:?}");
        }
        let mut parameters = [1.0, 1.0, 1.0];
        optimizer(2, "optimizer = 'sgd'").update(&mut parameters, &mut [0.3, -0.2, 5.0], 0.5);
        for (got, expected) in parameters.iter().zip([0.985, 1.01, 0.75]) {
            assert!((got - expected).abs() < 1e-6, "{parameters:?}");
        }
    }

    #[test]
    fn frozen_parameters_do_not_change_and_do_not_count_in_the_norm() {
        for kind in ["adam", "adamw", "sgd"] {
            let settings = format!("optimizer = '{kind}'\nfreeze = ['fc.weight']\nweight_decay = 0.5");
            let mut parameters = [1.0; 3];
            let mut gradients = [30.0, 40.0, 2.0];
            let norm = optimizer(2, &settings).update(&mut parameters, &mut gradients, 1.0);
            assert_eq!((norm, parameters[0], parameters[1]), (2.0, 1.0, 1.0), "{kind}");
            assert!(parameters[2] < 1.0, "{kind}");
        }
    }

    #[test]
    fn update_returns_the_norm_before_clipping() {
        let mut gradients = [3.0, 4.0, 0.0];
        let norm = optimizer(2, "max_grad_norm = 1.0").update(&mut [0.0; 3], &mut gradients, 1.0);
        assert_eq!(norm, 5.0);
        let norm = optimizer(2, "").update(&mut [0.0; 3], &mut gradients, 1.0);
        assert!((norm - 1.0).abs() < 1e-6, "{norm}");
    }
}
