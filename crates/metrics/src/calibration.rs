//! Calibration: agreement of predicted probabilities with accuracy.

use serde::Serialize;

use crate::MetricsError;

/// Largest accepted difference between the sum of a row of probabilities and 1.
const SUM_TOLERANCE: f64 = 1e-3;

/// Calibration of a classifier's probabilities.
///
/// With N examples, K classes, p the probability of a class, y 1 for the true class and 0 for the others, and the
/// confidence of an example the highest of its probabilities (the predicted class is the first that has it):
///
/// - expected calibration error (ECE): Σ over bins of n/N |accuracy - mean confidence|;
/// - Brier score: mean over examples of Σ over classes of (p - y)², from 0 to 2;
/// - negative log likelihood: mean over examples of -ln p of the true class, in nats. A probability of 0 counts as
///   f32::MIN_POSITIVE, 1.2e-38.
///
/// # Example
/// ```
/// use stapes_metrics::Calibration;
///
/// let probabilities = [0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.6, 0.4];
/// let calibration = Calibration::new(&probabilities, &[0, 0, 1, 1], 2, 10)?;
/// // The bins of .9, .8, .7 and .6 are off by .1, .2, .3 and .6.
/// assert!((calibration.expected_calibration_error - 0.3).abs() < 1e-6);
/// assert!((calibration.brier_score - 2.0 * (0.01 + 0.04 + 0.09 + 0.36) / 4.0).abs() < 1e-6);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Guo et al. 2017, "On calibration of modern neural networks", section 2; Brier 1950, "Verification of forecasts
/// expressed in terms of probability". Equal to `brier_score_loss(y, p, scale_by_half=False)` and `log_loss(y, p)` of
/// scikit-learn 1.9.1, and to `multiclass_calibration_error(p, y, K, bins, norm="l1")` of torchmetrics 1.9.0 but where a
/// confidence is on the border of two bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Bins that are not empty, in ascending order of confidence.
    pub bins: Vec<ReliabilityBin>,
    /// Mean over examples of the absolute difference between confidence and accuracy, per bin.
    pub expected_calibration_error: f64,
    /// Mean squared distance between the probabilities and the one-hot label.
    pub brier_score: f64,
    /// Mean of -ln p of the true class.
    pub negative_log_likelihood: f64,
}

/// A bin of examples with confidence in (low, high].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Lower end.
    pub low: f64,
    /// Upper end, inclusive.
    pub high: f64,
    /// Number of examples.
    pub count: u64,
    /// Mean confidence.
    pub confidence: f64,
    /// Fraction of correct predictions.
    pub accuracy: f64,
}

impl Calibration {
    /// Compares probabilities with labels, in `bins` bins of equal width over the confidence.
    ///
    /// # Shapes
    /// probabilities `[N, K]`, row by row, labels `[N]`, each entry in 0..K
    ///
    /// # Errors
    /// [`MetricsError::NoClasses`] if K = 0 and [`MetricsError::NoExamples`] if N = 0 or `bins` = 0,
    /// [`MetricsError::UnequalLengths`] if the number of rows is not the number of labels,
    /// [`MetricsError::ClassOutOfRange`] for a label, [`MetricsError::NotInUnitInterval`] for a probability outside [0,
    /// 1], and [`MetricsError::ProbabilitySum`] for a row whose sum differs from 1 by more than 0.001.
    pub fn new(
        probabilities: &[f32],
        labels: &[usize],
        classes: usize,
        bins: usize,
    ) -> Result<Calibration, MetricsError> {
        check(probabilities, labels, classes)?;
        if labels.is_empty() || bins == 0 {
            return Err(MetricsError::NoExamples);
        }
        let mut sums = vec![Sums::default(); bins];
        let (mut brier, mut log_loss) = (0.0, 0.0);
        for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
            let best = (1..classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            let confidence = f64::from(row[best]);
            let sum = &mut sums[bin(row[best], bins)];
            sum.count += 1;
            sum.correct += u64::from(best == label);
            sum.confidence += confidence;
            let distance = |(class, &p): (usize, &f32)| (f64::from(p) - f64::from(class == label)).powi(2);
            brier += row.iter().enumerate().map(distance).sum::<f64>();
            log_loss -= f64::from(row[label].max(f32::MIN_POSITIVE)).ln();
        }
        let n = labels.len() as f64;
        let distance = |sum: &Sums| (sum.correct as f64 - sum.confidence).abs();
        Ok(Calibration {
            expected_calibration_error: sums.iter().map(distance).sum::<f64>() / n,
            brier_score: brier / n,
            negative_log_likelihood: log_loss / n,
            bins: reliability(&sums),
        })
    }
}

