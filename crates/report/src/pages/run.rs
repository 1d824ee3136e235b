//! The page's parts as its template takes them.

use askama::Template;

use super::examples::{Mistaken, Shown};
use super::groups::Row;
use super::matrix::Matrix;
use super::shell::{Frame, written};
use super::thresholds::Thresholds;
use super::{Report, calibration, curves, examples, gradients};
use crate::ReportError;
use crate::chart::WIDTH;
use crate::chart::figure::{Figure, Sketch};
use crate::numbers::{count, counted, duration, milliseconds, percent, percent_value, score};
use stapes_metrics::{Estimate, Evaluation, Interval};

/// Ways to be wrong that the page lists.
const PAIRS: usize = 12;
/// Rows of the table that holds the curves' numbers; of more, evenly spaced ones.
const ROWS: usize = 200;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    frame: Frame<'a>,
    report: &'a Report,
    tiles: Vec<Tile>,
    /// Columns of tiles on a wide page, and how many of them the first tile takes.
    tile_columns: usize,
    first_columns: usize,
    /// How many of three columns it takes on a narrower page.
    first_thirds: usize,
    width: u32,
    curves: Vec<Figure>,
    numbers: Numbers,
    thresholds: Option<Thresholds>,
    calibration: Vec<Figure>,
    calibration_rows: Vec<[String; 5]>,
    calibration_figures: Vec<(&'static str, String)>,
    groups: Option<GroupTable>,
    gradients: Vec<Figure>,
    matrix: Option<Matrix>,
    pairs: Vec<Pair>,
    pairs_heading: String,
    mistakes: Vec<Mistaken>,
    attention: Vec<(String, Shown)>,
    classes: Vec<Class>,
    undefined: bool,
    macro_f1: String,
    /// What the examples are: "examples", "frames".
    unit: &'static str,
}

/// A number that is seen first.
struct Tile {
    label: String,
    value: String,
    detail: String,
}

/// What the curves show, as a table.
struct Numbers {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    note: String,
}

/// Accuracy by group.
struct GroupTable {
    kind: String,
    rows: Vec<Row>,
}

/// A way to be wrong.
struct Pair {
    truth: String,
    prediction: String,
    count: String,
    share: String,
    /// Where examples of it stand.
    examples: Option<String>,
}

/// A class's scores.
struct Class {
    label: String,
    support: String,
    scores: [String; 3],
}

/// The complete page.
pub(super) fn render(report: &Report) -> Result<String, ReportError> {
    let evaluation = &report.evaluation;
    let (pairs_heading, pairs) = pairs(report);
    let tiles = tiles(report);
    let (tile_columns, first_columns) = columns(tiles.len());
    let first_thirds = thirds(tiles.len());
    let groups = report.groups.as_ref().filter(|groups| !groups.groups.is_empty());
    let calibration = report.calibration.as_ref();
    let page = Page {
        frame: Frame::of(&report.title, &report.summary, &report.notes, &report.made_at),
        report,
        tiles,
        tile_columns,
        first_columns,
        first_thirds,
        width: WIDTH,
        curves: curves::figures(report)?,
        numbers: numbers(report),
        thresholds: report.detectors.as_ref().map(Thresholds::of_classes).transpose()?,
        calibration: calibration
            .and_then(calibration::of_run)
            .map(Sketch::figure)
            .transpose()?
            .into_iter()
            .collect(),
        calibration_rows: calibration.map(calibration::rows).unwrap_or_default(),
        calibration_figures: calibration.map(calibration::figures).unwrap_or_default(),
        groups: groups.map(|groups| GroupTable {
            kind: groups.kind.clone(),
            rows: groups.rows(evaluation.recordings.is_some()),
        }),
        gradients: gradients::figure(report)?.into_iter().collect(),
        matrix: Matrix::of(&evaluation.confusion, false),
        pairs,
        pairs_heading,
        mistakes: examples::mistaken(report)?,
        attention: examples::attended(report)?,
        classes: classes(evaluation),
        undefined: evaluation
            .per_class
            .iter()
            .any(|class| class.precision.is_none() || class.recall.is_none()),
        macro_f1: score(Some(evaluation.macro_f1)),
        unit: evaluation.unit(),
    };
    written(&page)
}

/// Columns of so many tiles on a wide page, where the first is wider, and how many of them it takes: one row, or two
/// rows that are full.
fn columns(tiles: usize) -> (usize, usize) {
    match tiles + 1 {
        units @ ..=8 => (units, 2),
        units => (units.div_ceil(2), 2 + units % 2),
    }
}

/// How many of three columns the first of so many tiles takes, that all rows are full.
fn thirds(tiles: usize) -> usize {
    3 - (tiles - 1) % 3
}

