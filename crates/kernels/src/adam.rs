//! The update of the Adam optimizer over flat buffers.

use crate::simd::{Lanes, Simd, kernel};

/// Settings of Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay rates of the running means of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Decoupled weight decay (AdamW): before each step the parameters shrink by this times the learning rate.
    pub weight_decay: f64,
}

impl Default for Adam {
    /// Learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, no weight decay.
    fn default() -> Adam {
        Adam { learning_rate: 1e-3, betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// State of Adam between steps.
#[derive(Debug)]
pub struct AdamState<'a> {
    /// Number of this step, counted from 1.
    pub step: u64,
    /// Running mean of the gradient; zero before the first step.
    pub mean: &'a mut [f32],
    /// Running mean of the squared gradient; zero before the first step.
    pub square: &'a mut [f32],
}

kernel! {
    /// Performs one step of Adam.
    ///
    /// For gradient g and step number t, as in torch.optim.AdamW:
    /// ```text
    /// p = p (1 - learning_rate weight_decay)
    /// m = m + (1 - beta1) (g - m)
    /// v = beta2 v + (1 - beta2) g²
    /// p = p - learning_rate / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon)
    /// ```
    ///
    /// # Panics
    /// If the buffers differ in length, or the step number is 0.
    ///
    /// # Source
    /// Kingma and Ba 2015; Loshchilov and Hutter 2019 for weight decay.
    ///
    /// # Example
    /// ```
    /// use stapes_kernels::InstructionSet;
    /// use stapes_kernels::adam::{Adam, AdamState, update};
    ///
    /// let (mut parameters, mut mean, mut square) = ([1.0], [0.0], [0.0]);
    /// let state = AdamState { step: 1, mean: &mut mean, square: &mut square };
    /// update(InstructionSet::best(), Adam::default(), state, &[0.3], &mut parameters);
    /// assert!((parameters[0] - 0.999).abs() < 1e-6); // the first step has the size of the learning rate
    /// ```
    pub fn update(settings: Adam, state: AdamState<'_>, gradients: &[f32], parameters: &mut [f32]) =
        update_generic
}

#[inline(always)]
fn update_generic<S: Simd>(
    simd: S,
    settings: Adam,
    state: AdamState<'_>,
    gradients: &[f32],
    parameters: &mut [f32],
) {
    let AdamState { step, mean, square } = state;
    let len = parameters.len();
    assert!(step > 0, "steps count from 1");
    assert_eq!((gradients.len(), mean.len(), square.len()), (len, len, len), "buffers of {len} parameters");
    let Adam { learning_rate, betas: [beta_mean, beta_square], epsilon, weight_decay } = settings;
    let corrected = |beta: f64| 1.0 - beta.powf(step as f64);
    let all = |value: f64| Lanes::splat(simd, value as f32);
    let shrink = all(1.0 - learning_rate * weight_decay);
    let learning_rate = all(learning_rate / corrected(beta_mean));
    let root = all(1.0 / corrected(beta_square).sqrt());
    let (new_mean, old_square, new_square) = (all(1.0 - beta_mean), all(beta_square), all(1.0 - beta_square));
    let epsilon = all(epsilon);
    for at in (0..len).step_by(S::WIDTH) {
        let count = S::WIDTH.min(len - at);
        // SAFETY: at + count <= len, the length of all four buffers, and count <= WIDTH.
        unsafe {
            let g = Lanes::load(simd, gradients.as_ptr().add(at), count);
            let m = Lanes::load(simd, mean.as_ptr().add(at), count);
            let v = Lanes::load(simd, square.as_ptr().add(at), count);
            let p = Lanes::load(simd, parameters.as_ptr().add(at), count);
            let m = new_mean.mul_add(g - m, m);
            let v = (new_square * g).mul_add(g, old_square * v);
            let p = p * shrink - learning_rate * m / v.sqrt().mul_add(root, epsilon);
            m.store(mean.as_mut_ptr().add(at), count);
            v.store(square.as_mut_ptr().add(at), count);
            p.store(parameters.as_mut_ptr().add(at), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;

    #[test]
    fn steps_agree_with_the_formula_in_f64() {
        for set in InstructionSet::available() {
            for weight_decay in [0.0, 0.1] {
                let settings = Adam { learning_rate: 0.01, weight_decay, ..Adam::default() };
                let start: Vec<f32> = (0..21).map(|i| (i as f32 * 0.7).sin()).collect();
                let (mut parameters, mut mean, mut square) = (start.clone(), vec![0.0; 21], vec![0.0; 21]);
                let mut exact: Vec<[f64; 3]> = start.iter().map(|&p| [f64::from(p), 0.0, 0.0]).collect();
                for step in 1..=20u64 {
                    let scale = if step % 3 == 0 { 1e-4 } else { 1.0 };
                    let gradients: Vec<f32> =
                        (0..21).map(|i| scale * ((i as f32 + 1.3 * step as f32) * 1.1).sin()).collect();
                    let state = AdamState { step, mean: &mut mean, square: &mut square };
                    update(set, settings, state, &gradients, &mut parameters);
                    for ([p, m, v], &g) in exact.iter_mut().zip(&gradients) {
                        let g = f64::from(g);
                        *p *= 1.0 - 0.01 * weight_decay;
                        *m = 0.9 * *m + 0.1 * g;
                        *v = 0.999 * *v + 0.001 * g * g;
                        let (m, v) =
                            (*m / (1.0 - 0.9f64.powi(step as i32)), *v / (1.0 - 0.999f64.powi(step as i32)));
                        *p -= 0.01 * m / (v.sqrt() + 1e-8);
                    }
                }
                for (p, [exact, ..]) in parameters.iter().zip(&exact) {
                    assert!((f64::from(*p) - exact).abs() < 2e-6, "{set}: {p}, expected {exact}");
                }
            }
        }
    }

    #[test]
    fn a_gradient_of_zero_changes_nothing() {
        for set in InstructionSet::available() {
            let (mut parameters, mut mean, mut square) = ([0.5; 3], [0.0; 3], [0.0; 3]);
            let state = AdamState { step: 1, mean: &mut mean, square: &mut square };
            update(set, Adam::default(), state, &[0.0; 3], &mut parameters);
            assert_eq!(parameters, [0.5; 3]);
        }
    }
}
