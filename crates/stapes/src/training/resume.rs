//! Runs that were begun before: whether they are what is asked for, and where they go on.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use stapes_train::Checkpoint;

use super::tested::Tested;
use super::{RunResult, Progress, load};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::recipe::{MAX_TEXT, Recipe};
use crate::run::{self, Provenance, Run, RunFolder, SavedRun};

/// Whether the run in a folder was begun with this recipe; by which title does not matter.
///
/// # Errors
/// [`Error::DifferentRecipe`] if it was not; [`Error::File`] if its recipe cannot be read.
pub(crate) fn same_recipe(folder: &Path, recipe: &Recipe) -> Result<(), Error> {
    let begun = Recipe { title: recipe.title.clone(), ..recipe_of(folder)? };
    if begun == *recipe {
        return Ok(());
    }
    let (then, now) = (begun.to_toml(), recipe.to_toml());
    let lines = |a: &str, b: &str| {
        let differs = a.lines().find(|line| !b.lines().any(|other| other == *line));
        differs.unwrap_or("(nothing)").to_string()
    };
    Err(Error::DifferentRecipe { folder: folder.into(), then: lines(&then, &now), now: lines(&now, &then) })
}

/// The recipe of the run in a folder.
///
/// # Errors
/// [`Error::File`] if it cannot be read, [`Error::Recipe`] if it cannot be understood.
pub(crate) fn recipe_of(folder: &Path) -> Result<Recipe, Error> {
    let path = folder.join(run::RECIPE);
    let text = stapes_files::read_text(&path, MAX_TEXT).map_err(|source| Error::File {
        path: path.clone(),
        action: "read the recipe of the run",
        source,
    })?;
    Recipe::from_toml(&path.display().to_string(), &text, &[])
}

/// The checkpoint that a run goes on from.
pub(super) fn saved(
    folder: &Path,
    file: &[u8],
    here: &Provenance,
    progress: &dyn Progress,
) -> Result<Checkpoint, Error> {
    let SavedRun { origin, checkpoint } = SavedRun::parse(folder, file)?;
    if (&origin.data_fingerprint, &origin.augment_fingerprint)
        != (&here.data_fingerprint, &here.augment_fingerprint)
    {
        return Err(Error::DifferentData(folder.into()));
    }
    if origin.program != here.program {
        progress.note(&format!(
            "warning: the checkpoint is of {}, and this is {}: the run may end with other last digits",
            origin.program, here.program
        ));
    }
    progress.note(&format!("going on from step {}", checkpoint.progress.step));
    Ok(checkpoint)
}

/// A complete run as it was when it was made.
pub(super) fn read_again(
    experiment: &Experiment,
    folder: RunFolder,
    progress: &dyn Progress,
) -> Result<RunResult, Error> {
    progress.note("is complete already");
    let Run { record, model, .. } = Run::open(folder.folder())?;
    if record.data_fingerprint != stapes_data::fingerprint(&experiment.dataset, &experiment.split) {
        return Err(Error::DifferentData(folder.folder().into()));
    }
    let test = load(experiment, &experiment.split.test, &AtomicBool::new(false), progress)?;
    Ok(Tested::new(experiment, &model, test)?.finished(&folder.finish()?, record))
}
