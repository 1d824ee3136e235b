//! The reliability of probabilities.

use crate::chart::axis::Axis;
use crate::chart::figure::{Numbered, Sketch, Words};
use crate::chart::series_style::Ink;
use crate::chart::{Chart, SQUARE_HEIGHT, Series};
use crate::numbers::{count, percent};
use stapes_metrics::Calibration;

/// Accuracy over confidence of one model; None where there is nothing to draw.
pub(super) fn of_run(calibration: &Calibration) -> Option<Sketch> {
    let off = points_off(calibration);
    let description =
        format!("Confidence is off from accuracy by {off} percentage points in the mean over examples.");
    sketch(&[Numbered { number: 0, name: "accuracy", of: calibration }], description)
}

/// The same of models side by side.
pub(super) fn of_models(models: &[Numbered<'_, Calibration>]) -> Option<Sketch> {
    let off = |model: &Numbered<'_, Calibration>| format!("{} by {}", model.name, points_off(model.of));
    let off: Vec<String> = models.iter().map(off).collect();
    let description = format!(
        "How many percentage points confidence is off from accuracy in the mean over examples: {}.",
        off.join("; ")
    );
    sketch(models, description)
}

fn points_off(calibration: &Calibration) -> String {
    format!("{:.1}", 100.0 * calibration.expected_calibration_error)
}

/// With the line on which a model is right as often as it says.
fn sketch(models: &[Numbered<'_, Calibration>], description: String) -> Option<Sketch> {
    let series = |model: &Numbered<'_, Calibration>| Series {
        name: model.name.into(),
        ink: Ink::Line(model.number),
        points: model.of.bins.iter().map(|bin| (100.0 * bin.confidence, 100.0 * bin.accuracy)).collect(),
    };
    let series: Vec<Series> = models.iter().map(series).filter(|line| !line.points.is_empty()).collect();
    if series.is_empty() {
        return None;
    }
    let [x, y] = ["confidence (%)", "accuracy (%)"].map(|label| Axis::linear(label, 0.0..100.0));
    let chart = Chart {
        series,
        reference: vec![(0.0, 0.0), (100.0, 100.0)],
        ..Chart::empty("calibration", SQUARE_HEIGHT, x, y)
    };
    let words = Words {
        id: "reliability".into(),
        title: "Accuracy over confidence".into(),
        description,
        caption: "On the dashed line a model is right as often as it says; below it, it is too sure.".into(),
        x_name: "confidence".into(),
        nearest: true,
    };
    Some(Sketch { chart, words, letters: Vec::new() })
}

/// The bins as rows: confidence from, to, examples, mean confidence, accuracy.
pub(super) fn rows(calibration: &Calibration) -> Vec<[String; 5]> {
    let row = |bin: &stapes_metrics::ReliabilityBin| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_and_models_are_described_by_how_far_off_they_are() {
        // Sure by 0.8 and 0.6, and right once: off by 0.2 and 0.6.
        let calibration = Calibration::of(&[0.8, 0.2, 0.4, 0.6], &[0, 0], 2, 10).unwrap();
        assert_eq!(
            of_run(&calibration).unwrap().words.description,
            "Confidence is off from accuracy by 40.0 percentage points in the mean over examples."
        );
        let models =
            [(1, "gru"), (4, "lstm")].map(|(number, name)| Numbered { number, name, of: &calibration });
        let sketch = of_models(&models).unwrap();
        assert_eq!(
            sketch.words.description,
            "How many percentage points confidence is off from accuracy in the mean over examples: \
             gru by 40.0; lstm by 40.0."
        );
        let inks: Vec<Ink> = sketch.chart.series.iter().map(|line| line.ink).collect();
        assert_eq!(inks, [Ink::Line(1), Ink::Line(4)]);
    }
}
