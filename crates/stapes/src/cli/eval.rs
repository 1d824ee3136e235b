//! `stapes eval`: evaluates a run's model.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use stapes::data::{LoadOptions, Progress, Split};
use stapes::experiment::{self, Experiment};
use stapes::infer::Input;
use stapes::report::visible;
use stapes::run::{self, Run};
use stapes::train::Labels;
use stapes::{Error, Recipe, apply_overrides};

use super::console::Console;
use super::predict::with_prediction;
use super::progress;

/// Evaluate a run's model on a subset of its data
#[derive(Args)]
#[command(after_help = "Example:\n  stapes eval runs/fsdd --split test")]
pub(crate) struct Eval {
    /// Run folder
    run: PathBuf,
    /// Subset of the data
    #[arg(long, value_enum, default_value_t = EvalSubset::Test)]
    split: EvalSubset,
    /// Folder of the data set [default: as used in training]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Override a key of [features], such as front_end.librosa-mel-db.htk=true, to measure the effect of features that differ
    /// from training
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Subset of the data, as a command-line value.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum EvalSubset {
    Train,
    Validation,
    Test,
}

impl EvalSubset {
    /// Returns the indices of the subset's examples.
    pub(crate) fn indices(self, split: &Split) -> &[usize] {
        match self {
            EvalSubset::Train => &split.train,
            EvalSubset::Validation => &split.validation,
            EvalSubset::Test => &split.test,
        }
    }
}

/// Reopens the experiment of a run; `data` replaces the data folder that was used in training.
pub(crate) fn reopen(run: &Run, data: Option<PathBuf>, console: &Console) -> Result<Experiment> {
    let recipe = Recipe::from_toml(&run.folder.join(run::RECIPE).display().to_string(), &run.recipe, &[])?;
    let folder = data.or(run.record.data_folder.clone().map(PathBuf::from));
    let experiment = Experiment::open(recipe, folder.as_deref())?;
    if experiment.dataset.classes != run.model.labels {
        let (data, model) = (experiment.dataset.classes.join(", "), run.model.labels.join(", "));
        return Err(Error::ClassMismatch { data, model }.into());
    }
    let fingerprint = stapes::data::fingerprint(&experiment.dataset, &experiment.split);
    if fingerprint != run.record.data_fingerprint {
        console.eprint(&format!(
            "warning: the data or its split differs from training (fingerprint {fingerprint}, in training {})",
            visible(&run.record.data_fingerprint)
        ));
    }
    Ok(experiment)
}

/// Returns the JSON line about a recording with frame-level labels.
fn recording_line(id: &str, names: &[String], labels: &[usize], probabilities: &[f32]) -> Value {
    let predicted = experiment::argmax_frames(probabilities, names.len());
    let correct = labels.iter().zip(&predicted).filter(|(label, class)| label == class).count();
    json!({
        "example": id, "frames": labels.len(), "correct": correct, "accuracy": correct as f64 / labels.len() as f64,
        "true_labels": run_lengths(labels, names), "labels": run_lengths(&predicted, names),
    })
}

/// Run-length encodes classes: the first frame and the label of each run.
fn run_lengths(classes: &[usize], names: &[String]) -> Vec<Value> {
    let starts = (0..classes.len()).filter(|&t| t == 0 || classes[t] != classes[t - 1]);
    starts.map(|t| json!([t, names[classes[t]]])).collect()
}

/// Returns the input with overrides of its front end.
fn override_front_end(input: &Input, overrides: &[String]) -> Result<Input> {
    let Input::Recordings(config) = input else {
        bail!("--set changes the front end, but the model reads frames, which have none; remove --set");
    };
    let changed = apply_overrides(config.clone(), overrides).map_err(anyhow::Error::msg)?;
    changed.check()?;
    if changed.init()?.width() != config.init()?.width() {
        bail!(
            "--set: frames would have {} values, but the model reads {}",
            changed.init()?.width(),
            config.init()?.width()
        );
    }
    Ok(Input::Recordings(changed))
}

impl Eval {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let mut run = Run::open(&self.run)?;
        let experiment = reopen(&run, self.data, console)?;
        if !self.set.is_empty() {
            run.model.input = override_front_end(&run.model.input, &self.set)?;
        }
        let indices = self.split.indices(&experiment.split);
        let bar = progress::bar(indices.len(), "features");
        let max_unreadable_fraction = experiment.recipe.data.max_unreadable_fraction();
        let options = LoadOptions { max_unreadable_fraction, ..LoadOptions::default() };
        let progress = Progress { on_example: &|done| bar.set_position(done as u64), stop: &stop };
        let loaded = experiment::load(&experiment.dataset, options, &run.model.input, indices, &progress);
        bar.finish_and_clear();
        let loaded = loaded?;
        let probabilities = experiment::classify(&run.model, &loaded, &stop)?;
        let evaluation = experiment::evaluate(&run.model.labels, &loaded.labels, &probabilities)?;
        for (at, (&index, row)) in loaded.indices.iter().zip(&probabilities).enumerate() {
            let id = &experiment.dataset.examples[index].id;
            console.json(&match &loaded.labels {
                Labels::PerExample(classes) => {
                    let line = json!({ "example": id, "true_label": run.model.labels[classes[at]] });
                    with_prediction(&run.model, line, row)
                }
                Labels::PerFrame(classes) => recording_line(id, &run.model.labels, &classes[at], row),
            });
        }
        console.print(&stapes::report::terminal::evaluation(&evaluation));
        console.json(&evaluation);
        console.skipped(&loaded.skipped);
        Ok(if loaded.skipped.is_empty() { super::DONE } else { super::SOME_FAILED })
    }
}
