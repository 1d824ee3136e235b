//! `stapes train --seeds`: one recipe with several seeds and their median.

use serde_json::{Value, json};
use stapes::RunResult;
use stapes::metrics::median;
use stapes::report::visible;
use stapes_files::number::InJson;

use super::super::console::{Console, duration, percent, percent_or_dash};
use super::series::{RunSeries, diverged};

/// Returns the folder name of a seed.
pub(super) fn folder_name(seed: u64) -> String {
    format!("seed-{seed}")
}

/// Prints a table of the runs of the seeds 1, 2, ..., and statistics over complete runs.
pub(super) fn print_seeds(console: &Console, folder: &str, series: &RunSeries<RunResult>) {
    console.print("\nseed  validation     test  training");
    for (seed, (_, run)) in (1..).zip(&series.runs) {
        console.print(&format!(
            "{seed:>4}  {:>10}  {:>7}  {}{}",
            percent_or_dash(run.record.validation_accuracy),
            percent(run.evaluation.accuracy),
            duration(run.record.seconds),
            series.status(run).to_string() + diverged(run),
        ));
    }
    let complete = series.complete();
    let mut accuracies: Vec<f64> = complete.iter().map(|run| run.evaluation.accuracy).collect();
    accuracies.sort_by(f64::total_cmp);
    let longest = complete.iter().map(|run| run.record.seconds).fold(0.0, f64::max);
    let mut summary = json!({
        "runs": (1..).zip(&series.runs).map(|(seed, (_, run))| line(seed, run)).collect::<Vec<_>>(),
        "requested": series.requested, "complete": complete.len(), "stopped": series.stopped(),
        "max_seconds": longest,
    });
    if let Some(text) = series.stop_message() {
        console.print(&text);
    }
    if let (Some(&min), Some(&max), Some(median)) =
        (accuracies.first(), accuracies.last(), median(&accuracies))
    {
        let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
        console.print(&format!(
            "test accuracy: median {}, mean {}, {} to {}; longest training {}",
            percent(median),
            percent(mean),
            percent(min),
            percent(max),
            duration(longest)
        ));
        for (key, value) in [("median", median), ("mean", mean), ("min", min), ("max", max)] {
            summary[key] = json!(InJson(value));
        }
    }
    console.print(&format!("runs in {}", visible(folder)));
    console.json(&summary);
}

fn line(seed: u64, RunResult { record, .. }: &RunResult) -> Value {
    json!({
        "seed": seed, "validation_accuracy": InJson(record.validation_accuracy),
        "test_accuracy": InJson(record.test_accuracy), "seconds": InJson(record.seconds), "stopped": record.stopped,
        "diverged_loss": InJson(record.diverged_loss),
    })
}
