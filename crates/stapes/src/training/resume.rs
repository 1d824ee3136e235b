//! Existing runs: comparison of recipes, checkpoints to continue from, and complete runs.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use stapes_train::Checkpoint;

use super::evaluate::TestResult;
use super::{RunResult, load};
use crate::error::Error;
use crate::event::{Event, OnEvent};
use crate::experiment::Experiment;
use crate::recipe::{MAX_TEXT, Recipe, ResolvedRecipe};
use crate::run::{self, Provenance, Run, RunFolder, SavedRun};

/// Checks that the run in a folder has this recipe; the title may differ.
///
/// # Errors
/// [`Error::DifferentRecipe`] if it does not; errors of [`recipe_of`].
pub(crate) fn same_recipe(folder: &Path, recipe: &ResolvedRecipe) -> Result<(), Error> {
    let existing = Recipe { title: recipe.title.clone(), ..recipe_of(folder)? };
    if existing == **recipe {
        return Ok(());
    }
    let (then, now) = (existing.to_toml(), recipe.to_toml());
    let first_difference = |a: &str, b: &str| {
        let line = a.lines().find(|line| !b.lines().any(|other| other == *line));
        line.unwrap_or("(nothing)").to_string()
    };
    Err(Error::DifferentRecipe {
        folder: folder.into(),
        then: first_difference(&then, &now),
        now: first_difference(&now, &then),
    })
}

/// Reads the recipe of the run in a folder.
///
/// # Errors
/// [`Error::File`] if it cannot be read; [`Error::OldRun`] for a run of an earlier version; [`Error::Recipe`] if it is
/// invalid.
pub(crate) fn recipe_of(folder: &Path) -> Result<Recipe, Error> {
    let path = folder.join(run::RECIPE);
    let text = stapes_files::read_text(&path, MAX_TEXT).map_err(|source| Error::File {
        path: path.clone(),
        action: "read the recipe of the run",
        source,
    })?;
    run::check_keys(folder, &text)?;
    Recipe::from_toml(&path.display().to_string(), &text, &[])
}

/// Parses the checkpoint of a run and checks that it has the same data.
pub(super) fn read_checkpoint(
    folder: &Path,
    file: &[u8],
    current: &Provenance,
    on_event: OnEvent<'_>,
) -> Result<Checkpoint, Error> {
    let SavedRun { provenance, checkpoint } = SavedRun::parse(folder, file)?;
    if (&provenance.data_fingerprint, &provenance.augment_fingerprint)
        != (&current.data_fingerprint, &current.augment_fingerprint)
    {
        return Err(Error::DifferentData(folder.into()));
    }
    if provenance.program != current.program {
        on_event(Event::Message(&format!(
            "warning: the checkpoint was written by {}, but this is {}; the last digits of the result may differ",
            provenance.program, current.program
        )));
    }
    on_event(Event::Message(&format!("resuming from step {}", checkpoint.progress.step)));
    Ok(checkpoint)
}

/// Reads a complete run and tests its model again.
pub(super) fn reload(
    experiment: &Experiment,
    folder: RunFolder,
    on_event: OnEvent<'_>,
) -> Result<RunResult, Error> {
    on_event(Event::Message("the run is already complete"));
    let Run { record, model, .. } = Run::open(folder.path())?;
    if record.data_fingerprint != stapes_data::fingerprint(&experiment.dataset, &experiment.split) {
        return Err(Error::DifferentData(folder.path().into()));
    }
    let never = AtomicBool::new(false);
    let test = load(experiment, &experiment.split.test, &never, on_event)?;
    experiment.check_unreadable(&[&test])?;
    on_event(Event::Skipped(&test.skipped));
    Ok(TestResult::new(experiment, &model, test, &never)?.into_result(&folder.finish()?, record))
}
