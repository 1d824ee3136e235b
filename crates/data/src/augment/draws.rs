//! What entries draw, and what may be asked for.

use stapes_random::Stream;

use crate::error::DataError;

/// The probability of an entry that names none.
pub(super) fn always() -> f32 {
    1.0
}

/// The stream of one entry for one pass and example; `None` where the entry is not due there.
pub(super) fn due(seed: u64, entry: &str, numbers: [u64; 2], probability: f32) -> Option<Stream> {
    let mut stream = Stream::numbered(seed, entry, numbers);
    (stream.uniform() < probability).then_some(stream)
}

/// A number of the range, each equally likely.
pub(super) fn between([low, high]: [f32; 2], stream: &mut Stream) -> f32 {
    // Rounding must not lead beyond the range.
    (low + (high - low) * stream.uniform()).clamp(low, high)
}

/// An entry of a recipe, for messages: `augment.shift`.
#[derive(Clone, Copy)]
pub(super) struct Entry(pub(super) &'static str);

impl Entry {
    pub(super) fn refuse(self, key: &str, value: impl std::fmt::Display, rule: &str) -> DataError {
        DataError::setting(format!("{}.{key}", self.0), value, rule)
    }

    pub(super) fn probability(self, value: f32) -> Result<(), DataError> {
        match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(self.refuse("probability", value, "must be from 0 to 1")),
        }
    }

    /// A size: a number, 0 or more.
    pub(super) fn size(self, key: &str, value: f32) -> Result<(), DataError> {
        match value >= 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(self.refuse(key, value, "must be a number, 0 or more")),
        }
    }

    /// Two numbers within limits, the lower first.
    pub(super) fn range(
        self,
        key: &str,
        [low, high]: [f32; 2],
        [lowest, highest]: [f32; 2],
    ) -> Result<(), DataError> {
        match lowest <= low && low <= high && high <= highest {
            true => Ok(()),
            false => {
                let rule = format!("must be two numbers from {lowest} to {highest}, the lower first");
                Err(self.refuse(key, format!("[{low}, {high}]"), &rule))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_due_as_often_as_its_probability_says() {
        let times = |probability| (0..10_000).filter(|&n| due(1, "x", [n, 7], probability).is_some()).count();
        assert_eq!((times(0.0), times(1.0)), (0, 10_000));
        // Standard deviation: 46.
        assert!((2_800..3_200).contains(&times(0.3)), "{}", times(0.3));
    }

    #[test]
    fn a_range_is_drawn_evenly_and_a_point_exactly() {
        let mut stream = Stream::new(1, "x");
        assert_eq!(between([0.3, 0.3], &mut stream), 0.3);
        let drawn: Vec<f32> = (0..10_000).map(|_| between([-1.0, 3.0], &mut stream)).collect();
        assert!(drawn.iter().all(|value| (-1.0..=3.0).contains(value)));
        let mean = drawn.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn what_a_key_may_not_have_is_named() {
        let entry = Entry("augment.x");
        for (result, message) in [
            (entry.probability(1.5), "augment.x.probability = 1.5: must be from 0 to 1"),
            (entry.size("deviation", -1.0), "augment.x.deviation = -1: must be a number, 0 or more"),
            (
                entry.range("factor", [1.2, 0.8], [0.5, 2.0]),
                "augment.x.factor = [1.2, 0.8]: must be two numbers from 0.5 to 2, the lower first",
            ),
        ] {
            assert_eq!(result.unwrap_err().to_string(), message);
        }
        for range in [[0.4, 1.0], [1.0, 2.1], [f32::NAN, 1.0], [1.0, f32::NAN]] {
            assert!(entry.range("factor", range, [0.5, 2.0]).is_err(), "{range:?}");
        }
        assert!(entry.range("factor", [0.5, 2.0], [0.5, 2.0]).is_ok());
        assert!(entry.probability(f32::NAN).is_err() && entry.size("x", f32::INFINITY).is_err());
    }
}
