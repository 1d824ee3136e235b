//! How scores tell classes apart at every threshold: ROC and DET.

use serde::Serialize;

use super::chart::{Chart, Ink, SQUARE_HEIGHT, Series};
use super::figure::{Figure, Words};
use super::scale::{Axis, Scale};
use crate::numbers::score;
use crate::{EvalError, OperatingPoint, Roc, roc_auc};

/// Classes of which each has a curve; of more, there is the mean curve.
const CLASSES: usize = 12;
/// Points that a curve keeps.
const POINTS: usize = 300;
/// False positive rates at which curves are averaged.
const MEANS: usize = 1000;

/// What the page shows of scores at every threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detectors {
    /// A curve for each class that is told from the others, or their mean.
    pub curves: Vec<DetectorCurve>,
    /// Operating points that are marked on the first curve, each with what it is.
    pub points: Vec<(String, OperatingPoint)>,
}

/// How one class is told from the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectorCurve {
    /// The class.
    pub name: String,
    /// The area under the ROC curve.
    pub auc: f64,
    /// The rate at which both errors are equally frequent.
    pub equal_error_rate: f64,
    /// The share of the class that is found where at most 5 % of the others are taken for it.
    pub true_positive_rate_at_5_percent: f64,
    /// The same where at most 1 % of the others are.
    pub true_positive_rate_at_1_percent: f64,
    /// False and true positive rates at the curve's corners.
    pub rates: Vec<(f64, f64)>,
}

impl Detectors {
    /// One class by its scores, with the point of equal errors marked.
    ///
    /// # Shapes
    /// scores `[N]`, positive `[N]`
    ///
    /// # Errors
    /// Those of [`Roc::of`].
    ///
    /// # Example
    /// ```
    /// use stapes_eval::OperatingPoint;
    /// use stapes_eval::report::Detectors;
    ///
    /// let (scores, voice) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
    /// let detectors = Detectors::of_class("voice", &scores, &voice)?;
    /// assert_eq!(detectors.curves[0].auc, 0.75);
    /// // A threshold that was chosen on validation.
    /// let chosen = OperatingPoint::of(0.5, &scores, &voice)?;
    /// let detectors = detectors.with_point("5 % false positives on validation", chosen);
    /// assert_eq!(detectors.points[1].1.miss_rate, 0.5);
    /// # Ok::<(), stapes_eval::EvalError>(())
    /// ```
    pub fn of_class(label: &str, scores: &[f32], positive: &[bool]) -> Result<Detectors, EvalError> {
        let roc = Roc::of(scores, positive)?;
        let equal = ("equal errors, on these scores".to_string(), roc.at_equal_errors());
        // A curve has examples of both kinds.
        let auc = roc_auc(scores, positive).unwrap_or(0.5);
        Ok(Detectors { curves: vec![DetectorCurve::of(label, auc, &roc)?], points: vec![equal] })
    }

