//! Sweep: training of several configurations, each with several seeds.
//!
//! A [`Sweep`] is read from a file and contains its configurations; a [`SweepRunner`] trains their runs, several at a time
//! and resumable. Each run has an ordinary run folder, so results of several machines are merged by copying folders.

mod config;
mod runner;
mod search;
mod timing;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use stapes_data::DataConfig;

use crate::columns::check_axes;
use crate::error::Error;
use crate::overrides::humanize;
use crate::recipe::{MAX_TEXT, Recipe};
use crate::renamed::renamed_key;

use config::AxisValue;
pub use config::{
    AxisConfig, BetweenConfig, ChoiceConfig, ConfigurationEntry, RangeConfig, Scale, SearchConfig,
    SweepConfig,
};
pub use runner::{RunStatus, Shard, SweepRunner, SweepSummary};
pub use search::{BEST, Search, SearchResult, Trial};
pub use timing::{TIMING, Timing};

/// Sweep with all its configurations.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// Content of the file.
    pub config: SweepConfig,
    /// Configurations to train.
    pub configurations: Vec<Configuration>,
}

/// Configuration of a sweep: a recipe, trained with several seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Name, also of its folder.
    pub name: String,
    /// Axes and their values.
    pub settings: Vec<(String, String)>,
    /// Recipe, with seed 1.
    pub recipe: Recipe,
}

/// Run of a configuration with one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Index of the configuration.
    pub configuration: usize,
    /// Name of the fold, for a sweep over cross-validation folds.
    pub fold: Option<String>,
    /// Seed.
    pub seed: u64,
    /// Recipe.
    pub recipe: Recipe,
    /// Run folder, relative to the folder of the sweep: `gru_2/seed-1`, or `gru_2/theo/seed-1` with folds.
    pub folder: PathBuf,
}

/// Seeds and folds of the runs of each configuration.
#[derive(Clone, Copy)]
struct Repeats {
    folds: bool,
    seeds: u64,
}

/// Maximum length of a configuration's name, which is a folder name; file systems allow 255.
const MAX_NAME: usize = 160;
/// Maximum number of configurations, and of trials; more are probably a mistake, and each is a recipe to parse.
const MAX_CONFIGURATIONS: usize = 10_000;
/// Maximum number of axes; each has at least two letters in the name of a configuration.
const MAX_AXES: usize = MAX_NAME / 2;

impl Sweep {
    /// Reads a sweep and the recipes of all configurations.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the file, the key or configuration, and the expected content.
    pub fn read(path: &Path) -> Result<Sweep, Error> {
        let (config, folder) = read(path)?;
        Sweep::from_config(config, folder).map_err(|reason| invalid(path, reason))
    }

    /// Builds the configurations of a sweep; paths of recipes are relative to `folder`.
    fn from_config(config: SweepConfig, folder: &Path) -> Result<Sweep, String> {
        config.check()?;
        if config.search.is_some() {
            return Err("[search] is for `stapes search`; remove it to train every configuration".into());
        }
        check_names(&config)?;
        let mut drafts = drafts(&config);
        for axis in &config.axes {
            let values = axis.values()?;
            if drafts.len().saturating_mul(values.len()) > MAX_CONFIGURATIONS {
                return Err(format!("axes have more than {MAX_CONFIGURATIONS} combinations; remove values"));
            }
            let with_values = |draft: &Draft| -> Vec<Draft> {
                values.iter().map(|value| draft.with(&axis.name, value)).collect()
            };
            drafts = drafts.iter().flat_map(with_values).collect();
        }
        let configurations = drafts.into_iter().map(|draft| draft.build(&config, folder));
        let configurations = configurations.collect::<Result<Vec<Configuration>, String>>()?;
        check_distinct(&configurations)?;
        Ok(Sweep { config, configurations })
    }

    /// Returns the names of the axes, which are columns of the table.
    pub fn axes(&self) -> Vec<&str> {
        let settings = self.configurations.first().map(|configuration| &configuration.settings);
        settings.into_iter().flatten().map(|(axis, _)| axis.as_str()).collect()
    }

    /// Checks that the data of all configurations exists.
    ///
    /// # Errors
    /// [`Error::Data`] if it does not.
    pub fn check_data(&self, data: Option<&Path>) -> Result<(), Error> {
        check_data(self.configurations.iter().map(|configuration| &configuration.recipe), data)
    }

    /// Returns all runs, ordered by seed, so that an interrupted sweep has every configuration; `data` is the folder of the
    /// data set.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is missing, or has no folds although the sweep uses them.
    pub fn jobs(&self, data: Option<&Path>) -> Result<Vec<Job>, Error> {
        let SweepConfig { folds, seeds, .. } = self.config;
        jobs(&self.configurations, Repeats { folds, seeds }, data)
    }
}

/// Opens each data set of the recipes once.
fn check_data<'a>(recipes: impl Iterator<Item = &'a Recipe>, data: Option<&Path>) -> Result<(), Error> {
    let mut opened: Vec<(&DataConfig, Option<&Path>)> = Vec::new();
    for recipe in recipes {
        let one = (&recipe.data, recipe.data_folder(data));
        if !opened.contains(&one) {
            recipe.data.open(one.1)?;
            opened.push(one);
        }
    }
    Ok(())
}

