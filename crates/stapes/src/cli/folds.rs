//! `stapes train --folds`: one model per fold of the recipe's split, and their joint results.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use stapes::metrics::{Estimate, Evaluation, mean_with_interval};
use stapes::report::{terminal, visible};
use stapes::{Error, Recipe, RunResult};
use stapes_files::number::InJson;

use super::console::{Console, duration, percent, percent_or_dash, visible_path};
use super::run_options::RunOptions;
use super::train::series::{RunSeries, diverged, train_series};

/// File with the summary that `--json` prints last, in the folder of the folds.
const SUMMARY: &str = "folds.json";

/// Trains and tests every fold in its own subfolder of `out`, and returns the exit code.
pub(super) fn train_folds(recipe: &Recipe, options: &RunOptions<'_>, out: &Path) -> Result<u8> {
    let recipes = recipe.folds(options.data.as_deref())?;
    let folds = train_series(recipes, options, out)?;
    let summary = print(&folds, out, options.console)?;
    options.console.json(&summary);
    let path = out.join(SUMMARY);
    let text = serde_json::to_string_pretty(&summary)? + "\n";
    stapes_files::write_atomic(&path, text.as_bytes()).map_err(|source| Error::File {
        path,
        action: "write the results of the folds",
        source,
    })?;
    Ok(folds.exit_code())
}

/// Metric of an evaluation; `None` if the evaluation lacks it.
type Metric = fn(&Evaluation) -> Option<f64>;

const METRICS: [(&str, Metric); 3] = [
    ("accuracy", |evaluation| Some(evaluation.accuracy)),
    ("f1", |evaluation| Some(evaluation.detection.as_ref()?.f1?.value)),
    ("auc", |evaluation| Some(evaluation.detection.as_ref()?.auc?.value)),
];

/// Prints the results of the folds and returns them as JSON. Means and pooled results are over complete folds.
fn print(folds: &RunSeries<RunResult>, out: &Path, console: &Console) -> Result<Value> {
    console.print(&format!("\n{}", table(folds)));
    let complete = folds.complete();
    if let Some(text) = folds.stop_message() {
        console.print(&text);
    }
    let mut means = serde_json::Map::new();
    for (name, metric) in METRICS {
        let values: Vec<Option<f64>> = complete.iter().map(|fold| metric(&fold.evaluation)).collect();
        if let Some((text, json)) = mean(name, &values) {
            console.print(&format!("mean {name:<9} {text}"));
            means.insert(name.to_string(), json);
        }
    }
    let pooled = pooled(&complete)?;
    if let Some(pooled) = &pooled {
        console.print(&format!("all tests      {}", terminal::summary(pooled)));
        if let Some(detection) = terminal::detection(pooled) {
            console.print(&format!("{:<14} {detection}", ""));
        }
    }
    console.print(&format!("runs           {}", visible_path(out)));
    Ok(json!({
        "folds": folds.runs.iter().map(line).collect::<Vec<_>>(), "requested": folds.requested, "complete": complete.len(),
        "stopped": folds.stopped(), "mean": means, "pooled": pooled,
    }))
}

/// Evaluates the test predictions of all folds together: every example once, predicted by a model that was not trained on
/// it. Returns `None` without folds.
fn pooled(folds: &[&RunResult]) -> Result<Option<Evaluation>> {
    let Some((first, others)) = folds.split_first() else { return Ok(None) };
    let mut all = first.predictions.clone();
    others.iter().for_each(|fold| all.append(fold.predictions.clone()));
    Ok(Some(all.evaluation()?))
}

fn line((name, fold): &(String, RunResult)) -> Value {
    json!({
        "fold": name, "run": fold.folder.display().to_string(), "accuracy": fold.evaluation.accuracy,
        "interval": fold.evaluation.interval, "detection": fold.evaluation.detection,
        "validation_accuracy": InJson(fold.record.validation_accuracy), "seconds": InJson(fold.record.seconds),
        "stopped": fold.record.stopped, "diverged_loss": InJson(fold.record.diverged_loss),
    })
}

fn table(series: &RunSeries<RunResult>) -> String {
    let folds: Vec<_> = series.runs.iter().map(|(name, fold)| (visible(name), fold)).collect();
    let width = folds.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(4);
    let detects = folds.iter().any(|(_, fold)| fold.evaluation.detection.is_some());
    let head = if detects { "      F1     AUC" } else { "" };
    let mut text = format!("{:<width$}  validation     test  95 % CI          {head}  training", "fold");
    for (name, fold) in &folds {
        let Evaluation { accuracy, interval, .. } = &fold.evaluation;
        let format = |metric: Metric| match metric(&fold.evaluation) {
            Some(value) => format!("  {value:.4}"),
            None => "       –".to_string(),
        };
        let detection: String =
            METRICS[1..].iter().filter(|_| detects).map(|(_, metric)| format(*metric)).collect();
        text += &format!(
            "\n{name:<width$}  {:>10}  {:>7}  {:>5.1} to {:>5.1} %{detection}  {}{}",
            percent_or_dash(fold.record.validation_accuracy),
            percent(*accuracy),
            100.0 * interval.low,
            100.0 * interval.high,
            duration(fold.record.seconds),
            series.status(fold).to_string() + diverged(fold),
        );
    }
    text
}

/// Returns the mean of a metric over folds as text and JSON, with a confidence interval if there are several folds. If some
/// folds lack the metric, the text says so and the JSON is null; if all do, returns `None`.
fn mean(name: &str, values: &[Option<f64>]) -> Option<(String, Value)> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    if known.is_empty() {
        return None;
    }
    let (count, all) = (known.len(), values.len());
    if count < all {
        return Some((format!("not computed; {count} of {all} folds have it"), Value::Null));
    }
    let format = |value| if name == "accuracy" { percent(value) } else { format!("{value:.4}") };
    let Estimate { value, interval } = mean_with_interval(&known);
    if count == 1 {
        return Some((format!("{} over 1 fold", format(value)), json!({ "value": InJson(value) })));
    }
    // The metrics are between 0 and 1; intervals by Student's t are not limited to that.
    let (low, high) = (interval.low.max(0.0), interval.high.min(1.0));
    let (from, to) = (format(low), format(high));
    let text = format!("{} over {count} folds (95 % CI by Student's t {from} to {to})", format(value));
    Some((text, json!({ "value": InJson(value), "interval": { "low": InJson(low), "high": InJson(high) } })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_of_a_mean_is_limited_to_0_and_1() {
        let (text, json) = mean("accuracy", &[Some(0.9), Some(1.0)]).unwrap();
        assert_eq!(json["interval"]["high"], 1.0);
        assert!(text.starts_with("95.0 % over 2 folds") && text.contains("to 100.0 %"), "{text}");
        let (_, json) = mean("f1", &[Some(0.1), Some(0.0)]).unwrap();
        assert_eq!(json["interval"]["low"], 0.0);
    }

    #[test]
    fn mean_is_not_computed_if_a_fold_lacks_the_metric() {
        let (text, json) = mean("auc", &[Some(0.9), None, Some(0.8)]).unwrap();
        assert_eq!((text.as_str(), json), ("not computed; 2 of 3 folds have it", Value::Null));
        assert!(mean("auc", &[None, None]).is_none());
    }

    #[test]
    fn one_fold_has_no_interval() {
        let (text, json) = mean("accuracy", &[Some(0.9)]).unwrap();
        assert_eq!((text.as_str(), json), ("90.0 % over 1 fold", json!({ "value": 0.9 })));
    }
}
