//! `stapes eval`: how a trained model does on a split.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::json;
use stapes::experiment::{self, Experiment};
use stapes::run::{self, Run};
use stapes::{Error, Recipe};

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
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Train,
    Validation,
    Test,
}

impl Eval {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let run = Run::open(&self.run)?;
        let recipe = Recipe::from_toml(&self.run.join(run::RECIPE).display().to_string(), &run.recipe, &[])?;
        let folder = self.data.or(run.record.data_folder.map(PathBuf::from));
        let experiment = Experiment::open(recipe, folder.as_deref())?;
        if experiment.dataset.classes != run.bundle.labels {
            let (data, model) = (experiment.dataset.classes.join(", "), run.bundle.labels.join(", "));
            return Err(Error::OtherClasses { data, model }.into());
        }
        let fingerprint = stapes::data::fingerprint(&experiment.dataset, &experiment.split)?;
        if fingerprint != run.record.data_fingerprint {
            console.note(&format!(
                "warning: the data or its split is not what the run was trained on (fingerprint {fingerprint}, then {})",
                run.record.data_fingerprint
            ));
        }
        let indices = match self.split {
            Part::Train => &experiment.split.train,
            Part::Validation => &experiment.split.validation,
            Part::Test => &experiment.split.test,
        };
        let bar = progress::bar(indices.len(), "features");
        let loaded = experiment::load(&experiment.dataset, &run.bundle.input, indices, &stop, &|done| {
            bar.set_position(done as u64);
        });
        bar.finish_and_clear();
        let loaded = loaded?;
        let probabilities = experiment::classify(&run.bundle, &loaded)?;
        let evaluation = experiment::evaluate(&run.bundle, &loaded, &probabilities)?;
        for ((&index, &class), row) in loaded.indices.iter().zip(&loaded.classes).zip(&probabilities) {
            let id = &experiment.dataset.examples[index].id;
            console.emit(&prediction(
                &run.bundle,
                json!({ "example": id, "truth": run.bundle.labels[class] }),
                row,
            ));
        }
        console.say(&stapes::eval::text::evaluation(&evaluation));
        console.emit(&evaluation);
        Ok(super::DONE)
    }
}
