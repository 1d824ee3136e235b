//! Mixup: a weighted mean of each training example with another example of its batch, and of their labels.
//!
//! x = (1 - w) a + w b, and the same for the labels, with w = min(l, 1 - l) and l drawn from Beta(alpha, alpha). So w is at
//! most 0.5, and the mixed example keeps the length of a: b is truncated, or padded with zeros, the mean of normalized
//! frames.
//!
//! # Source
//! Zhang et al. 2018, mixup: beyond empirical risk minimization.

use stapes_features::Features;
use stapes_random::Rng;

use crate::step_options::StepOptions;

/// The example that is mixed into another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mix {
    /// Index of the mixed-in example in the batch.
    pub(crate) index: usize,
    /// Weight of the mixed-in example, at most 0.5.
    pub(crate) weight: f32,
}

/// Draws a mixed-in example for each example of a batch; returns an empty vector without mixup.
pub(crate) fn draw_mixes(batch_size: usize, options: &StepOptions<'_>) -> Vec<Mix> {
    let Some(alpha) = options.mixup else { return Vec::new() };
    let mix = |index: usize| {
        let mut rng = Rng::numbered(options.seed, "mixup", [options.key, index as u64]);
        let lambda = rng.beta(alpha);
        Mix { index: rng.below(batch_size), weight: lambda.min(1.0 - lambda) }
    };
    (0..batch_size).map(mix).collect()
}

impl Mix {
    /// Mixes the frames of the other example into `frames`.
    pub(crate) fn apply(&self, frames: &mut Features, other: &Features) {
        let others = other.values().iter().copied().chain(std::iter::repeat(0.0));
        for (value, other) in frames.values_mut().iter_mut().zip(others) {
            *value += self.weight * (other - *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixed_in_example_is_truncated_or_padded_with_zeros() {
        let mix = Mix { index: 0, weight: 0.25 };
        let mixed = |values: &[f32], other: &[f32]| {
            let mut frames = Features::new(1, values.to_vec());
            mix.apply(&mut frames, &Features::new(1, other.to_vec()));
            frames.values().to_vec()
        };
        assert_eq!(mixed(&[4.0, 8.0], &[0.0, 4.0, 9.0]), [3.0, 7.0]);
        assert_eq!(mixed(&[4.0, 8.0], &[8.0]), [5.0, 6.0]);
    }

    #[test]
    fn weights_are_at_most_a_half_and_differ_from_step_to_step() {
        let step = |key| StepOptions { mixup: Some(0.4), seed: 3, key, ..StepOptions::default() };
        let first = draw_mixes(50, &step(1));
        assert!(first.iter().all(|mix| (0.0..=0.5).contains(&mix.weight) && mix.index < 50));
        assert!(first.iter().any(|mix| mix.weight > 0.2) && first.iter().any(|mix| mix.weight < 0.05));
        assert_eq!(first, draw_mixes(50, &step(1)));
        assert_ne!(first, draw_mixes(50, &step(2)));
        assert!(draw_mixes(50, &StepOptions::default()).is_empty());
    }
}
