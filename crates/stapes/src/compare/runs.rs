//! Any runs as candidates: those that differ in nothing but seed and fold are one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Candidate, repetition};
use crate::error::Error;
use crate::run::{RECIPE, RECORD, Standing};
use crate::sweep::Timing;

/// How deep runs are looked for: a folder of sweeps, a sweep, a cell, a fold, a seed.
const DEPTH: usize = 5;

/// The complete runs of folders, each of which is a run or holds runs somewhere within.
///
/// # Errors
/// [`Error::NoRun`] for a folder without any; [`Error::File`] if one cannot be read.
pub fn runs_within(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut runs = Vec::new();
    for folder in folders {
        let before = runs.len();
        look(folder, DEPTH, &mut runs)?;
        if runs.len() == before {
            return Err(Error::NoRun { folder: folder.clone(), file: RECORD });
        }
    }
    // Given twice, or once by itself and once within another.
    let mut seen = std::collections::HashSet::new();
    runs.retain(|run| seen.insert(fs::canonicalize(run).unwrap_or_else(|_| run.clone())));
    Ok(runs)
}

fn look(folder: &Path, depth: usize, runs: &mut Vec<PathBuf>) -> Result<(), Error> {
    if folder.join(RECIPE).is_file() {
        if Standing::of(folder)? == Standing::Complete {
            runs.push(folder.into());
        }
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let refuse = |source| Error::File { path: folder.into(), action: "look for runs in it", source };
    let entries = fs::read_dir(folder).map_err(refuse)?.collect::<Result<Vec<_>, _>>().map_err(refuse)?;
    let mut inner: Vec<PathBuf> =
        entries.iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    inner.sort_by_key(|path| numbers_apart(&path.to_string_lossy()));
    inner.iter().try_for_each(|folder| look(folder, depth - 1, runs))
}

/// A name in parts that are ordered as people do: seed-2 before seed-10.
fn numbers_apart(name: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    for character in name.chars() {
        match (character.to_digit(10), parts.last_mut()) {
            (Some(digit), Some((number, text))) if text.is_empty() => {
                *number = number.saturating_mul(10).saturating_add(digit.into());
            }
            (Some(digit), _) => parts.push((digit.into(), String::new())),
            (None, Some((_, text))) if !text.is_empty() => text.push(character),
            (None, _) => parts.push((0, character.to_string())),
        }
    }
    parts
}

/// Runs as candidates. Those whose recipes differ only in the seed and the part of the data that is tested are one; what
/// else differs between recipes are the settings.
///
/// # Errors
/// [`Error::NoRun`], [`Error::File`] or [`Error::Damaged`] if a file of a run is missing or cannot be understood, or of runs
/// that are not complete.
pub fn of_runs(runs: &[PathBuf]) -> Result<Vec<Candidate>, Error> {
    let recipes = runs.iter().map(|run| keys(run)).collect::<Result<Vec<_>, _>>()?;
    let varied = varied(&recipes);
    let settings = |recipe: &Keys| -> Vec<(String, String)> {
        varied
            .iter()
            .map(|key| (short(key, &varied), recipe.values.get(key).cloned().unwrap_or_default()))
            .collect()
    };
    // In the order in which they come first; of each candidate the runs by seed.
    let mut groups: Vec<Group> = Vec::new();
    for (run, recipe) in runs.iter().zip(&recipes) {
        let settings = settings(recipe);
        let at = groups.iter().position(|group| group.settings == settings).unwrap_or_else(|| {
            groups.push(Group { settings, seeds: BTreeMap::new() });
            groups.len() - 1
        });
        groups[at].seeds.entry(recipe.seed).or_default().push(run.clone());
    }
    let candidate = |Group { settings, seeds }: Group| {
        let first = seeds.values().flatten().next().cloned().unwrap_or_default();
        let mut repetitions = Vec::new();
        for (seed, folders) in seeds {
            repetitions.extend(repetition(seed, folders)?);
        }
        let timing = match first
            .ancestors()
            .skip(1)
            .take(2)
            .find(|folder| folder.join(crate::sweep::TIMING).is_file())
        {
            Some(folder) => Timing::read(folder)?,
            None => None,
        };
        let name = match settings.is_empty() {
            true => first.display().to_string(),
            false => settings.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", "),
        };
        Ok(Candidate { name, settings, repetitions, timing })
    };
    groups.into_iter().map(candidate).collect()
}

