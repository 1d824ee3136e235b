//! Any runs as candidates: those that differ in nothing but seed and fold are one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Candidate, CandidateSet, divergences, repetition};
use crate::overrides::humanize;
use crate::error::Error;
use crate::recipe::{MAX_TEXT, Recipe};
use crate::run::{RECIPE, RECORD, RunState};
use crate::sweep::Timing;

/// How deep runs are looked for: a folder of sweeps, a sweep, a cell, a fold, a seed.
const DEPTH: usize = 5;

/// Runs in folders.
#[derive(Clone, Debug, Default)]
pub struct FoundRuns {
    /// Those that are complete.
    pub runs: Vec<PathBuf>,
    /// Those that are not.
    pub unfinished: Vec<PathBuf>,
}

/// The runs of folders, each of which is a run or holds runs somewhere within.
///
/// # Errors
/// [`Error::NoRun`] for a folder without any that is complete; [`Error::File`] if one cannot be read.
pub fn find_runs(folders: &[PathBuf]) -> Result<FoundRuns, Error> {
    let mut found = FoundRuns::default();
    for folder in folders {
        let before = found.runs.len();
        look(folder, DEPTH, &mut found)?;
        if found.runs.len() == before {
            return Err(Error::NoRun { folder: folder.clone(), file: RECORD });
        }
    }
    // Given twice, or once by itself and once within another.
    let mut seen = std::collections::HashSet::new();
    let mut first = |run: &PathBuf| seen.insert(fs::canonicalize(run).unwrap_or_else(|_| run.clone()));
    found.runs.retain(&mut first);
    found.unfinished.retain(&mut first);
    Ok(found)
}