    /// Each class against the others, by its probability; of more than 12 classes the mean over classes.
    ///
    /// A class without examples, or with all of them, has no curve. The mean curve is the mean true positive rate at
    /// equal false positive rates, linear between a curve's corners.
    ///
    /// # Shapes
    /// classes `[K]`, probabilities `[N, K]`, row by row, truths `[N]`, each entry in 0..K
    ///
    /// # Errors
    /// [`EvalError::NoClasses`] if K = 0, [`EvalError::UnequalLengths`] if there is not one row a truth,
    /// [`EvalError::ClassOutOfRange`] for a truth, [`EvalError::OneKind`] if no class has a curve, and
    /// [`EvalError::Nan`] for a probability that is NaN.
    pub fn of_classes(
        classes: &[String],
        probabilities: &[f32],
        truths: &[usize],
    ) -> Result<Detectors, EvalError> {
        let k = classes.len();
        if k == 0 {
            return Err(EvalError::NoClasses);
        }
        if probabilities.len() != k * truths.len() {
            return Err(EvalError::UnequalLengths {
                truths: truths.len(),
                predictions: probabilities.len() / k,
            });
        }
        if let Some(example) = truths.iter().position(|&class| class >= k) {
            let class = truths[example];
            return Err(EvalError::ClassOutOfRange { list: "truths", example, class, classes: k });
        }
        let mut curves = Vec::new();
        for (class, label) in classes.iter().enumerate() {
            let scores: Vec<f32> = probabilities.iter().skip(class).step_by(k).copied().collect();
            let positive: Vec<bool> = truths.iter().map(|&truth| truth == class).collect();
            match Detectors::of_class(label, &scores, &positive) {
                Ok(detector) => curves.extend(detector.curves),
                Err(EvalError::OneKind { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if curves.is_empty() {
            return Err(EvalError::OneKind { positives: truths.len(), negatives: 0 });
        }
        if curves.len() > CLASSES {
            curves = vec![DetectorCurve::mean(&curves)];
        }
        Ok(Detectors { curves, points: Vec::new() })
    }

    /// The same with one more operating point marked, with what it is.
    pub fn with_point(mut self, name: &str, point: OperatingPoint) -> Detectors {
        self.points.push((name.to_string(), point));
        self
    }
}

impl DetectorCurve {
    fn of(name: &str, auc: f64, roc: &Roc) -> Result<DetectorCurve, EvalError> {
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

    /// The mean of several curves.
    fn mean(curves: &[DetectorCurve]) -> DetectorCurve {
        let mean =
            |of: &dyn Fn(&DetectorCurve) -> f64| curves.iter().map(of).sum::<f64>() / curves.len() as f64;
        let at = |rate: f64| (rate, mean(&|curve| curve.interpolated(rate)));
        let grid = (0..=MEANS).map(|index| index as f64 / MEANS as f64);
        DetectorCurve {
            name: format!("mean of {} classes", curves.len()),
            auc: mean(&|curve| curve.auc),
            equal_error_rate: mean(&|curve| curve.equal_error_rate),
            true_positive_rate_at_5_percent: mean(&|curve| curve.true_positive_rate_at_5_percent),
            true_positive_rate_at_1_percent: mean(&|curve| curve.true_positive_rate_at_1_percent),
            rates: std::iter::once((0.0, 0.0)).chain(grid.map(at)).collect(),
        }
    }

    /// The true positive rate at a false positive rate, the highest where there are several.
    fn interpolated(&self, rate: f64) -> f64 {
        let behind = self.rates.partition_point(|&(false_positives, _)| false_positives <= rate);
        // The first corner is at 0.
        let before = self.rates[behind.saturating_sub(1)];
        match self.rates.get(behind) {
            Some(&(x, y)) => before.1 + (rate - before.0) / (x - before.0) * (y - before.1),
            None => before.1,
        }
    }
}

/// ROC and DET.
pub(super) fn figures(detectors: &Detectors) -> Result<Vec<Figure>, EvalError> {
    Ok([Some(roc(detectors)?), det(detectors)?].into_iter().flatten().collect())
}

fn said(detectors: &Detectors) -> String {
    let of = |curve: &DetectorCurve| {
        format!(
            "{}: area {:.3}, equal error rate {:.1} %",
            curve.name,
            curve.auc,
            100.0 * curve.equal_error_rate
        )
    };
    detectors.curves.iter().map(of).collect::<Vec<_>>().join("; ") + "."
}

fn roc(detectors: &Detectors) -> Result<Figure, EvalError> {
    let series = |(number, curve): (usize, &DetectorCurve)| Series {
        name: curve.name.clone(),
        ink: Ink::Line(number),
        points: thinned(curve.rates.iter().map(|&(x, y)| (100.0 * x, 100.0 * y)), Scale::Linear, 100.0),
    };
    let letters = lettered(detectors)
        .map(|(letter, point)| (100.0 * point.false_positive_rate, 100.0 * (1.0 - point.miss_rate), letter));
    let chart = Chart {
        name: "ROC",
        height: SQUARE_HEIGHT,
        x: Axis::linear("false positives (%)", 0.0..100.0),
        y: Axis::linear("true positives (%)", 0.0..100.0),
        series: detectors.curves.iter().enumerate().map(series).collect(),
        names: false,
        reference: Some([(0.0, 0.0), (100.0, 100.0)]),
        mark: None,
        letters: letters.collect(),
    };
    Figure::of(
        &chart,
        Words {
            id: "roc",
            title: "Receiver operating characteristic",
            description: said(detectors),
            caption: "The dashed line is chance.".into(),
            x_name: "false positives (%)",
            nearest: true,
        },
    )
}

/// None where no threshold makes both errors.
fn det(detectors: &Detectors) -> Result<Option<Figure>, EvalError> {
    let errs = |&(x, y): &(f64, f64)| x > 0.0 && y < 1.0 && x < 1.0 && y > 0.0;
    let inside = |curve: &DetectorCurve| -> Vec<(f64, f64)> {
        let rates = curve.rates.iter().filter(|rates| errs(rates));
        rates.map(|&(x, y)| (x, 1.0 - y)).collect()
    };
    let curves: Vec<_> = detectors.curves.iter().map(inside).collect();
    let rates = || curves.iter().flatten().flat_map(|&(x, y)| [x, y]);
    let Some(least) = rates().reduce(f64::min) else {
        return Ok(None);
    };
    // Both axes alike, so that equal errors lie on the diagonal; rates below what is of use are cut off.
    let range = (0.8 * least).clamp(1e-4, 0.01)..0.6;
    let within = |(x, y): &(f64, f64)| range.contains(x) && range.contains(y);
    let mut series = Vec::new();
    for (number, points) in curves.into_iter().enumerate() {
        let points = thinned(points.into_iter().filter(within), Scale::Probit, 6.0);
        if !points.is_empty() {
            series.push(Series {
                name: detectors.curves[number].name.clone(),
                ink: Ink::Line(number),
                points,
            });
        }
    }
    if series.is_empty() {
        return Ok(None);
    }
    let letters =
        lettered(detectors).map(|(letter, point)| (point.false_positive_rate, point.miss_rate, letter));
    let axis = |label: &str| Axis { label: label.into(), range: range.clone(), scale: Scale::Probit };
    let chart = Chart {
        name: "DET",
        height: SQUARE_HEIGHT,
        x: axis("false positives (%)"),
        y: axis("missed (%)"),
        series,
        names: false,
        reference: Some([(range.start, range.start), (range.end, range.end)]),
        mark: None,
        letters: letters.filter(|(x, y, _)| within(&(*x, *y))).collect(),
    };
    let words = Words {
        id: "det",
        title: "Detection error tradeoff",
        description: said(detectors),
        caption:
            "Axes by normal deviates; both errors are equal on the dashed line. Thresholds beyond the axes, \
                  such as those without one of the errors, are left out."
                .into(),
        x_name: "false positives",
        nearest: true,
    };
    Figure::of(&chart, words).map(Some)
}

/// The marked points with their letters.
fn lettered(detectors: &Detectors) -> impl Iterator<Item = (String, &OperatingPoint)> {
    let letters = ('A'..='Z').map(String::from);
    letters.zip(detectors.points.iter().map(|(_, point)| point))
}

/// A curve without the points that lie nearly on top of the one before; the ends stay.
fn thinned(points: impl Iterator<Item = (f64, f64)>, scale: Scale, extent: f64) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut points = points.peekable();
    while let Some(point) = points.next() {
        let apart = kept.last().is_none_or(|last| {
            let distance = |a: f64, b: f64| (scale.place(a) - scale.place(b)).abs();
            distance(last.0, point.0) + distance(last.1, point.1) > extent / POINTS as f64
        });
        if apart || points.peek().is_none() {
            kept.push(point);
        }
    }
    kept
}

/// The curves as rows: name, number of its colour, figures.
pub(super) fn rows(detectors: &Detectors) -> Vec<(usize, String, [String; 4])> {
    let percent = |rate: f64| format!("{:.2} %", 100.0 * rate);
    let row = |(number, curve): (usize, &DetectorCurve)| {
        let figures = [
            score(Some(curve.auc)),
            percent(curve.equal_error_rate),
            percent(curve.true_positive_rate_at_5_percent),
            percent(curve.true_positive_rate_at_1_percent),
        ];
        (number % Ink::LINES, curve.name.clone(), figures)
    };
    detectors.curves.iter().enumerate().map(row).collect()
}

/// The marked points as rows: letter, what it is, threshold, false positives, missed.
pub(super) fn point_rows(detectors: &Detectors) -> Vec<[String; 5]> {
    let letters = lettered(detectors).zip(&detectors.points);
    let row = |((letter, point), (name, _)): ((String, &OperatingPoint), &(String, OperatingPoint))| {
        let percent = |rate: f64| format!("{:.2} %", 100.0 * rate);
        let threshold = match point.threshold {
            threshold if threshold.is_finite() => format!("{threshold:.4}"),
            _ => "none".to_string(),
        };
        [letter, name.clone(), threshold, percent(point.false_positive_rate), percent(point.miss_rate)]
    };
    letters.map(row).collect()
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
        let mean = DetectorCurve::mean(&[one, other]);
        let at = |rate: f64| mean.rates.iter().rfind(|(x, _)| *x <= rate + 1e-9).unwrap().1;
        assert!(
            (at(0.1) - 0.35).abs() < 1e-12 && (at(0.7) - 0.9).abs() < 1e-12 && mean.rates[0] == (0.0, 0.0)
        );
    }

    fn labels(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    #[test]
    fn each_class_has_a_curve_and_of_many_the_mean() {
        let truths: Vec<usize> = (0..60).map(|example| example % 3).collect();
        let row = |(example, truth): (usize, &usize)| {
            let mut row = [0.2f32, 0.2, 0.2, 0.0];
            row[if example % 7 == 0 { (truth + 1) % 3 } else { *truth }] += 0.4;
            row
        };
        let probabilities: Vec<f32> = truths.iter().enumerate().flat_map(row).collect();
        let found = Detectors::of_classes(&labels(4), &probabilities, &truths).unwrap();
        // Class 3 has no examples.
        assert_eq!(found.curves.len(), 3);
        let scores: Vec<f32> = probabilities.iter().skip(1).step_by(4).copied().collect();
        let positive: Vec<bool> = truths.iter().map(|&truth| truth == 1).collect();
        assert_eq!(Some(found.curves[1].auc), roc_auc(&scores, &positive));

        let truths: Vec<usize> = (0..52).map(|example| example % 13).collect();
        let sure: Vec<f32> = truths
            .iter()
            .flat_map(|&truth| (0..13).map(move |class| f32::from(u8::from(class == truth))))
            .collect();
        let found = Detectors::of_classes(&labels(13), &sure, &truths).unwrap();
        assert_eq!((found.curves.len(), found.curves[0].name.as_str()), (1, "mean of 13 classes"));
        assert_eq!((found.curves[0].auc, found.curves[0].equal_error_rate), (1.0, 0.0));
        // Nothing errs, so there is no tradeoff to draw.
        assert_eq!(figures(&found).unwrap().len(), 1);
    }

    #[test]
    fn curves_and_letters_lie_where_their_rates_say() {
        let scores: Vec<f32> = (0..200).map(|example| (example * 37 % 200) as f32 / 200.0).collect();
        let positive: Vec<bool> =
            (0..200).map(|example| (example * 37 % 200) + (example % 5) * 30 > 150).collect();
        let detectors = Detectors::of_class("voice", &scores, &positive).unwrap();
        let figures = figures(&detectors).unwrap();
        assert_eq!(figures.iter().map(|figure| figure.id).collect::<Vec<_>>(), ["roc", "det"]);
        let places = |figure: &Figure| -> Vec<(f64, f64)> {
            let of = |point: &str| {
                let (x, y) = point.split('|').next().unwrap().split_once(' ').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            };
            figure.traces[0].points.split(';').map(of).collect()
        };
        // The curve goes from corner to corner, and its drawing is what a pointer is told.
        let roc = places(&figures[0]);
        let (first, last) = (roc[0], roc[roc.len() - 1]);
        assert!(first.0 < last.0 && first.1 > last.1);
        let drawn = format!("points=\"{},{} ", first.0, first.1);
        assert!(figures[0].svg.contains(&drawn), "{drawn}");
        let rate = detectors.points[0].1;
        let expected = (
            first.0 + rate.false_positive_rate * (last.0 - first.0),
            first.1 + (1.0 - rate.miss_rate) * (last.1 - first.1),
        );
        let circle = figures[0].svg.lines().find(|line| line.starts_with("<circle")).unwrap();
        let value = |key: &str| -> f64 {
            circle.split_once(key).unwrap().1.split_once('"').unwrap().0.parse().unwrap()
        };
        assert!((value("cx=\"") - expected.0).abs() <= 2.0 && (value("cy=\"") - expected.1).abs() <= 2.0);
        // Both errors fall towards each other: the tradeoff goes down to the right.
        let det = places(&figures[1]);
        assert!(det.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |probabilities: &[f32], truths: &[usize]| {
            Detectors::of_classes(&labels(2), probabilities, truths).unwrap_err()
        };
        assert!(matches!(refused(&[0.5], &[0]), EvalError::UnequalLengths { .. }));
        assert!(matches!(refused(&[0.5, 0.5], &[2]), EvalError::ClassOutOfRange { .. }));
        assert!(matches!(refused(&[0.5, 0.5], &[0]), EvalError::OneKind { .. }));
        assert!(matches!(refused(&[f32::NAN, 0.5, 0.5, 0.5], &[0, 1]), EvalError::Nan { .. }));
        assert!(matches!(Detectors::of_classes(&[], &[], &[]), Err(EvalError::NoClasses)));
    }
}
