//! Mixup: each training example is laid over another of its batch, and its truth with it.
//!
//! x = (1 - s) a + s b, and the truth alike, with s = min(l, 1 - l) and l drawn from Beta(alpha, alpha). So an example stays
//! the greater part of what is made of it, and keeps its length: where the other one is shorter it counts as zeros, the mean
//! of normalised frames.
//!
//! Zhang et al. 2018, mixup: beyond empirical risk minimization.

use stapes_features::Features;
use stapes_random::Stream;

use crate::treatment::Treatment;

/// What is laid over an example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mix {
    /// The other example's place in the batch.
    pub(crate) place: usize,
    /// Its share, at most a half.
    pub(crate) share: f32,
}

/// What is laid over each example of a batch of so many; nothing without mixup.
pub(crate) fn mixes(batch: usize, treatment: &Treatment<'_>) -> Vec<Mix> {
    let Some(alpha) = treatment.mixup else { return Vec::new() };
    let mix = |place: usize| {
        let mut stream = Stream::numbered(treatment.seed, "mixup", [treatment.key, place as u64]);
        let drawn = stream.beta(alpha);
        Mix { place: stream.below(batch), share: drawn.min(1.0 - drawn) }
    };
    (0..batch).map(mix).collect()
}

impl Mix {
    /// Lays the other example's frames over an example's.
    pub(crate) fn apply(&self, frames: &mut Features, other: &Features) {
        let others = other.values().iter().copied().chain(std::iter::repeat(0.0));
        for (value, other) in frames.values_mut().iter_mut().zip(others) {
            *value += self.share * (other - *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_is_cut_or_counts_as_zeros() {
        let mix = Mix { place: 0, share: 0.25 };
        let laid = |values: &[f32], other: &[f32]| {
            let mut frames = Features::new(1, values.to_vec());
            mix.apply(&mut frames, &Features::new(1, other.to_vec()));
            frames.values().to_vec()
        };
        assert_eq!(laid(&[4.0, 8.0], &[0.0, 4.0, 9.0]), [3.0, 7.0]);
        assert_eq!(laid(&[4.0, 8.0], &[8.0]), [5.0, 6.0]);
    }

    #[test]
    fn shares_are_at_most_a_half_and_differ_from_step_to_step() {
        let step = |key| Treatment { mixup: Some(0.4), seed: 3, key, ..Treatment::default() };
        let first = mixes(50, &step(1));
        assert!(first.iter().all(|mix| (0.0..=0.5).contains(&mix.share) && mix.place < 50));
        assert!(first.iter().any(|mix| mix.share > 0.2) && first.iter().any(|mix| mix.share < 0.05));
        assert_eq!(first, mixes(50, &step(1)));
        assert_ne!(first, mixes(50, &step(2)));
        assert!(mixes(50, &Treatment::default()).is_empty());
    }
}