fn look(folder: &Path, depth: usize, found: &mut FoundRuns) -> Result<(), Error> {
    if folder.join(RECIPE).exists() {
        match RunState::of(folder)? {
            RunState::Complete => found.runs.push(folder.into()),
            _ => found.unfinished.push(folder.into()),
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
    inner.iter().try_for_each(|folder| look(folder, depth - 1, found))
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

/// Of more keys than these that differ, candidates are called by their folders.
const NAMED: usize = 6;
/// So many of them are named.
const KEYS: usize = 6;

/// Runs as candidates.
///
/// Runs whose recipes differ only in the seed and the part of the data that is tested are one candidate; what else differs
/// between recipes are the settings. Where that is a lot, as between front ends, candidates have none and are called by their
/// folders. A run of the same recipe and seed as one before it is left out, and so is one with a damaged file.
///
/// # Errors
/// [`Error::NoRun`], [`Error::File`] or [`Error::Damaged`] if the recipe of a run is missing or cannot be understood.
pub fn group_runs(found: &FoundRuns) -> Result<CandidateSet, Error> {
    let recipes = found.runs.iter().map(|run| keys(run)).collect::<Result<Vec<_>, _>>()?;
    let varied = varied(&recipes);
    let settings = |recipe: &Keys| -> Vec<(String, String)> {
        let of = |key: &String| Some((short(key, &varied), recipe.values.get(key)?.clone()));
        varied.iter().filter_map(of).collect()
    };
    let mut compared = CandidateSet::default();
    // In the order in which they come first; of each candidate the runs by seed and fold.
    let mut groups: Vec<Group> = Vec::new();
    for (run, recipe) in found.runs.iter().zip(&recipes) {
        let settings = settings(recipe);
        let at = groups.iter().position(|group| group.settings == settings).unwrap_or_else(|| {
            groups.push(Group { settings, seeds: BTreeMap::new() });
            groups.len() - 1
        });
        let folds = groups[at].seeds.entry(recipe.seed).or_default();
        match folds.iter().find(|(fold, _)| *fold == recipe.fold) {
            None => folds.push((recipe.fold.clone(), run.clone())),
            Some((_, first)) => compared.notes.push(format!(
                "{} is of the same recipe and seed as {}, and left out.",
                run.display(),
                first.display()
            )),
        }
    }
    let names = names(&groups);
    compared.notes.extend(lacking_folds(&groups, &names));
    if !found.unfinished.is_empty() {
        let runs: Vec<String> = found.unfinished.iter().map(|run| run.display().to_string()).collect();
        compared.notes.push(format!("Not complete, and left out: {}.", few(&runs)));
    }
    let by_folder = varied.len() > NAMED;
    if by_folder {
        let count = varied.len();
        let keys = few(&varied);
        compared
            .notes
            .push(format!("Runs are called by their folders: their recipes differ in {count} keys, {keys}."));
    }
    for (Group { settings, seeds }, name) in groups.into_iter().zip(names) {
        let first = seeds.values().flatten().next().map(|(_, run)| run.clone()).unwrap_or_default();
        let mut repetitions = Vec::new();
        for (seed, folds) in seeds {
            let folders = folds.into_iter().map(|(_, run)| run).collect();
            repetitions.extend(compared.usable(repetition(seed, folders)));
        }
        let place =
            first.ancestors().skip(1).take(2).find(|folder| folder.join(crate::sweep::TIMING).exists());
        let timing = place.and_then(|folder| compared.usable(Timing::read(folder)).flatten());
        let settings = if by_folder { Vec::new() } else { settings };
        compared.candidates.push(Candidate { name, settings, repetitions, timing });
    }
    compared.notes.extend(divergences(&compared.candidates));
    Ok(compared)
}

/// A list of which the first few are named.
fn few(items: &[String]) -> String {
    let more = match items.len().saturating_sub(KEYS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    items[..items.len().min(KEYS)].join(", ") + &more
}

/// Says which candidates lack folds that others of the same split have.
fn lacking_folds(groups: &[Group], names: &[String]) -> Vec<String> {
    let seeds =
        || groups.iter().zip(names).flat_map(|(group, name)| group.seeds.iter().map(move |of| (name, of)));
    let mut lacking = Vec::new();
    for (name, (seed, folds)) in seeds() {
        let own: BTreeSet<&Option<String>> = folds.iter().map(|(fold, _)| fold).collect();
        let others =
            seeds().map(|(_, (_, folds))| folds.iter().map(|(fold, _)| fold).collect::<BTreeSet<_>>());
        let all: BTreeSet<_> = others.filter(|folds| !folds.is_disjoint(&own)).flatten().collect();
        if own.len() < all.len() {
            let (own, all) = (own.len(), all.len());
            lacking.push(format!("{name}, seed {seed}: tested on {own} of {all} parts of the data."));
        }
    }
    lacking
}

/// What candidates are called: the folder that holds all runs of one, without what leads to all of them.
fn names(groups: &[Group]) -> Vec<String> {
    let runs = |group: &Group| -> Vec<PathBuf> {
        group.seeds.values().flatten().map(|(_, run)| run.clone()).collect()
    };
    let runs: Vec<Vec<PathBuf>> = groups.iter().map(runs).collect();
    let mut places: Vec<&Path> = runs.iter().map(|runs| place(runs)).collect();
    // Runs that somebody put together by hand.
    if (1..places.len()).any(|at| places[..at].contains(&places[at])) {
        places = runs.iter().map(|runs| runs[0].as_path()).collect();
    }
    let common = common(&places, |place, common| place.starts_with(common) && place != common);
    let name = |place: &&Path| match places.len() {
        1 => place.display().to_string(),
        _ => place.strip_prefix(common).unwrap_or(place).display().to_string(),
    };
    places.iter().map(name).collect()
}

/// The folder of a candidate's only run, or what holds all of its runs; of one that is called by its seed what holds that.
fn place(runs: &[PathBuf]) -> &Path {
    let first = runs[0].as_path();
    let of_seed = first.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
    let folder = match runs.len() {
        1 if !of_seed => first,
        1 => first.parent().unwrap_or(first),
        _ => common(&runs.iter().map(PathBuf::as_path).collect::<Vec<_>>(), |run, above| {
            run.starts_with(above)
        }),
    };
    if folder.as_os_str().is_empty() { first } else { folder }
}

/// The longest path above the first that leads to all as it should; the empty one where none does.
fn common<'a>(paths: &[&'a Path], leads: impl Fn(&Path, &Path) -> bool) -> &'a Path {
    let mut above = paths[0].ancestors().skip(1);
    above.find(|above| paths.iter().all(|path| leads(path, above))).unwrap_or(Path::new(""))
}

/// Runs that differ only in seed and fold.
struct Group {
    settings: Vec<(String, String)>,
    /// Of each seed the runs with the fold that they test.
    seeds: BTreeMap<u64, Vec<(Option<String>, PathBuf)>>,
}

/// A recipe as its keys and values.
struct Keys {
    seed: u64,
    /// What it tests, where its split has folds.
    fold: Option<String>,
    values: BTreeMap<String, String>,
}

fn keys(run: &Path) -> Result<Keys, Error> {
    let path = run.join(RECIPE);
    let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
    let text = stapes_files::read_text(&path, MAX_TEXT).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NoRun { folder: run.into(), file: RECIPE },
        _ => Error::File { path: path.clone(), action: "read the recipe of the run", source: error },
    })?;
    let mut table: toml::Table =
        toml::from_str(&text).map_err(|error: toml::de::Error| damaged(humanize(&error.to_string())))?;
    let seed = table.remove("seed").and_then(|seed| seed.as_integer()).unwrap_or(1);
    table.remove("title");
    let mut values = BTreeMap::new();
    flatten("", &toml::Value::Table(table), &mut values);
    // A recipe that this version cannot read is one without folds.
    let recipe = Recipe::from_toml(&path.display().to_string(), &text, &[]).ok();
    let fold_key = recipe.and_then(|recipe| recipe.data.fold_key());
    let fold = fold_key.and_then(|key| values.remove(&format!("data.{key}")));
    Ok(Keys { seed: u64::try_from(seed).map_err(|error| damaged(error.to_string()))?, fold, values })
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

