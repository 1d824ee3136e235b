//! Results as JSON: numbers without a numeral are kept as words, and only undefined values are `null`.

use proptest::collection::vec;
use proptest::num::f32::{ANY, INFINITE, POSITIVE, ZERO};
use proptest::prelude::*;
use serde_json::{Value, json};
use stapes_metrics::{Evaluation, KeywordCounts, RecordingFrames, Roc, mean_with_interval};

/// Collects the names of fields that are `null`.
fn nulls(name: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(name.into()),
        Value::Array(items) => items.iter().for_each(|item| nulls(name, item, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| nulls(name, value, found)),
        _ => {}
    }
}

fn check_nulls(evaluation: &Evaluation) {
    let mut found = Vec::new();
    nulls("", &serde_json::to_value(evaluation).unwrap(), &mut found);
    let detection = evaluation.detection.as_ref();
    let missing = |name: &str| {
        let of_classes = evaluation.per_class.iter().map(|class| match name {
            "precision" => class.precision,
            "recall" => class.recall,
            _ => class.f1,
        });
        let of_detection = detection.is_some_and(|of| match name {
            "f1" => of.f1.is_none(),
            "auc" => of.auc.is_none(),
            "equal_error_rate" => of.equal_error_rate.is_none(),
            "true_positive_rate_at_5_percent" => of.true_positive_rate_at_5_percent.is_none(),
            "true_positive_rate_at_1_percent" => of.true_positive_rate_at_1_percent.is_none(),
            _ => false,
        });
        let of_classes = match name {
            "precision" | "recall" | "f1" => of_classes.filter(Option::is_none).count(),
            _ => 0,
        };
        of_classes + usize::from(of_detection)
    };
    let names = ["precision", "recall", "f1", "auc", "equal_error_rate"]
        .into_iter()
        .chain(["true_positive_rate_at_5_percent", "true_positive_rate_at_1_percent"]);
    let expected: usize = names.map(missing).sum();
    assert_eq!(found.len(), expected, "{found:?} {evaluation:?}");
}

proptest! {
    #[test]
    fn only_undefined_scores_are_null_in_an_evaluation(
        examples in vec((0usize..4, 0usize..4), 1..12),
        recordings in vec(vec((0usize..2, 0usize..2, POSITIVE | ZERO | INFINITE), 0..4), 0..4),
    ) {
        // Some classes have no examples, and some are never predicted.
        let names: Vec<String> = ["", "a", "\"b\"", "\u{1b}"].map(String::from).to_vec();
        let (labels, predictions): (Vec<usize>, Vec<usize>) = examples.into_iter().unzip();
        check_nulls(&Evaluation::new(&names, &labels, &predictions).unwrap());
        let frames = recordings.iter().map(|frames| RecordingFrames {
            labels: frames.iter().map(|(label, ..)| *label).collect(),
            predictions: frames.iter().map(|(_, prediction, _)| *prediction).collect(),
            scores: frames.iter().map(|(.., score)| *score).collect(),
        });
        match Evaluation::from_frames(&names[..2], &frames.collect::<Vec<_>>()) {
            Ok(evaluation) => check_nulls(&evaluation),
            Err(_) => prop_assert!(recordings.iter().all(Vec::is_empty)),
        }
    }

    #[test]
    fn a_threshold_keeps_its_bits_in_json(
        examples in vec((ANY.prop_filter("a score is not NaN", |score| !score.is_nan()), any::<bool>()), 2..12),
        rate in 0.0f64..=1.0,
    ) {
        let (scores, positive): (Vec<f32>, Vec<bool>) = examples.into_iter().unzip();
        let Ok(roc) = Roc::new(&scores, &positive) else { return Ok(()) };
        let chosen =
            [roc.at_equal_error_rate(), roc.at_false_positive_rate(rate).unwrap(), roc.at_miss_rate(rate).unwrap()];
        let thresholds = chosen.map(|point| (point.threshold, serde_json::to_value(point).unwrap()));
        let corners = roc.points().into_iter().map(|point| (point.threshold, serde_json::to_value(point).unwrap()));
        for (threshold, value) in thresholds.into_iter().chain(corners) {
            let value = &value["threshold"];
            // Python's float and JavaScript's Number read it alike; so does Rust.
            let read = value.as_f64().unwrap_or_else(|| value.as_str().unwrap().to_lowercase().parse().unwrap());
            prop_assert_eq!((read as f32).to_bits(), threshold.to_bits(), "{}", value);
        }
    }
}

#[test]
fn an_infinite_interval_and_an_infinite_threshold_are_kept() {
    let one = serde_json::to_value(mean_with_interval(&[0.5])).unwrap();
    assert_eq!(one, json!({ "value": 0.5, "interval": { "low": "-Infinity", "high": "Infinity" } }));
    let point = serde_json::to_value(KeywordCounts::default().operating_point(f32::INFINITY)).unwrap();
    assert_eq!(point, json!({ "threshold": "Infinity", "miss_rate": null, "false_accepts_per_hour": 0.0 }));
}
