//! Two configurations, each trained several times, on the same examples.

use serde::Serialize;

use crate::bootstrap::{Units, percentiles, resampled};
use crate::recordings::{Counts, ranking};
use crate::{Estimate, EvalError, Interval, RecordingFrames};

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
/// A run's seed counts as drawn at random, so the outcome is about the configurations. With one run a side it is about
/// these two runs only; [`McNemar`](crate::McNemar) is exact for that.
///
/// It errs towards no difference: what runs of one configuration disagree about counts up to three times. Of equal
/// configurations on 300 examples, whose runs' accuracies scatter by 0, 2 and 5 points, it calls 0, 1 and 5 % different
/// at p <= 0.05 with three runs a side, 0, 1 and 4 % with five, and 0, 1 and 7 % with two.
///
/// # Shapes
/// first `[S1][N]`, second `[S2][N]`: whether the run has the example right, the same examples in the same order
///
/// # Errors
/// [`EvalError::NoRuns`], [`EvalError::NoExamples`], and [`EvalError::Unpaired`] for runs of other lengths.
///
/// # Example
/// ```
/// use stapes_eval::compare_accuracy;
///
/// // 200 examples: the first side is wrong about every tenth, the second about every fifth.
/// let first: Vec<bool> = (0..200).map(|example| example % 10 != 0).collect();
/// let second: Vec<bool> = (0..200).map(|example| example % 5 != 0).collect();
/// let found = compare_accuracy(&[first], &[second], 1)?;
/// assert!((found.difference.value - 0.1).abs() < 1e-12);
/// assert!(found.difference.interval.low > 0.05 && found.p < 0.001);
/// # Ok::<(), stapes_eval::EvalError>(())
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
) -> Result<Difference, EvalError> {
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
    sides.compare(resamples(RESAMPLES, comparisons), accuracy).ok_or(EvalError::NoExamples)
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
/// [`EvalError::NoRuns`], [`EvalError::NoExamples`] if there is no frame, [`EvalError::Unpaired`] for runs of another
/// number of recordings, [`EvalError::UnequalLengths`] for predictions or scores that are not one a frame, and
/// [`EvalError::NoScore`] for a score that is NaN.
///
/// # Example
/// ```
/// use stapes_eval::{RecordingFrames, compare_frames};
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
/// # Ok::<(), stapes_eval::EvalError>(())
/// ```
pub fn compare_frames(
    first: &[Vec<RecordingFrames>],
    second: &[Vec<RecordingFrames>],
    comparisons: usize,
) -> Result<FrameDifferences, EvalError> {
    let recordings = check(first, second, "recordings")?;
    let sides = Sides { first: first.len(), second: second.len(), units: recordings };
    let resamples = resamples(RESAMPLES_OF_FRAMES, comparisons);
    let runs = || first.iter().chain(second);
    let counts: Vec<Vec<Counts>> =
        runs().map(|run| run.iter().map(Counts::of).collect::<Result<_, _>>()).collect::<Result<_, _>>()?;
    let accuracy = |run: usize, times: &[u64]| Counts::accuracy(&counts[run], times);
    let accuracy = sides.compare(resamples, accuracy).ok_or(EvalError::NoExamples)?;
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
fn check<T>(first: &[Vec<T>], second: &[Vec<T>], of: &'static str) -> Result<usize, EvalError> {
    for (side, runs) in [("first", first), ("second", second)] {
        if runs.is_empty() {
            return Err(EvalError::NoRuns { side });
        }
        for (run, units) in runs.iter().enumerate() {
            if units.len() != first[0].len() {
                return Err(EvalError::Unpaired { side, run, of, at: units.len().min(first[0].len()) });
            }
        }
    }
    match first[0].len() {
        0 => Err(EvalError::NoExamples),
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
mod tests {
    use super::*;
    use stapes_random::Stream;

    /// Runs whose chance to be right is that of the example and of the run together.
    fn drawn(stream: &mut Stream, runs: usize, hardness: &[f64], seeds: f64) -> Vec<Vec<bool>> {
        let run = |stream: &mut Stream| {
            let offset = seeds * stream.normal();
            hardness.iter().map(|hard| f64::from(stream.uniform()) < hard + offset).collect()
        };
        (0..runs).map(|_| run(stream)).collect()
    }

    fn hardness(stream: &mut Stream, examples: usize) -> Vec<f64> {
        (0..examples).map(|_| 0.6 + 0.35 * f64::from(stream.uniform())).collect()
    }

    /// As 40 of 100 and so on: right where a pattern of a prime length says so.
    fn pattern(examples: usize, length: usize, wrong: usize) -> Vec<bool> {
        (0..examples).map(|example| example % length >= wrong).collect()
    }

    #[test]
    fn intervals_and_p_match_a_bootstrap_of_numpy() {
        // numpy 2.4.6, 100,000 resamples:
        //   first = np.array([[e % l >= w for e in range(300)] for l, w in [(7, 1), (11, 2), (13, 2)]])
        //   second = np.array([[e % l >= w for e in range(300)] for l, w in [(5, 1), (7, 2), (9, 2), (17, 4)]])
        //   for r in range(100000):
        //       at = g.integers(300, size=300)
        //       d[r] = (first[g.integers(3, size=2)][:, at].mean() - second[g.integers(4, size=3)][:, at].mean())
        //   np.quantile(d, [0.025, 0.975]), 2 * min((d <= 0).mean(), (d >= 0).mean())
        let first: Vec<_> = [(7, 1), (11, 2), (13, 2)].map(|(l, w)| pattern(300, l, w)).to_vec();
        let second: Vec<_> = [(5, 1), (7, 2), (9, 2), (17, 4)].map(|(l, w)| pattern(300, l, w)).to_vec();
        let found = compare_accuracy(&first, &second, 1).unwrap();
        assert!(
            (found.first - 0.8377777777777777).abs() < 1e-12
                && (found.second - 0.7616666666666667).abs() < 1e-12,
            "{found:?}"
        );
        let Estimate { value, interval } = found.difference;
        assert!((value - 0.0761111111111110).abs() < 1e-12);
        assert!(
            (interval.low - 0.01111111).abs() < 0.003 && (interval.high - 0.13777778).abs() < 0.003,
            "{found:?}"
        );
        assert!((found.p - 0.02322).abs() < 0.006, "{found:?}");
    }

    #[test]
    fn equal_sides_are_not_told_apart_and_examples_are_paired() {
        let run = pattern(200, 7, 2);
        let same = compare_accuracy(std::slice::from_ref(&run), &[run.clone(), run.clone()], 1).unwrap();
        assert_eq!((same.difference.interval, same.p), (Interval { low: 0.0, high: 0.0 }, 1.0));
        // Better on 6 of 200 examples and never worse: that is sure, though each accuracy's interval is ten times as
        // wide.
        let mut better = run.clone();
        better.iter_mut().filter(|right| !**right).take(6).for_each(|right| *right = true);
        let found = compare_accuracy(&[better.clone()], std::slice::from_ref(&run), 1).unwrap();
        assert!((found.difference.value - 0.03).abs() < 1e-12);
        assert!(found.difference.interval.low > 0.0 && found.p < 0.01, "{found:?}");
        let turned = compare_accuracy(&[run], &[better], 1).unwrap();
        assert_eq!((turned.difference.value, turned.p), (-found.difference.value, found.p));
        assert_eq!(turned.difference.interval.low, -found.difference.interval.high);
    }

    #[test]
    fn equal_configurations_of_five_runs_are_rarely_told_apart() {
        // Of pairs of configurations of the same quality at most about one in twenty may be called different; of 150
        // pairs that is 7.5 with a deviation of 2.7. Where seeds scatter far more than examples five say too much.
        let mut stream = Stream::new(1, "null");
        for (seeds, upto) in [(0.0, 0.06), (0.02, 0.08), (0.08, 0.13)] {
            let (mut called, pairs) = (0, 150);
            for _ in 0..pairs {
                let hard = hardness(&mut stream, 150);
                let first = drawn(&mut stream, 5, &hard, seeds);
                let second = drawn(&mut stream, 5, &hard, seeds);
                let right: Vec<&Vec<bool>> = first.iter().chain(&second).collect();
                let accuracy = |run: usize, times: &[u64]| {
                    let sum: u64 = right[run].iter().zip(times).filter(|(r, _)| **r).map(|(_, t)| t).sum();
                    Some(sum as f64 / 150.0)
                };
                let sides = Sides { first: 5, second: 5, units: 150 };
                called += usize::from(sides.compare(300, accuracy).unwrap().p <= 0.05);
            }
            let share = f64::from(called as u32) / f64::from(pairs);
            println!("seeds {seeds}: {share}");
            assert!(share <= upto, "seeds {seeds}: {share}");
        }
    }

    #[test]
    fn a_difference_of_seeds_alone_needs_many_seeds() {
        // One run a side, 5 % apart on 2,000 examples, is sure of these runs; with seeds that scatter as far it is not.
        let runs = |wrong: [usize; 4]| wrong.map(|wrong| pattern(2000, 100, wrong)).to_vec();
        let one = compare_accuracy(&runs([10; 4])[..1], &runs([15; 4])[..1], 1).unwrap();
        assert!(one.p < 0.001, "{one:?}");
        let several = compare_accuracy(&runs([2, 8, 12, 18]), &runs([7, 13, 17, 23]), 1).unwrap();
        assert!((several.difference.value - 0.05).abs() < 1e-12 && several.p > 0.1, "{several:?}");
    }

    #[test]
    fn what_is_clear_stands_out_among_any_number() {
        let (best, worse) = (pattern(100, 50, 1), pattern(100, 3, 1));
        let compare = |comparisons| {
            compare_accuracy(std::slice::from_ref(&best), std::slice::from_ref(&worse), comparisons).unwrap()
        };
        for comparisons in [1, 50, 1000] {
            let p = compare(comparisons).p;
            assert!(p > 0.0 && p * comparisons as f64 <= 0.01, "{comparisons}: {p}");
        }
        assert_eq!(compare(1), compare(50));
        let [best, worse] = [best, worse].map(|right| [recordings(&right)]);
        let found = compare_frames(&best, &worse, 200).unwrap();
        assert!(found.accuracy.p * 200.0 <= 0.01 && found.auc.unwrap().p * 200.0 <= 0.01, "{found:?}");
    }

    fn recordings(right: &[bool]) -> Vec<RecordingFrames> {
        let one = |(index, &right): (usize, &bool)| {
            let truth = index % 2;
            let prediction = if right { truth } else { 1 - truth };
            let score = 0.1 + 0.6 * prediction as f32 + 0.001 * (index % 200) as f32;
            RecordingFrames { truths: vec![truth], predictions: vec![prediction], scores: vec![score] }
        };
        right.iter().enumerate().map(one).collect()
    }

    #[test]
    fn recordings_of_one_frame_are_examples() {
        let runs = [(7, 1), (11, 2), (5, 2)].map(|(l, w)| pattern(120, l, w));
        let frames = runs.clone().map(|run| recordings(&run));
        let found = compare_frames(&frames[..1], &frames[1..], 1).unwrap();
        let sides = Sides { first: 1, second: 2, units: 120 };
        let accuracy = |run: usize, times: &[u64]| {
            let sum: u64 = runs[run].iter().zip(times).filter(|(r, _)| **r).map(|(_, t)| t).sum();
            Some(sum as f64 / 120.0)
        };
        assert_eq!(Some(found.accuracy), sides.compare(RESAMPLES_OF_FRAMES, accuracy));
        let auc = |run: usize| {
            let scores: Vec<f32> = frames[run].iter().map(|one| one.scores[0]).collect();
            let truths: Vec<bool> = frames[run].iter().map(|one| one.truths[0] == 1).collect();
            crate::roc_auc(&scores, &truths).unwrap()
        };
        let found = found.auc.unwrap();
        assert_eq!((found.first, found.second), (auc(0), (auc(1) + auc(2)) / 2.0));
        let Interval { low, high } = found.difference.interval;
        assert!(low < found.difference.value && found.difference.value < high, "{found:?}");
    }

    #[test]
    fn recordings_in_other_frames_are_compared() {
        // Each frame of the second side stands for two of the first's.
        let right = pattern(120, 7, 2);
        let fine = recordings(&right);
        let twice = |one: &RecordingFrames| RecordingFrames {
            truths: one.truths.repeat(2),
            predictions: one.predictions.repeat(2),
            scores: one.scores.repeat(2),
        };
        let coarse: Vec<RecordingFrames> = fine.iter().map(twice).collect();
        let found = compare_frames(&[fine], &[coarse], 1).unwrap();
        assert_eq!((found.accuracy.difference.value, found.accuracy.p), (0.0, 1.0));
        assert_eq!(found.auc.unwrap().difference.value, 0.0);
    }

    #[test]
    fn what_cannot_be_compared_is_named() {
        let run = vec![true; 3];
        let message = |first: &[Vec<bool>], second: &[Vec<bool>]| {
            compare_accuracy(first, second, 1).unwrap_err().to_string()
        };
        let error = message(std::slice::from_ref(&run), &[run.clone(), vec![true; 2]]);
        assert!(
            error.starts_with("second[1] was tested on other examples than first[0], from number 2"),
            "{error}"
        );
        assert!(message(&[], std::slice::from_ref(&run)).starts_with("the first side"));
        assert!(message(&[run], &[]).starts_with("the second side"));
        assert!(message(&[vec![]], &[vec![]]).starts_with("there are no examples"));

        let frames = recordings(&[true, true]);
        let fewer = frames[..1].to_vec();
        let error = compare_frames(std::slice::from_ref(&frames), &[fewer], 1).unwrap_err().to_string();
        assert!(error.starts_with("second[0] was tested on other recordings than first[0], from number 1"));
        let mut unscored = frames.clone();
        unscored[0].scores.clear();
        let error = compare_frames(std::slice::from_ref(&frames), &[unscored], 1).unwrap_err();
        assert!(matches!(error, EvalError::UnequalLengths { truths: 1, predictions: 0 }), "{error}");
        let none = |frames: &[RecordingFrames]| -> Vec<RecordingFrames> {
            frames.iter().map(|one| RecordingFrames { scores: Vec::new(), ..one.clone() }).collect()
        };
        let found = compare_frames(&[none(&frames)], &[none(&frames)], 1).unwrap();
        assert_eq!((found.accuracy.p, found.auc), (1.0, None));
    }
}
