//! Two configurations, each trained several times, on the same examples.

use serde::Serialize;

use crate::bootstrap::{Units, percentiles, resampled};
use crate::frame_metrics::{Counts, ranking};
use crate::{Estimate, Interval, MetricsError, RecordingFrames};

/// Resamples of examples.
const RESAMPLES: usize = 10_000;
/// Resamples where each goes through all frames.
const RESAMPLES_OF_FRAMES: usize = 2_000;

/// How many resamples one of several comparisons needs, and at least these: the least p, times the number of comparisons
/// as a correction makes it, is at most 0.01, so that a difference can stand out among any number.
fn resamples(at_least: usize, comparisons: usize) -> usize {
    at_least.max(200 * comparisons)
}

/// The difference of a figure between two configurations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The first configuration's figure, the mean over its runs.
    pub first: f64,
    /// The second's.
    pub second: f64,
    /// first - second, with its 95 % interval.
    pub difference: Estimate,
    /// The two-sided p of there being no difference.
    pub p: f64,
}

/// The differences of two configurations that decide for the frames of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FrameDifferences {
    /// Of the share of frames that is right.
    pub accuracy: Difference,
    /// Of the area under the ROC curve over all frames. None where there are no scores of two classes.
    pub auc: Option<Difference>,
}

/// The difference of two configurations' accuracies, each the mean over runs with different seeds.
///
/// The interval and p are those of a bootstrap with R resamples from a fixed stream. Each draws the examples with
/// replacement, the same ones for all runs, and, for each side by itself, one run fewer than there are (the only one
/// where there is one). The interval is that of the percentiles; p is 2 (1 + k) / (1 + R), at most 1, where k is the number
/// of resamples with a difference of at most 0 or of at least 0, whichever is smaller.
///
/// `comparisons` is how many are made of which this is one. R is 10,000, or 200 a comparison where that is more: then the
/// least p is below 0.01 also when it is multiplied by the number of comparisons, as by [`holm`](crate::holm).
///
/// A run's seed counts as drawn at random, so the outcome is about the configurations. With one run per side it is about
/// these two runs only.
///
/// It errs towards no difference: what runs of one configuration disagree about counts up to three times. Of equal
/// configurations on 300 examples, whose runs' accuracies scatter by 0, 2 and 5 points, it calls 0, 1 and 5 % different
/// at p <= 0.05 with three runs a side, 0, 1 and 4 % with five, and 0, 1 and 7 % with two.
///
/// # Shapes
/// first `[S1][N]`, second `[S2][N]`: whether the run has the example right, the same examples in the same order
///
/// # Errors
/// [`MetricsError::NoRuns`], [`MetricsError::NoExamples`], and [`MetricsError::Unpaired`] for runs of other lengths.
///
/// # Example
/// ```
/// use stapes_metrics::compare_accuracy;
///
/// // 200 examples: the first side is wrong about every tenth, the second about every fifth.
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
/// each by themselves as in Owen 2007, "The pigeonhole bootstrap"; that one run fewer is drawn makes the variance over
/// runs right in the mean (McCarthy and Snowden 1985, "The bootstrap and finite population sampling").
pub fn compare_accuracy(
    first: &[Vec<bool>],
    second: &[Vec<bool>],
    comparisons: usize,
) -> Result<Difference, MetricsError> {
    let examples = check(first, second, "examples")?;
    // As masks: going through them costs an "and" and a sum.
    let mask = |&right: &bool| if right { u64::MAX } else { 0 };
    let right: Vec<Vec<u64>> = first.iter().chain(second).map(|run| run.iter().map(mask).collect()).collect();
    let sides = Sides { first: first.len(), second: second.len(), units: examples };
    let accuracy = |run: usize, times: &[u64]| {
        let sum: u64 = right[run].iter().zip(times).map(|(right, times)| right & times).sum();
        Some(sum as f64 / examples as f64)
    };
    // Defined whatever is drawn.
    sides.compare(resamples(RESAMPLES, comparisons), accuracy).ok_or(MetricsError::NoExamples)
}

