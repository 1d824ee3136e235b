//! `stapes train`: a recipe and its data become a run.

mod result;
mod seeds;
pub(super) mod several;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;
use stapes::data::DataError;
use stapes::eval::visible;
use stapes::run::{Existing, RunFolder, RunRecord};
use stapes::train::{Communicator, Event};
use stapes::{Error, Experiment, Finished, Listener, Recipe, Training};

use super::console::{Console, percent, thousands};
use super::folds::train_folds;
use super::progress;
use super::team::Launched;
use result::print;
use seeds::{folder_name, print_seeds};
use several::train_several;

/// Train a model as a recipe says, keep the one of the best validation and test it once
#[derive(Args)]
#[command(after_help = "Example:\n  stapes train recipes/fsdd-lstm.toml --data ../fsdd --out runs/fsdd")]
pub(crate) struct Train {
    /// The recipe, a TOML file
    recipe: PathBuf,
    /// The folder of the data set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder of the run, to be made
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Keep the frames of recordings in this folder, and take those from it that another run has kept
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Start from the weights in a .safetensors file, such as a PyTorch state dict saved with safetensors
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Replace the run that is there, when the new one is complete
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// Go on with the run that is there, if there is one: it ends as if it had never been stopped or killed
    #[arg(long)]
    resume: bool,
    /// Write a checkpoint after so many seconds of training [default: 30]
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, hide_default_value = true, value_parser = seconds)]
    checkpoint_every: f64,
    /// Train with the seeds 1 to N, each in a folder seed-K of RUN, and report the median
    #[arg(long, value_name = "N", conflicts_with = "seed", value_parser = clap::value_parser!(u16).range(1..))]
    seeds: Option<u16>,
    /// Train a model for each fold of the recipe's split, each in a folder of RUN, and report what they do together
    #[arg(long, conflicts_with = "seeds")]
    folds: bool,
    #[command(flatten)]
    changes: Changes,
}

/// What the command line changes in a recipe.
#[derive(Args)]
pub(crate) struct Changes {
    /// Another seed than the recipe's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Change a key of the recipe, such as train.epochs=2; without a value it is taken out; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Changes {
    /// The seed, if it is given.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The recipe that `read` makes of the `--set` changes, with the seed.
    pub(crate) fn recipe(&self, read: impl Fn(&[String]) -> Result<Recipe, Error>) -> Result<Recipe, Error> {
        let mut recipe = read(&self.set)?;
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        Ok(recipe)
    }
}

impl Train {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let launched = Launched::begin()?;
        let silent = Console::silent();
        let console = if launched.team().rank() == 0 { console } else { &silent };
        self.trained(launched.team(), console).map_err(|error| {
            let error = with_name(&self.recipe, error);
            if launched.team().size() > 1 {
                super::tell(&Console::new(false), &error);
            }
            launched.give_up();
            error
        })
    }

    fn trained(&self, team: &dyn Communicator, console: &Console) -> Result<u8> {
        if team.size() > 1 && (self.folds || self.seeds.is_some()) {
            anyhow::bail!(
                "--folds and --seeds train one model after the other: with {} processes, train each with a command of its own",
                team.size()
            );
        }
        let stop = progress::stop_on_interrupt();
        let data = absolute(self.data.as_deref())?;
        let recipe = self.changes.recipe(|changes| Recipe::read(&self.recipe, changes))?;
        let start = match &self.weights {
            Some(weights) => {
                let network = recipe.clone().resolved(data.as_deref())?.network()?;
                Some(stapes::infer::read_weights(weights, &network)?)
            }
            None => None,
        };
        let common = Common {
            data,
            cache: self.cache.clone(),
            start,
            existing: match (self.force, self.resume) {
                (true, _) => Existing::Replace,
                (_, true) => Existing::Resume,
                _ => Existing::Refuse,
            },
            checkpoint_every: Duration::from_secs_f64(self.checkpoint_every),
            stop: &stop,
            console,
            team,
        };
        if self.folds {
            return train_folds(&recipe, &common, &self.out);
        }
        let Some(seeds) = self.seeds else {
            if team.rank() > 0 {
                common.training(recipe).assist()?;
                return Ok(super::DONE);
            }
            let finished = common.train(recipe, RunFolder::begin(&self.out, common.existing)?)?;
            return Ok(exit_code(&finished));
        };
        let recipes =
            (1..=u64::from(seeds)).map(|seed| (folder_name(seed), Recipe { seed, ..recipe.clone() }));
        let several = train_several(recipes.collect(), &common, &self.out)?;
        print_seeds(console, &self.out.display().to_string(), &several);
        Ok(several.exit_code())
    }
}

/// The folder of the data, absolute, so that `eval` finds it from anywhere.
pub(super) fn absolute(data: Option<&Path>) -> Result<Option<PathBuf>> {
    let absolute = |data: &Path| std::path::absolute(data).with_context(|| data.display().to_string());
    data.map(absolute).transpose()
}

