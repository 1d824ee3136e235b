//! Page of one run.

use askama::Template;

use super::examples::{ConfusedExamples, ExampleView};
use super::groups::Row;
use super::matrix::Matrix;
use super::predictions::PredictionList;
use super::shell::{Shell, render_page};
use super::thresholds::Thresholds;
use super::{Report, calibration, curves, examples, predictions};
use crate::ReportError;
use crate::chart::figure::{Figure, FigureSpec};
use crate::gradients;
use crate::numbers::{count, duration, milliseconds, percent, percent_value, pluralize, score};
use crate::quoted;
use stapes_metrics::{ConfidenceInterval, Estimate, Evaluation};

/// Largest number of listed pairs of confused classes.
const PAIRS: usize = 12;
/// Largest number of rows of the table of learning curves; longer curves are sampled evenly.
const ROWS: usize = 200;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    shell: Shell<'a>,
    report: &'a Report,
    tiles: Vec<Tile>,
    /// Columns of tiles on a wide page, and the width of the first tile in columns.
    tile_columns: usize,
    first_columns: usize,
    /// Width of the first tile on a narrower page of three columns.
    first_thirds: usize,
    curves: Vec<Figure>,
    numbers: Numbers,
    thresholds: Option<Thresholds>,
    calibration: Vec<Figure>,
    calibration_rows: Vec<[String; 5]>,
    calibration_metrics: Vec<(&'static str, String)>,
    groups: Option<GroupTable>,
    gradients: Vec<Figure>,
    matrix: Option<Matrix>,
    pairs: Vec<Pair>,
    pairs_heading: String,
    errors: Vec<ConfusedExamples>,
    predictions: Option<PredictionList>,
    attention: Vec<(String, ExampleView)>,
    classes: Vec<Class>,
    undefined: bool,
    macro_f1: String,
    /// Unit of the counts: "examples", "frames".
    unit: &'static str,
}

/// A tile with a key number.
struct Tile {
    label: String,
    value: String,
    detail: String,
}

/// Learning curves as a table.
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

/// A pair of confused classes.
struct Pair {
    label: String,
    prediction: String,
    count: String,
    fraction: String,
    /// Id of its examples on the page.
    examples: Option<String>,
}

/// Scores of a class.
struct Class {
    label: String,
    support: String,
    scores: [String; 3],
}

/// Renders the page.
pub(super) fn render(report: &Report) -> Result<String, ReportError> {
    let evaluation = &report.evaluation;
    let (pairs_heading, pairs) = pairs(report);
    let tiles = tiles(report);
    let (tile_columns, first_columns) = columns(tiles.len());
    let first_thirds = thirds(tiles.len());
    let groups = report.groups.as_ref().filter(|groups| !groups.groups.is_empty());
    let calibration = report.calibration.as_ref();
    let page = Page {
        shell: Shell::new(&report.title, &report.summary, &report.notes, &report.created_at),
        report,
        tiles,
        tile_columns,
        first_columns,
        first_thirds,
        curves: curves::figures(report),
        numbers: numbers(report),
        thresholds: report.detectors.as_ref().map(|detectors| Thresholds::with_points(detectors, evaluation)),
        calibration: calibration.and_then(calibration::of_run).map(FigureSpec::figure).into_iter().collect(),
        calibration_rows: calibration.map(calibration::rows).unwrap_or_default(),
        calibration_metrics: calibration.map(calibration::metrics).unwrap_or_default(),
        groups: groups.map(|groups| GroupTable {
            kind: groups.kind.clone(),
            rows: groups.rows(evaluation.recordings.is_some()),
        }),
        gradients: match &report.gradients[..] {
            [] => Vec::new(),
            lines => vec![gradients::figure(lines)?.figure()],
        },
        matrix: Matrix::of(&evaluation.confusion, false),
        pairs,
        pairs_heading,
        errors: examples::confused_examples(report)?,
        predictions: predictions::list(report)?,
        attention: examples::attention(report)?,
        classes: classes(evaluation),
        undefined: evaluation
            .per_class
            .iter()
            .any(|class| class.precision.is_none() || class.recall.is_none()),
        macro_f1: score(Some(evaluation.macro_f1)),
        unit: evaluation.unit(),
    };
    render_page(&page)
}

