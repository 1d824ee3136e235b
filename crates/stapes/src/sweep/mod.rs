//! A sweep: many experiments that differ in what is to be compared, each with several seeds.
//!
//! A [`Sweep`] is read from a file and holds its cells; [`SweepRunner`] trains their runs, side by side and resumable. Every run
//! is a folder like any other, so what several machines made is put together by copying folders.

mod conduct;
mod config;
mod search;
mod timing;

use std::path::{Path, PathBuf};

use stapes_data::DataConfig;

use crate::overrides::humanize;
use crate::compare::check_axes;
use crate::error::Error;
use crate::recipe::{MAX_TEXT, Recipe};

pub use conduct::{SweepRunner, SweepSummary, RunStatus, SweepProgress};
pub use config::{
    AxisConfig, BetweenConfig, ChoiceConfig, RangeConfig, ConfigurationEntry, Scale, SearchConfig, SweepConfig,
};
pub use search::{Search, SearchResult, Trial, BEST};
pub use timing::{TIMING, Timing};

/// A sweep with all its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// What the file says.
    pub config: SweepConfig,
    /// What is compared.
    pub cells: Vec<Configuration>,
}

/// One of the things that are compared: a recipe, to be trained with several seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Its name, and that of its folder.
    pub name: String,
    /// What it is on each axis: the axis and the value.
    pub settings: Vec<(String, String)>,
    /// The experiment; its seed is 1.
    pub recipe: Recipe,
}

/// One training of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which cell.
    pub cell: usize,
    /// The part of the data that it tests, of a sweep over folds.
    pub fold: Option<String>,
    /// The seed.
    pub seed: u64,
    /// The experiment.
    pub recipe: Recipe,
    /// The folder of the run within the sweep's: `gru_2/seed-1`, or `gru_2/theo/seed-1` of a fold.
    pub folder: PathBuf,
}

/// Letters of a cell's name, which is that of its folder; file systems take 255.
const LONGEST: usize = 160;
/// More cells are taken for a mistake.
const MOST_CELLS: usize = 100_000;

impl Sweep {
    /// Reads a sweep and the recipes of all its cells.
    ///
    /// # Errors
    /// [`Error::Recipe`] names the file, the key or the cell, and what is expected there.
    pub fn read(path: &Path) -> Result<Sweep, Error> {
        let (config, folder) = read(path)?;
        Sweep::of(config, folder).map_err(|reason| refused(path, reason))
    }

    /// The cells of a configuration whose recipes lie in a folder.
    fn of(config: SweepConfig, folder: &Path) -> Result<Sweep, String> {
        config.check()?;
        if config.search.is_some() {
            return Err("[search] is for `stapes search`: leave it out to train every cell".into());
        }
        check_names(&config)?;
        let mut starts = rows(&config);
        for axis in &config.axes {
            let settings = axis.settings()?;
            if starts.len().saturating_mul(settings.len()) > MOST_CELLS {
                return Err(format!("axes make more than {MOST_CELLS} cells: leave values out"));
            }
            starts = starts.iter().flat_map(|start| start.with(&axis.name, &settings)).collect();
        }
        let cells = starts.into_iter().map(|start| start.cell(&config, folder));
        let cells = cells.collect::<Result<Vec<Configuration>, String>>()?;
        distinct(&cells)?;
        Ok(Sweep { config, cells })
    }

    /// The names of what is varied: the columns of its table.
    pub fn axes(&self) -> Vec<&str> {
        let settings = self.cells.first().map(|cell| &cell.settings);
        settings.into_iter().flatten().map(|(axis, _)| axis.as_str()).collect()
    }

    /// Whether the data of all cells is there.
    ///
    /// # Errors
    /// [`Error::Data`] if it is not.
    pub fn check_data(&self, data: Option<&Path>) -> Result<(), Error> {
        check_data(self.cells.iter().map(|cell| &cell.recipe), data)
    }

    /// All trainings: those with seed 1 of all cells come before those with seed 2, so that a sweep that is cut short has
    /// every cell; `data` is the folder of the data set.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is not there, or has no folds where they are asked for.
    pub fn jobs(&self, data: Option<&Path>) -> Result<Vec<Job>, Error> {
        jobs(&self.cells, (self.config.folds, self.config.seeds), data)
    }
}

/// Opens each data set of recipes once.
fn check_data<'a>(recipes: impl Iterator<Item = &'a Recipe>, data: Option<&Path>) -> Result<(), Error> {
    let mut opened: Vec<&DataConfig> = Vec::new();
    for Recipe { data: config, .. } in recipes {
        if !opened.contains(&config) {
            config.open(data)?;
            opened.push(config);
        }
    }
    Ok(())
}

