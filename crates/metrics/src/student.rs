//! Mean of a few repetitions, such as seeds or folds, with Student's t interval.

use crate::{ConfidenceInterval, Estimate};

/// Returns the mean of independent repetitions (folds, seeds) with its 95 % confidence interval by Student's t: mean ±
/// t s / √n, with the sample standard deviation s (n - 1) and the 97.5 % quantile t of n - 1 degrees of freedom.
///
/// Folds share training data, so the interval of a cross-validation is somewhat too narrow. The interval of a single
/// value is the whole line, from minus to plus infinity. For bounded values, such as fractions, the interval may exceed
/// the bounds.
///
/// # Panics
/// If `values` is empty.
///
/// # Example
/// ```
/// let estimate = stapes_metrics::mean_with_interval(&[0.51, 0.79, 0.82, 0.37, 0.60, 0.85]);
/// assert!((estimate.value - 0.6567).abs() < 1e-4);
/// assert!((estimate.interval.low - 0.4528).abs() < 1e-4);
/// assert!((estimate.interval.high - 0.8606).abs() < 1e-4);
/// ```
///
/// # Source
/// Equal to `scipy.stats.ttest_1samp(x, 0).confidence_interval()` of scipy 1.17.1.
pub fn mean_with_interval(values: &[f64]) -> Estimate {
    assert!(!values.is_empty(), "the mean of an empty list is undefined");
    let n = values.len() as f64;
    let value = values.iter().sum::<f64>() / n;
    if values.len() == 1 {
        return Estimate {
            value,
            interval: ConfidenceInterval { low: f64::NEG_INFINITY, high: f64::INFINITY },
        };
    }
    let variance = values.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0);
    let half = two_sided_95(values.len() - 1) * (variance / n).sqrt();
    Estimate { value, interval: ConfidenceInterval { low: value - half, high: value + half } }
}

/// Returns the t that a variable with these degrees of freedom does not exceed in magnitude with probability 0.95.
fn two_sided_95(degrees: usize) -> f64 {
    // One degree of freedom has the largest, 12.7.
    let (mut low, mut high) = (0.0, 13.0);
    // Each iteration halves the bracket: 60 reach the precision of f64.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if within(middle, degrees) < 0.95 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Probability of a value in [-t, t]: Abramowitz and Stegun 26.7.3 and 26.7.4.
fn within(t: f64, degrees: usize) -> f64 {
    let angle = (t / (degrees as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = degrees % 2 == 1;
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = term;
    let first = if odd { 2 } else { 1 };
    for j in (first..=degrees.saturating_sub(3)).step_by(2) {
        term *= j as f64 / (j + 1) as f64 * cosine * cosine;
        sum += term;
    }
    match (odd, degrees) {
        (true, 1) => angle / std::f64::consts::FRAC_PI_2,
        (true, _) => (angle + sine * sum) / std::f64::consts::FRAC_PI_2,
        (false, _) => sine * sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_t_match_scipy() {
        // scipy.stats.t.ppf(0.975, df)
        for (degrees, expected) in [
            (1, 12.706204736174694),
            (2, 4.302652729749462),
            (3, 3.1824463052837078),
            (4, 2.7764451051977934),
            (5, 2.5705818356363146),
            (6, 2.4469118511449786),
            (9, 2.262157162798205),
            (30, 2.0422724563012378),
            (100, 1.9839715185235518),
        ] {
            let found = two_sided_95(degrees);
            assert!((found - expected).abs() < 1e-9 * expected, "{degrees}: {found}");
        }
    }

    #[test]
    fn equal_values_have_zero_width_and_one_value_has_an_infinite_interval() {
        let same = mean_with_interval(&[0.5; 4]);
        assert_eq!((same.value, same.interval.low, same.interval.high), (0.5, 0.5, 0.5));
        let one = mean_with_interval(&[0.5]);
        assert_eq!((one.value, one.interval.high), (0.5, f64::INFINITY));
    }
}
