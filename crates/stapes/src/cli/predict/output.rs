//! Results of `stapes predict` as text and JSON lines.

use anyhow::Result;
use serde_json::{Value, json};
use stapes::infer::{FrameLevelRow, Input, Model, TopLabels, frame_segments};
use stapes::report::visible;
use stapes::{FileProbabilities, WindowProbabilities};

use super::super::console::Console;

/// Labels of a model, and which of them are printed.
pub(super) struct Labels<'a> {
    pub(super) model: &'a Model,
    pub(super) shown: TopLabels,
}

impl Labels<'_> {
    fn best(&self, probabilities: &[f32]) -> Vec<(&str, f32)> {
        self.shown.best(self.model, probabilities)
    }

    fn json(&self, line: Value, probabilities: &[f32]) -> Value {
        self.shown.row(self.model, line, probabilities)
    }
}

/// Prints the labels of a file, one line `label probability file` each.
pub(super) fn print_label(labels: &Labels<'_>, name: &str, probabilities: &[f32], console: &Console) {
    for (label, probability) in labels.best(probabilities) {
        console.print(&format!("{}\t{probability:.4}\t{}", visible(label), visible(name)));
    }
    console.json_with(|| labels.json(json!({ "file": name }), probabilities));
}

/// Prints the labels of the windows of a file, one line `start end label probability file` each.
pub(super) fn print_windows(
    labels: &Labels<'_>,
    name: &str,
    windows: &[WindowProbabilities],
    console: &Console,
) {
    for WindowProbabilities { start_seconds, end_seconds, probabilities, .. } in windows {
        for (label, probability) in labels.best(probabilities) {
            let (label, name) = (visible(label), visible(name));
            console
                .print(&format!("{start_seconds:.3}\t{end_seconds:.3}\t{label}\t{probability:.4}\t{name}"));
        }
    }
    let window = |window: &WindowProbabilities| {
        let times = json!({ "start": window.start_seconds, "end": window.end_seconds });
        labels.json(times, &window.probabilities)
    };
    console.json_with(|| json!({ "file": name, "windows": windows.iter().map(window).collect::<Vec<_>>() }));
}

/// Prints the segments of a file, one line `start end label file` each, times in seconds, except those of the first class,
/// the background. The JSON line has all segments and the probabilities of every frame.
pub(super) fn print_frame_level(
    model: &Model,
    name: &str,
    found: &FileProbabilities,
    console: &Console,
) -> Result<()> {
    let Input::Recordings(features) = &model.input else { return Ok(()) };
    let times = features.frame_times()?;
    let FileProbabilities { probabilities, seconds, .. } = found;
    let segments = frame_segments(probabilities, model.labels.len(), &times, *seconds);
    let mut found = false;
    for segment in segments.iter().filter(|segment| segment.class != 0) {
        found = true;
        let (label, name) = (visible(&model.labels[segment.class]), visible(name));
        console.print(&format!("{:.3}\t{:.3}\t{label}\t{name}", segment.start_seconds, segment.end_seconds));
    }
    if !found {
        console.eprint(&format!("{}: only {}", visible(name), visible(&model.labels[0])));
    }
    console.json_with(|| FrameLevelRow::new(name, *seconds, &model.labels, &times, probabilities));
    Ok(())
}
