//! The reliability of probabilities.

use super::chart::{Chart, SQUARE_HEIGHT, Series};
use super::figure::{Figure, Words};
use super::ink::Ink;
use super::scale::Axis;
use crate::numbers::{count, percent};
use crate::{Calibration, EvalError};

/// Accuracy over confidence, with the line of those that agree.
pub(super) fn figure(calibration: &Calibration) -> Result<Option<Figure>, EvalError> {
    if calibration.bins.is_empty() {
        return Ok(None);
    }
    let points = calibration.bins.iter().map(|bin| (100.0 * bin.confidence, 100.0 * bin.accuracy)).collect();
    let [x, y] = ["confidence (%)", "accuracy (%)"].map(|label| Axis::linear(label, 0.0..100.0));
    let chart = Chart {
        series: vec![Series { name: "accuracy".into(), ink: Ink::FIRST, points }],
        reference: vec![(0.0, 0.0), (100.0, 100.0)],
        ..Chart::empty("calibration", SQUARE_HEIGHT, x, y)
    };
    Figure::of(
        &chart,
        Words {
            id: "reliability".into(),
            title: "Accuracy over confidence".into(),
            description: format!(
                "Confidence is off from accuracy by {:.1} percentage points in the mean over examples.",
                100.0 * calibration.expected_calibration_error
            ),
            caption: "On the dashed line a model is right as often as it says; below it, it is too sure."
                .into(),
            x_name: "confidence".into(),
            nearest: true,
        },
    )
    .map(Some)
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