/// The keys that differ between recipes.
fn varied(recipes: &[Keys]) -> Vec<String> {
    let mut keys: Vec<&String> = recipes.iter().flat_map(|recipe| recipe.values.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs =
        |key: &str| recipes.iter().any(|recipe| recipe.values.get(key) != recipes[0].values.get(key));
    keys.into_iter().filter(|key| differs(key)).cloned().collect()
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
            Keys { seed: 1, fold: None, values }
        };
        let recipes = [
            recipe("[model.recurrent]\ncell = 'gru'\ndropout = 0.1\n[head]\ndropout = 0.5"),
            recipe("[model.recurrent]\ncell = 'lstm'\ndropout = 0.2\n[head]\ndropout = 0.3"),
        ];
        let varied = varied(&recipes);
        assert_eq!(varied, ["head.dropout", "model.recurrent.cell", "model.recurrent.dropout"]);
        let short: Vec<String> = varied.iter().map(|key| short(key, &varied)).collect();
        assert_eq!(short, ["head.dropout", "cell", "recurrent.dropout"]);
    }

    fn group(runs: &[&str]) -> Group {
        let folds = runs.iter().map(|run| (Some(run.to_string()), PathBuf::from(run))).collect();
        Group { settings: Vec::new(), seeds: BTreeMap::from([(1, folds)]) }
    }

    #[test]
    fn candidates_are_called_by_what_leads_to_their_runs_and_no_more() {
        let names = |groups: &[&[&str]]| names(&groups.iter().map(|runs| group(runs)).collect::<Vec<_>>());
        assert_eq!(names(&[&["runs/cells/gru/seed-1"], &["runs/cells/lstm/seed-2"]]), ["gru", "lstm"]);
        assert_eq!(
            names(&[&["runs/gru/theo/seed-1", "runs/gru/ann/seed-1"], &["runs/mfcc"]]),
            ["gru", "mfcc"]
        );
        assert_eq!(names(&[&["a/seed-1"], &["/b/seed-1"]]), ["a", "/b"]);
        assert_eq!(names(&[&["runs/gru/seed-1"]]), ["runs/gru"]);
        assert_eq!(names(&[&["seed-1"], &["seed-2"]]), ["seed-1", "seed-2"]);
        // One below the other, two recipes below one folder, and runs of everywhere.
        assert_eq!(names(&[&["runs/gru"], &["runs/gru/wide"]]), ["gru", "gru/wide"]);
        assert_eq!(names(&[&["runs/gru/seed-1"], &["runs/gru/seed-2"]]), ["seed-1", "seed-2"]);
        assert_eq!(names(&[&["a/seed-1", "b/seed-1"], &["c"]]), ["a/seed-1", "c"]);
    }

    #[test]
    fn candidates_that_lack_folds_are_named() {
        let groups = [group(&["a", "b", "c"]), group(&["a", "c"])];
        let names = ["gru".to_string(), "lstm".to_string()];
        assert_eq!(lacking_folds(&groups, &names), ["lstm, seed 1: tested on 2 of 3 parts of the data."]);
        assert!(lacking_folds(&groups[..1], &names[..1]).is_empty());
    }
}
