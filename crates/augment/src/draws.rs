//! Random draws of augmentations, and checks of their settings.

use stapes_random::Rng;

use crate::error::AugmentError;

/// Default probability of an augmentation.
pub(crate) fn default_probability() -> f32 {
    1.0
}

/// Returns the random stream of an augmentation for one repetition and example; `None` if it is not applied there.
pub(crate) fn sample_if(seed: u64, name: &str, numbers: [u64; 2], probability: f32) -> Option<Rng> {
    let mut stream = Rng::numbered(seed, name, numbers);
    (stream.uniform() < probability).then_some(stream)
}

/// Returns a number of the range, uniformly distributed.
pub(crate) fn uniform([low, high]: [f32; 2], stream: &mut Rng) -> f32 {
    // Rounding must not exceed the range.
    (low + (high - low) * stream.uniform()).clamp(low, high)
}

/// Settings of an augmentation, for messages: `augment.shift`.
#[derive(Clone, Copy)]
pub(crate) struct AugmentKey(pub(crate) &'static str);

impl AugmentKey {
    pub(crate) fn error(self, key: &str, value: impl std::fmt::Display, rule: &str) -> AugmentError {
        AugmentError::setting(self.path(key), value, rule)
    }

    /// Returns the path of a key in the recipe.
    pub(crate) fn path(self, key: &str) -> String {
        format!("{}.{key}", self.0)
    }

    pub(crate) fn check_probability(self, value: f32) -> Result<(), AugmentError> {
        match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(self.error("probability", value, "must be from 0 to 1")),
        }
    }

    /// Checks a number of at least 0.
    pub(crate) fn check_non_negative(self, key: &str, value: f32) -> Result<(), AugmentError> {
        match value >= 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(self.error(key, value, "must be a number of at least 0")),
        }
    }

    /// Checks two numbers within limits, the lower one first.
    pub(crate) fn check_range(
        self,
        key: &str,
        [low, high]: [f32; 2],
        [lowest, highest]: [f32; 2],
    ) -> Result<(), AugmentError> {
        match lowest <= low && low <= high && high <= highest {
            true => Ok(()),
            false => {
                let rule = format!("must be two numbers from {lowest} to {highest}, the lower first");
                Err(self.error(key, format!("[{low}, {high}]"), &rule))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_augmentation_applies_with_its_probability() {
        let times =
            |probability| (0..10_000).filter(|&n| sample_if(1, "x", [n, 7], probability).is_some()).count();
        assert_eq!((times(0.0), times(1.0)), (0, 10_000));
        // Standard deviation: 46.
        assert!((2_800..3_200).contains(&times(0.3)), "{}", times(0.3));
    }

    #[test]
    fn draws_are_uniform_and_a_point_is_exact() {
        let mut stream = Rng::new(1, "x");
        assert_eq!(uniform([0.3, 0.3], &mut stream), 0.3);
        let drawn: Vec<f32> = (0..10_000).map(|_| uniform([-1.0, 3.0], &mut stream)).collect();
        assert!(drawn.iter().all(|value| (-1.0..=3.0).contains(value)));
        let mean = drawn.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn invalid_values_are_named() {
        let key = AugmentKey("augment.x");
        for (result, message) in [
            (key.check_probability(1.5), "augment.x.probability = 1.5: must be from 0 to 1"),
            (key.check_non_negative("std", -1.0), "augment.x.std = -1: must be a number of at least 0"),
            (
                key.check_range("factor", [1.2, 0.8], [0.5, 2.0]),
                "augment.x.factor = [1.2, 0.8]: must be two numbers from 0.5 to 2, the lower first",
            ),
        ] {
            assert_eq!(result.unwrap_err().to_string(), message);
        }
        for range in [[0.4, 1.0], [1.0, 2.1], [f32::NAN, 1.0], [1.0, f32::NAN]] {
            assert!(key.check_range("factor", range, [0.5, 2.0]).is_err(), "{range:?}");
        }
        assert!(key.check_range("factor", [0.5, 2.0], [0.5, 2.0]).is_ok());
        assert!(
            key.check_probability(f32::NAN).is_err() && key.check_non_negative("x", f32::INFINITY).is_err()
        );
    }
}
