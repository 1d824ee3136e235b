//! The figures and tables of scores at every threshold.

use crate::ReportError;
use crate::chart::axis::{Axis, Scale};
use crate::chart::figure::{Figure, Numbered, Sketch, Words};
use crate::chart::series_style::Ink;
use crate::chart::{Chart, SQUARE_HEIGHT, Series};
use crate::numbers::score;
use stapes_metrics::OperatingPoint;
use stapes_metrics::{DetectorCurve, Detectors};

/// Points that a curve keeps.
const POINTS: usize = 300;

/// What a page says of scores at every threshold.
pub(super) struct Thresholds {
    /// What curves are of: "class".
    pub(super) kind: &'static str,
    /// What is to be known about them, in sentences; may be empty.
    pub(super) about: String,
    pub(super) figures: Vec<Figure>,
    /// The curves as rows: number of its line, name, figures.
    pub(super) rows: Vec<(usize, String, [String; 4])>,
    /// Whether there are several curves, which are told apart by their colours.
    pub(super) keys: bool,
    /// Points of use as rows: letter, what it is, threshold, false positives, missed.
    pub(super) points: Vec<[String; 5]>,
    /// Whether they are marked in the figures by their letters.
    pub(super) marked: bool,
}

/// A curve as it is drawn.
pub(super) type Curve<'a> = Numbered<'a, DetectorCurve>;

/// Operating points, each with what it is.
type Points<'a> = &'a [(String, OperatingPoint)];

impl Thresholds {
    /// Of a run: its classes, with the operating points marked.
    pub(super) fn of_classes(detectors: &Detectors) -> Result<Thresholds, ReportError> {
        let curves = detectors.curves.iter().enumerate();
        let curves: Vec<Curve<'_>> =
            curves.map(|(number, of)| Curve { number, name: &of.name, of }).collect();
        let points = lettered(&detectors.points);
        Ok(Thresholds {
            points: points.map(|(letter, name, point)| row_of(letter, name, point)).collect(),
            marked: true,
            ..Thresholds::of(&curves, &detectors.points, "class", String::new())?
        })
    }

