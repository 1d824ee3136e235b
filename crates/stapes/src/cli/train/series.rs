//! Several runs, one after the other, each in its own subfolder.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use stapes::report::visible;
use stapes::run::{self, RunFolder};
use stapes::{Error, Experiment, Recipe, RunResult};

use super::super::console::visible_path;
use super::super::run_options::RunOptions;

/// Results of several runs.
pub(crate) struct RunSeries<T> {
    /// The trained runs by name, in order; after Ctrl-C the last one may be incomplete.
    pub(crate) runs: Vec<(String, T)>,
    /// Number of requested runs.
    pub(crate) requested: usize,
    is_incomplete: fn(&T) -> bool,
}

impl<T> RunSeries<T> {
    /// Returns the complete runs.
    pub(crate) fn complete(&self) -> Vec<&T> {
        self.runs.iter().map(|(_, run)| run).filter(|run| !(self.is_incomplete)(run)).collect()
    }

    /// Returns true if Ctrl-C ended the series early.
    pub(crate) fn stopped(&self) -> bool {
        self.complete().len() < self.requested
    }

    /// Returns the exit code of the training.
    pub(crate) fn code(&self) -> u8 {
        if self.stopped() { super::super::SOME_FAILED } else { super::super::DONE }
    }

    /// Returns the end of a run's row in a table.
    pub(crate) fn status(&self, run: &T) -> &'static str {
        if (self.is_incomplete)(run) { "  stopped, not counted" } else { "" }
    }

    /// Returns a line about the missing runs if the series was stopped.
    pub(crate) fn stop_message(&self) -> Option<String> {
        let complete = self.complete().len();
        self.stopped().then(|| format!("stopped: {complete} of {} runs are complete", self.requested))
    }
}

impl RunSeries<RunResult> {
    /// Returns the exit code of the command, which also depends on skipped files and on runs that diverged.
    pub(crate) fn exit_code(&self) -> u8 {
        let some_failed = |run: &RunResult| run.skipped > 0 || run.record.diverged_loss.is_some();
        if self.runs.iter().any(|(_, run)| some_failed(run)) {
            super::super::SOME_FAILED
        } else {
            self.code()
        }
    }
}

/// Returns the end of the row of a run that diverged.
pub(crate) fn diverged(run: &RunResult) -> &'static str {
    if run.record.diverged_loss.is_some() { "  diverged" } else { "" }
}

/// Trains named recipes, each into the subfolder of its name in `out`.
///
/// All recipes, data and folders are checked before the first training.
pub(crate) fn train_series(
    recipes: Vec<(String, Recipe)>,
    options: &RunOptions<'_>,
    out: &Path,
) -> Result<RunSeries<RunResult>> {
    if out.join(run::RECIPE).is_file() {
        return Err(Error::IsARun(out.into()).into());
    }
    for (name, recipe) in &recipes {
        RunFolder::check(&out.join(name), options.existing)?;
        Experiment::open(recipe.clone(), options.data.as_deref())?;
    }
    report_other_runs(&recipes, options, out);
    let requested = recipes.len();
    let is_new = out.symlink_metadata().is_err();
    let trained = |at: usize, name: &str, recipe: Recipe| {
        let folder = RunFolder::open(&out.join(name), options.existing)?;
        options.console.status(&format!("\n{} ({} of {requested})", visible(name), at + 1));
        options.train(recipe, folder)
    };
    let series = run_series(recipes, options.stop, |finished| finished.record.stopped, trained);
    if series.is_err() && is_new {
        // Succeeds only if the folder is empty, as it is when the first run failed.
        let _ = std::fs::remove_dir(out);
    }
    series
}

/// Prints which other runs are in the folder; they are kept and not counted.
fn report_other_runs(recipes: &[(String, Recipe)], options: &RunOptions<'_>, out: &Path) {
    let names = std::fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let is_requested = |name: &str| recipes.iter().any(|(requested, _)| requested == name);
    let others = names.filter_map(|name| name.into_string().ok());
    let mut others: Vec<String> =
        others.filter(|name| !is_requested(name) && out.join(name).join(run::RECIPE).is_file()).collect();
    others.sort();
    if !others.is_empty() {
        options.console.eprint(&format!(
            "{}: {} of an earlier training: kept, not counted",
            visible_path(out),
            visible(&others.join(", "))
        ));
    }
}

/// Runs the items in order until Ctrl-C; returns an error if that comes before the first run has a model.
fn run_series<I, T>(
    items: Vec<(String, I)>,
    stop: &AtomicBool,
    is_incomplete: fn(&T) -> bool,
    mut run: impl FnMut(usize, &str, I) -> Result<T>,
) -> Result<RunSeries<T>> {
    let requested = items.len();
    let mut runs: Vec<(String, T)> = Vec::new();
    for (at, (name, item)) in items.into_iter().enumerate() {
        match run(at, &name, item) {
            Ok(finished) => runs.push((name, finished)),
            Err(error) if at > 0 && was_stopped(&error) => break,
            Err(error) => return Err(error),
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(RunSeries { runs, requested, is_incomplete })
}

/// Returns true for the error of a run that Ctrl-C stopped before it had a model.
fn was_stopped(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(Error::is_stop)
}

#[cfg(test)]
mod tests {
    use stapes::data::DataError;

    use super::*;

    /// Returns the series of four runs; `run` returns true for an incomplete run.
    fn four(stop: &AtomicBool, run: impl Fn(usize) -> Result<bool>) -> Result<RunSeries<bool>> {
        let items = (0..4).map(|at| (format!("run-{at}"), ())).collect();
        run_series(items, stop, |is_incomplete| *is_incomplete, |at, _, ()| run(at))
    }

    fn no_examples() -> anyhow::Error {
        Error::Data(DataError::Stopped { done: 3, total: 9 }).into()
    }

    #[test]
    fn stop_while_a_later_run_loads_keeps_earlier_runs() {
        let stop = AtomicBool::new(false);
        let series = four(&stop, |at| if at < 2 { Ok(false) } else { Err(no_examples()) }).unwrap();
        assert_eq!((series.runs.len(), series.complete().len(), series.requested), (2, 2, 4));
        assert_eq!((series.stopped(), series.code()), (true, 1));
        assert_eq!(series.stop_message().unwrap(), "stopped: 2 of 4 runs are complete");
    }

    #[test]
    fn stopped_run_is_the_last_and_is_not_counted() {
        for middle in [0, 1, 3] {
            let stop = AtomicBool::new(false);
            let run = |at| {
                stop.store(at == middle, Ordering::Relaxed);
                Ok(at == middle)
            };
            let series = four(&stop, run).unwrap();
            assert_eq!((series.runs.len(), series.complete().len()), (middle + 1, middle));
            assert_eq!((series.stopped(), series.code()), (true, 1));
            assert_eq!(series.status(&series.runs[middle].1), "  stopped, not counted");
        }
    }

    #[test]
    fn stop_after_the_last_run_has_no_effect() {
        let stop = AtomicBool::new(false);
        let run = |at| {
            stop.store(at == 3, Ordering::Relaxed);
            Ok(false)
        };
        let series = four(&stop, run).unwrap();
        assert_eq!((series.stopped(), series.code(), series.stop_message()), (false, 0, None));
    }

    #[test]
    fn stop_before_the_first_model_and_other_errors_are_returned() {
        let stop = AtomicBool::new(false);
        assert!(four(&stop, |_| Err(no_examples())).is_err());
        assert!(four(&stop, |at| if at < 2 { Ok(false) } else { Err(anyhow::anyhow!("no")) }).is_err());
    }
}
