//! Training of recipes, which writes run folders.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use serde::Deserialize;
use stapes::run::{IfExists, RunFolder, default_folder};
use stapes::train::SingleProcess;
use stapes::{Error, Recipe, TrainingJob};

use crate::error::{exception, exception_about, value_error};
use crate::events::interruptible;

/// Recipe of a training.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// File, or name of a built-in recipe.
    File(PathBuf),
    /// Sections and keys.
    Keys(toml::Table),
}

impl Source {
    fn recipe(&self, overrides: &[String]) -> Result<Recipe, Error> {
        match self {
            Source::File(path) => Recipe::find(path, overrides),
            Source::Keys(table) => Recipe::from_toml("recipe", &table.to_string(), overrides),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Source::File(path) => path,
            Source::Keys(_) => "recipe".as_ref(),
        }
    }
}

/// Returns overrides of keys, a JSON object, as texts `key=value`.
fn overrides(json: &str) -> PyResult<Vec<String>> {
    let keys: toml::Table =
        serde_json::from_str(json).map_err(|error| value_error(format!("set: {error}")))?;
    Ok(keys.iter().map(|(key, value)| format!("{key}={value}")).collect())
}

/// Returns the recipe of `{"file": path}` or `{"keys": {…}}`, with overrides of keys, a JSON object.
pub(crate) fn read_recipe(recipe: &str, set: &str) -> PyResult<Recipe> {
    let source: Source =
        serde_json::from_str(recipe).map_err(|error| value_error(format!("recipe: {error}")))?;
    source.recipe(&overrides(set)?).map_err(exception)
}

/// Trains a recipe, `{"file": path}` or `{"keys": {…}}`, and returns the run folder and true if it was interrupted.
#[pyfunction]
#[pyo3(signature = (recipe, data, out, set, exists, callback))]
pub(crate) fn train(
    py: Python<'_>,
    recipe: &str,
    data: Option<PathBuf>,
    out: Option<PathBuf>,
    set: &str,
    exists: &str,
    callback: Py<PyAny>,
) -> PyResult<(PathBuf, bool)> {
    let source: Source =
        serde_json::from_str(recipe).map_err(|error| value_error(format!("recipe: {error}")))?;
    let existing = match exists {
        "error" => IfExists::Refuse,
        "replace" => IfExists::Replace,
        "resume" => IfExists::Resume,
        _ => {
            return Err(value_error(format!(
                "exists = {exists:?}: must be \"error\", \"replace\" or \"resume\""
            )));
        }
    };
    let recipe = source.recipe(&overrides(set)?).map_err(exception)?;
    let out = out.unwrap_or_else(|| default_folder(Recipe::name_of(source.path()), existing));
    let data = data.map(std::path::absolute).transpose()?;
    let stop = AtomicBool::new(false);
    let (result, interrupted) = interruptible(py, &stop, Some(&callback), |on_event| {
        let folder = RunFolder::open(&out, existing)?;
        let job = TrainingJob {
            recipe,
            data,
            cache: None,
            start: None,
            command: "stapes.train".into(),
            checkpoint_every: Duration::from_secs(30),
            stop: &stop,
            communicator: &SingleProcess,
        };
        Ok::<_, Error>(job.run(folder, on_event)?.folder)
    })?;
    match result {
        Ok(folder) => Ok((folder, interrupted)),
        // Nothing was trained yet.
        Err(error) if interrupted && error.is_stop() => {
            Err(PyKeyboardInterrupt::new_err("while loading the data"))
        }
        Err(error) => Err(exception_about(source.path(), error)),
    }
}