/// The differences of two configurations' figures over frames, each the mean over runs with different seeds.
///
/// As [`compare_accuracy`], but what is drawn are recordings with all their frames, and R is 2,000 or 200 a comparison.
/// Frames need not be the same ones: front ends with other windows or rates make others of a recording.
///
/// # Shapes
/// first `[S1][R]`, second `[S2][R]`: the same recordings in the same order
///
/// # Errors
/// [`MetricsError::NoRuns`], [`MetricsError::NoExamples`] if there is no frame, [`MetricsError::Unpaired`] for runs of another
/// number of recordings, [`MetricsError::UnequalLengths`] for predictions or scores that are not one a frame, and
/// [`MetricsError::NoScore`] for a score that is NaN.
///
/// # Example
/// ```
/// use stapes_metrics::{RecordingFrames, compare_frames};
///
/// let run = |scores: [f32; 4]| -> Vec<RecordingFrames> {
///     let frames = RecordingFrames {
///         truths: vec![0, 0, 1, 1],
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

/// How many units all runs were tested on.
fn check<T>(first: &[Vec<T>], second: &[Vec<T>], of: &'static str) -> Result<usize, MetricsError> {
    for (side, runs) in [("first", first), ("second", second)] {
        if runs.is_empty() {
            return Err(MetricsError::NoRuns { side });
        }
        for (run, units) in runs.iter().enumerate() {
            if units.len() != first[0].len() {
                return Err(MetricsError::Unpaired { side, run, of, at: units.len().min(first[0].len()) });
            }
        }
    }
    match first[0].len() {
        0 => Err(MetricsError::NoExamples),
        units => Ok(units),
    }
}

/// How many runs each side has, and how many units they were tested on.
struct Sides {
    first: usize,
    second: usize,
    units: usize,
}

impl Sides {
    /// Compares the mean of `figure` over the first side's runs with that over the second's. `figure` is given the
    /// run, the second side's behind the first's, and how often each unit counts. None if it is undefined where each
    /// counts once.
    fn compare(&self, resamples: usize, figure: impl Fn(usize, &[u64]) -> Option<f64>) -> Option<Difference> {
        let mean = |offset: usize, weights: &[u64], times: &[u64]| -> Option<f64> {
            let mut sum = 0.0;
            for (run, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
                sum += weight as f64 * figure(offset + run, times)?;
            }
            Some(sum / weights.iter().sum::<u64>() as f64)
        };
        let once = vec![1; self.units];
        let first = mean(0, &vec![1; self.first], &once)?;
        let second = mean(self.first, &vec![1; self.second], &once)?;
        let value = first - second;
        let nothing = Interval { low: -1.0, high: 1.0 };
        if self.units < 2 {
            return Some(Difference {
                first,
                second,
                difference: Estimate { value, interval: nothing },
                p: 1.0,
            });
        }
        let units = [self.units, self.first, self.second].map(|count| Units { count, draws: count });
        let fewer = |units: Units| Units { draws: (units.count - 1).max(1), ..units };
        let units = [units[0], fewer(units[1]), fewer(units[2])];
        let differences = resampled(resamples, &units, |times| {
            Some(mean(0, &times[1], &times[0])? - mean(self.first, &times[2], &times[0])?)
        });
        let interval = percentiles(&differences).unwrap_or(nothing);
        Some(Difference {
            first,
            second,
            difference: Estimate { value, interval },
            p: two_sided(&differences),
        })
    }
}

/// The p of no difference, of these resampled ones: at most 0.05 where 0 is outside the percentile interval.
fn two_sided(differences: &[f64]) -> f64 {
    // Figures are sums of shares: what differs by less than this is equal but for rounding.
    const ROUNDING: f64 = 1e-12;
    let tail = |holds: &dyn Fn(f64) -> bool| differences.iter().filter(|value| holds(**value)).count();
    let fewer = tail(&|value| value < ROUNDING).min(tail(&|value| value > -ROUNDING));
    (2.0 * (1 + fewer) as f64 / (1 + differences.len()) as f64).min(1.0)
}

#[cfg(test)]
mod tests;
