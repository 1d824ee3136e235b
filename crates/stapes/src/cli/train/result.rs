//! The result of a run as `stapes train` prints it.

use serde::Serialize;
use stapes::RunResult;
use stapes::report::visible;
use stapes_files::number;

use super::super::console::{Console, duration, percent, thousands};

/// Last JSON line of a run.
#[derive(Serialize)]
struct Summary<'a> {
    run: &'a str,
    #[serde(with = "number")]
    seconds: f64,
    steps: usize,
    best_step: usize,
    #[serde(with = "number")]
    validation_accuracy: Option<f64>,
    #[serde(with = "number")]
    test_accuracy: Option<f64>,
    #[serde(with = "number")]
    test_macro_f1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", with = "number")]
    test_f1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", with = "number")]
    test_auc: Option<f64>,
    parameters: usize,
    #[serde(with = "number")]
    examples_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none", with = "number")]
    data_wait_fraction: Option<f64>,
    #[serde(with = "number")]
    latency_ms: Option<f64>,
    stopped: bool,
    #[serde(skip_serializing_if = "Option::is_none", with = "number")]
    diverged_loss: Option<f64>,
}

/// Prints the result of a run.
pub(crate) fn print_result(console: &Console, finished: &RunResult) {
    let RunResult { folder, record, evaluation, .. } = finished;
    let folder = &folder.display().to_string();
    let rows = [
        ("warning", record.divergence()),
        ("test", Some(stapes::report::terminal::summary(evaluation))),
        ("", stapes::report::terminal::detection(evaluation)),
        (
            "validation",
            Some(match record.validation_accuracy {
                Some(accuracy) => format!("{} at step {}", percent(accuracy), record.best_step),
                None => "none; the model is that of the last step".into(),
            }),
        ),
        ("parameters", Some(thousands(record.parameters as u64))),
        (
            "training time",
            Some(format!("{} for {} steps", duration(record.seconds), thousands(record.steps as u64))),
        ),
        ("speed", Some(format!("{} examples/s", thousands(record.examples_per_second as u64)))),
        (
            "data wait",
            record.data_wait_fraction.map(|wait| format!("{} of the training time", percent(wait))),
        ),
        ("latency", record.latency_ms.map(|ms| format!("{} per utterance (1 thread)", duration(ms / 1e3)))),
        ("run", Some(visible(folder).into_owned())),
    ];
    let line = |(name, value): (&str, Option<String>)| value.map(|value| format!("{name:<14} {value}"));
    let lines: Vec<String> = rows.into_iter().filter_map(line).collect();
    console.print(&lines.join("\n"));
    console.json(&Summary {
        run: folder,
        seconds: record.seconds,
        steps: record.steps,
        best_step: record.best_step,
        validation_accuracy: record.validation_accuracy,
        test_accuracy: record.test_accuracy,
        test_macro_f1: record.test_macro_f1,
        test_f1: record.test_f1,
        test_auc: record.test_auc,
        parameters: record.parameters,
        examples_per_second: record.examples_per_second,
        data_wait_fraction: record.data_wait_fraction,
        latency_ms: record.latency_ms,
        stopped: record.stopped,
        diverged_loss: record.diverged_loss,
    });
}
