//! The median and other quantiles.

/// The median of numbers in any order: of an even number of them the mean of the middle two; none of none.
///
/// # Example
/// ```
/// assert_eq!(stapes_metrics::median(&[3.0, 1.0, 2.0]), Some(2.0));
/// ```
pub fn median(numbers: &[f64]) -> Option<f64> {
    quantile(numbers, 0.5)
}

/// Returns a quantile of numbers in any order, linear between the two nearest; None without numbers.
///
/// # Panics
/// If `fraction` is not in [0, 1].
///
/// # Example
/// ```
/// assert_eq!(stapes_metrics::quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
/// ```
///
/// # Source
/// Equal to `numpy.quantile` with its default method.
pub fn quantile(numbers: &[f64], fraction: f64) -> Option<f64> {
    assert!((0.0..=1.0).contains(&fraction), "quantile {fraction}: must be in [0, 1]");
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = fraction * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(if at.fract() == 0.5 { (low + high) / 2.0 } else { low + at.fract() * (high - low) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_even_and_odd_numbers() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn quantiles_are_linear_between_the_nearest() {
        // numpy.quantile
        let numbers = [0.4, 0.1, 0.35, 0.2, 0.9];
        for (fraction, expected) in [(0.0, 0.1), (0.25, 0.2), (0.95, 0.8), (1.0, 0.9)] {
            assert!((quantile(&numbers, fraction).unwrap() - expected).abs() < 1e-12, "{fraction}");
        }
        assert_eq!(quantile(&[], 0.95), None);
    }
}
