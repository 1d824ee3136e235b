//! `Roc`, the error rates at every threshold, and `OperatingPoint`, those at one threshold.

use serde::Serialize;
use stapes_files::number;

use crate::MetricsError;
use crate::auc::Ranking;

/// The receiver operating characteristic (ROC) of scores: both error rates at every threshold.
///
/// An example is predicted as positive if its score is at least the threshold. Choose a threshold on validation scores
/// only and apply it to test scores with [`OperatingPoint::measure`]; error rates on the scores that it was chosen on
/// are too low.
///
/// # Example
/// ```
/// use stapes_metrics::{OperatingPoint, Roc};
///
/// let validation = Roc::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!(validation.equal_error_rate(), 0.5);
/// let chosen = validation.at_miss_rate(0.0)?;
/// assert_eq!((chosen.threshold, chosen.false_positive_rate), (0.35, 0.5));
/// let test = OperatingPoint::measure(chosen.threshold, &[0.2, 0.3, 0.6, 0.3], &[false, false, true, true])?;
/// assert_eq!((test.false_positive_rate, test.miss_rate), (0.0, 0.5));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Fawcett 2006, "An introduction to ROC analysis".
#[derive(Clone, Debug, PartialEq)]
pub struct Roc {
    /// Threshold, false positives and true positives; from plus infinity downwards.
    counts: Vec<(f32, u64, u64)>,
}

/// A point of a [`Roc`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RocPoint {
    /// Lowest score that counts as positive; plus infinity (JSON `"Infinity"`) if none does.
    #[serde(with = "number")]
    pub threshold: f32,
    /// Fraction of negatives with at least this score.
    pub false_positive_rate: f64,
    /// Fraction of positives with at least this score.
    pub true_positive_rate: f64,
}

/// A threshold with its error rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// Lowest score that counts as positive; plus infinity (JSON `"Infinity"`) if none does.
    #[serde(with = "number")]
    pub threshold: f32,
    /// Fraction of negatives that are predicted as positive.
    pub false_positive_rate: f64,
    /// Fraction of positives that are predicted as negative.
    pub miss_rate: f64,
}

impl OperatingPoint {
    /// Measures the error rates of a threshold on examples, for example on test data for a threshold that was chosen on
    /// validation data.
    ///
    /// # Shapes
    /// scores `[N]`, positive `[N]`
    ///
    /// # Errors
    /// Errors of [`Roc::new`], and [`MetricsError::Nan`] if the threshold is NaN.
    pub fn measure(
        threshold: f32,
        scores: &[f32],
        positive: &[bool],
    ) -> Result<OperatingPoint, MetricsError> {
        let (negatives, positives) = class_counts(scores, positive)?;
        if threshold.is_nan() {
            return Err(MetricsError::Nan { place: "threshold".to_string() });
        }
        let accepted = |class: bool| {
            let pairs = scores.iter().zip(positive);
            pairs.filter(|(score, positive)| **positive == class && **score >= threshold).count() as u64
        };
        Ok(OperatingPoint {
            threshold,
            false_positive_rate: accepted(false) as f64 / negatives as f64,
            miss_rate: (positives - accepted(true)) as f64 / positives as f64,
        })
    }
}

impl Roc {
    /// Creates the curve of scores and labels.
    ///
    /// # Shapes
    /// scores `[N]`, positive `[N]`
    ///
    /// # Errors
    /// [`MetricsError::UnequalLengths`] if the numbers of scores and labels differ, [`MetricsError::Nan`] for a score
    /// that is NaN, and [`MetricsError::SingleClass`] without positive or without negative examples.
    pub fn new(scores: &[f32], positive: &[bool]) -> Result<Roc, MetricsError> {
        class_counts(scores, positive)?;
        let examples = scores.iter().zip(positive).map(|(&score, &positive)| (score, positive, 0));
        Roc::from_ranking(&Ranking::new(examples))
    }

    /// Creates the curve of ranked scores.
    pub(crate) fn from_ranking(ranking: &Ranking) -> Result<Roc, MetricsError> {
        let mut counts = vec![(f32::INFINITY, 0, 0)];
        counts.extend(ranking.counts_from_above());
        let (_, negatives, positives) = counts[counts.len() - 1];
        if negatives == 0 || positives == 0 {
            return Err(MetricsError::SingleClass {
                positives: positives as usize,
                negatives: negatives as usize,
            });
        }
        Ok(Roc { counts })
    }

    /// Returns the corners of the curve, from the highest threshold to the lowest.
    ///
    /// Thresholds are the distinct scores after plus infinity; points on a straight line between two neighbors are
    /// dropped.
    ///
    /// # Source
    /// Equal to `roc_curve(labels, scores)` of scikit-learn 1.9.1, with its `drop_intermediate=True`.
    pub fn points(&self) -> Vec<RocPoint> {
        let counts = &self.counts;
        let corner = |index: usize| {
            // The first score is not collinear with infinity.
            if index <= 1 || index + 1 == counts.len() {
                return true;
            }
            let (before, here, after) = (counts[index - 1], counts[index], counts[index + 1]);
            before.1 + after.1 != 2 * here.1 || before.2 + after.2 != 2 * here.2
        };
        (0..counts.len()).filter(|&index| corner(index)).map(|index| self.point(index)).collect()
    }

