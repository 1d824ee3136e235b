//! `Detectors`: the ROC curve of each class against the rest, or their mean, with operating points to mark.

use serde::Serialize;

use crate::{MetricsError, OperatingPoint, Roc, roc_auc};

/// Largest number of classes with a curve each; above it, the mean curve is kept.
const CLASSES: usize = 12;
/// Number of false positive rates at which curves are averaged.
const MEANS: usize = 1000;

/// ROC curves with marked operating points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detectors {
    /// One curve per class against the rest, or their mean.
    pub curves: Vec<DetectorCurve>,
    /// Operating points to mark on the first curve, each with a description.
    pub points: Vec<(String, OperatingPoint)>,
}

/// The ROC curve of one class against the rest, or the mean of several such curves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectorCurve {
    /// Name of the class or of the mean: "mean of 35 classes", a candidate.
    pub name: String,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Rate at which the false positive rate equals the miss rate.
    pub equal_error_rate: f64,
    /// True positive rate at a false positive rate of at most 5 %.
    pub true_positive_rate_at_5_percent: f64,
    /// True positive rate at a false positive rate of at most 1 %.
    pub true_positive_rate_at_1_percent: f64,
    /// False and true positive rates at the curve's corners.
    pub rates: Vec<(f64, f64)>,
}

impl Detectors {
    /// Returns the curve of one class by its scores, with the equal error rate marked.
    ///
    /// # Shapes
    /// scores `[N]`, positive `[N]`
    ///
    /// # Errors
    /// Errors of [`Roc::new`].
    ///
    /// # Example
    /// ```
    /// use stapes_metrics::OperatingPoint;
    /// use stapes_metrics::Detectors;
    ///
    /// let (scores, voice) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
    /// let detectors = Detectors::binary("voice", &scores, &voice)?;
    /// assert_eq!(detectors.curves[0].auc, 0.75);
    /// // A threshold that was chosen on validation data.
    /// let chosen = OperatingPoint::measure(0.5, &scores, &voice)?;
    /// let detectors = detectors.with_point("5 % false positives on validation", chosen);
    /// assert_eq!(detectors.points[1].1.miss_rate, 0.5);
    /// # Ok::<(), stapes_metrics::MetricsError>(())
    /// ```
    pub fn binary(label: &str, scores: &[f32], positive: &[bool]) -> Result<Detectors, MetricsError> {
        let roc = Roc::new(scores, positive)?;
        let equal = ("equal error rate on these scores".to_string(), roc.at_equal_error_rate());
        // A curve has examples of both kinds.
        let auc = roc_auc(scores, positive).unwrap_or(0.5);
        Ok(Detectors { curves: vec![DetectorCurve::of(label, auc, &roc)?], points: vec![equal] })
    }