/// Returns the runs of configurations, ordered by seed.
fn jobs(
    configurations: &[Configuration],
    Repeats { folds, seeds }: Repeats,
    data: Option<&Path>,
) -> Result<Vec<Job>, Error> {
    let mut recipes = Vec::new();
    for Configuration { recipe, .. } in configurations {
        recipes.push(match folds {
            true => recipe.folds(data)?.into_iter().map(|(name, recipe)| (Some(name), recipe)).collect(),
            false => vec![(None, recipe.clone())],
        });
    }
    let mut jobs = Vec::new();
    for seed in 1..=seeds {
        for (index, (configuration, recipes)) in configurations.iter().zip(&recipes).enumerate() {
            jobs.extend(recipes.iter().map(|(fold, recipe)| {
                Job {
                    configuration: index,
                    fold: fold.clone(),
                    seed,
                    recipe: Recipe { seed, ..recipe.clone() },
                    folder: [Some(configuration.name.clone()), fold.clone(), Some(format!("seed-{seed}"))]
                        .into_iter()
                        .flatten()
                        .collect(),
                }
            }));
        }
    }
    Ok(jobs)
}

/// Reads the file of a sweep or a search, and returns the folder to which its recipes are relative.
fn read(path: &Path) -> Result<(SweepConfig, &Path), Error> {
    let failed = |source| Error::File { path: path.into(), action: "read the sweep", source };
    let text = stapes_files::read_text_or_stream(path, MAX_TEXT).map_err(failed)?;
    let config = parse(&text).map_err(|reason| invalid(path, reason))?;
    Ok((config, path.parent().unwrap_or(Path::new("."))))
}

fn parse(text: &str) -> Result<SweepConfig, String> {
    if let Some(message) = toml::from_str(text).ok().and_then(|table| renamed_key(&table)) {
        return Err(message);
    }
    toml::from_str(text).map_err(|error| humanize(&error.to_string()))
}

fn invalid(path: &Path, reason: String) -> Error {
    Error::Recipe { name: path.display().to_string(), reason }
}

/// Checks the number of configurations and axes, and that all columns of the table have different names.
fn check_names(config: &SweepConfig) -> Result<(), String> {
    for (key, count, max) in [
        ("axes", config.axes.len(), MAX_AXES),
        ("configurations", config.configurations.len(), MAX_CONFIGURATIONS),
    ] {
        if count > max {
            return Err(format!("{count} {key}: must be at most {max}; remove some"));
        }
    }
    let name = (!config.configurations.is_empty()).then_some("name");
    let names: Vec<&str> = name.into_iter().chain(config.axes.iter().map(|axis| &*axis.name)).collect();
    check_axes(&names)
}

/// Returns drafts of the named configurations, or one empty draft if there are none.
fn drafts(config: &SweepConfig) -> Vec<Draft> {
    let draft = |entry: &ConfigurationEntry| Draft {
        recipe: entry.recipe.clone(),
        settings: vec![("name".to_string(), entry.name.clone())],
        set: entry.set.clone(),
    };
    match config.configurations.is_empty() {
        true => vec![Draft::default()],
        false => config.configurations.iter().map(draft).collect(),
    }
}

/// Configuration to which values of axes are added.
#[derive(Clone, Default)]
struct Draft {
    recipe: Option<PathBuf>,
    settings: Vec<(String, String)>,
    set: Vec<String>,
}

impl Draft {
    /// Returns the draft with a value of an axis.
    fn with(&self, axis: &str, value: &AxisValue) -> Draft {
        let mut draft = self.clone();
        draft.settings.push((axis.into(), value.name.clone()));
        draft.set.extend(value.set.iter().cloned());
        draft
    }

    fn build(self, config: &SweepConfig, folder: &Path) -> Result<Configuration, String> {
        let name = match self.settings.is_empty() {
            true => "recipe".to_string(),
            false => self.settings.iter().map(|(_, value)| folder_name(value)).collect::<Vec<_>>().join("_"),
        };
        // A name must not look like an option of a command line.
        let name = if name.starts_with('-') { format!("_{name}") } else { name };
        if name.len() > MAX_NAME {
            return Err(format!(
                "{name}: the name of a configuration has at most {MAX_NAME} letters; shorten it"
            ));
        }
        let Some(path) = self.recipe.as_ref().or(config.recipe.as_ref()) else {
            return Err(format!("{name}: has no recipe; set recipe in the sweep or in the configuration"));
        };
        let overrides = [&config.set[..], &self.set].concat();
        let recipe = Recipe::read_regular(&folder.join(path), &overrides)
            .map_err(|error| format!("{name}: {error}"))?;
        let recipe = Recipe { title: format!("{name} ({})", config.title), seed: 1, ..recipe };
        Ok(Configuration { name, settings: self.settings, recipe })
    }
}

/// Returns a value as part of a folder name that is valid on all systems.
fn folder_name(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let name: String = value.chars().map(|c| if safe(c) { c } else { '-' }).collect();
    let name = name.trim_matches('.');
    if name.is_empty() { "-".into() } else { name.into() }
}

/// Checks that no two configurations have the same folder or the same recipe.
fn check_distinct(configurations: &[Configuration]) -> Result<(), String> {
    let mut names = HashSet::new();
    let mut recipes = HashMap::new();
    for Configuration { name, recipe, .. } in configurations {
        if !names.insert(name.to_lowercase()) {
            return Err(format!("two configurations are named {name}; rename one"));
        }
        let recipe = Recipe { title: String::new(), ..recipe.clone() }.to_toml();
        if let Some(other) = recipes.insert(recipe, name) {
            return Err(format!("{other} and {name} are the same experiment; remove one"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
