//! Intervals of figures whose examples are not independent: the recordings are.

use stapes_random::Rng;

use crate::Interval;

/// Resamples: enough that the ends of an interval move by less than they are worth.
const RESAMPLES: usize = 1000;

/// The 95 % percentile interval of a figure over recordings, by drawing as many recordings as there are, with
/// replacement, a thousand times; always the same draws for the same number of recordings.
///
/// `figure` is given how often each recording was drawn, and says None where it is undefined: such draws are left out.
/// From less than two recordings nothing can be said: \[0, 1\].
///
/// # Source
/// Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3, and 8.3 for what is drawn: the units
/// that are independent.
pub(crate) fn over_recordings(recordings: usize, figure: impl Fn(&[u64]) -> Option<f64>) -> Interval {
    let whole = Interval { low: 0.0, high: 1.0 };
    if recordings < 2 {
        return whole;
    }
    let units = [Units { count: recordings, draws: recordings }];
    let figures = resampled(RESAMPLES, &units, |times| figure(&times[0]));
    percentiles(&figures).unwrap_or(whole)
}

/// Independent things of one kind that are drawn with replacement; at least one.
#[derive(Clone, Copy)]
pub(crate) struct Units {
    /// How many there are.
    pub(crate) count: usize,
    /// How many are drawn each time.
    pub(crate) draws: usize,
}

/// A figure of `resamples` draws of units of several kinds, each kind by itself, in ascending order.
///
/// `figure` is given how often each unit of each kind was drawn; where it says None the draw is left out. The numbers
/// come from one fixed stream, so equal arguments give equal figures.
pub(crate) fn resampled(
    resamples: usize,
    units: &[Units],
    mut figure: impl FnMut(&[Vec<u64>]) -> Option<f64>,
) -> Vec<f64> {
    let mut stream = Rng::new(0, "bootstrap");
    let mut figures = Vec::with_capacity(resamples);
    let mut times: Vec<Vec<u64>> = units.iter().map(|units| vec![0; units.count]).collect();
    for _ in 0..resamples {
        for (times, units) in times.iter_mut().zip(units) {
            times.fill(0);
            (0..units.draws).for_each(|_| times[stream.below(units.count)] += 1);
        }
        figures.extend(figure(&times));
    }
    figures.sort_by(f64::total_cmp);
    figures
}

/// The 2.5 % and 97.5 % points of sorted figures with linear interpolation; None of no figure.
pub(crate) fn percentiles(sorted: &[f64]) -> Option<Interval> {
    let ends = || Interval { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
    (!sorted.is_empty()).then(ends)
}

/// The point below which a share of the sorted values lies, interpolated; of at least one value.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
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
        for (share, expected) in [0.0, 0.25, 0.5, 0.9, 1.0].into_iter().zip(expected) {
            assert!((quantile(&[1.0, 2.0, 4.0, 8.0], share) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_about_its_standard_error() {
        // 100 values of mean 0.5 and standard deviation 0.2: the mean's standard error is 0.02.
        let values: Vec<f64> = (0..100).map(|index| if index % 2 == 0 { 0.3 } else { 0.7 }).collect();
        let mean = |times: &[u64]| {
            Some(values.iter().zip(times).map(|(value, &times)| value * times as f64).sum::<f64>() / 100.0)
        };
        let Interval { low, high } = over_recordings(100, mean);
        assert!((low - (0.5 - 1.96 * 0.02)).abs() < 0.004, "{low}");
        assert!((high - (0.5 + 1.96 * 0.02)).abs() < 0.004, "{high}");
        assert_eq!(over_recordings(100, mean), Interval { low, high });
    }

    #[test]
    fn what_is_undefined_is_left_out_and_one_recording_says_nothing() {
        let first = |times: &[u64]| (times[0] > 0).then_some(0.25);
        assert_eq!(over_recordings(3, first), Interval { low: 0.25, high: 0.25 });
        assert_eq!(over_recordings(3, |_| None), Interval { low: 0.0, high: 1.0 });
        assert_eq!(over_recordings(1, |_| Some(0.5)), Interval { low: 0.0, high: 1.0 });
    }
}
