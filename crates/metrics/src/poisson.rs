//! Exact interval of the mean of a Poisson distribution, for rates such as false accepts per hour.

use crate::ConfidenceInterval;

/// Probability outside of each end of the interval.
const TAIL: f64 = 0.025;

/// Returns the exact two-sided 95 % confidence interval of the mean of a Poisson distribution from one count (Garwood's interval).
/// Divided by the hours of audio, it is the interval of a rate per hour.
///
/// The lower end is the mean with P(X >= count) = 2.5 %, and the upper end that with P(X <= count) = 2.5 %, which are
/// χ²(0.025; 2 count) / 2 and χ²(0.975; 2 count + 2) / 2. Without an event the interval is [0, 3.69], so no false accept in T hours
/// means at most 3.69 / T per hour; the one-sided 95 % bound would be 3.0 / T.
///
/// # Example
/// ```
/// let interval = stapes_metrics::poisson_interval(0);
/// assert!(interval.low == 0.0 && (interval.high - 3.688879).abs() < 1e-6);
/// let interval = stapes_metrics::poisson_interval(10);
/// assert!((interval.low - 4.795389).abs() < 1e-6 && (interval.high - 18.390356).abs() < 1e-6);
/// ```
///
/// # Source
/// Garwood 1936, "Fiducial limits for the Poisson distribution". Equal to `chi2.ppf` of scipy in these formulas.
pub fn poisson_interval(count: u64) -> ConfidenceInterval {
    let center = count as f64;
    // Each end is within ten standard deviations.
    let reach = 10.0 * center.sqrt() + 10.0;
    ConfidenceInterval {
        low: match count {
            0 => 0.0,
            _ => bisect((center - reach).max(0.0), center, |mean| at_least(count, mean) < TAIL),
        },
        high: bisect(center, center + reach, |mean| at_most(count, mean) > TAIL),
    }
}

/// Returns where `is_below` changes from true to false.
fn bisect(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    // Each iteration halves the bracket: 100 reach the precision of f64.
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if is_below(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// P(X <= count) for a mean above the count: terms from the largest to the smallest.
fn at_most(count: u64, mean: f64) -> f64 {
    let (mut term, mut sum) = (probability(count, mean), 0.0);
    for k in (0..=count).rev() {
        sum += term;
        term *= k as f64 / mean;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// P(X >= count) for a mean below the count: terms from the largest to the smallest.
fn at_least(count: u64, mean: f64) -> f64 {
    let (mut term, mut sum) = (probability(count, mean), 0.0);
    for k in count.. {
        sum += term;
        term *= mean / (k + 1) as f64;
        if term <= sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// P(X = count).
fn probability(count: u64, mean: f64) -> f64 {
    (count as f64 * mean.ln() - mean - ln_factorial(count)).exp()
}

/// Natural logarithm of n!: a sum, or Stirling's series, whose error is below 1e-16 there.
fn ln_factorial(n: u64) -> f64 {
    if n < 256 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let n = n as f64;
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_match_scipy() {
        // scipy 1.17.1: chi2.ppf(0.025, 2 n) / 2 and chi2.ppf(0.975, 2 n + 2) / 2.
        for (count, low, high) in [
            (0, 0.0, 3.6888794541139354),
            (1, 0.025317807984289876, 5.571643390938898),
            (2, 0.24220927854396496, 7.22468766772396),
            (5, 1.6234863901184207, 11.66833207932267),
            (10, 4.7953886961324335, 18.39035604201778),
            (50, 37.110963737461866, 65.91876666433681),
            (255, 224.6595307569771, 288.29557111330536),
            (256, 225.59820199463073, 289.35678220994396),
            (1000, 938.9730184076952, 1063.952136016302),
            (100_000, 99381.15266374472, 100621.74473974388),
        ] {
            let interval = poisson_interval(count);
            assert!((interval.low - low).abs() <= 1e-9 * (1.0 + low), "{count}: {interval:?}");
            assert!((interval.high - high).abs() <= 1e-9 * high, "{count}: {interval:?}");
        }
    }
}
