//! `stapes train`: trains a model from a recipe.

pub(super) mod progress_bars;
mod result;
mod seeds;
pub(super) mod series;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use stapes::infer::{Model, read_weights_except};
use stapes::report::visible;
use stapes::run::{self, IfExists, RunFolder, RunRecord};
use stapes::train::Communicator;
use stapes::{Error, Recipe, ResolvedRecipe, RunResult, TrainingEstimate};

use super::console::{Console, duration, thousands, visible_path};
use super::folds::train_folds;
use super::paths::absolute;
use super::processes::Processes;
use super::progress;
use super::recipe_argument::{RecipeArgument, RecipeOverrides};
use super::run_options::{RunOptions, parse_time, same_command};
use progress_bars::Bars;
pub(super) use result::print_result;
use seeds::{folder_name, print_seeds};
use series::train_series;

/// Train a model from a recipe; keep the checkpoint with the best validation score and test it once
#[derive(Args)]
#[command(after_help = "Example:\n  stapes train fsdd-lstm --data ../fsdd")]
pub(crate) struct Train {
    #[command(flatten)]
    recipe: RecipeArgument,
    /// Folder of the data set [default: data_folder of the recipe]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Run folder to create [default: runs/RECIPE, or the next free name; with --resume the last one]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Folder of the feature cache: features are read from it and added to it
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Initialize the model with the weights of a .safetensors file, such as a PyTorch state dict
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// With --weights: initialize the layer of the classes at random, for other classes than those of the file
    #[arg(long, requires = "weights")]
    reset_head: bool,
    /// Replace an existing run; it is kept until the new one is complete
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// Resume an unfinished run, or start it; the result is that of an uninterrupted run
    #[arg(long)]
    resume: bool,
    /// Seconds of training between checkpoints; 0: after every step [default: 30]
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, hide_default_value = true, value_parser = parse_time)]
    checkpoint_every: f64,
    /// Train with the seeds 1 to N, each in the folder RUN/seed-K, and print the median
    #[arg(long, value_name = "N", conflicts_with = "seed", value_parser = clap::value_parser!(u16).range(1..))]
    seeds: Option<u16>,
    /// Open the data, print the split, the model and the expected time and memory; train and write nothing
    #[arg(long, conflicts_with_all = ["seeds", "folds", "resume", "force", "out", "cache"])]
    dry_run: bool,
    /// Train one model per fold of the recipe's split, each in a folder of RUN, and print their joint results
    #[arg(long, conflicts_with = "seeds")]
    folds: bool,
    #[command(flatten)]
    overrides: RecipeOverrides,
}

impl Train {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let processes = Processes::connect()?;
        let communicator = processes.communicator();
        let silent = Console::silent();
        let console = if communicator.rank() == 0 { console } else { &silent };
        self.train(communicator, console).map_err(|error| {
            let error = name_recipe(self.recipe.path(), error);
            if communicator.size() > 1 {
                super::print_error(&Console::new(false), &error);
            }
            processes.abort();
            error
        })
    }

    fn train(&self, communicator: &dyn Communicator, console: &Console) -> Result<u8> {
        if communicator.size() > 1 && (self.folds || self.seeds.is_some()) {
            anyhow::bail!(
                "--folds and --seeds train one model after the other, but {} processes were started; start one job per model",
                communicator.size()
            );
        }
        let stop = progress::stop_on_interrupt();
        if communicator.size() > 1 {
            // Processes stop together, between two steps.
            progress::keep_on_interrupt();
        }
        let data = absolute(self.data.as_deref())?;
        let recipe = self.recipe.read(&self.overrides)?;
        let start = match &self.weights {
            Some(weights) => {
                Some(self.read_weights(weights, &recipe.clone().resolve(data.as_deref())?, console)?)
            }
            None => None,
        };
        if self.dry_run {
            return dry_run(&recipe, data.as_deref(), &stop, console);
        }
        let options = RunOptions {
            data,
            cache: self.cache.clone(),
            start,
            existing: self.existing(),
            checkpoint_every: Duration::from_secs_f64(self.checkpoint_every),
            stop: &stop,
            console,
            communicator,
            resume_advice: same_command,
        };
        let out = self.out();
        if self.folds {
            return train_folds(&recipe, &options, &out);
        }
        let Some(seeds) = self.seeds else {
            if communicator.rank() > 0 {
                options.training(recipe).run_worker()?;
                return Ok(super::DONE);
            }
            let finished = options.train(recipe, RunFolder::open(&out, options.existing)?)?;
            return Ok(exit_code(&finished));
        };
        let recipes =
            (1..=u64::from(seeds)).map(|seed| (folder_name(seed), Recipe { seed, ..recipe.clone() }));
        let series = train_series(recipes.collect(), &options, &out)?;
        print_seeds(console, &out.display().to_string(), &series);
        Ok(series.exit_code())
    }
}