/// Sums over the examples of a bin.
#[derive(Clone, Default)]
struct Sums {
    count: u64,
    correct: u64,
    confidence: f64,
}

/// Returns the bin (m / bins, (m + 1) / bins] of a confidence; the first bin includes 0.
///
/// Computed in f32, where 0.8 is the upper end of the eighth of ten bins.
fn bin(confidence: f32, bins: usize) -> usize {
    let index = (confidence * bins as f32).ceil() as usize;
    index.clamp(1, bins) - 1
}

fn reliability(sums: &[Sums]) -> Vec<ReliabilityBin> {
    let width = 1.0 / sums.len() as f64;
    let bins = sums.iter().enumerate().filter(|(_, sum)| sum.count > 0);
    bins.map(|(index, sum)| ReliabilityBin {
        low: index as f64 * width,
        high: (index + 1) as f64 * width,
        count: sum.count,
        confidence: sum.confidence / sum.count as f64,
        accuracy: sum.correct as f64 / sum.count as f64,
    })
    .collect()
}

fn check(probabilities: &[f32], labels: &[usize], classes: usize) -> Result<(), MetricsError> {
    if classes == 0 {
        return Err(MetricsError::NoClasses);
    }
    if probabilities.len() != labels.len() * classes {
        let predictions = probabilities.len() / classes;
        return Err(MetricsError::UnequalLengths { labels: labels.len(), predictions });
    }
    for (example, (row, &class)) in probabilities.chunks_exact(classes).zip(labels).enumerate() {
        if class >= classes {
            return Err(MetricsError::ClassOutOfRange { list: "labels", example, class, classes });
        }
        if let Some(class) = row.iter().position(|p| !(0.0..=1.0).contains(p)) {
            let place = format!("probabilities[{example}][{class}]");
            return Err(MetricsError::NotInUnitInterval { place, value: f64::from(row[class]) });
        }
        let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(MetricsError::ProbabilitySum { example, sum });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 40 examples of 4 classes, some of them confident and wrong.
    fn sample() -> (Vec<f32>, Vec<usize>) {
        let mut probabilities = Vec::new();
        for i in 0..40 {
            let raw: Vec<f32> = (0..4)
                .map(|c| {
                    let peak = if i % 3 == 0 { 60 } else { 9 };
                    ((i * (c + 3) + c * c * 5) % 17 + 1 + if (i * i + i) % 4 == c { peak } else { 0 }) as f32
                })
                .collect();
            let sum: f32 = raw.iter().sum();
            probabilities.extend(raw.iter().map(|value| value / sum));
        }
        let labels = (0..40).map(|i| if i % 4 == 0 { (i + 1) % 4 } else { (i * i + i) % 4 }).collect();
        (probabilities, labels)
    }

    #[test]
    fn values_match_scikit_learn_and_torchmetrics() {
        // scikit-learn 1.9.1 and torchmetrics 1.9.0, with p [40, 4] float32 and y:
        //   p = [[(i * (c + 3) + c * c * 5) % 17 + 1 + ((60 if i % 3 == 0 else 9) if (i * i + i) % 4 == c else 0)
        //         for c in range(4)] for i in range(40)], each row over its sum
        //   y = [(i * i + i) % 4 if i % 4 else (i + 1) % 4 for i in range(40)]
        //   multiclass_calibration_error(p, y, num_classes=4, n_bins=bins, norm="l1")
        //   brier_score_loss(y, p, scale_by_half=False), log_loss(y, p)
        let (probabilities, labels) = sample();
        let recorded = [(5, 0.18270975351), (7, 0.18205831944), (10, 0.187125355), (15, 0.20207023621)];
        for (bins, expected) in recorded {
            let found = Calibration::new(&probabilities, &labels, 4, bins).unwrap();
            assert!((found.expected_calibration_error - expected).abs() < 1e-6, "{bins}: {found:?}");
            assert!((found.brier_score - 0.5829825567978812).abs() < 1e-7, "{found:?}");
            assert!((found.negative_log_likelihood - 1.1425331224132662).abs() < 1e-7, "{found:?}");
        }
    }

    #[test]
    fn a_bin_holds_its_upper_end() {
        assert_eq!([0.6, 0.7, 0.8, 0.9].map(|confidence| bin(confidence, 10)), [5, 6, 7, 8]);
        assert_eq!([0.0, 0.05, 0.5, 0.51, 1.0].map(|confidence| bin(confidence, 2)), [0, 0, 0, 1, 1]);
        let calibration = Calibration::new(&[0.5, 0.5, 0.75, 0.25, 0.0, 1.0], &[1, 0, 1], 2, 4).unwrap();
        // The first of equal probabilities is predicted: class 0, and the label is 1.
        let found: Vec<_> =
            calibration.bins.iter().map(|bin| (bin.low, bin.high, bin.count, bin.accuracy)).collect();
        assert_eq!(found, [(0.25, 0.5, 1, 0.0), (0.5, 0.75, 1, 1.0), (0.75, 1.0, 1, 1.0)]);
    }

    #[test]
    fn a_confident_error_has_a_large_finite_loss() {
        let calibration = Calibration::new(&[1.0, 0.0], &[1], 2, 10).unwrap();
        assert_eq!((calibration.expected_calibration_error, calibration.brier_score), (1.0, 2.0));
        assert!((calibration.negative_log_likelihood - 87.33654475).abs() < 1e-6);
    }

    #[test]
    fn invalid_distributions_are_rejected() {
        let message = |probabilities: &[f32], labels: &[usize]| {
            Calibration::new(probabilities, labels, 2, 10).unwrap_err().to_string()
        };
        assert_eq!(
            message(&[0.5, 0.5, 1.5, -0.5], &[0, 0]),
            "probabilities[1][0] = 1.5 is not in [0, 1]; pass a probability or rate"
        );
        assert!(message(&[0.5, 0.25], &[0]).starts_with("probabilities[0] have the sum 0.75, not 1;"));
        assert!(message(&[f32::NAN, 0.5], &[0]).starts_with("probabilities[0][0] = NaN is not in"));
        assert!(message(&[0.5, 0.5], &[2]).starts_with("labels[0] = 2 is not a class index below 2;"));
        assert!(message(&[0.5, 0.5], &[0, 1]).starts_with("labels: 2, predictions: 1;"));
        assert!(message(&[], &[]).starts_with("no examples"));
        assert!(matches!(Calibration::new(&[], &[], 0, 10), Err(MetricsError::NoClasses)));
        assert!(matches!(Calibration::new(&[1.0], &[0], 1, 0), Err(MetricsError::NoExamples)));
    }

    proptest! {
        #[test]
        fn bins_hold_every_example_and_give_the_error(
            examples in proptest::collection::vec((proptest::collection::vec(0.01f32..1.0, 3), 0usize..3), 1..60),
            bins in 1usize..20,
        ) {
            let labels: Vec<usize> = examples.iter().map(|(_, label)| *label).collect();
            let rows = examples.iter().flat_map(|(raw, _)| {
                let sum: f32 = raw.iter().sum();
                raw.iter().map(move |value| value / sum)
            });
            let probabilities: Vec<f32> = rows.collect();
            let found = Calibration::new(&probabilities, &labels, 3, bins).unwrap();
            let n = labels.len() as f64;
            prop_assert_eq!(found.bins.iter().map(|bin| bin.count).sum::<u64>(), labels.len() as u64);
            let error: f64 =
                found.bins.iter().map(|bin| bin.count as f64 / n * (bin.accuracy - bin.confidence).abs()).sum();
            prop_assert!((error - found.expected_calibration_error).abs() < 1e-12);
            for bin in &found.bins {
                prop_assert!(bin.low <= bin.confidence + 1e-6 && bin.confidence <= bin.high + 1e-6, "{:?}", bin);
            }
            prop_assert!((0.0..=2.0).contains(&found.brier_score) && found.negative_log_likelihood >= 0.0);
        }
    }
}
