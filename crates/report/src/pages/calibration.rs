//! Reliability diagrams.

use crate::chart::axis::Axis;
use crate::chart::figure::{FigureSpec, FigureText, Numbered};
use crate::chart::shapes::Color;
use crate::chart::{Chart, SQUARE_HEIGHT, Series};
use crate::numbers::{count, percent};
use stapes_metrics::Calibration;

/// Returns the reliability diagram of one model; None without bins.
pub(super) fn of_run(calibration: &Calibration) -> Option<FigureSpec> {
    let ece = percentage_points(calibration);
    let description = format!("Expected calibration error: {ece} percentage points.");
    figure_spec(&[Numbered { number: 0, name: "accuracy", of: calibration }], description)
}

/// Returns the reliability diagram of several models.
pub(super) fn of_models(models: &[Numbered<'_, Calibration>]) -> Option<FigureSpec> {
    let ece = |model: &Numbered<'_, Calibration>| format!("{} {}", model.name, percentage_points(model.of));
    let ece: Vec<String> = models.iter().map(ece).collect();
    let description = format!("Expected calibration error in percentage points: {}.", ece.join("; "));
    figure_spec(models, description)
}

fn percentage_points(calibration: &Calibration) -> String {
    format!("{:.1}", 100.0 * calibration.expected_calibration_error)
}

/// Builds the diagram, with the line of perfect calibration.
fn figure_spec(models: &[Numbered<'_, Calibration>], description: String) -> Option<FigureSpec> {
    let series = |model: &Numbered<'_, Calibration>| Series {
        name: model.name.into(),
        color: Color::Series(model.number),
        points: model.of.bins.iter().map(|bin| (100.0 * bin.confidence, 100.0 * bin.accuracy)).collect(),
    };
    let series: Vec<Series> = models.iter().map(series).filter(|line| !line.points.is_empty()).collect();
    if series.is_empty() {
        return None;
    }
    let [x, y] = ["confidence (%)", "accuracy (%)"].map(|label| Axis::linear(label, 0.0..100.0));
    let chart =
        Chart { series, reference: vec![(0.0, 0.0), (100.0, 100.0)], ..Chart::empty(SQUARE_HEIGHT, x, y) };
    let text = FigureText {
        id: "reliability".into(),
        title: "Reliability diagram".into(),
        description,
        caption: "The dashed line is perfect calibration; below it the model is overconfident.".into(),
        x_name: "confidence".into(),
        nearest: true,
    };
    Some(FigureSpec::new(chart, text))
}

/// Returns the bins as rows: confidence from, to, examples, mean confidence, accuracy.
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

/// Returns names and values of the calibration metrics.
pub(super) fn metrics(calibration: &Calibration) -> Vec<(&'static str, String)> {
    vec![
        ("Expected calibration error (ECE)", format!("{:.4}", calibration.expected_calibration_error)),
        ("Brier score", format!("{:.4}", calibration.brier_score)),
        ("Negative log likelihood", format!("{:.4} nats", calibration.negative_log_likelihood)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_models_are_described_by_their_calibration_error() {
        // Confidence 0.8 and 0.6, one correct: off by 0.2 and 0.6.
        let calibration = Calibration::new(&[0.8, 0.2, 0.4, 0.6], &[0, 0], 2, 10).unwrap();
        assert_eq!(
            of_run(&calibration).unwrap().text.description,
            "Expected calibration error: 40.0 percentage points."
        );
        let models =
            [(1, "gru"), (4, "lstm")].map(|(number, name)| Numbered { number, name, of: &calibration });
        let figure_spec = of_models(&models).unwrap();
        assert_eq!(
            figure_spec.text.description,
            "Expected calibration error in percentage points: gru 40.0; lstm 40.0."
        );
        let colors: Vec<Color> = figure_spec.chart.series.iter().map(|line| line.color).collect();
        assert_eq!(colors, [Color::Series(1), Color::Series(4)]);
    }
}
