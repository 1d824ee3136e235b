//! Adam over the flat parameter buffer.

use stapes_kernels::InstructionSet;
use stapes_kernels::adam::{self, AdamMemory};
use stapes_nn::parameters::View;

use crate::config::TrainConfig;

/// Adam (Kingma and Ba 2015) with PyTorch's defaults, decoupled weight decay on weights of two or more axes
/// (Loshchilov and Hutter 2019; biases are spared), and clipping by the global norm.
///
/// The formula stands with the kernel, [`adam::update`].
pub struct Adam {
    learning_rate: f32,
    clip_norm: Option<f32>,
    /// Runs of the flat buffer and the weight decay that acts there.
    decays: Vec<(std::ops::Range<usize>, f32)>,
    mean: Vec<f32>,
    square: Vec<f32>,
    step: u64,
}

impl Adam {
    /// An optimiser for parameters laid out as `views`.
    pub fn new(config: &TrainConfig, views: &[View]) -> Adam {
        let length = views.last().map_or(0, |view| view.offset + view.len());
        let mut decays: Vec<(std::ops::Range<usize>, f32)> = Vec::new();
        for view in views {
            let decay = if view.shape.len() > 1 { config.weight_decay } else { 0.0 };
            let end = view.offset + view.len();
            match decays.last_mut() {
                // Neighbours with the same decay are one run.
                Some((run, same)) if *same == decay => run.end = end,
                _ => decays.push((view.offset..end, decay)),
            }
        }
        Adam {
            learning_rate: config.learning_rate,
            clip_norm: config.clip_norm,
            decays,
            mean: vec![0.0; length],
            square: vec![0.0; length],
            step: 0,
        }
    }

    /// One step against the gradient; `factor` scales the learning rate. The gradient may be scaled in place
    /// by clipping.
    pub fn update(&mut self, parameters: &mut [f32], gradients: &mut [f32], factor: f32) {
        if let Some(largest) = self.clip_norm {
            clip(gradients, largest);
        }
        self.step += 1;
        let rate = f64::from(self.learning_rate) * f64::from(factor);
        for (run, decay) in &self.decays {
            let settings = adam::Adam { rate, weight_decay: f64::from(*decay), ..adam::Adam::default() };
            let memory = AdamMemory {
                step: self.step,
                mean: &mut self.mean[run.clone()],
                square: &mut self.square[run.clone()],
            };
            let set = InstructionSet::best();
            adam::update(set, settings, memory, &gradients[run.clone()], &mut parameters[run.clone()]);
        }
    }
}

/// Scales a gradient down to norm `largest`, if it is longer, as PyTorch's `clip_grad_norm_` does.
fn clip(gradients: &mut [f32], largest: f32) {
    let norm = gradients.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt() as f32;
    let factor = largest / (norm + 1e-6);
    if factor < 1.0 {
        gradients.iter_mut().for_each(|value| *value *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adam(extra: &str) -> Adam {
        let text = format!("batch = 1\nepochs = 1\nlearning_rate = 0.1\n{extra}");
        let view =
            |name: &str, shape: &[usize], offset| View { name: name.into(), shape: shape.to_vec(), offset };
        let views = [view("fc.weight", &[1, 2], 0), view("fc.bias", &[1], 2)];
        Adam::new(&toml::from_str(&text).unwrap(), &views)
    }

    #[test]
    fn weight_decay_shrinks_weights_and_spares_biases() {
        let mut parameters = [1.0, -2.0, 3.0];
        adam("weight_decay = 0.5").update(&mut parameters, &mut [0.0; 3], 1.0);
        // Without a gradient Adam does not move: what is left is 1 - 0.1 * 0.5.
        for (got, expected) in parameters.iter().zip([0.95, -1.9, 3.0]) {
            assert!((got - expected).abs() < 1e-6, "{parameters:?}");
        }
    }

    #[test]
    fn the_schedule_scales_the_step() {
        let mut parameters = [1.0, 1.0, 1.0];
        adam("").update(&mut parameters, &mut [0.3, -0.2, 5.0], 0.5);
        // The first step of Adam is the rate, whatever the gradient.
        for (got, expected) in parameters.iter().zip([0.95, 1.05, 0.95]) {
            assert!((got - expected).abs() < 1e-6, "{parameters:?}");
        }
    }

    #[test]
    fn a_long_gradient_is_scaled_to_the_largest_norm_and_a_short_one_kept() {
        let mut long = [3.0, 4.0];
        clip(&mut long, 1.0);
        assert!((long[0] - 0.6).abs() < 1e-6 && (long[1] - 0.8).abs() < 1e-6, "{long:?}");
        let mut short = [0.3, 0.4];
        clip(&mut short, 1.0);
        assert_eq!(short, [0.3, 0.4]);
    }
}
