//! `stapes train`: trains a model from a recipe.

pub(super) mod progress_bars;
mod result;
mod seeds;
pub(super) mod series;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use stapes::data::DataError;
use stapes::nn::Network;
use stapes::report::visible;
use stapes::run::{IfExists, RunFolder, RunRecord};
use stapes::train::Communicator;
use stapes::{Error, Recipe, RunResult};

use super::console::{Console, visible_path};
use super::folds::train_folds;
use super::overrides::RecipeOverrides;
use super::paths::absolute;
use super::processes::Processes;
use super::progress;
use super::run_options::{RunOptions, parse_time, same_command};
pub(super) use result::print_result;
use seeds::{folder_name, print_seeds};
use series::train_series;

/// Train a model from a recipe; keep the checkpoint with the best validation score and test it once
#[derive(Args)]
#[command(after_help = "Example:\n  stapes train recipes/fsdd-lstm.toml --data ../fsdd --out runs/fsdd")]
pub(crate) struct Train {
    /// Recipe, a TOML file
    recipe: PathBuf,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Run folder to create
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Folder of the feature cache: features are read from it and added to it
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Initialize the model with the weights of a .safetensors file, such as a PyTorch state dict
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
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
            let error = name_recipe(&self.recipe, error);
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
        let recipe = self.overrides.recipe(|overrides| Recipe::read(&self.recipe, overrides))?;
        let start = match &self.weights {
            Some(weights) => {
                let network = recipe.clone().resolve(data.as_deref())?.network()?;
                Some(read_weights(weights, &network, console)?)
            }
            None => None,
        };
        let options = RunOptions {
            data,
            cache: self.cache.clone(),
            start,
            existing: match (self.force, self.resume) {
                (true, _) => IfExists::Replace,
                (_, true) => IfExists::Resume,
                _ => IfExists::Refuse,
            },
            checkpoint_every: Duration::from_secs_f64(self.checkpoint_every),
            stop: &stop,
            console,
            communicator,
            resume_advice: same_command,
        };
        if self.folds {
            return train_folds(&recipe, &options, &self.out);
        }
        let Some(seeds) = self.seeds else {
            if communicator.rank() > 0 {
                options.training(recipe).run_worker()?;
                return Ok(super::DONE);
            }
            let finished = options.train(recipe, RunFolder::open(&self.out, options.existing)?)?;
            return Ok(exit_code(&finished));
        };
        let recipes =
            (1..=u64::from(seeds)).map(|seed| (folder_name(seed), Recipe { seed, ..recipe.clone() }));
        let series = train_series(recipes.collect(), &options, &self.out)?;
        print_seeds(console, &self.out.display().to_string(), &series);
        Ok(series.exit_code())
    }
}

/// Reads initial weights, and prints how they differ from those of the network.
fn read_weights(path: &Path, network: &Network, console: &Console) -> Result<Vec<f32>> {
    let read = stapes::infer::read_weights(path, network)?;
    if !read.prefix.is_empty() {
        let (path, prefix) = (visible_path(path), visible(&read.prefix));
        console.eprint(&format!("{path}: the prefix \"{prefix}\" of all names was removed"));
    }
    if read.half_precision {
        console.eprint(&format!("{}: weights in half precision were widened to F32", visible_path(path)));
    }
    Ok(read.parameters)
}

/// Returns the exit code of a run.
pub(super) fn exit_code(finished: &RunResult) -> u8 {
    let RunRecord { stopped, diverged_loss, .. } = finished.record;
    if stopped || diverged_loss.is_some() || finished.skipped > 0 { super::SOME_FAILED } else { super::DONE }
}

/// Prefixes an error about a key of the recipe with the recipe's name.
fn name_recipe(recipe: &Path, error: anyhow::Error) -> anyhow::Error {
    let is_about_key = matches!(
        error.downcast_ref(),
        Some(
            Error::Data(
                DataError::Setting { .. }
                    | DataError::NoFolds { .. }
                    | DataError::NoExamples { .. }
                    | DataError::SharedSpeakers { .. }
                    | DataError::SharedContent { .. }
            ) | Error::UnknownClasses { .. }
        )
    );
    match is_about_key {
        true => Error::Recipe { name: recipe.display().to_string(), reason: error.to_string() }.into(),
        false => error,
    }
}