    /// Of curves, without rows of operating points.
    pub(super) fn of(
        curves: &[Curve<'_>],
        points: Points<'_>,
        kind: &'static str,
        about: String,
    ) -> Result<Thresholds, ReportError> {
        let figures = sketches(curves, points).into_iter().map(Sketch::figure_below_legend);
        Ok(Thresholds {
            kind,
            about,
            figures: figures.collect::<Result<_, _>>()?,
            rows: rows(curves),
            keys: curves.len() > 1,
            points: Vec::new(),
            marked: false,
        })
    }
}

/// ROC and DET of at least one curve, with points marked; no DET where no threshold makes both errors.
pub(super) fn sketches(curves: &[Curve<'_>], points: Points<'_>) -> Vec<Sketch> {
    [Some(roc(curves, points)), det(curves, points)].into_iter().flatten().collect()
}

fn said(curves: &[Curve<'_>]) -> String {
    let of = |Curve { name, of, .. }: &Curve<'_>| {
        format!("{name}: area {:.3}, equal error rate {:.1} %", of.auc, 100.0 * of.equal_error_rate)
    };
    curves.iter().map(of).collect::<Vec<_>>().join("; ") + "."
}

fn roc(curves: &[Curve<'_>], points: Points<'_>) -> Sketch {
    let series = |curve: &Curve<'_>| Series {
        name: curve.name.into(),
        ink: Ink::Line(curve.number),
        points: thinned(curve.of.rates.iter().map(|&(x, y)| (100.0 * x, 100.0 * y)), Scale::Linear, 100.0),
    };
    let letters = lettered(points).map(|(letter, _, point)| {
        (100.0 * point.false_positive_rate, 100.0 * (1.0 - point.miss_rate), letter)
    });
    let (x, y) = ("false positives (%)", "true positives (%)");
    let [x, y] = [x, y].map(|label| Axis::linear(label, 0.0..100.0));
    let chart = Chart {
        series: curves.iter().map(series).collect(),
        reference: vec![(0.0, 0.0), (100.0, 100.0)],
        letters: letters.collect(),
        ..Chart::empty("ROC", SQUARE_HEIGHT, x, y)
    };
    let words = Words {
        id: "roc".into(),
        title: "Receiver operating characteristic".into(),
        description: said(curves),
        caption: "The dashed line is chance.".into(),
        x_name: "false positives (%)".into(),
        nearest: true,
    };
    Sketch { chart, words, letters: explained(points) }
}

/// None where no threshold makes both errors.
fn det(curves: &[Curve<'_>], points: Points<'_>) -> Option<Sketch> {
    let errs = |&(x, y): &(f64, f64)| x > 0.0 && y < 1.0 && x < 1.0 && y > 0.0;
    let inside = |curve: &Curve<'_>| -> Vec<(f64, f64)> {
        let rates = curve.of.rates.iter().filter(|rates| errs(rates));
        rates.map(|&(x, y)| (x, 1.0 - y)).collect()
    };
    let errors: Vec<_> = curves.iter().map(inside).collect();
    let rates = || errors.iter().flatten().flat_map(|&(x, y)| [x, y]);
    let least = rates().reduce(f64::min)?;
    // Both axes alike, so that equal errors lie on the diagonal; rates below what is of use are cut off.
    let range = (0.8 * least).clamp(1e-4, 0.01)..0.6;
    let within = |(x, y): &(f64, f64)| range.contains(x) && range.contains(y);
    let mut series = Vec::new();
    for (curve, errors) in curves.iter().zip(errors) {
        let points = thinned(errors.into_iter().filter(within), Scale::Probit, 6.0);
        if !points.is_empty() {
            series.push(Series { name: curve.name.into(), ink: Ink::Line(curve.number), points });
        }
    }
    if series.is_empty() {
        return None;
    }
    let letters =
        lettered(points).map(|(letter, _, point)| (point.false_positive_rate, point.miss_rate, letter));
    let axis = |label: &str| Axis {
        label: label.into(),
        range: range.clone(),
        scale: Scale::Probit,
        marks: Vec::new(),
    };
    let chart = Chart {
        series,
        reference: vec![(range.start, range.start), (range.end, range.end)],
        letters: letters.filter(|(x, y, _)| within(&(*x, *y))).collect(),
        ..Chart::empty("DET", SQUARE_HEIGHT, axis("false positives (%)"), axis("missed (%)"))
    };
    let words = Words {
        id: "det".into(),
        title: "Detection error tradeoff".into(),
        description: said(curves),
        caption:
            "Axes by normal deviates; both errors are equal on the dashed line. Thresholds beyond the axes, \
                  such as those without one of the errors, are left out."
                .into(),
        x_name: "false positives".into(),
        nearest: true,
    };
    Some(Sketch { chart, words, letters: explained(points) })
}

/// The marked points with their letters.
fn lettered(points: Points<'_>) -> impl Iterator<Item = (String, &str, &OperatingPoint)> {
    let letters = ('A'..='Z').map(String::from);
    letters.zip(points).map(|(letter, (name, point))| (letter, &**name, point))
}

/// The letters with what they stand for.
fn explained(points: Points<'_>) -> Vec<(String, String)> {
    lettered(points).map(|(letter, name, _)| (letter, name.to_string())).collect()
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

fn rows(curves: &[Curve<'_>]) -> Vec<(usize, String, [String; 4])> {
    let row = |Curve { number, name, of }: &Curve<'_>| {
        let figures = [
            score(Some(of.auc)),
            percent(of.equal_error_rate),
            percent(of.true_positive_rate_at_5_percent),
            percent(of.true_positive_rate_at_1_percent),
        ];
        (number % Ink::LINES, name.to_string(), figures)
    };
    curves.iter().map(row).collect()
}

/// A row of [`Thresholds::points`].
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
    fn where_nothing_errs_there_is_no_tradeoff_to_draw() {
        let perfect = Detectors::of_class("voice", &[0.1, 0.9], &[false, true]).unwrap();
        assert_eq!(Thresholds::of_classes(&perfect).unwrap().figures.len(), 1);
    }

    #[test]
    fn curves_and_letters_lie_where_their_rates_say() {
        let scores: Vec<f32> = (0..200).map(|example| (example * 37 % 200) as f32 / 200.0).collect();
        let positive: Vec<bool> =
            (0..200).map(|example| (example * 37 % 200) + (example % 5) * 30 > 150).collect();
        let detectors = Detectors::of_class("voice", &scores, &positive).unwrap();
        let figures = Thresholds::of_classes(&detectors).unwrap().figures;
        assert_eq!(figures.iter().map(|figure| &*figure.id).collect::<Vec<_>>(), ["roc", "det"]);
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
}