    /// Returns the curve of each class against the rest by its probability; for more than 12 classes, the mean over
    /// classes.
    ///
    /// A class without positive or without negative examples is skipped. The mean curve is the mean true positive rate
    /// at equal false positive rates, linear between a curve's corners.
    ///
    /// # Shapes
    /// classes `[K]`, probabilities `[N, K]`, row by row, labels `[N]`, each entry in 0..K
    ///
    /// # Errors
    /// [`MetricsError::NoClasses`] if K = 0, [`MetricsError::UnequalLengths`] if the number of rows is not the number
    /// of labels, [`MetricsError::ClassOutOfRange`] for a label, [`MetricsError::SingleClass`] if no class has a curve,
    /// and [`MetricsError::Nan`] for a probability that is NaN.
    pub fn one_vs_rest(
        classes: &[String],
        probabilities: &[f32],
        labels: &[usize],
    ) -> Result<Detectors, MetricsError> {
        let k = classes.len();
        if k == 0 {
            return Err(MetricsError::NoClasses);
        }
        if probabilities.len() != k * labels.len() {
            return Err(MetricsError::UnequalLengths {
                labels: labels.len(),
                predictions: probabilities.len() / k,
            });
        }
        if let Some(example) = labels.iter().position(|&class| class >= k) {
            let class = labels[example];
            return Err(MetricsError::ClassOutOfRange { list: "labels", example, class, classes: k });
        }
        let mut curves = Vec::new();
        for (class, label) in classes.iter().enumerate() {
            let scores: Vec<f32> = probabilities.iter().skip(class).step_by(k).copied().collect();
            let positive: Vec<bool> = labels.iter().map(|&label| label == class).collect();
            match Detectors::binary(label, &scores, &positive) {
                Ok(detector) => curves.extend(detector.curves),
                Err(MetricsError::SingleClass { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if curves.is_empty() {
            return Err(MetricsError::SingleClass { positives: labels.len(), negatives: 0 });
        }
        if curves.len() > CLASSES {
            curves = DetectorCurve::mean(&format!("mean of {} classes", curves.len()), &curves)
                .into_iter()
                .collect();
        }
        Ok(Detectors { curves, points: Vec::new() })
    }

    /// Adds a marked operating point with a description.
    pub fn with_point(mut self, name: &str, point: OperatingPoint) -> Detectors {
        self.points.push((name.to_string(), point));
        self
    }
}

impl DetectorCurve {
    fn of(name: &str, auc: f64, roc: &Roc) -> Result<DetectorCurve, MetricsError> {
        let rates =
            roc.points().into_iter().map(|point| (point.false_positive_rate, point.true_positive_rate));
        Ok(DetectorCurve {
            name: name.to_string(),
            auc,
            equal_error_rate: roc.equal_error_rate(),
            true_positive_rate_at_5_percent: roc.true_positive_rate_at(0.05)?,
            true_positive_rate_at_1_percent: roc.true_positive_rate_at(0.01)?,
            rates: rates.collect(),
        })
    }

    /// Returns the mean of several curves, for example of seeds or classes: the mean true positive rate at equal false
    /// positive rates, linear between a curve's corners; None for an empty list.
    ///
    /// # Example
    /// ```
    /// use stapes_metrics::{DetectorCurve, Detectors};
    ///
    /// let voice = [false, false, true, true];
    /// let seeds = [[0.1, 0.4, 0.35, 0.8], [0.1, 0.2, 0.35, 0.8]];
    /// let curves = seeds.map(|scores| Detectors::binary("voice", &scores, &voice).map(|of| of.curves));
    /// let curves = curves.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    /// let mean = DetectorCurve::mean("voice, both seeds", &curves);
    /// assert_eq!(mean.map(|curve| curve.auc), Some((0.75 + 1.0) / 2.0));
    /// # Ok::<(), stapes_metrics::MetricsError>(())
    /// ```
    pub fn mean(name: &str, curves: &[DetectorCurve]) -> Option<DetectorCurve> {
        if let [] | [_] = curves {
            return curves.first().map(|curve| DetectorCurve { name: name.into(), ..curve.clone() });
        }
        let mean =
            |of: &dyn Fn(&DetectorCurve) -> f64| curves.iter().map(of).sum::<f64>() / curves.len() as f64;
        let at = |rate: f64| (rate, mean(&|curve| curve.interpolated(rate)));
        let grid = (0..=MEANS).map(|index| index as f64 / MEANS as f64);
        Some(DetectorCurve {
            name: name.into(),
            auc: mean(&|curve| curve.auc),
            equal_error_rate: mean(&|curve| curve.equal_error_rate),
            true_positive_rate_at_5_percent: mean(&|curve| curve.true_positive_rate_at_5_percent),
            true_positive_rate_at_1_percent: mean(&|curve| curve.true_positive_rate_at_1_percent),
            rates: std::iter::once((0.0, 0.0)).chain(grid.map(at)).collect(),
        })
    }

    /// Returns the true positive rate at a false positive rate, the highest where there are several.
    fn interpolated(&self, rate: f64) -> f64 {
        let after = self.rates.partition_point(|&(false_positives, _)| false_positives <= rate);
        // The first corner has the rate 0.
        let before = self.rates[after.saturating_sub(1)];
        match self.rates.get(after) {
            Some(&(x, y)) => before.1 + (rate - before.0) / (x - before.0) * (y - before.1),
            None => before.1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_curve_matches_interpolation_by_numpy() {
        let curve = |rates: &[(f64, f64)]| DetectorCurve {
            name: String::new(),
            auc: 0.5,
            equal_error_rate: 0.5,
            true_positive_rate_at_5_percent: 0.5,
            true_positive_rate_at_1_percent: 0.5,
            rates: rates.to_vec(),
        };
        let one = curve(&[(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        let other = curve(&[(0.0, 0.0), (0.25, 0.5), (1.0, 1.0)]);
        // numpy 2.4.6: np.interp(x, fpr, tpr) between the corners; at a vertical line its top.
        let expected = [(0.0, 0.5), (0.1, 0.5), (0.5, 1.0), (0.7, 1.0), (1.0, 1.0)];
        for (x, y) in expected {
            assert_eq!(one.interpolated(x), y, "{x}");
        }
        assert!((other.interpolated(0.1) - 0.2).abs() < 1e-12);
        assert!((other.interpolated(0.7) - 0.8).abs() < 1e-12);
        let mean = DetectorCurve::mean("both", &[one, other]).unwrap();
        let at = |rate: f64| mean.rates.iter().rfind(|(x, _)| *x <= rate + 1e-9).unwrap().1;
        assert!(
            (at(0.1) - 0.35).abs() < 1e-12 && (at(0.7) - 0.9).abs() < 1e-12 && mean.rates[0] == (0.0, 0.0)
        );
    }

    fn class_names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    #[test]
    fn each_class_has_a_curve_and_many_classes_their_mean() {
        let labels: Vec<usize> = (0..60).map(|example| example % 3).collect();
        let row = |(example, label): (usize, &usize)| {
            let mut row = [0.2f32, 0.2, 0.2, 0.0];
            row[if example % 7 == 0 { (label + 1) % 3 } else { *label }] += 0.4;
            row
        };
        let probabilities: Vec<f32> = labels.iter().enumerate().flat_map(row).collect();
        let found = Detectors::one_vs_rest(&class_names(4), &probabilities, &labels).unwrap();
        // Class 3 has no examples.
        assert_eq!(found.curves.len(), 3);
        let scores: Vec<f32> = probabilities.iter().skip(1).step_by(4).copied().collect();
        let positive: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
        assert_eq!(Some(found.curves[1].auc), roc_auc(&scores, &positive));

        let labels: Vec<usize> = (0..52).map(|example| example % 13).collect();
        let sure: Vec<f32> = labels
            .iter()
            .flat_map(|&label| (0..13).map(move |class| f32::from(u8::from(class == label))))
            .collect();
        let found = Detectors::one_vs_rest(&class_names(13), &sure, &labels).unwrap();
        assert_eq!((found.curves.len(), found.curves[0].name.as_str()), (1, "mean of 13 classes"));
        assert_eq!((found.curves[0].auc, found.curves[0].equal_error_rate), (1.0, 0.0));
    }

    #[test]
    fn mismatched_inputs_are_rejected() {
        let rejected = |probabilities: &[f32], labels: &[usize]| {
            Detectors::one_vs_rest(&class_names(2), probabilities, labels).unwrap_err()
        };
        assert!(matches!(rejected(&[0.5], &[0]), MetricsError::UnequalLengths { .. }));
        assert!(matches!(rejected(&[0.5, 0.5], &[2]), MetricsError::ClassOutOfRange { .. }));
        assert!(matches!(rejected(&[0.5, 0.5], &[0]), MetricsError::SingleClass { .. }));
        assert!(matches!(rejected(&[f32::NAN, 0.5, 0.5, 0.5], &[0, 1]), MetricsError::Nan { .. }));
        assert!(matches!(Detectors::one_vs_rest(&[], &[], &[]), Err(MetricsError::NoClasses)));
    }
}