impl Train {
    /// Returns the run folder.
    fn out(&self) -> PathBuf {
        let existing = self.existing();
        self.out.clone().unwrap_or_else(|| run::default_folder(self.recipe.name(), existing))
    }

    fn existing(&self) -> IfExists {
        match (self.force, self.resume) {
            (true, _) => IfExists::Replace,
            (_, true) => IfExists::Resume,
            _ => IfExists::Refuse,
        }
    }

    /// Reads initial weights, and prints how they differ from those of the network.
    fn read_weights(&self, path: &Path, recipe: &ResolvedRecipe, console: &Console) -> Result<Vec<f32>> {
        let network = recipe.network()?;
        let head = if self.reset_head { recipe.head_tensors()? } else { Vec::new() };
        if let Ok(model) = Model::load(path)
            && model.input != *recipe.input()
        {
            console.warning(&format!(
                "{}: the model was trained with other features than those of the recipe; copy [features] from the recipe.toml of \
                 its run",
                path.display()
            ));
        }
        let read = read_weights_except(path, &network, &head, &network.initial_parameters(recipe.seed))?;
        if self.reset_head {
            console.status(&format!("initialized at random: {}", head.join(", ")));
        }
        if !read.prefix.is_empty() {
            let (path, prefix) = (visible_path(path), visible(&read.prefix));
            console.status(&format!("{path}: the prefix \"{prefix}\" of all names was removed"));
        }
        if read.half_precision {
            console.status(&format!("{}: weights in half precision were widened to F32", visible_path(path)));
        }
        Ok(read.parameters)
    }
}

/// Prints what a training would cost.
fn dry_run(recipe: &Recipe, data: Option<&Path>, stop: &AtomicBool, console: &Console) -> Result<u8> {
    let bars = Bars::new(console);
    let estimate = TrainingEstimate::measure(recipe, data, stop, &|event| bars.on_event(event))?;
    drop(bars);
    if stop.load(Ordering::Relaxed) {
        console.error("interrupted before the estimate was complete");
        return Ok(super::SOME_FAILED);
    }
    let TrainingEstimate { parameters, steps, step_seconds, loading_seconds, bytes, .. } = estimate;
    let megabytes = bytes as f64 / 1e6;
    console.print(&format!(
        "parameters     {}\nsteps          {} of {}\nloading        {}\ntraining time  {} with the validations\n\
         memory         {megabytes:.0} MB for features and parameters, and the activations of a batch\n\
         nothing was written; train without --dry-run",
        thousands(parameters as u64),
        thousands(steps as u64),
        duration(step_seconds),
        duration(loading_seconds),
        duration(estimate.seconds() - loading_seconds),
    ));
    console.json(&json!({
        "parameters": parameters, "steps": steps, "step_ms": 1e3 * step_seconds, "loading_seconds": loading_seconds,
        "seconds": estimate.seconds(), "bytes": bytes,
    }));
    Ok(super::DONE)
}

/// Returns the exit code of a run.
pub(super) fn exit_code(finished: &RunResult) -> u8 {
    let RunRecord { stopped, diverged_loss, .. } = finished.record;
    if stopped || diverged_loss.is_some() || finished.skipped > 0 { super::SOME_FAILED } else { super::DONE }
}

/// Prefixes an error about a key of the recipe with the recipe's name.
fn name_recipe(recipe: &Path, error: anyhow::Error) -> anyhow::Error {
    let is_about_key = error.downcast_ref().is_some_and(Error::is_about_key);
    match is_about_key {
        true => Error::Recipe { name: recipe.display().to_string(), reason: error.to_string() }.into(),
        false => error,
    }
}
