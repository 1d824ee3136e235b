//! `stapes train --folds`: one model for each fold of the recipe's split, and what they do together.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use serde_json::{Value, json};
use stapes::Recipe;
use stapes::eval::{Estimate, Evaluation, mean_with_interval, text};
use stapes::experiment::evaluate;
use stapes::run::RunFolder;

use super::console::{Console, duration, percent};
use super::train::{Finished, StartingPoint, train};

/// A fold that was trained and tested.
type Fold = (String, Finished);

/// Trains and tests every fold, each in a folder of its own within `out`.
pub(super) fn train_folds(
    mut recipe: Recipe,
    from: &StartingPoint,
    (out, force): (&Path, bool),
    stop: &AtomicBool,
    console: &Console,
) -> Result<()> {
    let dataset = recipe.data.open(from.data.as_deref())?;
    let folds = recipe.data.folds(&dataset)?;
    let all = folds.len();
    // All are looked at before the first is trained.
    for fold in &folds {
        RunFolder::check(&out.join(&fold.name), force)?;
    }
    let mut done: Vec<Fold> = Vec::new();
    for fold in folds {
        console.note(&format!("\n{} ({} of {all})", fold.name, done.len() + 1));
        recipe.data = fold.data;
        let folder = RunFolder::begin(&out.join(&fold.name), force)?;
        done.push((fold.name, train(recipe.clone(), from.clone(), folder, stop, console)?));
        if stop.load(Ordering::Relaxed) && done.len() < all {
            console.note(&format!("stopped: {} of {all} folds", done.len()));
            break;
        }
    }
    print(&done, out, console)
}

/// A figure of an evaluation, if it has it.
type Figure = fn(&Evaluation) -> Option<f64>;

const FIGURES: [(&str, Figure); 3] = [
    ("accuracy", |evaluation| Some(evaluation.accuracy)),
    ("f1", |evaluation| Some(evaluation.detection.as_ref()?.f1?.value)),
    ("auc", |evaluation| Some(evaluation.detection.as_ref()?.auc?.value)),
];

fn print(folds: &[Fold], out: &Path, console: &Console) -> Result<()> {
    let pooled = pooled(folds)?;
    console.say(&format!("\n{}", table(folds)));
    let mut means = serde_json::Map::new();
    for (name, figure) in FIGURES {
        let figures: Option<Vec<f64>> = folds.iter().map(|(_, fold)| figure(&fold.evaluation)).collect();
        let Some(figures) = figures else { continue };
        let mean = mean_with_interval(&figures);
        console.say(&format!("mean {name:<9} {}", in_words(name, mean, figures.len())));
        means.insert(name.to_string(), json!(mean));
    }
    console.say(&format!("all tests      {}", text::summary(&pooled)));
    if let Some(detection) = text::detection(&pooled) {
        console.say(&format!("{:<14} {detection}", ""));
    }
    console.say(&format!("runs           {}", out.display()));
    console.emit(&json!({
        "folds": folds.iter().map(line).collect::<Vec<_>>(), "mean": means, "pooled": pooled,
    }));
    Ok(())
}

/// The tests of all folds as one: every example once, each judged by the model that did not train on it.
fn pooled(folds: &[Fold]) -> Result<Evaluation> {
    let mut folds = folds.iter().map(|(_, fold)| fold);
    // There is at least one fold.
    let Some(first) = folds.next() else { anyhow::bail!("no fold was trained") };
    let mut truths = first.truths.clone();
    let mut probabilities = first.probabilities.clone();
    for fold in folds {
        truths.append(fold.truths.clone());
        probabilities.extend_from_slice(&fold.probabilities);
    }
    Ok(evaluate(first.evaluation.confusion.classes(), &truths, &probabilities)?)
}

fn line((name, fold): &Fold) -> Value {
    json!({
        "fold": name, "run": fold.place.display().to_string(), "accuracy": fold.evaluation.accuracy,
        "interval": fold.evaluation.interval, "detection": fold.evaluation.detection,
        "validation_accuracy": fold.record.validation_accuracy, "seconds": fold.record.seconds,
    })
}

fn table(folds: &[Fold]) -> String {
    let width = folds.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(4);
    let detects = folds.iter().any(|(_, fold)| fold.evaluation.detection.is_some());
    let head = if detects { "      F1     AUC" } else { "" };
    let mut text = format!("{:<width$}  validation     test  95 % interval    {head}  training", "fold");
    for (name, fold) in folds {
        let Evaluation { accuracy, interval, .. } = &fold.evaluation;
        let cell = |figure: Figure| match figure(&fold.evaluation) {
            Some(figure) => format!("  {figure:.4}"),
            None => "       –".to_string(),
        };
        let detected: String =
            FIGURES[1..].iter().filter(|_| detects).map(|(_, figure)| cell(*figure)).collect();
        text += &format!(
            "\n{name:<width$}  {:>10}  {:>7}  {:>5.1} to {:>5.1} %{detected}  {}",
            percent(fold.record.validation_accuracy),
            percent(*accuracy),
            100.0 * interval.low,
            100.0 * interval.high,
            duration(fold.record.seconds),
        );
    }
    text
}

/// A mean over folds with its interval.
fn in_words(name: &str, Estimate { value, interval }: Estimate, folds: usize) -> String {
    let of = format!("over {folds} {}", if folds == 1 { "fold" } else { "folds" });
    match (folds, name) {
        (1, "accuracy") => format!("{} {of}", percent(value)),
        (1, _) => format!("{value:.4} {of}"),
        (_, "accuracy") => format!(
            "{} {of} (95 % interval by Student's t {:.1} to {})",
            percent(value),
            100.0 * interval.low,
            percent(interval.high)
        ),
        _ => format!("{value:.4} {of} ({:.4} to {:.4})", interval.low, interval.high),
    }
}
