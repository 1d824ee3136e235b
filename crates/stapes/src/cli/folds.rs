//! `stapes train --folds`: one model for each fold of the recipe's split, and what they do together.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use stapes::eval::{Estimate, Evaluation, mean_with_interval, text, visible};
use stapes::{Error, Finished, Recipe};

use super::console::{Console, duration, percent, place, share};
use super::train::Common;
use super::train::several::{Several, diverged, train_several};

/// What `--json` prints last, in the folder of the folds.
const SUMMARY: &str = "folds.json";

/// Trains and tests every fold, each in a folder of its own within `out`, and gives the exit code.
pub(super) fn train_folds(recipe: &Recipe, common: &Common<'_>, out: &Path) -> Result<u8> {
    let recipes = recipe.folds(common.data.as_deref())?;
    let folds = train_several(recipes, common, out)?;
    let summary = print(&folds, out, common.console)?;
    common.console.emit(&summary);
    let path = out.join(SUMMARY);
    let text = serde_json::to_string_pretty(&summary)? + "\n";
    stapes_files::write_atomic(&path, text.as_bytes()).map_err(|source| Error::File {
        path,
        action: "write what the folds came to",
        source,
    })?;
    Ok(folds.exit_code())
}

/// A figure of an evaluation, if it has it.
type Figure = fn(&Evaluation) -> Option<f64>;

const FIGURES: [(&str, Figure); 3] = [
    ("accuracy", |evaluation| Some(evaluation.accuracy)),
    ("f1", |evaluation| Some(evaluation.detection.as_ref()?.f1?.value)),
    ("auc", |evaluation| Some(evaluation.detection.as_ref()?.auc?.value)),
];

/// Prints what the folds came to, and gives it for machines. The mean and all tests are of the folds that were trained
/// to their end.
fn print(folds: &Several<Finished>, out: &Path, console: &Console) -> Result<Value> {
    console.say(&format!("\n{}", table(folds)));
    let complete = folds.complete();
    if let Some(text) = folds.shortfall() {
        console.say(&text);
    }
    let mut means = serde_json::Map::new();
    for (name, figure) in FIGURES {
        let figures: Vec<Option<f64>> = complete.iter().map(|fold| figure(&fold.evaluation)).collect();
        if let Some((text, json)) = mean(name, &figures) {
            console.say(&format!("mean {name:<9} {text}"));
            means.insert(name.to_string(), json);
        }
    }
    let pooled = pooled(&complete)?;
    if let Some(pooled) = &pooled {
        console.say(&format!("all tests      {}", text::summary(pooled)));
        if let Some(detection) = text::detection(pooled) {
            console.say(&format!("{:<14} {detection}", ""));
        }
    }
    console.say(&format!("runs           {}", place(out)));
    Ok(json!({
        "folds": folds.runs.iter().map(line).collect::<Vec<_>>(), "asked": folds.asked, "done": complete.len(),
        "stopped": folds.stopped(), "mean": means, "pooled": pooled,
    }))
}

/// The tests of all folds as one: every example once, each judged by the model that did not train on it. None without
/// a fold.
fn pooled(folds: &[&Finished]) -> Result<Option<Evaluation>> {
    let Some((first, others)) = folds.split_first() else { return Ok(None) };
    let mut all = first.outcome.clone();
    others.iter().for_each(|fold| all.append(fold.outcome.clone()));
    Ok(Some(all.evaluation()?))
}

fn line((name, fold): &(String, Finished)) -> Value {
    json!({
        "fold": name, "run": fold.place.display().to_string(), "accuracy": fold.evaluation.accuracy,
        "interval": fold.evaluation.interval, "detection": fold.evaluation.detection,
        "validation_accuracy": fold.record.validation_accuracy, "seconds": fold.record.seconds,
        "stopped": fold.record.stopped, "diverged_loss": fold.record.diverged_loss,
    })
}

fn table(several: &Several<Finished>) -> String {
    let folds: Vec<_> = several.runs.iter().map(|(name, fold)| (visible(name), fold)).collect();
    let width = folds.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(4);
    let detects = folds.iter().any(|(_, fold)| fold.evaluation.detection.is_some());
    let head = if detects { "      F1     AUC" } else { "" };
    let mut text = format!("{:<width$}  validation     test  95 % interval    {head}  training", "fold");
    for (name, fold) in &folds {
        let Evaluation { accuracy, interval, .. } = &fold.evaluation;
        let cell = |figure: Figure| match figure(&fold.evaluation) {
            Some(figure) => format!("  {figure:.4}"),
            None => "       –".to_string(),
        };
        let detected: String =
            FIGURES[1..].iter().filter(|_| detects).map(|(_, figure)| cell(*figure)).collect();
        text += &format!(
            "\n{name:<width$}  {:>10}  {:>7}  {:>5.1} to {:>5.1} %{detected}  {}{}",
            share(fold.record.validation_accuracy),
            percent(*accuracy),
            100.0 * interval.low,
            100.0 * interval.high,
            duration(fold.record.seconds),
            several.mark(fold).to_string() + diverged(fold),
        );
    }
    text
}

/// The mean of a share over folds in words and as JSON, with its interval where there are several folds; in words alone
/// why there is none, where a fold lacks it; nothing where all do.
fn mean(name: &str, figures: &[Option<f64>]) -> Option<(String, Value)> {
    let known: Vec<f64> = figures.iter().copied().flatten().collect();
    if known.is_empty() {
        return None;
    }
    let (count, all) = (known.len(), figures.len());
    if count < all {
        return Some((format!("left out: {count} of {all} folds have one"), Value::Null));
    }
    let in_words = |share| if name == "accuracy" { percent(share) } else { format!("{share:.4}") };
    let Estimate { value, interval } = mean_with_interval(&known);
    if count == 1 {
        return Some((format!("{} over 1 fold", in_words(value)), json!({ "value": value })));
    }
    // A share lies between 0 and 1; Student's t does not know.
    let (low, high) = (interval.low.max(0.0), interval.high.min(1.0));
    let (from, to) = (in_words(low), in_words(high));
    let text =
        format!("{} over {count} folds (95 % interval by Student's t {from} to {to})", in_words(value));
    Some((text, json!({ "value": value, "interval": { "low": low, "high": high } })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_of_shares_stays_within_them() {
        let (text, json) = mean("accuracy", &[Some(0.9), Some(1.0)]).unwrap();
        assert_eq!(json["interval"]["high"], 1.0);
        assert!(text.starts_with("95.0 % over 2 folds") && text.contains("to 100.0 %"), "{text}");
        let (_, json) = mean("f1", &[Some(0.1), Some(0.0)]).unwrap();
        assert_eq!(json["interval"]["low"], 0.0);
    }

    #[test]
    fn a_mean_that_a_fold_lacks_is_left_out_and_said() {
        let (text, json) = mean("auc", &[Some(0.9), None, Some(0.8)]).unwrap();
        assert_eq!((text.as_str(), json), ("left out: 2 of 3 folds have one", Value::Null));
        assert!(mean("auc", &[None, None]).is_none());
    }

    #[test]
    fn one_fold_has_no_interval() {
        let (text, json) = mean("accuracy", &[Some(0.9)]).unwrap();
        assert_eq!((text.as_str(), json), ("90.0 % over 1 fold", json!({ "value": 0.9 })));
    }
}
