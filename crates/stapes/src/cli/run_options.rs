//! Options that all runs of a command share.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Result;
use stapes::report::shell_word;
use stapes::run::{IfExists, RunFolder};
use stapes::train::Communicator;
use stapes::{Recipe, RunResult, TrainingJob};

use super::console::Console;
use super::train::print_result;
use super::train::progress_bars::Bars;

/// Options of all runs of a command.
pub(crate) struct RunOptions<'a> {
    /// Folder of the data set.
    pub(crate) data: Option<PathBuf>,
    /// Folder of the feature cache.
    pub(crate) cache: Option<PathBuf>,
    /// Initial parameters; without them the seed determines them.
    pub(crate) start: Option<Vec<f32>>,
    /// Treatment of runs that exist.
    pub(crate) existing: IfExists,
    /// Minimum time between two checkpoints.
    pub(crate) checkpoint_every: Duration,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) console: &'a Console,
    pub(crate) communicator: &'a dyn Communicator,
    /// Returns how to continue the stopped run in a folder.
    pub(crate) resume_advice: fn(&Path) -> String,
}

/// Advice of a command with the option `--resume`.
pub(crate) fn same_command(_run: &Path) -> String {
    "resume with the same command and --resume".into()
}

impl RunOptions<'_> {
    /// Returns the training job of a recipe.
    pub(super) fn training(&self, recipe: Recipe) -> TrainingJob<'_> {
        TrainingJob {
            recipe,
            data: self.data.clone(),
            cache: self.cache.clone(),
            start: self.start.as_deref(),
            command: command_line(),
            checkpoint_every: self.checkpoint_every,
            stop: self.stop,
            communicator: self.communicator,
        }
    }

    /// Trains, tests and writes a run, and prints its result.
    pub(crate) fn train(&self, recipe: Recipe, folder: RunFolder) -> Result<RunResult> {
        let bars = Bars::new(self.console);
        let finished = self.training(recipe).run(folder, &|event| bars.on_event(event))?;
        drop(bars);
        if finished.record.stopped {
            let step = finished.record.steps;
            let advice = (self.resume_advice)(&finished.folder);
            self.console.eprint(&format!("stopped at step {step}; {advice}"));
        }
        print_result(self.console, &finished);
        Ok(finished)
    }
}

/// Parses a number of at least 0, of seconds or hours.
pub(super) fn parse_time(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|time| (0.0..=1e9).contains(time));
    number.ok_or_else(|| "expected a number of at least 0".into())
}

/// Parses a duration in seconds that is not 0.
pub(super) fn parse_positive(text: &str) -> Result<f64, String> {
    parse_time(text)
        .ok()
        .filter(|seconds| *seconds >= 0.001)
        .ok_or_else(|| "expected a number of seconds from 0.001 to 1e9".into())
}

/// Returns the command line, arguments in quotation marks where a shell needs them.
pub(super) fn command_line() -> String {
    super::process_arguments()
        .iter()
        .map(|word| shell_word(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}
