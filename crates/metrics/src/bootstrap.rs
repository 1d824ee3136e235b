//! Bootstrap confidence intervals over independent units, such as recordings.

use stapes_random::Rng;

use crate::ConfidenceInterval;

/// Number of resamples: enough that the ends of an interval move by less than its precision.
const RESAMPLES: usize = 1000;

/// Returns the 95 % percentile interval of a statistic over recordings: as many recordings as there are, drawn with
/// replacement, 1,000 times. Equal numbers of recordings give equal draws.
///
/// `statistic` receives how often each recording was drawn and returns None where it is undefined; such draws are
/// skipped. The interval of fewer than two recordings is \[0, 1\].
///
/// # Source
/// Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3, and 8.3 for the choice of the
/// independent units.
pub(crate) fn over_recordings(
    recordings: usize,
    statistic: impl Fn(&[u64]) -> Option<f64>,
) -> ConfidenceInterval {
    let unit_interval = ConfidenceInterval { low: 0.0, high: 1.0 };
    if recordings < 2 {
        return unit_interval;
    }
    let units = [Units { count: recordings, draws: recordings }];
    let values = resampled(RESAMPLES, &units, |times| statistic(&times[0]));
    percentiles(&values).unwrap_or(unit_interval)
}

/// Independent units of one kind, drawn with replacement; at least one.
#[derive(Clone, Copy)]
pub(crate) struct Units {
    /// Number of units.
    pub(crate) count: usize,
    /// Number of units per draw.
    pub(crate) draws: usize,
}

/// Returns a statistic of `resamples` draws in ascending order; units of several kinds are drawn independently.
///
/// `statistic` receives how often each unit of each kind was drawn and returns None where it is undefined; such draws
/// are skipped. The random stream is fixed, so equal arguments give equal values.
pub(crate) fn resampled(
    resamples: usize,
    units: &[Units],
    mut statistic: impl FnMut(&[Vec<u64>]) -> Option<f64>,
) -> Vec<f64> {
    let mut rng = Rng::new(0, "bootstrap");
    let mut values = Vec::with_capacity(resamples);
    let mut times: Vec<Vec<u64>> = units.iter().map(|units| vec![0; units.count]).collect();
    for _ in 0..resamples {
        for (times, units) in times.iter_mut().zip(units) {
            times.fill(0);
            (0..units.draws).for_each(|_| times[rng.below(units.count)] += 1);
        }
        values.extend(statistic(&times));
    }
    values.sort_by(f64::total_cmp);
    values
}

/// Returns the 2.5 % and 97.5 % quantiles of sorted values with linear interpolation; None for an empty list.
pub(crate) fn percentiles(sorted: &[f64]) -> Option<ConfidenceInterval> {
    let ends = || ConfidenceInterval { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
    (!sorted.is_empty()).then(ends)
}

/// Returns a quantile of at least one sorted value, with linear interpolation.
fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let place = fraction * (sorted.len() - 1) as f64;
    let below = sorted[place.floor() as usize];
    below + (place - place.floor()) * (sorted[place.ceil() as usize] - below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        // numpy.quantile([1, 2, 4, 8], [0, 0.25, 0.5, 0.9, 1])
        let expected = [1.0, 1.75, 3.0, 6.8, 8.0];
        for (fraction, expected) in [0.0, 0.25, 0.5, 0.9, 1.0].into_iter().zip(expected) {
            assert!((quantile(&[1.0, 2.0, 4.0, 8.0], fraction) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_about_its_standard_error() {
        // 100 values of mean 0.5 and standard deviation 0.2: the mean's standard error is 0.02.
        let values: Vec<f64> = (0..100).map(|index| if index % 2 == 0 { 0.3 } else { 0.7 }).collect();
        let mean = |times: &[u64]| {
            Some(values.iter().zip(times).map(|(value, &times)| value * times as f64).sum::<f64>() / 100.0)
        };
        let ConfidenceInterval { low, high } = over_recordings(100, mean);
        assert!((low - (0.5 - 1.96 * 0.02)).abs() < 0.004, "{low}");
        assert!((high - (0.5 + 1.96 * 0.02)).abs() < 0.004, "{high}");
        assert_eq!(over_recordings(100, mean), ConfidenceInterval { low, high });
    }

    #[test]
    fn undefined_draws_are_skipped_and_one_recording_gives_the_unit_interval() {
        let first = |times: &[u64]| (times[0] > 0).then_some(0.25);
        assert_eq!(over_recordings(3, first), ConfidenceInterval { low: 0.25, high: 0.25 });
        assert_eq!(over_recordings(3, |_| None), ConfidenceInterval { low: 0.0, high: 1.0 });
        assert_eq!(over_recordings(1, |_| Some(0.5)), ConfidenceInterval { low: 0.0, high: 1.0 });
    }
}
