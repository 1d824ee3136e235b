//! Bootstrap comparison of two configurations, each trained several times, on the same examples.

use serde::Serialize;

use crate::bootstrap::{Units, percentiles, resampled};
use crate::frame_metrics::{Counts, ranking};
use crate::{ConfidenceInterval, Estimate, MetricsError, RecordingFrames};

/// Number of resamples of examples.
const RESAMPLES: usize = 10_000;
/// Number of resamples of frames, which take longer.
const RESAMPLES_OF_FRAMES: usize = 2_000;

/// Returns the number of resamples for one of several comparisons, at least `min`: the smallest p times the number of
/// comparisons, as a correction multiplies it, is at most 0.01, so that a difference can be significant among any
/// number of comparisons.
fn resamples(min: usize, comparisons: usize) -> usize {
    min.max(200 * comparisons)
}

/// The difference of a metric between two configurations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Metric of the first configuration, the mean over its runs.
    pub first: f64,
    /// Metric of the second configuration.
    pub second: f64,
    /// first - second, with its 95 % confidence interval.
    pub difference: Estimate,
    /// Two-sided p-value of no difference.
    pub p: f64,
}

/// Differences between two frame-level configurations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FrameDifferences {
    /// Difference of the fractions of correct frames.
    pub accuracy: Difference,
    /// Difference of the areas under the ROC curve over all frames. None without scores of two classes.
    pub auc: Option<Difference>,
}

/// Returns the difference of two configurations' accuracies, each the mean over runs with different seeds.
///
/// The confidence interval and p come from a bootstrap with R resamples of a fixed stream. Each draws the examples with
/// replacement, the same ones for all runs, and, independently for each side, one run fewer than there are (the only
/// one if there is one). The interval is that of the percentiles; p is 2 (1 + k) / (1 + R), at most 1, where k is the
/// number of resamples with a difference of at most 0 or of at least 0, whichever is smaller.
///
/// `comparisons` is the total number of comparisons that this one belongs to. R is 10,000, or 200 per comparison if
/// that is more: then the smallest p is below 0.01 even after multiplication by the number of comparisons, as by
/// [`holm`](crate::holm).
///
/// The seeds of runs count as random, so the result is about the configurations. With one run per side it is about
/// these two runs only.
///
/// The test is conservative: disagreement between runs of one configuration counts up to three times. For equal
/// configurations on 300 examples whose accuracies have a standard deviation of 0, 2 and 5 points over runs, it reports
/// 0, 1 and 5 % as different at p <= 0.05 with three runs per side, 0, 1 and 4 % with five, and 0, 1 and 7 % with two.
///
/// # Shapes
/// first `[S1][N]`, second `[S2][N]`: true if the run predicts the example correctly; the same examples in the same
/// order
///
/// # Errors
/// [`MetricsError::NoRuns`], [`MetricsError::NoExamples`], and [`MetricsError::Unpaired`] for runs of different
/// lengths.
///
/// # Example
/// ```
/// use stapes_metrics::compare_accuracy;
///
/// // 200 examples: every tenth is wrong on the first side, every fifth on the second.
/// let first: Vec<bool> = (0..200).map(|example| example % 10 != 0).collect();
/// let second: Vec<bool> = (0..200).map(|example| example % 5 != 0).collect();
/// let found = compare_accuracy(&[first], &[second], 1)?;
/// assert!((found.difference.value - 0.1).abs() < 1e-12);
/// assert!(found.difference.interval.low > 0.05 && found.p < 0.001);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Efron and Tibshirani 1993, "An Introduction to the Bootstrap", sections 13.3 and 16.4. Examples and seeds are drawn
/// independently as in Owen 2007, "The pigeonhole bootstrap"; drawing one run fewer makes the mean of the variance over
/// runs correct (McCarthy and Snowden 1985, "The bootstrap and finite population sampling").
pub fn compare_accuracy(
    first: &[Vec<bool>],
    second: &[Vec<bool>],
    comparisons: usize,
) -> Result<Difference, MetricsError> {
    let examples = check(first, second, "examples")?;
    // Masks replace a multiplication by a bitwise and.
    let mask = |&correct: &bool| if correct { u64::MAX } else { 0 };
    let correct: Vec<Vec<u64>> =
        first.iter().chain(second).map(|run| run.iter().map(mask).collect()).collect();
    let sides = Sides { first: first.len(), second: second.len(), units: examples };
    let accuracy = |run: usize, times: &[u64]| {
        let sum: u64 = correct[run].iter().zip(times).map(|(correct, times)| correct & times).sum();
        Some(sum as f64 / examples as f64)
    };
    // Defined for every draw.
    sides.compare(resamples(RESAMPLES, comparisons), accuracy).ok_or(MetricsError::NoExamples)
}

