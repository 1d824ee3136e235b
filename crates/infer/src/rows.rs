//! Results as JSON: the rows that `stapes predict --json` prints and the server returns.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use stapes_features::FrameTimes;
use stapes_nn::loss::argmax;

use crate::model::Model;
use crate::prediction::frame_segments;

/// Label of a recording for which no label of the model is probable enough.
pub const UNKNOWN: &str = "unknown";

/// Choice of the labels in a row: the most probable ones, at most `top`, and [`UNKNOWN`] in place of those below a threshold.
///
/// # Example
/// ```
/// # use stapes_infer::{Model, TopLabels};
/// # let features = stapes_features::preset("kaldi-mfcc-39")?;
/// # let config: stapes_nn::ModelConfig = serde_json::from_str(r#"{"recurrent": {"cell": "gru", "hidden_size": 8}}"#)?;
/// # let model = Model::untrained(features, config, vec!["no".into(), "yes".into()], 1)?;
/// let labels = TopLabels { top: 2, threshold: Some(0.5) };
/// assert_eq!(labels.best(&model, &[0.25, 0.75]), [("yes", 0.75)]);
/// assert_eq!(TopLabels { threshold: Some(0.9), ..labels }.best(&model, &[0.25, 0.75]), [("unknown", 0.75)]);
/// let row = labels.row(&model, serde_json::json!({ "file": "a.wav" }), &[0.25, 0.75]);
/// assert_eq!((&row["label"], &row["probabilities"]["no"]), (&"yes".into(), &0.25.into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopLabels {
    /// Maximum number of labels.
    pub top: usize,
    /// Probability below which the label is [`UNKNOWN`].
    pub threshold: Option<f32>,
}

impl TopLabels {
    /// Returns the most probable labels with their probabilities, in this order. The first [`UNKNOWN`] label ends the list, and is in it
    /// only if there is not another one.
    ///
    /// # Shapes
    /// probabilities \[K\]
    pub fn best<'m>(&self, model: &'m Model, probabilities: &[f32]) -> Vec<(&'m str, f32)> {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        // Stable: of equal probabilities the first class is the best, as in training.
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let label = |class: usize| {
            let probability = probabilities[class];
            let is_known = self.threshold.is_none_or(|threshold| probability >= threshold);
            (if is_known { &*model.labels[class] } else { UNKNOWN }, probability)
        };
        let mut best: Vec<_> = order.into_iter().take(self.top).map(label).collect();
        if let Some(at) = best.iter().position(|(label, _)| *label == UNKNOWN) {
            best.truncate(at.max(1));
        }
        best
    }

    /// Adds `label`, `probability`, `probabilities` and, for more than one label, `top` to a JSON object.
    ///
    /// # Shapes
    /// probabilities \[K\]
    pub fn row(&self, model: &Model, line: Value, probabilities: &[f32]) -> Value {
        let mut line = prediction_row(model, line, probabilities);
        let best = self.best(model, probabilities);
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

/// Adds the most probable label, its probability and those of all labels to a JSON object.
///
/// # Shapes
/// probabilities \[K\]
pub fn prediction_row(model: &Model, mut line: Value, probabilities: &[f32]) -> Value {
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

/// Row of a recording and a frame-level model: its segments, and the probabilities of every frame. It is written without a copy of
/// the probabilities, which may be those of hours.
#[derive(Serialize)]
pub struct FrameLevelRow<'a> {
    file: &'a str,
    seconds: f64,
    segments: Vec<SegmentRow<'a>>,
    first_frame_seconds: f64,
    hop_seconds: f64,
    frames: usize,
    probabilities: FrameProbabilities<'a>,
}

/// Segment of a recording in a row, s.
#[derive(Serialize)]
struct SegmentRow<'a> {
    start: f64,
    end: f64,
    label: &'a str,
}

impl<'a> FrameLevelRow<'a> {
    /// Creates the row of a recording of `seconds`, named `file`; `labels` are those of the model, and `times` those of its frames.
    ///
    /// # Shapes
    /// probabilities [T, K]
    ///
    /// # Panics
    /// If there are no labels.
    pub fn new(
        file: &'a str,
        seconds: f64,
        labels: &'a [String],
        times: &FrameTimes,
        probabilities: &'a [f32],
    ) -> FrameLevelRow<'a> {
        let segments = frame_segments(probabilities, labels.len(), times, seconds).into_iter();
        let row = |segment: stapes_features::Segment| SegmentRow {
            start: segment.start_seconds,
            end: segment.end_seconds,
            label: &labels[segment.class],
        };
        FrameLevelRow {
            file,
            seconds,
            segments: segments.map(row).collect(),
            first_frame_seconds: times.center_seconds(0),
            hop_seconds: times.hop_seconds(),
            frames: probabilities.len() / labels.len(),
            probabilities: FrameProbabilities { labels, probabilities },
        }
    }
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
            map.serialize_entry(
                label,
                &ClassProbabilities { probabilities: self.probabilities, classes, class },
            )?;
        }
        map.end()
    }
}

/// Probabilities of one class.
struct ClassProbabilities<'a> {
    probabilities: &'a [f32],
    classes: usize,
    class: usize,
}

impl Serialize for ClassProbabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.probabilities.iter().skip(self.class).step_by(self.classes))
    }
}
