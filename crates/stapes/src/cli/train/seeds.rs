//! `stapes train --seeds`: one recipe with several seeds, and their median.

use serde_json::{Value, json};
use stapes::Finished;
use stapes::eval::comparison::median;
use stapes::eval::visible;

use super::super::console::{Console, duration, percent, share};
use super::several::{Several, diverged};

/// The name of the folder of a seed.
pub(super) fn folder_name(seed: u64) -> String {
    format!("seed-{seed}")
}

/// The runs of the seeds 1, 2, ... in one table. What counts is trained to its end.
pub(super) fn print_seeds(console: &Console, place: &str, several: &Several<Finished>) {
    console.say("\nseed  validation     test  training");
    for (seed, (_, run)) in (1..).zip(&several.runs) {
        console.say(&format!(
            "{seed:>4}  {:>10}  {:>7}  {}{}",
            share(run.record.validation_accuracy),
            percent(run.evaluation.accuracy),
            duration(run.record.seconds),
            several.mark(run).to_string() + diverged(run),
        ));
    }
    let complete = several.complete();
    let mut accuracies: Vec<f64> = complete.iter().map(|run| run.evaluation.accuracy).collect();
    accuracies.sort_by(f64::total_cmp);
    let longest = complete.iter().map(|run| run.record.seconds).fold(0.0, f64::max);
    let mut summary = json!({
        "runs": (1..).zip(&several.runs).map(|(seed, (_, run))| line(seed, run)).collect::<Vec<_>>(),
        "asked": several.asked, "done": complete.len(), "stopped": several.stopped(),
        "longest_seconds": longest,
    });
    if let Some(text) = several.shortfall() {
        console.say(&text);
    }
    if let (Some(&lowest), Some(&highest), Some(median)) =
        (accuracies.first(), accuracies.last(), median(&accuracies))
    {
        let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
        console.say(&format!(
            "test accuracy: median {}, mean {}, {} to {}; longest training {}",
            percent(median),
            percent(mean),
            percent(lowest),
            percent(highest),
            duration(longest)
        ));
        for (key, value) in [("median", median), ("mean", mean), ("lowest", lowest), ("highest", highest)] {
            summary[key] = value.into();
        }
    }
    console.say(&format!("runs in {}", visible(place)));
    console.emit(&summary);
}

fn line(seed: u64, Finished { record, .. }: &Finished) -> Value {
    json!({
        "seed": seed, "validation_accuracy": record.validation_accuracy,
        "test_accuracy": record.test_accuracy, "seconds": record.seconds, "stopped": record.stopped,
        "diverged_loss": record.diverged_loss,
    })
}
