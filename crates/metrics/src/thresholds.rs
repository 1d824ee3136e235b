//! ROC curves and operating points: error rates at thresholds.

use serde::Serialize;
use stapes_files::number;

use crate::MetricsError;
use crate::roc::Ranking;

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
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 30 examples with ties within and across the classes.
    fn sample() -> (Vec<f32>, Vec<bool>) {
        let positive: Vec<bool> = (0..30).map(|i| (i * i + 5 * i) % 7 < 3).collect();
        let score = |(i, &positive): (usize, &bool)| {
            let base = ((7 * i * i + 3 * i) % 23) as f32 / 23.0;
            if positive { base + 0.3 } else { base }
        };
        (positive.iter().enumerate().map(score).collect(), positive)
    }

    #[test]
    fn corners_match_scikit_learn() {
        // scikit-learn 1.9.1: fpr, tpr, thresholds = roc_curve(positive, scores), with
        //   positive = np.array([(i * i + 5 * i) % 7 < 3 for i in range(30)])
        //   scores = np.array([(7 * i * i + 3 * i) % 23 / 23 for i in range(30)], np.float32) + 0.3 * positive
        // as counts of 13 negatives and 17 positives.
        let recorded = [
            (f32::INFINITY, 0, 0),
            (1.2565217, 0, 2),
            (1.126087, 0, 4),
            (0.7782609, 0, 7),
            (0.73913044, 3, 7),
            (0.6913043, 3, 9),
            (0.6478261, 3, 10),
            (0.5608696, 3, 13),
            (0.5217391, 4, 13),
            (0.4347826, 7, 13),
            (0.4304348, 7, 14),
            (0.3478261, 9, 14),
            (0.3, 9, 17),
            (0.13043478, 13, 17),
        ];
        let (scores, positive) = sample();
        let roc = Roc::new(&scores, &positive).unwrap();
        let points = roc.points();
        assert_eq!(points.len(), recorded.len(), "{points:?}");
        for (point, (threshold, false_positives, true_positives)) in points.iter().zip(recorded) {
            let expected = (f64::from(false_positives) / 13.0, f64::from(true_positives) / 17.0);
            assert_eq!((point.false_positive_rate, point.true_positive_rate), expected, "{threshold}");
            assert!(point.threshold == threshold || (point.threshold - threshold).abs() < 1e-6, "{point:?}");
        }
        // scipy 1.17.1: brentq(lambda x: 1 - x - interp1d(fpr, tpr)(x), 0, 1).
        assert!((roc.equal_error_rate() - 0.23529411764706).abs() < 1e-10, "{}", roc.equal_error_rate());
        // tpr[fpr <= rate].max(), with drop_intermediate=False.
        for (rate, expected) in [(0.01, 7), (0.05, 7), (0.1, 7), (0.25, 13), (0.5, 13), (0.6, 14)] {
            assert_eq!(roc.true_positive_rate_at(rate).unwrap(), f64::from(expected) / 17.0, "{rate}");
        }
    }

    #[test]
    fn the_equal_error_rate_is_interpolated_on_a_sloping_segment() {
        // One tie of 1 negative of 2 and 2 positives of 4 joins (0, 1/4) with (1/2, 3/4): it meets 1 - x at 3/8.
        let scores = [0.9, 0.5, 0.5, 0.5, 0.1, 0.0];
        let positive = [true, true, true, false, true, false];
        assert_eq!(Roc::new(&scores, &positive).unwrap().equal_error_rate(), 0.375);
        let perfect = Roc::new(&[0.1, 0.9], &[false, true]).unwrap();
        assert_eq!((perfect.equal_error_rate(), perfect.at_equal_error_rate().threshold), (0.0, 0.9));
        let inverted = Roc::new(&[0.9, 0.1], &[false, true]).unwrap();
        assert_eq!(inverted.equal_error_rate(), 1.0);
        let constant = Roc::new(&[f32::INFINITY; 4], &[false, true, true, false]).unwrap();
        assert_eq!(constant.equal_error_rate(), 0.5);
        assert_eq!(constant.at_false_positive_rate(0.1).unwrap().false_positive_rate, 1.0);
    }

    #[test]
    fn thresholds_for_given_rates_do_not_exceed_them() {
        let (scores, positive) = sample();
        let roc = Roc::new(&scores, &positive).unwrap();
        let strict = roc.at_false_positive_rate(0.0).unwrap();
        assert_eq!((strict.false_positive_rate, strict.miss_rate), (0.0, 10.0 / 17.0));
        let complete = roc.at_miss_rate(0.0).unwrap();
        assert_eq!((complete.false_positive_rate, complete.miss_rate), (9.0 / 13.0, 0.0));
        // 3 of 10 positives missed are at most 0.3, and 1 of 10 negatives at most 0.1.
        let ten: Vec<f32> = (0..20).map(|i| (i % 10) as f32).collect();
        let classes: Vec<bool> = (0..20).map(|i| i >= 10).collect();
        let even = Roc::new(&ten, &classes).unwrap();
        assert_eq!(even.at_miss_rate(0.3).unwrap().threshold, 3.0);
        assert_eq!(even.at_false_positive_rate(0.1).unwrap().threshold, 9.0);
        // If a negative has the highest score, only infinity accepts none.
        let none = Roc::new(&[0.9, 0.1], &[false, true]).unwrap().at_false_positive_rate(0.5).unwrap();
        assert_eq!((none.threshold, none.miss_rate), (f32::INFINITY, 1.0));
    }

    #[test]
    fn invalid_scores_are_rejected() {
        let message = |scores: &[f32], positive: &[bool]| Roc::new(scores, positive).unwrap_err().to_string();
        assert!(message(&[0.1, f32::NAN], &[true, false]).starts_with("scores[1] is NaN"));
        assert!(message(&[0.1], &[true]).starts_with("1 positive and 0 negative examples"));
        assert!(message(&[], &[]).starts_with("0 positive and 0"));
        assert!(matches!(Roc::new(&[0.1], &[]), Err(MetricsError::UnequalLengths { .. })));
        let roc = Roc::new(&[0.1, 0.2], &[true, false]).unwrap();
        assert_eq!(
            roc.at_miss_rate(-0.1).unwrap_err().to_string(),
            "miss rate = -0.1 is not in [0, 1]; pass a probability or rate"
        );
        assert!(roc.true_positive_rate_at(f64::NAN).is_err() && roc.at_false_positive_rate(1.1).is_err());
        let error = OperatingPoint::measure(f32::NAN, &[0.1, 0.2], &[true, false]).unwrap_err();
        assert!(error.to_string().starts_with("threshold is NaN"), "{error}");
    }

    proptest! {
        #[test]
        fn every_point_matches_its_threshold(
            examples in proptest::collection::vec((0u8..12, proptest::bool::ANY), 2..60),
            rate in 0.0f64..=1.0,
        ) {
            let scores: Vec<f32> = examples.iter().map(|(score, _)| f32::from(*score) / 7.0).collect();
            let positive: Vec<bool> = examples.iter().map(|(_, positive)| *positive).collect();
            let both = positive.contains(&true) && positive.contains(&false);
            let roc = Roc::new(&scores, &positive);
            prop_assert_eq!(roc.is_ok(), both);
            let Ok(roc) = roc else { return Ok(()) };
            let chosen = [
                roc.at_false_positive_rate(rate).unwrap(),
                roc.at_miss_rate(rate).unwrap(),
                roc.at_equal_error_rate(),
            ];
            for point in chosen {
                prop_assert_eq!(OperatingPoint::measure(point.threshold, &scores, &positive).unwrap(), point);
            }
            prop_assert!(chosen[0].false_positive_rate <= rate && chosen[1].miss_rate <= rate);
            // No threshold within the rate is better.
            for threshold in scores.iter().copied().chain([f32::INFINITY]) {
                let other = OperatingPoint::measure(threshold, &scores, &positive).unwrap();
                prop_assert!(other.false_positive_rate > rate || other.miss_rate >= chosen[0].miss_rate);
                prop_assert!(other.miss_rate > rate || other.false_positive_rate >= chosen[1].false_positive_rate);
            }
            // The area below the corners equals that of all pairs.
            let points = roc.points();
            let area: f64 = points.windows(2).map(|pair| {
                (pair[1].false_positive_rate - pair[0].false_positive_rate)
                    * (pair[1].true_positive_rate + pair[0].true_positive_rate) / 2.0
            }).sum();
            prop_assert!((area - crate::roc_auc(&scores, &positive).unwrap()).abs() < 1e-12);
            let equal = roc.equal_error_rate();
            let closest = roc.at_equal_error_rate();
            let (low, high) = (closest.false_positive_rate.min(closest.miss_rate), closest.false_positive_rate.max(closest.miss_rate));
            prop_assert!(low - 1e-12 <= equal && equal <= high + 1e-12, "{} {} {}", low, equal, high);
        }
    }
}
