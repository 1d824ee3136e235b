//! Wilson score interval of a proportion, such as an accuracy, and the type of all confidence intervals.

use serde::Serialize;
use stapes_files::number;

/// 97.5 % quantile of the standard normal distribution: two-sided 95 %.
const Z: f64 = 1.959963984540054;

/// A confidence interval: a closed range of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConfidenceInterval {
    /// Lower end.
    #[serde(with = "number")]
    pub low: f64,
    /// Upper end.
    #[serde(with = "number")]
    pub high: f64,
}

/// Returns the 95 % Wilson score interval of a proportion.
///
/// With p = correct / total, n = total and z = 1.959963984540054, the ends are
///
/// (p + z²/2n ± z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n)
///
/// without continuity correction. The interval stays inside [0, 1]. It is valid for few examples and for proportions
/// near 0 and 1, where the normal interval p ± z √(p (1 - p)/n) is not. For `total` = 0 it is [0, 1].
///
/// # Panics
/// If `correct` is greater than `total`.
///
/// # Example
/// ```
/// let interval = stapes_metrics::wilson(364, 370);
/// assert!((interval.low - 0.965078).abs() < 1e-6);
/// assert!((interval.high - 0.992547).abs() < 1e-6);
/// ```
///
/// # Source
/// Wilson 1927, "Probable inference, the law of succession, and statistical inference"; method 3 of Newcombe
/// 1998, "Two-sided confidence intervals for the single proportion". Equal to `proportion_confint(...,
/// method="wilson")` of statsmodels 0.15.0.
pub fn wilson(correct: u64, total: u64) -> ConfidenceInterval {
    assert!(correct <= total, "wilson({correct}, {total}): correct must be at most total");
    if total == 0 {
        return ConfidenceInterval { low: 0.0, high: 1.0 };
    }
    let n = total as f64;
    let p = correct as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let center = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    // At 0 and n the outer end is exact in the formula but not in floating point.
    ConfidenceInterval {
        low: if correct == 0 { 0.0 } else { (center - half).max(0.0) },
        high: if correct == total { 1.0 } else { (center + half).min(1.0) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wilson_matches_statsmodels() {
        // statsmodels 0.15.0: proportion_confint(correct, total, 0.05, "wilson").
        let recorded = [
            (364, 370, 0.9650778792017801, 0.9925473160596899),
            (299, 300, 0.9813633063054688, 0.9994113422781488),
            (81, 263, 0.2552885198782742, 0.36620957698280004),
            (15, 148, 0.06238639953073628, 0.16048724172330803),
            (5, 10, 0.23659309051256394, 0.7634069094874361),
            (0, 10, 0.0, 0.27753279986288926),
            (10, 10, 0.7224672001371106, 1.0),
            (0, 1, 0.0, 0.7934506856227627),
            (1, 1, 0.2065493143772374, 1.0),
        ];
        for (correct, total, low, high) in recorded {
            let interval = wilson(correct, total);
            assert!((interval.low - low).abs() < 1e-14, "{correct}/{total}: {interval:?}");
            assert!((interval.high - high).abs() < 1e-14, "{correct}/{total}: {interval:?}");
        }
    }

    #[test]
    fn no_example_gives_the_unit_interval() {
        assert_eq!(wilson(0, 0), ConfidenceInterval { low: 0.0, high: 1.0 });
    }

    #[test]
    #[should_panic(expected = "wilson(4, 3)")]
    fn more_correct_than_total_panics() {
        wilson(4, 3);
    }

    proptest! {
        // Definition of the interval: its ends are the proportions q whose distance from the observed p is z standard
        // errors of q, (p - q)² = z² q (1 - q) / n.
        #[test]
        fn each_end_is_z_standard_errors_from_the_observed(total in 1u64..5000, part in 0.0f64..=1.0) {
            let correct = (part * total as f64).floor() as u64;
            let p = correct as f64 / total as f64;
            let interval = wilson(correct, total);
            for q in [interval.low, interval.high] {
                let left = (p - q) * (p - q);
                let right = Z * Z * q * (1.0 - q) / total as f64;
                prop_assert!((left - right).abs() < 1e-12, "{correct}/{total}: {left} {right}");
            }
            prop_assert!(0.0 <= interval.low && interval.low <= p && p <= interval.high && interval.high <= 1.0);
        }

        #[test]
        fn exchanging_correct_and_wrong_mirrors_the_interval(total in 1u64..5000, part in 0.0f64..=1.0) {
            let count = (part * total as f64).floor() as u64;
            let (correct, wrong) = (wilson(count, total), wilson(total - count, total));
            prop_assert!((correct.low - (1.0 - wrong.high)).abs() < 1e-12);
            prop_assert!((correct.high - (1.0 - wrong.low)).abs() < 1e-12);
        }
    }
}
