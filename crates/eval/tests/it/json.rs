//! Results as JSON: nothing is lost where a number has no numeral, and what is not there is `null` and nothing else is.

use crate::pages::report::{WORDS, sample};
use crate::pages::{Size, check_well_formed, comparison};
use proptest::collection::vec;
use proptest::num::f32::{ANY, INFINITE, POSITIVE, ZERO};
use proptest::prelude::*;
use serde_json::{Value, json};
use stapes_eval::comparison::{Column, Shown, Table, Value as Cell};
use stapes_eval::report::{Detectors, Point, render, render_comparison};
use stapes_eval::{Evaluation, KeywordPeaks, OperatingPoint, RecordingFrames, Roc, mean_with_interval};

/// Names of what is `null`.
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
    fn only_what_is_undefined_is_null_in_an_evaluation(
        examples in vec((0usize..4, 0usize..4), 1..12),
        recordings in vec(vec((0usize..2, 0usize..2, POSITIVE | ZERO | INFINITE), 0..4), 0..4),
    ) {
        // Classes without an example, and classes that nothing is taken for.
        let labels: Vec<String> = ["", "a", "\"b\"", "\u{1b}"].map(String::from).to_vec();
        let (truths, predictions): (Vec<usize>, Vec<usize>) = examples.into_iter().unzip();
        check_nulls(&Evaluation::new(&labels, &truths, &predictions).unwrap());
        let frames = recordings.iter().map(|frames| RecordingFrames {
            truths: frames.iter().map(|(truth, ..)| *truth).collect(),
            predictions: frames.iter().map(|(_, prediction, _)| *prediction).collect(),
            scores: frames.iter().map(|(.., score)| *score).collect(),
        });
        match Evaluation::of_frames(&labels[..2], &frames.collect::<Vec<_>>()) {
            Ok(evaluation) => check_nulls(&evaluation),
            Err(_) => prop_assert!(recordings.iter().all(Vec::is_empty)),
        }
    }

    #[test]
    fn a_threshold_is_read_by_machines_as_it_is(
        examples in vec((ANY.prop_filter("a score is not NaN", |score| !score.is_nan()), any::<bool>()), 2..12),
        rate in 0.0f64..=1.0,
    ) {
        let (scores, positive): (Vec<f32>, Vec<bool>) = examples.into_iter().unzip();
        let Ok(roc) = Roc::of(&scores, &positive) else { return Ok(()) };
        let chosen =
            [roc.at_equal_errors(), roc.at_false_positive_rate(rate).unwrap(), roc.at_miss_rate(rate).unwrap()];
        let thresholds = chosen.map(|point| (point.threshold, serde_json::to_value(point).unwrap()));
        let corners = roc.points().into_iter().map(|point| (point.threshold, serde_json::to_value(point).unwrap()));
        for (threshold, said) in thresholds.into_iter().chain(corners) {
            let said = &said["threshold"];
            // As Python's float and JavaScript's Number read it; Rust knows the words too.
            let read = said.as_f64().unwrap_or_else(|| said.as_str().unwrap().to_lowercase().parse().unwrap());
            prop_assert_eq!((read as f32).to_bits(), threshold.to_bits(), "{}", said);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn curves_of_any_numbers_are_drawn(curves in vec(vec(proptest::option::of(ANY), 5), 0..6)) {
        let mut report = sample(&WORDS);
        let point = |(at, values): (usize, &Vec<Option<f32>>)| Point {
            step: at as u64 + 1,
            epoch: 0.5,
            seconds: 1.0,
            train_loss: values[0],
            validation_loss: values[1],
            validation_accuracy: values[2],
            learning_rate: values[3],
            gradient_norm: values[4],
        };
        report.curves = curves.iter().enumerate().map(point).collect();
        check_well_formed(&render(&report).unwrap());
    }
}

#[test]
fn a_threshold_that_no_score_reaches_is_a_word_in_json_and_none_on_a_page() {
    let never = Roc::of(&[0.9, 0.1], &[false, true]).unwrap().at_false_positive_rate(0.5).unwrap();
    let expected = json!({ "threshold": "Infinity", "false_positive_rate": 0.0, "miss_rate": 1.0 });
    assert_eq!(serde_json::to_value(never).unwrap(), expected);
    let mut report = sample(&WORDS);
    let detectors = Detectors::of_class("voice", &[0.1, 0.6, 0.5, 0.9], &[false, true, false, true]).unwrap();
    report.detectors = Some(detectors.with_point("1 % false positives", never));
    let mut compared = comparison(Size { candidates: 2, seeds: 2, classes: 2, points: 3 });
    compared.candidates[1].point = Some(("1 % false positives".into(), never));
    for page in [render(&report).unwrap(), render_comparison(&compared).unwrap()] {
        check_well_formed(&page);
        assert!(page.contains("<td class=\"number\">none</td><td class=\"number\">0.00 %</td>"), "{page}");
        assert!(!page.contains(">inf") && !page.contains("NaN"));
    }
    let point = OperatingPoint { threshold: f32::NEG_INFINITY, ..never };
    assert_eq!(serde_json::to_value(point).unwrap()["threshold"], "-Infinity");
}

#[test]
fn an_interval_without_ends_and_a_rate_without_audio_are_kept() {
    let one = serde_json::to_value(mean_with_interval(&[0.5])).unwrap();
    assert_eq!(one, json!({ "value": 0.5, "interval": { "low": "-Infinity", "high": "Infinity" } }));
    let mut peaks = KeywordPeaks::new(1.0, 0.0).unwrap();
    let frames = stapes_eval::EventRules::new(0.0, 1.0).unwrap();
    let said = stapes_eval::Event { start_seconds: 0.0, end_seconds: 1.0 };
    peaks.add(&frames, &[], &[said]).unwrap();
    let rates = peaks.at_threshold(0.5).unwrap();
    assert_eq!((rates.miss_rate, rates.false_accepts_an_hour), (1.0, 0.0));
}

#[test]
fn a_table_shows_numbers_without_a_numeral_to_people_and_machines() {
    let shown = Shown { scale: 100.0, digits: 1 };
    let column = |key: &str| Column { key: key.into(), title: key.into(), better: None, shown };
    let cells = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Cell::Number).to_vec();
    let spread = [Cell::Spread { median: 0.5, low: f64::NEG_INFINITY, high: f64::NAN }].to_vec();
    let table = Table::new(["a", "b", "c", "d"].map(column).to_vec(), vec![[cells, spread].concat()]);
    let rows = serde_json::to_value(&table).unwrap()["rows"].clone();
    let spread = json!({ "median": 0.5, "low": "-Infinity", "high": "NaN" });
    assert_eq!(rows, json!([["NaN", "Infinity", "-Infinity", spread]]));
    let markdown = table.markdown();
    assert!(markdown.contains("| – | ∞ | -∞ | 50.0 (-∞ to –) |"), "{markdown}");
}
