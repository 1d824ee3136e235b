//! `stapes eval`: how a trained model does on a split.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use stapes::data::{Split, Terms};
use stapes::eval::visible;
use stapes::experiment::{self, Experiment, Labels};
use stapes::infer::Input;
use stapes::run::{self, Run};
use stapes::{Error, Recipe, changed};

use super::console::Console;
use super::predict::prediction;
use super::progress;

/// Evaluate a run's model on a split of its data
#[derive(Args)]
#[command(after_help = "Example:\n  stapes eval runs/fsdd --split test")]
pub(crate) struct Eval {
    /// The folder of the run
    run: PathBuf,
    /// Which part of the data
    #[arg(long, value_enum, default_value_t = Part::Test)]
    split: Part,
    /// The folder of the data set [default: where it lay in training]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Change a key of [features], such as front_end.librosa-mel-db.htk=true, to see what it costs when frames are not those
    /// that the model learned from
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// A part of the data.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    /// The examples of the part.
    pub(crate) fn of(self, split: &Split) -> &[usize] {
        match self {
            Part::Train => &split.train,
            Part::Validation => &split.validation,
            Part::Test => &split.test,
        }
    }
}

/// The experiment of a run once more; `data` is where its data set lies now, if not where it lay in training.
pub(crate) fn reopened(run: &Run, data: Option<PathBuf>, console: &Console) -> Result<Experiment> {
    let recipe = Recipe::from_toml(&run.folder.join(run::RECIPE).display().to_string(), &run.recipe, &[])?;
    let folder = data.or(run.record.data_folder.clone().map(PathBuf::from));
    let experiment = Experiment::open(recipe, folder.as_deref())?;
    if experiment.dataset.classes != run.bundle.labels {
        let (data, model) = (experiment.dataset.classes.join(", "), run.bundle.labels.join(", "));
        return Err(Error::OtherClasses { data, model }.into());
    }
    let fingerprint = stapes::data::fingerprint(&experiment.dataset, &experiment.split);
    if fingerprint != run.record.data_fingerprint {
        console.eprint(&format!(
            "warning: the data or its split is not what the run was trained on (fingerprint {fingerprint}, then {})",
            visible(&run.record.data_fingerprint)
        ));
    }
    Ok(experiment)
}

/// A JSON line about a recording whose frames are decided.
fn of_recording(id: &str, labels: &[String], truths: &[usize], probabilities: &[f32]) -> Value {
    let decided = experiment::frame_classes(probabilities, labels.len());
    let right = truths.iter().zip(&decided).filter(|(truth, class)| truth == class).count();
    json!({
        "example": id, "frames": truths.len(), "right": right, "accuracy": right as f64 / truths.len() as f64,
        "truth": runs(truths, labels), "decided": runs(&decided, labels),
    })
}

/// Runs of equal classes: the first frame and the label of each.
fn runs(classes: &[usize], labels: &[String]) -> Vec<Value> {
    let starts = (0..classes.len()).filter(|&t| t == 0 || classes[t] != classes[t - 1]);
    starts.map(|t| json!([t, labels[classes[t]]])).collect()
}

/// A front end with changes.
fn otherwise(input: &Input, changes: &[String]) -> Result<Input> {
    let Input::Recordings(config) = input else {
        bail!("--set changes the front end, and the model reads frames that have none");
    };
    let changed = changed(config.clone(), changes).map_err(anyhow::Error::msg)?;
    changed.check()?;
    if changed.init()?.width() != config.init()?.width() {
        bail!(
            "--set: frames would have {} values, and the model reads {}",
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
        let experiment = reopened(&run, self.data, console)?;
        if !self.set.is_empty() {
            run.bundle.input = otherwise(&run.bundle.input, &self.set)?;
        }
        let indices = self.split.of(&experiment.split);
        let bar = progress::bar(indices.len(), "features");
        let unreadable_share = experiment.recipe.data.unreadable_share();
        let dataset = (&experiment.dataset, Terms { unreadable_share, ..Terms::default() });
        let loaded = experiment::load(dataset, &run.bundle.input, indices, &stop, &|done| {
            bar.set_position(done as u64);
        });
        bar.finish_and_clear();
        let loaded = loaded?;
        let probabilities = experiment::classify(&run.bundle, &loaded)?;
        let evaluation = experiment::evaluate(&run.bundle.labels, &loaded.truths, &probabilities)?;
        for (at, (&index, row)) in loaded.indices.iter().zip(&probabilities).enumerate() {
            let id = &experiment.dataset.examples[index].id;
            console.json(&match &loaded.truths {
                Labels::PerExample(classes) => {
                    let about = json!({ "example": id, "truth": run.bundle.labels[classes[at]] });
                    prediction(&run.bundle, about, row)
                }
                Labels::PerFrame(classes) => of_recording(id, &run.bundle.labels, &classes[at], row),
            });
        }
        console.print(&stapes::eval::text::evaluation(&evaluation));
        console.json(&evaluation);
        console.left_out(&loaded.left_out);
        Ok(if loaded.left_out.is_empty() { super::DONE } else { super::SOME_FAILED })
    }
}
