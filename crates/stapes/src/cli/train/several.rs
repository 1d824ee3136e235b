//! Several runs after each other, each in a folder of its own within one folder.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use stapes::eval::visible;
use stapes::run::{self, RunFolder};
use stapes::{Error, Experiment, Finished, Recipe};

use super::super::console::place;
use super::Common;

/// What several runs came to.
pub(crate) struct Several<T> {
    /// The runs that were trained, by name, in order; after Ctrl-C the last one may be half-trained.
    pub(crate) runs: Vec<(String, T)>,
    /// How many were asked for.
    pub(crate) asked: usize,
    half_trained: fn(&T) -> bool,
}

impl<T> Several<T> {
    /// Those that were trained to their end.
    pub(crate) fn complete(&self) -> Vec<&T> {
        self.runs.iter().map(|(_, run)| run).filter(|run| !(self.half_trained)(run)).collect()
    }

    /// Whether Ctrl-C left out runs or a part of one.
    pub(crate) fn stopped(&self) -> bool {
        self.complete().len() < self.asked
    }

    /// The exit code that the training gives.
    pub(crate) fn code(&self) -> u8 {
        if self.stopped() { super::super::SOME_FAILED } else { super::super::DONE }
    }

    /// What a row of a table says at its end of a run.
    pub(crate) fn mark(&self, run: &T) -> &'static str {
        if (self.half_trained)(run) { "  stopped, not counted" } else { "" }
    }

    /// A line about what is missing, if something is.
    pub(crate) fn shortfall(&self) -> Option<String> {
        let done = self.complete().len();
        self.stopped().then(|| format!("stopped: {done} of {} were trained to the end", self.asked))
    }
}

impl Several<Finished> {
    /// The exit code of the command, which also depends on files that were left out and on runs that diverged.
    pub(crate) fn exit_code(&self) -> u8 {
        let some_failed = |run: &Finished| run.left_out > 0 || run.record.diverged_loss.is_some();
        if self.runs.iter().any(|(_, run)| some_failed(run)) {
            super::super::SOME_FAILED
        } else {
            self.code()
        }
    }
}

/// What a row of a table says at its end of a run that diverged.
pub(crate) fn diverged(run: &Finished) -> &'static str {
    if run.record.diverged_loss.is_some() { "  diverged" } else { "" }
}

/// Trains the recipes, each into the folder of its name within `out`.
///
/// Everything that can be looked at before the first is trained is: a recipe, its data and its folder.
pub(crate) fn train_several(
    recipes: Vec<(String, Recipe)>,
    common: &Common<'_>,
    out: &Path,
) -> Result<Several<Finished>> {
    if out.join(run::RECIPE).is_file() {
        return Err(Error::IsARun(out.into()).into());
    }
    for (name, recipe) in &recipes {
        RunFolder::check(&out.join(name), common.existing)?;
        Experiment::open(recipe.clone(), common.data.as_deref())?;
    }
    tell_of_others(&recipes, common, out);
    let asked = recipes.len();
    let is_new = out.symlink_metadata().is_err();
    let trained = |at: usize, name: &str, recipe: Recipe| {
        let folder = RunFolder::begin(&out.join(name), common.existing)?;
        common.console.note(&format!("\n{} ({} of {asked})", visible(name), at + 1));
        common.train(recipe, folder)
    };
    let several = one_by_one(recipes, common.stop, |finished| finished.record.stopped, trained);
    if several.is_err() && is_new {
        // Removes it if it is empty, as it is when the first run failed.
        let _ = std::fs::remove_dir(out);
    }
    several
}

/// Says which runs lie beside those that are asked for: they stay, and count for nothing here.
fn tell_of_others(recipes: &[(String, Recipe)], common: &Common<'_>, out: &Path) {
    let names = std::fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let asked = |name: &str| recipes.iter().any(|(asked, _)| asked == name);
    let others = names.filter_map(|name| name.into_string().ok());
    let mut others: Vec<String> =
        others.filter(|name| !asked(name) && out.join(name).join(run::RECIPE).is_file()).collect();
    others.sort();
    if !others.is_empty() {
        common.console.note(&format!(
            "{}: {} of an earlier training: left there, and not counted",
            place(out),
            visible(&others.join(", "))
        ));
    }
}

/// Runs what was asked for until Ctrl-C; an error where that came before the first run had a model.
fn one_by_one<I, T>(
    items: Vec<(String, I)>,
    stop: &AtomicBool,
    half_trained: fn(&T) -> bool,
    mut run: impl FnMut(usize, &str, I) -> Result<T>,
) -> Result<Several<T>> {
    let asked = items.len();
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
    Ok(Several { runs, asked, half_trained })
}

/// Whether Ctrl-C came before there was a model.
fn was_stopped(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(Error::is_of_a_stop)
}

#[cfg(test)]
mod tests {
    use stapes::data::DataError;

    use super::*;

    /// What comes of four runs, where run `at` gives what `run` says: whether it is half-trained.
    fn four(stop: &AtomicBool, run: impl Fn(usize) -> Result<bool>) -> Result<Several<bool>> {
        let items = (0..4).map(|at| (format!("run-{at}"), ())).collect();
        one_by_one(items, stop, |half_trained| *half_trained, |at, _, ()| run(at))
    }

    fn no_examples() -> anyhow::Error {
        Error::Data(DataError::Stopped { done: 3, total: 9 }).into()
    }

    #[test]
    fn a_stop_while_a_later_run_loads_keeps_those_before() {
        let stop = AtomicBool::new(false);
        let several = four(&stop, |at| if at < 2 { Ok(false) } else { Err(no_examples()) }).unwrap();
        assert_eq!((several.runs.len(), several.complete().len(), several.asked), (2, 2, 4));
        assert_eq!((several.stopped(), several.code()), (true, 1));
        assert_eq!(several.shortfall().unwrap(), "stopped: 2 of 4 were trained to the end");
    }

    #[test]
    fn a_run_stopped_in_the_middle_is_the_last_and_does_not_count() {
        for middle in [0, 1, 3] {
            let stop = AtomicBool::new(false);
            let run = |at| {
                stop.store(at == middle, Ordering::Relaxed);
                Ok(at == middle)
            };
            let several = four(&stop, run).unwrap();
            assert_eq!((several.runs.len(), several.complete().len()), (middle + 1, middle));
            assert_eq!((several.stopped(), several.code()), (true, 1));
            assert_eq!(several.mark(&several.runs[middle].1), "  stopped, not counted");
        }
    }

    #[test]
    fn a_stop_behind_the_last_run_stops_nothing() {
        let stop = AtomicBool::new(false);
        let run = |at| {
            stop.store(at == 3, Ordering::Relaxed);
            Ok(false)
        };
        let several = four(&stop, run).unwrap();
        assert_eq!((several.stopped(), several.code(), several.shortfall()), (false, 0, None));
    }

    #[test]
    fn without_any_model_the_error_stands_and_other_errors_always_do() {
        let stop = AtomicBool::new(false);
        assert!(four(&stop, |_| Err(no_examples())).is_err());
        assert!(four(&stop, |at| if at < 2 { Ok(false) } else { Err(anyhow::anyhow!("no")) }).is_err());
    }
}
