//! Results of `stapes predict` as text and JSON lines.

use anyhow::Result;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use stapes::infer::{Input, Model, frame_segments};
use stapes::nn::loss::argmax;
use stapes::report::visible;
use stapes::{FileProbabilities, WindowProbabilities};

use super::super::console::Console;

/// Label that is printed if no label is probable enough.
const UNKNOWN: &str = "unknown";

/// Labels of a model, and which of them are printed.
pub(super) struct Labels<'a> {
    pub(super) model: &'a Model,
    /// Number of labels per file.
    pub(super) top: usize,
    /// Probability below which the label is `unknown`.
    pub(super) threshold: Option<f32>,
}

impl Labels<'_> {
    /// Returns the most probable labels with their probabilities, at most `top`.
    fn best(&self, probabilities: &[f32]) -> Vec<(&str, f32)> {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        // Stable: of equal probabilities the first class is the best, as in training.
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let label = |class: usize| {
            let probability = probabilities[class];
            let is_known = self.threshold.is_none_or(|threshold| probability >= threshold);
            (if is_known { &*self.model.labels[class] } else { UNKNOWN }, probability)
        };
        let mut best: Vec<_> = order.into_iter().take(self.top).map(label).collect();
        if let Some(at) = best.iter().position(|(label, _)| *label == UNKNOWN) {
            best.truncate(at.max(1));
        }
        best
    }

    /// Returns the JSON line of a result.
    fn json(&self, line: Value, probabilities: &[f32]) -> Value {
        let mut line = with_prediction(self.model, line, probabilities);
        let best = self.best(probabilities);
        if let Some((label, _)) = best.first() {
            line["label"] = json!(label);
        }
        if self.top > 1 {
            let entry =
                |(label, probability): &(&str, f32)| json!({ "label": label, "probability": probability });
            line["top"] = best.iter().map(entry).collect();
        }
        line
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
    let segments: Vec<Value> = segments
        .iter()
        .map(|segment| {
            let label = &model.labels[segment.class];
            json!({ "start": segment.start_seconds, "end": segment.end_seconds, "label": label })
        })
        .collect();
    let frames = FrameProbabilities { labels: &model.labels, probabilities };
    console.json(&SegmentLine {
        file: name,
        seconds: *seconds,
        segments,
        first_frame_seconds: times.center_seconds(0),
        hop_seconds: times.hop_seconds(),
        frames: probabilities.len() / model.labels.len(),
        probabilities: frames,
    });
    Ok(())
}

/// JSON line of a frame-level model; it is written without a copy of the probabilities, which may be those of hours.
#[derive(serde::Serialize)]
struct SegmentLine<'a> {
    file: &'a str,
    seconds: f64,
    segments: Vec<Value>,
    first_frame_seconds: f64,
    hop_seconds: f64,
    frames: usize,
    probabilities: FrameProbabilities<'a>,
}

/// Probabilities of all frames, [T, K], as a list for each label.
struct FrameProbabilities<'a> {
    labels: &'a [String],
    probabilities: &'a [f32],
}

impl Serialize for FrameProbabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let classes = self.labels.len();
        let mut map = serializer.serialize_map(Some(classes))?;
        for (class, label) in self.labels.iter().enumerate() {
            map.serialize_entry(label, &OfClass { probabilities: self.probabilities, classes, class })?;
        }
        map.end()
    }
}

/// Probabilities of one class.
struct OfClass<'a> {
    probabilities: &'a [f32],
    classes: usize,
    class: usize,
}

impl Serialize for OfClass<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.probabilities.iter().skip(self.class).step_by(self.classes))
    }
}

/// Adds the label, its probability and those of all labels to a JSON line.
pub(crate) fn with_prediction(model: &Model, mut line: Value, probabilities: &[f32]) -> Value {
    let best = argmax(probabilities);
    let all: Map<String, Value> = model
        .labels
        .iter()
        .cloned()
        .zip(probabilities.iter().map(|&probability| json!(probability)))
        .collect();
    line["label"] = json!(model.labels[best]);
    line["probability"] = json!(probabilities[best]);
    line["probabilities"] = Value::Object(all);
    line
}