    /// Returns the equal error rate (EER): the rate at which the curve, its points joined by straight lines, has a miss
    /// rate equal to the false positive rate.
    ///
    /// # Source
    /// Equal to `brentq(lambda x: 1 - x - interp1d(fpr, tpr)(x), 0, 1)` of scipy 1.17.1 on scikit-learn's `roc_curve`.
    pub fn equal_error_rate(&self) -> f64 {
        let excess = |point: RocPoint| point.false_positive_rate + point.true_positive_rate - 1.0;
        let above = (0..self.counts.len()).find(|&index| excess(self.point(index)) >= 0.0);
        // At the lowest threshold every example is accepted, and the excess is 1.
        let above = above.unwrap_or(self.counts.len() - 1);
        // At infinity none is accepted, and the excess is -1.
        let (before, after) = (self.point(above - 1), self.point(above));
        let fraction = -excess(before) / (excess(after) - excess(before));
        before.false_positive_rate + fraction * (after.false_positive_rate - before.false_positive_rate)
    }

    /// Returns the highest true positive rate of a threshold with a false positive rate of at most the given one.
    ///
    /// There is no interpolation between thresholds.
    ///
    /// # Errors
    /// [`MetricsError::NotInUnitInterval`] for a rate outside [0, 1].
    pub fn true_positive_rate_at(&self, false_positive_rate: f64) -> Result<f64, MetricsError> {
        check_rate("false positive rate", false_positive_rate)?;
        Ok(self.point(self.last_within(false_positive_rate)).true_positive_rate)
    }

    /// Returns the lowest threshold with a false positive rate of at most the given one; it has the lowest miss rate.
    /// Choose it on validation data. If scores of plus infinity alone exceed the rate, the threshold is plus infinity.
    ///
    /// # Errors
    /// [`MetricsError::NotInUnitInterval`] for a rate outside [0, 1].
    pub fn at_false_positive_rate(&self, rate: f64) -> Result<OperatingPoint, MetricsError> {
        check_rate("false positive rate", rate)?;
        Ok(self.operating_point(self.last_within(rate)))
    }

    /// Returns the highest threshold with a miss rate of at most the given one; it has the fewest false positives.
    /// Choose it on validation data.
    ///
    /// # Errors
    /// [`MetricsError::NotInUnitInterval`] for a rate outside [0, 1].
    pub fn at_miss_rate(&self, rate: f64) -> Result<OperatingPoint, MetricsError> {
        check_rate("miss rate", rate)?;
        let mut points = self.thresholds().map(|index| self.operating_point(index));
        // The lowest threshold has a miss rate of 0.
        let lowest = self.operating_point(self.counts.len() - 1);
        Ok(points.find(|point| point.miss_rate <= rate).unwrap_or(lowest))
    }

    /// Returns the threshold with the smallest difference between the two error rates; the highest of equal ones.
    /// Choose it on validation data.
    pub fn at_equal_error_rate(&self) -> OperatingPoint {
        let distance = |point: &OperatingPoint| (point.false_positive_rate - point.miss_rate).abs();
        let points = (1..self.counts.len()).map(|index| self.operating_point(index));
        points.fold(
            self.operating_point(0),
            |best, point| {
                if distance(&point) < distance(&best) { point } else { best }
            },
        )
    }

    /// Points that a threshold can be chosen from: a score of plus infinity reaches every threshold.
    fn thresholds(&self) -> std::ops::Range<usize> {
        usize::from(self.counts[1].0 == f32::INFINITY)..self.counts.len()
    }

    /// Index of the last point with a false positive rate of at most the given one; the first if there is none.
    fn last_within(&self, false_positive_rate: f64) -> usize {
        let within = |index: &usize| self.point(*index).false_positive_rate <= false_positive_rate;
        self.thresholds().rfind(within).unwrap_or(self.thresholds().start)
    }

    fn point(&self, index: usize) -> RocPoint {
        let (threshold, false_positives, true_positives) = self.counts[index];
        // Not empty: a curve has a point for each score, and at least two scores.
        let (_, negatives, positives) = self.counts[self.counts.len() - 1];
        RocPoint {
            threshold,
            false_positive_rate: false_positives as f64 / negatives as f64,
            true_positive_rate: true_positives as f64 / positives as f64,
        }
    }

    fn operating_point(&self, index: usize) -> OperatingPoint {
        let RocPoint { threshold, false_positive_rate, .. } = self.point(index);
        let (all, found) = (self.counts[self.counts.len() - 1].2, self.counts[index].2);
        // Exact, unlike 1 - true positive rate: 3 of 10 missed are at most 0.3.
        OperatingPoint { threshold, false_positive_rate, miss_rate: (all - found) as f64 / all as f64 }
    }
}

/// Checks scores and labels, and returns the numbers of negatives and positives, both greater than 0.
fn class_counts(scores: &[f32], positive: &[bool]) -> Result<(u64, u64), MetricsError> {
    if scores.len() != positive.len() {
        return Err(MetricsError::UnequalLengths { labels: positive.len(), predictions: scores.len() });
    }
    if let Some(example) = scores.iter().position(|score| score.is_nan()) {
        return Err(MetricsError::Nan { place: format!("scores[{example}]") });
    }
    let positives = positive.iter().filter(|positive| **positive).count();
    let negatives = positive.len() - positives;
    if positives == 0 || negatives == 0 {
        return Err(MetricsError::SingleClass { positives, negatives });
    }
    Ok((negatives as u64, positives as u64))
}

fn check_rate(place: &'static str, value: f64) -> Result<(), MetricsError> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(MetricsError::NotInUnitInterval { place: place.to_string(), value })
    }
}

#[cfg(test)]
mod tests;