fn tiles(report: &Report) -> Vec<Tile> {
    let Evaluation { accuracy, correct, total, interval, .. } = &report.evaluation;
    let tile = |label: &str, value: String, detail: String| Tile { label: label.to_string(), value, detail };
    let range = format!("{} to {}", percent_value(interval.low, *total), percent(interval.high, *total));
    let last = report.curves.iter().map(|point| point.step).max();
    let over = match report.evaluation.recordings {
        Some(recordings) => format!(" frames; interval over {}", counted(recordings, "recording")),
        None => String::new(),
    };
    let mut tiles = vec![tile(
        &format!("Accuracy on {}", report.partition),
        percent(*accuracy, *total),
        format!("95 % interval {range}, {} of {}{over}", count(*correct), count(*total)),
    )];
    let detection = report.evaluation.detection.as_ref();
    let figures =
        detection.map(|of| [(format!("F1 of {}", of.label), of.f1), ("ROC AUC".to_string(), of.auc)]);
    for (name, estimate) in figures.into_iter().flatten() {
        if let Some(Estimate { value, interval: Interval { low, high } }) = estimate {
            tiles.push(tile(&name, format!("{value:.3}"), format!("{low:.3} to {high:.3}")));
        }
    }
    if let Some(equal) = detection.and_then(|detection| detection.equal_error_rate) {
        tiles.push(tile("Equal errors", percent(equal, *total), "missed, and falsely taken".to_string()));
    }
    tiles.extend([
        tile("Parameters", count(report.parameters), "trained numbers".to_string()),
        tile(
            "Training time",
            duration(report.training_seconds),
            last.map(|last| counted(last, "step")).unwrap_or_default(),
        ),
    ]);
    if let Some(latency) = report.latency_ms {
        tiles.push(tile("Latency", milliseconds(latency), "one utterance".to_string()));
    }
    let best = report.curves.iter().find(|point| point.step == report.best_step);
    let validation = best.and_then(|point| point.validation_accuracy).filter(|part| part.is_finite());
    tiles.push(tile(
        "Best step",
        count(report.best_step),
        validation.map(|part| format!("{:.1} % on validation", 100.0 * part)).unwrap_or_default(),
    ));
    tiles
}

/// The curves' numbers: the points with a validation, or all if there are none.
fn numbers(report: &Report) -> Numbers {
    let validated = |point: &&super::Point| {
        point.validation_loss.is_some()
            || point.validation_accuracy.is_some()
            || point.step == report.best_step
    };
    let mut points: Vec<_> = report.curves.iter().filter(validated).collect();
    if points.len() <= 1 {
        points = report.curves.iter().collect();
    }
    let every = points.len().div_ceil(ROWS).max(1);
    let kept = points.iter().enumerate().filter(|(index, point)| {
        index % every == 0 || index + 1 == points.len() || point.step == report.best_step
    });
    let optional = |value: Option<f32>, write: &dyn Fn(f32) -> String| match value {
        Some(value) if value.is_finite() => write(value),
        Some(_) => "not finite".to_string(),
        None => String::new(),
    };
    let loss = |loss: f32| if loss.abs() < 1e6 { format!("{loss:.4}") } else { format!("{loss:.1e}") };
    let small = |value: f32| format!("{value:.2e}");
    let extra = [
        ("learning rate", report.curves.iter().any(|point| point.learning_rate.is_some())),
        ("gradient norm", report.curves.iter().any(|point| point.gradient_norm.is_some())),
    ];
    let row = |point: &super::Point| {
        let mut row = vec![
            count(point.step),
            format!("{:.2}", point.epoch),
            format!("{:.1}", point.seconds),
            optional(point.train_loss, &loss),
            optional(point.validation_loss, &loss),
            optional(point.validation_accuracy, &|part| format!("{:.2}", 100.0 * part)),
        ];
        let values = [point.learning_rate, point.gradient_norm];
        let there = values.iter().zip(extra).filter(|(_, (_, there))| *there);
        row.extend(there.map(|(value, _)| optional(*value, &small)));
        row
    };
    let rows: Vec<_> = kept.map(|(_, point)| row(point)).collect();
    let mut heads =
        vec!["step", "epoch", "time (s)", "training loss", "validation loss", "validation accuracy (%)"];
    heads.extend(extra.iter().filter(|(_, there)| *there).map(|(head, _)| *head));
    let note = if rows.len() < report.curves.len() {
        format!("{} of {} points.", count(rows.len() as u64), count(report.curves.len() as u64))
    } else {
        String::new()
    };
    Numbers { heads, rows, note }
}

fn pairs(report: &Report) -> (String, Vec<Pair>) {
    let confusion = &report.evaluation.confusion;
    let name = |class: usize| confusion.classes()[class].clone();
    let pairs: Vec<_> = confusion
        .most_confused(PAIRS)
        .into_iter()
        .map(|pair| Pair {
            truth: name(pair.truth),
            prediction: name(pair.prediction),
            count: count(pair.count),
            share: percent(pair.share, confusion.support(pair.truth)),
            examples: examples::place(report, &pair),
        })
        .collect();
    let all = confusion.confused_pairs();
    let heading = if pairs.len() < all {
        format!("Most confused pairs, {} of {}", pairs.len(), count(all as u64))
    } else {
        "Confused pairs".to_string()
    };
    (heading, pairs)
}

fn classes(evaluation: &Evaluation) -> Vec<Class> {
    let class = |scores: &stapes_metrics::ClassScores| Class {
        label: scores.label.clone(),
        support: count(scores.support),
        scores: [scores.precision, scores.recall, scores.f1].map(score),
    };
    evaluation.per_class.iter().map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fill_their_rows() {
        for tiles in 1..16 {
            let (columns, first) = columns(tiles);
            assert_eq!((tiles - 1 + first) % columns, 0, "{tiles}");
            assert!(columns <= 8, "{tiles}");
            assert_eq!((tiles - 1 + thirds(tiles)) % 3, 0, "{tiles}");
        }
    }
}
