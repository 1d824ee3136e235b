//! Figures and tables of error rates at thresholds: ROC and DET.

use super::overlaps;
use crate::chart::axis::{Axis, Scale};
use crate::chart::figure::{Figure, FigureSpec, FigureText, Numbered};
use crate::chart::shapes::Color;
use crate::chart::{Chart, SQUARE_HEIGHT, Series};
use crate::numbers::{self, score};
use crate::quoted;
use stapes_metrics::{DetectorCurve, Detectors, Evaluation, OperatingPoint};

/// Largest number of points of a curve, approximately.
const POINTS: usize = 300;
/// ROC AUC from which, and its distance to the accuracy from which the two are explained.
const HIGH_AUC: f64 = 0.95;
const APART: f64 = 0.05;

/// Error rates at thresholds on a page.
pub(super) struct Thresholds {
    /// Kind of the curves: "class".
    pub(super) kind: &'static str,
    /// Notes in sentences; may be empty.
    pub(super) description: String,
    pub(super) figures: Vec<Figure>,
    /// Curves as rows: number of the line, name, metrics.
    pub(super) rows: Vec<(usize, String, [String; 4])>,
    /// Adds a legend; true for several curves.
    pub(super) has_legend: bool,
    /// Operating points as rows: letter, name, threshold, false positive rate, miss rate.
    pub(super) points: Vec<[String; 5]>,
    /// Adds the letters of operating points in the figures to the table.
    pub(super) has_letters: bool,
}

/// A curve with its style and name.
pub(super) type Curve<'a> = Numbered<'a, DetectorCurve>;

/// Operating points, each with a description.
type Points<'a> = &'a [(String, OperatingPoint)];

impl Thresholds {
    /// Creates the curves of a run, with marked operating points.
    pub(super) fn with_points(detectors: &Detectors, evaluation: &Evaluation) -> Thresholds {
        let curves = detectors.curves.iter().enumerate();
        let curves: Vec<Curve<'_>> =
            curves.map(|(number, of)| Curve { number, name: &of.name, of }).collect();
        let points = lettered(&detectors.points);
        let accuracy = (evaluation.accuracy, evaluation.total);
        let explained = explained_accuracy("Accuracy", accuracy, &curves, evaluation.per_class.len());
        Thresholds {
            points: points.map(|(letter, name, point)| row_of(letter, name, point)).collect(),
            has_letters: true,
            ..Thresholds::new(&curves, &detectors.points, "class", explained.unwrap_or_default())
        }
    }