/// Runs that differ only in seed and fold.
struct Group {
    settings: Vec<(String, String)>,
    seeds: BTreeMap<u64, Vec<PathBuf>>,
}

/// A recipe as its keys and values.
struct Keys {
    seed: u64,
    values: BTreeMap<String, String>,
}

fn keys(run: &Path) -> Result<Keys, Error> {
    let path = run.join(RECIPE);
    let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NoRun { folder: run.into(), file: RECIPE },
        _ => Error::File { path: path.clone(), action: "read the recipe of the run", source: error },
    })?;
    let mut table: toml::Table = toml::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    let seed = table.remove("seed").and_then(|seed| seed.as_integer()).unwrap_or(1);
    table.remove("title");
    let mut values = BTreeMap::new();
    flatten("", &toml::Value::Table(table), &mut values);
    Ok(Keys { seed: u64::try_from(seed).map_err(|error| damaged(error.to_string()))?, values })
}

fn flatten(path: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, into);
            }
        }
        value => {
            into.insert(path.into(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
}

/// The keys that differ between recipes, save those that say which part of the data is tested.
fn varied(recipes: &[Keys]) -> Vec<String> {
    let is_fold =
        |key: &str| key.starts_with("data.") && [".fold", ".speaker"].iter().any(|end| key.ends_with(end));
    let mut keys: Vec<&String> = recipes.iter().flat_map(|recipe| recipe.values.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs =
        |key: &str| recipes.iter().any(|recipe| recipe.values.get(key) != recipes[0].values.get(key));
    keys.into_iter().filter(|key| !is_fold(key) && differs(key)).cloned().collect()
}

/// The last part of a key, or as many as tell it from the others.
fn short(key: &str, others: &[String]) -> String {
    let parts: Vec<&str> = key.split('.').collect();
    for from in (0..parts.len()).rev() {
        let end = parts[from..].join(".");
        let same = |other: &&String| **other == end || other.ends_with(&format!(".{end}"));
        if others.iter().filter(same).count() == 1 {
            return end;
        }
    }
    key.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_within_names_are_ordered_as_numbers() {
        let mut names = ["seed-10", "seed-2", "seed-1", "a"];
        names.sort_by_key(|name| numbers_apart(name));
        assert_eq!(names, ["a", "seed-1", "seed-2", "seed-10"]);
    }

    #[test]
    fn what_differs_is_named_by_as_much_as_tells_it_apart() {
        let recipe = |text: &str| {
            let mut values = BTreeMap::new();
            flatten("", &toml::Value::Table(toml::from_str(text).unwrap()), &mut values);
            Keys { seed: 1, values }
        };
        let recipes = [
            recipe(
                "[data.fsdd]\nspeaker = 'theo'\n[model.recurrent]\ncell = 'gru'\ndropout = 0.1\n[head]\ndropout = 0.5",
            ),
            recipe(
                "[data.fsdd]\nspeaker = 'lucas'\n[model.recurrent]\ncell = 'lstm'\ndropout = 0.2\n[head]\ndropout = 0.3",
            ),
        ];
        let varied = varied(&recipes);
        assert_eq!(varied, ["head.dropout", "model.recurrent.cell", "model.recurrent.dropout"]);
        let short: Vec<String> = varied.iter().map(|key| short(key, &varied)).collect();
        assert_eq!(short, ["head.dropout", "cell", "recurrent.dropout"]);
    }
}