/// Returns the differences of two configurations' metrics over frames, each the mean over runs with different seeds.
///
/// Like [`compare_accuracy`], but recordings are drawn with all their frames, and R is 2,000 or 200 per comparison. The
/// frames need not be the same: other windows or sample rates give other frames of a recording.
///
/// # Shapes
/// first `[S1][R]`, second `[S2][R]`: the same recordings in the same order
///
/// # Errors
/// [`MetricsError::NoRuns`], [`MetricsError::NoExamples`] if there are no frames, [`MetricsError::Unpaired`] for runs
/// with different numbers of recordings, [`MetricsError::UnequalLengths`] if predictions or scores are not one per
/// frame, and [`MetricsError::NanScore`] for a score that is NaN.
///
/// # Example
/// ```
/// use stapes_metrics::{RecordingFrames, compare_frames};
///
/// let run = |scores: [f32; 4]| -> Vec<RecordingFrames> {
///     let frames = RecordingFrames {
///         labels: vec![0, 0, 1, 1],
///         predictions: scores.map(|score| usize::from(score > 0.5)).to_vec(),
///         scores: scores.to_vec(),
///     };
///     vec![frames; 3]
/// };
/// let found = compare_frames(&[run([0.1, 0.2, 0.8, 0.9])], &[run([0.6, 0.2, 0.5, 0.9])], 1)?;
/// assert_eq!(found.accuracy.difference.value, 0.5);
/// assert_eq!(found.auc.unwrap().difference.value, 0.25);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
pub fn compare_frames(
    first: &[Vec<RecordingFrames>],
    second: &[Vec<RecordingFrames>],
    comparisons: usize,
) -> Result<FrameDifferences, MetricsError> {
    let recordings = check(first, second, "recordings")?;
    let sides = Sides { first: first.len(), second: second.len(), units: recordings };
    let resamples = resamples(RESAMPLES_OF_FRAMES, comparisons);
    let runs = || first.iter().chain(second);
    let counts: Vec<Vec<Counts>> =
        runs().map(|run| run.iter().map(Counts::of).collect::<Result<_, _>>()).collect::<Result<_, _>>()?;
    let accuracy = |run: usize, times: &[u64]| Counts::accuracy(&counts[run], times);
    let accuracy = sides.compare(resamples, accuracy).ok_or(MetricsError::NoExamples)?;
    let scored = runs().flatten().any(|recording| !recording.scores.is_empty());
    let auc = match scored {
        true => {
            let rankings = runs().map(|run| ranking(run)).collect::<Result<Vec<_>, _>>()?;
            let auc = |run: usize, times: &[u64]| rankings[run].auc(|recording| times[recording as usize]);
            sides.compare(resamples, auc)
        }
        false => None,
    };
    Ok(FrameDifferences { accuracy, auc })
}

/// Returns the number of units that all runs were tested on.
fn check<T>(first: &[Vec<T>], second: &[Vec<T>], kind: &'static str) -> Result<usize, MetricsError> {
    for (side, runs) in [("first", first), ("second", second)] {
        if runs.is_empty() {
            return Err(MetricsError::NoRuns { side });
        }
        for (run, units) in runs.iter().enumerate() {
            if units.len() != first[0].len() {
                return Err(MetricsError::Unpaired {
                    side,
                    run,
                    kind,
                    index: units.len().min(first[0].len()),
                });
            }
        }
    }
    match first[0].len() {
        0 => Err(MetricsError::NoExamples),
        units => Ok(units),
    }
}

/// Number of runs per side, and number of units that they were tested on.
struct Sides {
    first: usize,
    second: usize,
    units: usize,
}

impl Sides {
    /// Compares the mean of `metric` over the first side's runs with that over the second's. `metric` receives the
    /// index of the run, with the second side after the first, and the weight of each unit. None if it is undefined for
    /// equal weights.
    fn compare(&self, resamples: usize, metric: impl Fn(usize, &[u64]) -> Option<f64>) -> Option<Difference> {
        let mean = |offset: usize, weights: &[u64], times: &[u64]| -> Option<f64> {
            let mut sum = 0.0;
            for (run, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
                sum += weight as f64 * metric(offset + run, times)?;
            }
            Some(sum / weights.iter().sum::<u64>() as f64)
        };
        let once = vec![1; self.units];
        let first = mean(0, &vec![1; self.first], &once)?;
        let second = mean(self.first, &vec![1; self.second], &once)?;
        let value = first - second;
        let unknown = ConfidenceInterval { low: -1.0, high: 1.0 };
        if self.units < 2 {
            return Some(Difference {
                first,
                second,
                difference: Estimate { value, interval: unknown },
                p: 1.0,
            });
        }
        let units = [self.units, self.first, self.second].map(|count| Units { count, draws: count });
        let fewer = |units: Units| Units { draws: (units.count - 1).max(1), ..units };
        let units = [units[0], fewer(units[1]), fewer(units[2])];
        let differences = resampled(resamples, &units, |times| {
            Some(mean(0, &times[1], &times[0])? - mean(self.first, &times[2], &times[0])?)
        });
        let interval = percentiles(&differences).unwrap_or(unknown);
        Some(Difference {
            first,
            second,
            difference: Estimate { value, interval },
            p: two_sided(&differences),
        })
    }
}

/// Returns the p-value of no difference from resampled differences: at most 0.05 if 0 is outside the percentile
/// interval.
fn two_sided(differences: &[f64]) -> f64 {
    // Metrics are sums of fractions: smaller differences are rounding.
    const ROUNDING: f64 = 1e-12;
    let tail = |holds: &dyn Fn(f64) -> bool| differences.iter().filter(|value| holds(**value)).count();
    let fewer = tail(&|value| value < ROUNDING).min(tail(&|value| value > -ROUNDING));
    (2.0 * (1 + fewer) as f64 / (1 + differences.len()) as f64).min(1.0)
}

#[cfg(test)]
mod tests;