    /// Creates curves without rows of operating points.
    pub(super) fn new(
        curves: &[Curve<'_>],
        points: Points<'_>,
        kind: &'static str,
        description: String,
    ) -> Thresholds {
        Thresholds {
            kind,
            description,
            figures: figure_specs(curves, points).into_iter().map(FigureSpec::figure_below_legend).collect(),
            rows: rows(curves),
            has_legend: curves.len() > 1,
            points: Vec::new(),
            has_letters: false,
        }
    }
}

/// Returns ROC and DET of at least one curve with marked points; no DET if no threshold makes both errors.
pub(super) fn figure_specs(curves: &[Curve<'_>], points: Points<'_>) -> Vec<FigureSpec> {
    [Some(roc(curves, points)), det(curves, points)].into_iter().flatten().collect()
}

/// Returns a sentence on an accuracy that is much lower than the ROC AUC; None if the two are close.
/// `subject` begins the sentence; the ROC AUC is the mean over the curves.
pub(super) fn explained_accuracy(
    subject: &str,
    (accuracy, total): (f64, u64),
    curves: &[Curve<'_>],
    classes: usize,
) -> Option<String> {
    let auc = curves.iter().map(|curve| curve.of.auc).sum::<f64>() / curves.len() as f64;
    // NaN without curves.
    if !(auc >= HIGH_AUC && auc - accuracy >= APART) {
        return None;
    }
    let accuracy = numbers::percent(accuracy, total);
    Some(match classes {
        ..=2 => format!(
            "{subject} ({accuracy}) can be much lower than ROC AUC ({auc:.3}), because accuracy counts the decisions at one \
             threshold and ROC AUC measures only the ranking of the scores: another threshold can make fewer errors."
        ),
        _ => format!(
            "{subject} ({accuracy}) can be much lower than ROC AUC (mean {auc:.3}), because accuracy counts the decisions, for \
             which the correct class must have the highest of all probabilities, and ROC AUC measures only how the scores of \
             one class rank the examples."
        ),
    })
}

fn describe(curves: &[Curve<'_>]) -> String {
    let of = |Curve { name, of, .. }: &Curve<'_>| {
        let name = quoted(name);
        format!("{name}: area {:.3}, equal error rate {:.1} %", of.auc, 100.0 * of.equal_error_rate)
    };
    curves.iter().map(of).collect::<Vec<_>>().join("; ") + "."
}

fn roc(curves: &[Curve<'_>], points: Points<'_>) -> FigureSpec {
    let series = |curve: &Curve<'_>| Series {
        name: curve.name.into(),
        color: Color::Series(curve.number),
        points: thinned(curve.of.rates.iter().map(|&(x, y)| (100.0 * x, 100.0 * y)), Scale::Linear, 100.0),
    };
    let annotations = lettered(points).map(|(letter, _, point)| {
        (100.0 * point.false_positive_rate, 100.0 * (1.0 - point.miss_rate), letter)
    });
    let (x, y) = ("false positive rate (%)", "true positive rate (%)");
    let [x, y] = [x, y].map(|label| Axis::linear(label, 0.0..100.0));
    let parts = overlaps::parts(curves);
    let caption = format!("The dashed line is chance level.{}", overlaps::describe(curves, &parts));
    let chart = Chart {
        series: curves.iter().map(series).collect(),
        overlaps: overlaps::overlaps(curves, &parts),
        reference: vec![(0.0, 0.0), (100.0, 100.0)],
        annotations: annotations.collect(),
        ..Chart::empty(SQUARE_HEIGHT, x, y)
    };
    let text = FigureText {
        id: "roc".into(),
        title: "Receiver operating characteristic".into(),
        description: describe(curves),
        caption,
        x_name: "false positive rate (%)".into(),
        nearest: true,
    };
    FigureSpec { annotations: explained(points), ..FigureSpec::new(chart, text) }
}

/// Returns None if no threshold makes both errors.
fn det(curves: &[Curve<'_>], points: Points<'_>) -> Option<FigureSpec> {
    let has_both_errors = |&(x, y): &(f64, f64)| x > 0.0 && y < 1.0 && x < 1.0 && y > 0.0;
    let within_axes = |curve: &Curve<'_>| -> Vec<(f64, f64)> {
        let rates = curve.of.rates.iter().filter(|rates| has_both_errors(rates));
        rates.map(|&(x, y)| (x, 1.0 - y)).collect()
    };
    let errors: Vec<_> = curves.iter().map(within_axes).collect();
    let rates = || errors.iter().flatten().flat_map(|&(x, y)| [x, y]);
    let lowest = rates().reduce(f64::min)?;
    // Both axes have the same range, so that equal errors are on the diagonal; very low rates are cut off.
    let range = (0.8 * lowest).clamp(1e-4, 0.01)..0.6;
    let within = |(x, y): &(f64, f64)| range.contains(x) && range.contains(y);
    let mut series = Vec::new();
    for (curve, errors) in curves.iter().zip(errors) {
        let points = thinned(errors.into_iter().filter(within), Scale::Probit, 6.0);
        if !points.is_empty() {
            series.push(Series { name: curve.name.into(), color: Color::Series(curve.number), points });
        }
    }
    if series.is_empty() {
        return None;
    }
    let annotations =
        lettered(points).map(|(letter, _, point)| (point.false_positive_rate, point.miss_rate, letter));
    let axis = |label: &str| Axis::new(label, range.clone(), Scale::Probit);
    let chart = Chart {
        series,
        reference: vec![(range.start, range.start), (range.end, range.end)],
        annotations: annotations.filter(|(x, y, _)| within(&(*x, *y))).collect(),
        ..Chart::empty(SQUARE_HEIGHT, axis("false positive rate (%)"), axis("miss rate (%)"))
    };
    let text = FigureText {
        id: "det".into(),
        title: "Detection error tradeoff".into(),
        description: describe(curves),
        caption:
            "Axes in normal deviates; both errors are equal on the dashed line. Thresholds outside of the axes, \
                  such as those without one of the errors, are not shown."
                .into(),
        x_name: "false positive rate".into(),
        nearest: true,
    };
    Some(FigureSpec { annotations: explained(points), ..FigureSpec::new(chart, text) })
}

/// Returns the marked points with their letters.
fn lettered(points: Points<'_>) -> impl Iterator<Item = (String, &str, &OperatingPoint)> {
    let annotations = ('A'..='Z').map(String::from);
    annotations.zip(points).map(|(letter, (name, point))| (letter, &**name, point))
}

/// Returns the letters with their descriptions.
fn explained(points: Points<'_>) -> Vec<(String, String)> {
    lettered(points).map(|(letter, name, _)| (letter, name.to_string())).collect()
}

/// Drops points that nearly coincide with the previous one; the ends are kept.
pub(super) fn thinned(
    points: impl Iterator<Item = (f64, f64)>,
    scale: Scale,
    extent: f64,
) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut points = points.peekable();
    while let Some(point) = points.next() {
        let distinct = kept.last().is_none_or(|last| {
            let distance = |a: f64, b: f64| (scale.transform(a) - scale.transform(b)).abs();
            distance(last.0, point.0) + distance(last.1, point.1) > extent / POINTS as f64
        });
        if distinct || points.peek().is_none() {
            kept.push(point);
        }
    }
    kept
}

fn rows(curves: &[Curve<'_>]) -> Vec<(usize, String, [String; 4])> {
    let row = |Curve { number, name, of }: &Curve<'_>| {
        let metrics = [
            score(Some(of.auc)),
            percent(of.equal_error_rate),
            percent(of.true_positive_rate_at_5_percent),
            percent(of.true_positive_rate_at_1_percent),
        ];
        (number % Color::COUNT, name.to_string(), metrics)
    };
    curves.iter().map(row).collect()
}

/// Returns a row of [`Thresholds::points`].
pub(super) fn row_of(letter: String, name: &str, point: &OperatingPoint) -> [String; 5] {
    let threshold = match point.threshold {
        threshold if threshold.is_finite() => format!("{threshold:.4}"),
        _ => "none".to_string(),
    };
    [letter, name.into(), threshold, percent(point.false_positive_rate), percent(point.miss_rate)]
}

fn percent(rate: f64) -> String {
    format!("{:.2} %", 100.0 * rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_scores_have_no_tradeoff() {
        let perfect = Detectors::binary("voice", &[0.1, 0.9], &[false, true]).unwrap();
        assert_eq!(Thresholds::with_points(&perfect, &evaluation(1, 1)).figures.len(), 1);
    }

    /// Returns the evaluation of `total` examples, `correct` of which are correct.
    fn evaluation(correct: usize, total: usize) -> Evaluation {
        let predictions: Vec<usize> = (0..total).map(|example| usize::from(example >= correct)).collect();
        Evaluation::new(&["no".into(), "yes".into()], &vec![0; total], &predictions).unwrap()
    }

    #[test]
    fn an_accuracy_far_below_the_auc_is_explained() {
        let perfect = Detectors::binary("voice", &[0.1, 0.9], &[false, true]).unwrap();
        let description = |correct| Thresholds::with_points(&perfect, &evaluation(correct, 100)).description;
        assert!(description(87).starts_with("Accuracy (87.0 %) can be much lower than ROC AUC (1.000), "));
        assert_eq!(description(97), "");
        // An AUC that is not high, and more than two classes.
        let chance = Detectors::binary("voice", &[0.1, 0.9, 0.1, 0.9], &[false, true, true, false]).unwrap();
        assert_eq!(Thresholds::with_points(&chance, &evaluation(30, 100)).description, "");
        let classes = ["a", "b", "c"].map(String::from);
        let scores = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]].concat();
        let several = Detectors::one_vs_rest(&classes, &scores, &[0, 1, 2]).unwrap();
        let labels = vec![0; 100];
        let predictions: Vec<usize> = (0..100).map(|example| usize::from(example >= 87)).collect();
        let thresholds =
            Thresholds::with_points(&several, &Evaluation::new(&classes, &labels, &predictions).unwrap());
        assert!(thresholds.description.contains("ROC AUC (mean 1.000)"), "{}", thresholds.description);
    }

    #[test]
    fn curves_that_coincide_are_drawn_as_alternating_dashes_and_named() {
        let classes = ["a", "b", "c"].map(String::from);
        // The first two classes are always ranked first; the third is not.
        let scores =
            [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.7, 0.1, 0.2], [0.2, 0.5, 0.3]].concat();
        let detectors = Detectors::one_vs_rest(&classes, &scores, &[0, 1, 2, 0, 1]).unwrap();
        let aucs: Vec<f64> = detectors.curves.iter().map(|curve| curve.auc).collect();
        assert!(aucs[0] == 1.0 && aucs[1] == 1.0 && aucs[2] < 1.0, "{aucs:?}");
        let roc = &Thresholds::with_points(&detectors, &evaluation(1, 1)).figures[0];
        assert!(roc.text.caption.ends_with("These coincide everywhere: “a”, “b”."), "{}", roc.text.caption);
        let text = format!("<svg>{}</svg>", roc.svg);
        let document = roxmltree::Document::parse(&text).unwrap();
        let dashed: Vec<_> =
            document.descendants().filter(|node| node.attribute("stroke-width") == Some("3")).collect();
        let all = |key: &'static str| -> Vec<&str> {
            dashed.iter().map(|node| node.attribute(key).unwrap_or("0")).collect()
        };
        // The third curve joins the other two at the top.
        assert_eq!(all("class"), ["series-1", "series-2", "series-1", "series-2", "series-3"]);
        assert_eq!(all("stroke-dasharray"), ["10 10", "10 10", "10 20", "10 20", "10 20"]);
        // A dash begins where that of the previous member ends.
        let offsets: Vec<f64> =
            all("stroke-dashoffset").iter().map(|offset| offset.parse().unwrap()).collect();
        assert_eq!(offsets[..2], [0.0, 10.0]);
        for pair in [2, 3] {
            let shift = (offsets[pair] - offsets[pair + 1]).rem_euclid(30.0);
            assert!((shift - 10.0).abs() < 0.2, "{offsets:?}");
        }
    }

    #[test]
    fn curves_and_letters_are_at_their_rates() {
        let scores: Vec<f32> = (0..200).map(|example| (example * 37 % 200) as f32 / 200.0).collect();
        let positive: Vec<bool> =
            (0..200).map(|example| (example * 37 % 200) + (example % 5) * 30 > 150).collect();
        let detectors = Detectors::binary("voice", &scores, &positive).unwrap();
        let figures = Thresholds::with_points(&detectors, &evaluation(1, 1)).figures;
        assert_eq!(figures.iter().map(|figure| &*figure.text.id).collect::<Vec<_>>(), ["roc", "det"]);
        let texts = [0, 1].map(|at| format!("<svg>{}</svg>", figures[at].svg));
        let [roc, det] = [0, 1].map(|at| roxmltree::Document::parse(&texts[at]).unwrap());
        let positions = |document: &roxmltree::Document<'_>| -> Vec<(f64, f64)> {
            let line = document.descendants().find(|node| node.has_attribute("data-values")).unwrap();
            let point =
                |text: &str| text.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()));
            line.attribute("points").unwrap().split(' ').filter_map(point).collect()
        };
        // The curve spans from corner to corner.
        let curve = positions(&roc);
        let (first, last) = (curve[0], curve[curve.len() - 1]);
        assert!(first.0 < last.0 && first.1 > last.1);
        let rate = detectors.points[0].1;
        let expected = (
            first.0 + rate.false_positive_rate * (last.0 - first.0),
            first.1 + (1.0 - rate.miss_rate) * (last.1 - first.1),
        );
        let circle = roc.descendants().find(|node| node.has_tag_name("circle")).unwrap();
        let value = |key: &str| -> f64 { circle.attribute(key).unwrap().parse().unwrap() };
        assert!((value("cx") - expected.0).abs() <= 0.2 && (value("cy") - expected.1).abs() <= 0.2);
        // The tradeoff decreases to the right.
        let det = positions(&det);
        assert!(det.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
    }
}
