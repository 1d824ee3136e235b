//! Any runs as candidates: those that differ in nothing but seed and fold are one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
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

/// Of more keys than these that differ, those are named that tell the candidates apart.
const NAMED: usize = 6;

/// Runs as candidates, and the keys of their recipes that differ along with those that are named.
///
/// Runs whose recipes differ only in the seed and the part of the data that is tested are one candidate; what else differs
/// between recipes are the settings, or where that is a lot, as between front ends, as much of it as tells them apart.
///
/// # Errors
/// [`Error::NoRun`], [`Error::File`] or [`Error::Damaged`] if a file of a run is missing or cannot be understood, or of runs
/// that are not complete.
pub fn of_runs(runs: &[PathBuf]) -> Result<(Vec<Candidate>, Vec<String>), Error> {
    let recipes = runs.iter().map(|run| keys(run)).collect::<Result<Vec<_>, _>>()?;
    let all = varied(&recipes);
    let varied = if all.len() > NAMED { telling(&all, &recipes) } else { all.clone() };
    let along = all.into_iter().filter(|key| !varied.contains(key)).collect();
    let settings = |recipe: &Keys| -> Vec<(String, String)> {
        let of = |key: &String| Some((short(key, &varied), recipe.values.get(key)?.clone()));
        varied.iter().filter_map(of).collect()
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
        Ok(Candidate { name: place(&first), settings, repetitions, timing })
    };
    Ok((groups.into_iter().map(candidate).collect::<Result<_, Error>>()?, along))
}

/// Where a candidate's runs are: the folder of one, or what holds those of all seeds.
fn place(run: &Path) -> String {
    let of_seed = run.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
    let place = run.parent().filter(|parent| of_seed && !parent.as_os_str().is_empty());
    place.unwrap_or(run).display().to_string()
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

/// Every key of a recipe with its value, and which tables one has: `model` is `recurrent` or `tc-resnet`.
fn flatten(path: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            let inner: Vec<&str> =
                table.iter().filter(|(_, value)| value.is_table()).map(|(key, _)| &**key).collect();
            if !path.is_empty() && !inner.is_empty() {
                into.insert(path.into(), inner.join(" + "));
            }
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

/// A few of the keys that tell recipes apart as far as all of them do, in their order: at each step one that tells more apart
/// and that most recipes have, of these the one that tells most apart, of equals the one least deep within tables.
fn telling(keys: &[String], recipes: &[Keys]) -> Vec<String> {
    let groups = |keys: &[&String]| {
        let values = |recipe: &Keys| -> Vec<Option<String>> {
            keys.iter().map(|key| recipe.values.get(*key).cloned()).collect()
        };
        recipes.iter().map(values).collect::<BTreeSet<_>>().len()
    };
    let all = groups(&keys.iter().collect::<Vec<_>>());
    let mut chosen: Vec<&String> = Vec::new();
    while groups(&chosen) < all {
        let apart = groups(&chosen);
        let worth = |key: &&String| {
            let lacking = recipes.iter().filter(|recipe| !recipe.values.contains_key(*key)).count();
            let with = groups(&[&chosen[..], &[*key]].concat());
            (with > apart, Reverse(lacking), with, Reverse(key.matches('.').count()))
        };
        // The first of equals.
        let Some(best) = keys.iter().rev().max_by_key(worth) else { break };
        chosen.push(best);
    }
    keys.iter().filter(|key| chosen.contains(key)).cloned().collect()
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

    #[test]
    fn of_a_lot_that_differs_as_much_is_named_as_tells_it_apart() {
        let recipe = |front_end: &str, cell: &str, rate: &str| {
            let mut values = BTreeMap::new();
            let text = format!(
                "[features]\n{front_end}\n[model.recurrent]\ncell = '{cell}'\n[train]\nrate = {rate}"
            );
            flatten("", &toml::Value::Table(toml::from_str(&text).unwrap()), &mut values);
            Keys { seed: 1, values }
        };
        let front_ends = [
            "mfcc = { n_fft = 512, n_mfcc = 13, hop = 160 }",
            "mfcc = { n_fft = 2048, n_mfcc = 20, hop = 512 }",
            "mel = { n_fft = 512, n_mels = 40, hop = 160 }",
        ];
        let recipes: Vec<Keys> = front_ends
            .iter()
            .flat_map(|front_end| ["gru", "lstm"].map(|cell| recipe(front_end, cell, "0.1")))
            .collect();
        let varied = varied(&recipes);
        assert_eq!(varied.len(), 8, "{varied:?}");
        // Two front ends are called alike: of the keys that tell them apart as well the first.
        assert_eq!(telling(&varied, &recipes), ["features", "features.mfcc.hop", "model.recurrent.cell"]);
        assert_eq!(telling(&varied, &recipes[..2]), ["model.recurrent.cell"]);
        assert_eq!(place(Path::new("runs/gru/seed-2")), "runs/gru");
        assert_eq!(place(Path::new("runs/gru")), "runs/gru");
        assert_eq!(place(Path::new("seed-2")), "seed-2");
    }
}
