//! The reliability of probabilities.

use super::chart::{Chart, SQUARE_HEIGHT, Series};
use super::figure::{Sketch, Words};
use super::ink::Ink;
use super::scale::Axis;
use crate::Calibration;
use crate::numbers::{count, percent};

/// Accuracy over confidence of models by name, with the line of those that agree; None where there is nothing to draw.
pub(super) fn sketch(models: &[(&str, &Calibration)]) -> Option<Sketch> {
    let series = |(number, (name, calibration)): (usize, &(&str, &Calibration))| Series {
        name: name.to_string(),
        ink: Ink::Line(number),
        points: calibration.bins.iter().map(|bin| (100.0 * bin.confidence, 100.0 * bin.accuracy)).collect(),
    };
    let series: Vec<Series> =
        models.iter().enumerate().map(series).filter(|line| !line.points.is_empty()).collect();
    if series.is_empty() {
        return None;
    }
    let [x, y] = ["confidence (%)", "accuracy (%)"].map(|label| Axis::linear(label, 0.0..100.0));
    let chart = Chart {
        series,
        reference: vec![(0.0, 0.0), (100.0, 100.0)],
        ..Chart::empty("calibration", SQUARE_HEIGHT, x, y)
    };
    let off = |(name, calibration): &(&str, &Calibration)| {
        format!("{name} by {:.1}", 100.0 * calibration.expected_calibration_error)
    };
    let off: Vec<String> = models.iter().map(off).collect();
    let words = Words {
        id: "reliability".into(),
        title: "Accuracy over confidence".into(),
        description: format!(
            "How many percentage points confidence is off from accuracy in the mean over examples: {}.",
            off.join("; ")
        ),
        caption: "On the dashed line a model is right as often as it says; below it, it is too sure.".into(),
        x_name: "confidence".into(),
        nearest: true,
    };
    Some(Sketch { chart, words, letters: Vec::new() })
}

/// The bins as rows: confidence from, to, examples, mean confidence, accuracy.
pub(super) fn rows(calibration: &Calibration) -> Vec<[String; 5]> {
    let row = |bin: &crate::ReliabilityBin| {
        [
            format!("{:.1}", 100.0 * bin.low),
            format!("{:.1}", 100.0 * bin.high),
            count(bin.count),
            format!("{:.1} %", 100.0 * bin.confidence),
            percent(bin.accuracy, bin.count),
        ]
    };
    calibration.bins.iter().map(row).collect()
}

/// The figures: names and values.
pub(super) fn figures(calibration: &Calibration) -> Vec<(&'static str, String)> {
    vec![
        ("expected calibration error", format!("{:.4}", calibration.expected_calibration_error)),
        ("Brier score", format!("{:.4}", calibration.brier_score)),
        ("negative log likelihood", format!("{:.4} nats", calibration.negative_log_likelihood)),
    ]
}