/// Returns the number of columns of a wide page and the width of the first tile, so that the tiles fill one row or two.
fn columns(tiles: usize) -> (usize, usize) {
    match tiles + 1 {
        units @ ..=8 => (units, 2),
        units => (units.div_ceil(2), 2 + units % 2),
    }
}

/// Returns the width of the first tile in three columns, so that all rows are full.
fn thirds(tiles: usize) -> usize {
    3 - (tiles - 1) % 3
}

fn tiles(report: &Report) -> Vec<Tile> {
    let Evaluation { accuracy, correct, total, interval, .. } = &report.evaluation;
    let tile = |label: &str, value: String, detail: String| Tile { label: label.to_string(), value, detail };
    let range = format!("{} to {}", percent_value(interval.low, *total), percent(interval.high, *total));
    let last = report.curves.iter().map(|point| point.step).max();
    let over = match report.evaluation.recordings {
        Some(recordings) => format!(" frames; CI over {}", pluralize(recordings, "recording")),
        None => String::new(),
    };
    let mut tiles = vec![tile(
        &format!("Accuracy on {}", report.subset),
        percent(*accuracy, *total),
        format!("95 % CI {range}, {} of {}{over}", count(*correct), count(*total)),
    )];
    let detection = report.evaluation.detection.as_ref();
    let estimates = detection
        .map(|of| [(format!("F1 of {}", quoted(&of.label)), of.f1), ("ROC AUC".to_string(), of.auc)]);
    for (name, estimate) in estimates.into_iter().flatten() {
        if let Some(Estimate { value, interval: ConfidenceInterval { low, high } }) = estimate {
            tiles.push(tile(&name, format!("{value:.3}"), format!("{low:.3} to {high:.3}")));
        }
    }
    if let Some(equal) = detection.and_then(|detection| detection.equal_error_rate) {
        tiles.push(tile(
            "Equal error rate",
            percent(equal, *total),
            "miss rate = false positive rate".to_string(),
        ));
    }
    tiles.extend([
        tile("Parameters", count(report.parameters), "trainable".to_string()),
        tile(
            "Training time",
            duration(report.training_seconds),
            last.map(|last| pluralize(last, "step")).unwrap_or_default(),
        ),
    ]);
    if let Some(latency) = report.latency_ms {
        tiles.push(tile("Latency", milliseconds(latency), "per utterance".to_string()));
    }
    let best = report.curves.iter().find(|point| point.step == report.best_step);
    let validation = best.and_then(|point| point.validation_accuracy).filter(|fraction| fraction.is_finite());
    tiles.push(tile(
        "Best step",
        count(report.best_step),
        validation.map(|fraction| format!("{:.1} % on validation", 100.0 * fraction)).unwrap_or_default(),
    ));
    tiles
}

/// Returns the table of learning curves: the points with a validation, or all points if there are none.
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
            optional(point.validation_accuracy, &|fraction| format!("{:.2}", 100.0 * fraction)),
        ];
        let values = [point.learning_rate, point.gradient_norm];
        let present = values.iter().zip(extra).filter(|(_, (_, present))| *present);
        row.extend(present.map(|(value, _)| optional(*value, &small)));
        row
    };
    let rows: Vec<_> = kept.map(|(_, point)| row(point)).collect();
    let mut heads =
        vec!["step", "epoch", "time (s)", "training loss", "validation loss", "validation accuracy (%)"];
    heads.extend(extra.iter().filter(|(_, present)| *present).map(|(head, _)| *head));
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
            label: name(pair.label),
            prediction: name(pair.prediction),
            count: count(pair.count),
            fraction: percent(pair.fraction, confusion.support(pair.label)),
            examples: examples::anchor_of(report, &pair),
        })
        .collect();
    let all = confusion.confused_pair_count();
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