/// The exit code that a run gives.
fn exit_code(finished: &Finished) -> u8 {
    let RunRecord { stopped, diverged_loss, .. } = finished.record;
    if stopped || diverged_loss.is_some() || finished.left_out > 0 { super::SOME_FAILED } else { super::DONE }
}

/// A number of seconds, 0 or more.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|seconds| (0.0..=1e9).contains(seconds));
    number.ok_or_else(|| "expected a number of seconds, 0 or more".into())
}

/// An error about a key of the recipe with the recipe's name in front.
fn with_name(recipe: &Path, error: anyhow::Error) -> anyhow::Error {
    let of_key = matches!(
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
    match of_key {
        true => Error::Recipe { name: recipe.display().to_string(), reason: error.to_string() }.into(),
        false => error,
    }
}

/// What the runs of a command have in common.
pub(crate) struct Common<'a> {
    /// The folder of the data set, where it has one.
    pub(crate) data: Option<PathBuf>,
    /// Where frames are kept.
    pub(crate) cache: Option<PathBuf>,
    /// The first parameters, if not those that the seed draws.
    pub(crate) start: Option<Vec<f32>>,
    /// What to do with runs that are there.
    pub(crate) existing: Existing,
    /// The least time between two checkpoints.
    pub(crate) checkpoint_every: Duration,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) console: &'a Console,
    pub(crate) team: &'a dyn Communicator,
}

impl Common<'_> {
    fn training(&self, recipe: Recipe) -> Training<'_> {
        Training {
            recipe,
            data: self.data.clone(),
            cache: self.cache.clone(),
            start: self.start.as_deref(),
            command: command_line(),
            checkpoint_every: self.checkpoint_every,
            stop: self.stop,
            team: self.team,
        }
    }

    /// Trains, tests and writes a run, and prints what came out.
    pub(crate) fn train(&self, recipe: Recipe, folder: RunFolder) -> Result<Finished> {
        let finished = self.training(recipe).run(folder, &Bars::new(self.console))?;
        if finished.record.stopped {
            let step = finished.record.steps;
            self.console
                .note(&format!("stopped at step {step}: the same command with --resume goes on from there"));
        }
        print(self.console, &finished);
        Ok(finished)
    }
}

/// Progress bars, and validations for machines.
struct Bars<'a> {
    console: &'a Console,
    bar: Mutex<ProgressBar>,
    accuracy: Mutex<String>,
}

impl Bars<'_> {
    fn new(console: &Console) -> Bars<'_> {
        Bars { console, bar: Mutex::new(ProgressBar::hidden()), accuracy: Mutex::default() }
    }

    /// The bar of what is being done, with so many steps.
    fn show(&self, what: &'static str, steps: usize, done: usize, message: String) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if bar.prefix() != what || bar.is_finished() {
            bar.finish_and_clear();
            *bar = progress::bar(steps, what);
        }
        bar.set_length(steps as u64);
        bar.set_position(done as u64);
        bar.set_message(message);
        if done == steps {
            bar.finish_and_clear();
        }
    }
}

impl Listener for Bars<'_> {
    fn opened(&self, experiment: &Experiment) {
        self.console.note(&format!("{}\n{}", visible(&experiment.recipe.title), sizes(experiment)));
    }

    fn loaded(&self, done: usize, of: usize) {
        self.show("features", of, done, String::new());
    }

    fn checked(&self, done: usize, of: usize) {
        self.show("files", of, done, String::new());
    }

    fn left_out(&self, files: &[(PathBuf, String)]) {
        self.console.left_out(files);
    }

    fn trained(&self, event: &Event<'_>) {
        let mut accuracy = self.accuracy.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Step { step, steps, loss } => {
                let loss = if *loss < 1e6 { format!("{loss:.3}") } else { format!("{loss:.1e}") };
                self.show("training", *steps, *step, format!("loss {loss} {accuracy}"));
            }
            Event::Validated { point, .. } => {
                *accuracy = validated(point.validation.map(|validation| validation.accuracy));
                self.console.emit(&serde_json::json!({ "event": "validation", "point": point }));
            }
            _ => {}
        }
    }

    fn note(&self, text: &str) {
        self.console.note(&visible(text));
    }
}

impl Drop for Bars<'_> {
    fn drop(&mut self) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).finish_and_clear();
    }
}

fn validated(accuracy: Option<f64>) -> String {
    accuracy.map(|accuracy| format!("validation {}", percent(accuracy))).unwrap_or_default()
}

fn sizes(experiment: &Experiment) -> String {
    let split = &experiment.split;
    format!(
        "{} classes; {} training, {} validation and {} test examples; seed {}",
        experiment.dataset.classes.len(),
        thousands(split.train.len() as u64),
        thousands(split.validation.len() as u64),
        thousands(split.test.len() as u64),
        experiment.recipe.seed,
    )
}

/// The command as typed, words with blanks in quotes.
pub(super) fn command_line() -> String {
    let word = |word: std::ffi::OsString| match word.to_string_lossy() {
        word if word.contains(char::is_whitespace) => format!("'{word}'"),
        word => word.into_owned(),
    };
    std::env::args_os().map(word).collect::<Vec<_>>().join(" ")
}
