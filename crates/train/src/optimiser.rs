//! Adam over the flat parameter buffer.

use stapes_nn::parameters::View;

use crate::config::TrainConfig;

/// Adam (Kingma and Ba 2015), with decoupled weight decay (Loshchilov and Hutter 2019) and clipping by the
/// global norm.
///
/// With gradient g, step t, learning rate a:
/// m = 0.9 m + 0.1 g, v = 0.999 v + 0.001 g^2,
/// p = p - a (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8), as PyTorch's `Adam`; before it, weights of
/// two or more axes lose the share a * decay, as PyTorch's `AdamW`.
pub struct Adam {
    learning_rate: f32,
    clip_norm: Option<f32>,
    /// Runs of the flat buffer and the weight decay that acts there.
    decays: Vec<(std::ops::Range<usize>, f32)>,
    first_moment: Vec<f32>,
    second_moment: Vec<f32>,
    steps: i32,
}

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

impl Adam {
    /// An optimiser for parameters laid out as `views`.
    pub fn new(config: &TrainConfig, views: &[View]) -> Adam {
        let length = views.last().map_or(0, |view| view.offset + view.len());
        let decay = |view: &View| if view.shape.len() > 1 { config.weight_decay } else { 0.0 };
        Adam {
            learning_rate: config.learning_rate,
            clip_norm: config.clip_norm,
            decays: views.iter().map(|view| (view.offset..view.offset + view.len(), decay(view))).collect(),
            first_moment: vec![0.0; length],
            second_moment: vec![0.0; length],
            steps: 0,
        }
    }

    /// One step against the gradient; `factor` scales the learning rate. The gradient may be scaled in place
    /// by clipping.
    pub fn update(&mut self, parameters: &mut [f32], gradients: &mut [f32], factor: f32) {
        if let Some(largest) = self.clip_norm {
            clip(gradients, largest);
        }
        self.steps += 1;
        let rate = self.learning_rate * factor;
        let step_size = rate / (1.0 - BETA1.powi(self.steps));
        let root_scale = 1.0 / (1.0 - BETA2.powi(self.steps)).sqrt();
        for (range, decay) in &self.decays {
            let kept = 1.0 - rate * decay;
            let moments =
                self.first_moment[range.clone()].iter_mut().zip(&mut self.second_moment[range.clone()]);
            let values = parameters[range.clone()].iter_mut().zip(&gradients[range.clone()]);
            for ((parameter, &gradient), (first, second)) in values.zip(moments) {
                *first = BETA1 * *first + (1.0 - BETA1) * gradient;
                *second = BETA2 * *second + (1.0 - BETA2) * gradient * gradient;
                *parameter = *parameter * kept - step_size * *first / (second.sqrt() * root_scale + EPSILON);
            }
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