/// The trainings of cells, seed by seed.
fn jobs(cells: &[Configuration], (folds, seeds): (bool, u64), data: Option<&Path>) -> Result<Vec<Job>, Error> {
    let mut parts = Vec::new();
    for cell in cells {
        parts.push(match folds {
            true => cell.recipe.folds(data)?.into_iter().map(|(name, recipe)| (Some(name), recipe)).collect(),
            false => vec![(None, cell.recipe.clone())],
        });
    }
    let mut jobs = Vec::new();
    for seed in 1..=seeds {
        for (at, (cell, parts)) in cells.iter().zip(&parts).enumerate() {
            jobs.extend(parts.iter().map(|(fold, recipe)| {
                Job {
                    cell: at,
                    fold: fold.clone(),
                    seed,
                    recipe: Recipe { seed, ..recipe.clone() },
                    folder: [Some(cell.name.clone()), fold.clone(), Some(format!("seed-{seed}"))]
                        .into_iter()
                        .flatten()
                        .collect(),
                }
            }));
        }
    }
    Ok(jobs)
}

/// What the file of a sweep or a search says, and the folder that its recipes count from.
fn read(path: &Path) -> Result<(SweepConfig, &Path), Error> {
    let text = stapes_files::read_text_or_stream(path, MAX_TEXT)
        .map_err(|error| refused(path, format!("cannot read the sweep: {error}")))?;
    let config = toml::from_str(&text).map_err(|error| refused(path, humanize(&error.to_string())))?;
    Ok((config, path.parent().unwrap_or(Path::new("."))))
}

fn refused(path: &Path, reason: String) -> Error {
    Error::Recipe { name: path.display().to_string(), reason }
}

/// Whether every column of the table has a name of its own.
fn check_names(config: &SweepConfig) -> Result<(), String> {
    let rows = (!config.rows.is_empty()).then_some("name");
    let names: Vec<&str> = rows.into_iter().chain(config.axes.iter().map(|axis| &*axis.name)).collect();
    check_axes(&names)
}

/// The named cells, or the one that all axes start from.
fn rows(config: &SweepConfig) -> Vec<Start> {
    let row = |row: &ConfigurationEntry| Start {
        recipe: row.recipe.clone(),
        settings: vec![("name".to_string(), row.name.clone())],
        set: row.set.clone(),
    };
    match config.rows.is_empty() {
        true => vec![Start::default()],
        false => config.rows.iter().map(row).collect(),
    }
}

/// A cell on the way.
#[derive(Clone, Default)]
struct Start {
    recipe: Option<PathBuf>,
    settings: Vec<(String, String)>,
    set: Vec<String>,
}

impl Start {
    /// With each value of an axis.
    fn with(&self, axis: &str, settings: &[(String, Vec<String>)]) -> Vec<Start> {
        let with = |(value, changes): &(String, Vec<String>)| {
            let mut start = self.clone();
            start.settings.push((axis.into(), value.clone()));
            start.set.extend(changes.iter().cloned());
            start
        };
        settings.iter().map(with).collect()
    }

    fn cell(self, config: &SweepConfig, folder: &Path) -> Result<Configuration, String> {
        let name = match self.settings.is_empty() {
            true => "recipe".to_string(),
            false => self.settings.iter().map(|(_, value)| folder_name(value)).collect::<Vec<_>>().join("_"),
        };
        // No option of a command line.
        let name = if name.starts_with('-') { format!("_{name}") } else { name };
        if name.len() > LONGEST {
            return Err(format!("{name}: a cell's name has at most {LONGEST} letters: give shorter ones"));
        }
        let Some(path) = self.recipe.as_ref().or(config.recipe.as_ref()) else {
            return Err(format!("{name}: no recipe: give recipe for the sweep or for the row"));
        };
        let changes = [&config.set[..], &self.set].concat();
        let recipe =
            Recipe::read_regular(&folder.join(path), &changes).map_err(|error| format!("{name}: {error}"))?;
        let recipe = Recipe { title: format!("{name} ({})", config.title), seed: 1, ..recipe };
        Ok(Configuration { name, settings: self.settings, recipe })
    }
}

/// A value as part of a folder's name on any system.
fn folder_name(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let name: String = value.chars().map(|c| if safe(c) { c } else { '-' }).collect();
    let name = name.trim_matches('.');
    if name.is_empty() { "-".into() } else { name.into() }
}

/// Whether no two cells have the same folder, or are the same experiment.
fn distinct(cells: &[Configuration]) -> Result<(), String> {
    let mut names = std::collections::HashMap::new();
    let mut recipes = std::collections::HashMap::new();
    for cell in cells {
        if names.insert(cell.name.to_lowercase(), ()).is_some() {
            return Err(format!("two cells are called {}: give them other names", cell.name));
        }
        let recipe = Recipe { title: String::new(), ..cell.recipe.clone() }.to_toml();
        if let Some(other) = recipes.insert(recipe, &cell.name) {
            return Err(format!("{other} and {} are the same experiment: leave one out", cell.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
