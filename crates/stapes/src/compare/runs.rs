//! Search for runs in folders, and grouping of runs that differ only in seed and fold into candidates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::run_data::RunData;
use super::{Candidate, CandidateSet, divergences, load_repetition};
use crate::error::Error;
use crate::overrides::humanize;
use crate::recipe::{MAX_TEXT, Recipe};
use crate::run::{RECIPE, RECORD, Run, RunState, check_keys, unfinished};
use crate::sweep::{TIMING, Timing};

/// Maximum depth of the search for runs: a folder of sweeps, a sweep, a configuration, a fold, a seed.
const MAX_DEPTH: usize = 5;

/// Runs that were found in folders.
#[derive(Clone, Debug, Default)]
pub struct FoundRuns {
    /// Complete runs.
    pub runs: Vec<PathBuf>,
    /// Unfinished runs.
    pub unfinished: Vec<PathBuf>,
}

/// Finds the runs in folders, each of which is a run folder or contains run folders at any depth up to 5.
///
/// # Errors
/// [`Error::NoRun`] for a folder without a run, [`Error::StoppedRun`] or [`Error::UnfinishedRun`] for one without a complete run; [`Error::File`] if a folder cannot be read.
pub fn find_runs(folders: &[PathBuf]) -> Result<FoundRuns, Error> {
    let mut found = FoundRuns::default();
    for folder in folders {
        let (before, unfinished_before) = (found.runs.len(), found.unfinished.len());
        search(folder, MAX_DEPTH, &mut found)?;
        if found.runs.len() > before {
            continue;
        }
        if let Some(stopped) = found.unfinished.get(unfinished_before) {
            return Err(unfinished(stopped));
        }
        return Err(Error::NoRun { folder: folder.clone(), file: RECORD });
    }
    // A run may be given twice, or directly and within another folder.
    let mut seen = std::collections::HashSet::new();
    let mut first = |run: &PathBuf| seen.insert(fs::canonicalize(run).unwrap_or_else(|_| run.clone()));
    found.runs.retain(&mut first);
    found.unfinished.retain(&mut first);
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut FoundRuns) -> Result<(), Error> {
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
    let failed = |source| Error::File { path: folder.into(), action: "search it for runs", source };
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut inner: Vec<PathBuf> =
        entries.iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    inner.sort_by_key(|path| natural_key(&path.to_string_lossy()));
    inner.iter().try_for_each(|folder| search(folder, depth - 1, found))
}

/// Returns a sort key for natural order: seed-2 before seed-10.
fn natural_key(name: &str) -> Vec<(u64, String)> {
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

/// Maximum number of different keys for which candidates are named by their settings instead of their folders.
const MAX_NAMED_KEYS: usize = 6;
/// Maximum number of items of a list in a message.
const MAX_LISTED: usize = 6;

/// Groups runs into candidates.
///
/// Runs whose recipes differ only in seed and fold form one candidate, if they have the same data; the other differences are its
/// settings. If there are
/// many differences, as between front ends, candidates have no settings and are named by their folders. A second run with the
/// same recipe and seed is skipped, as is a run with a damaged file.
///
/// # Errors
/// [`Error::NoRun`], [`Error::File`], [`Error::OldRun`] or [`Error::Damaged`] if the recipe of a run is missing or invalid.
pub fn group_runs(found: &FoundRuns) -> Result<CandidateSet, Error> {
    let recipes = found.runs.iter().map(|run| read_keys(run)).collect::<Result<Vec<_>, _>>()?;
    let varied = varied_keys(&recipes);
    let settings = |recipe: &RecipeKeys| -> Vec<(String, String)> {
        let of = |key: &String| Some((short(key, &varied), recipe.values.get(key)?.clone()));
        varied.iter().filter_map(of).collect()
    };
    let mut set = CandidateSet::default();
    // Candidates in the order of their first run; the runs of each by seed and fold.
    let mut groups: Vec<Group> = Vec::new();
    for (run, recipe) in found.runs.iter().zip(&recipes) {
        let settings = settings(recipe);
        // An unreadable record is reported when the run is loaded.
        let data =
            Run::read_record(run).ok().map(|record| RunData::new(record, recipe.seed, recipe.fold.clone()));
        let belongs = |group: &Group| {
            group.settings == settings && data.as_ref().is_none_or(|data| data.belongs_to(&group.data))
        };
        let index = groups.iter().position(belongs).unwrap_or_else(|| {
            groups.push(Group { settings, seeds: BTreeMap::new(), data: Vec::new() });
            groups.len() - 1
        });
        groups[index].data.extend(data);
        let folds = groups[index].seeds.entry(recipe.seed).or_default();
        match folds.iter().find(|(fold, _)| *fold == recipe.fold) {
            None => folds.push((recipe.fold.clone(), run.clone())),
            Some((_, first)) => set.notes.push(format!(
                "{} has the same recipe and seed as {} and was skipped.",
                run.display(),
                first.display()
            )),
        }
    }
    let names = names(&groups);
    set.notes.extend(missing_folds(&groups, &names));
    if !found.unfinished.is_empty() {
        let runs: Vec<String> = found.unfinished.iter().map(|run| run.display().to_string()).collect();
        set.notes.push(format!("Unfinished runs were skipped: {}.", list(&runs)));
    }
    let by_folder = varied.len() > MAX_NAMED_KEYS;
    if by_folder {
        set.notes.push(format!(
            "Candidates are named by their folders, because their recipes differ in {} keys: {}.",
            varied.len(),
            list(&varied)
        ));
    }
    for (Group { settings, seeds, .. }, name) in groups.into_iter().zip(names) {
        let first = seeds.values().flatten().next().map(|(_, run)| run.clone()).unwrap_or_default();
        let mut repetitions = Vec::new();
        for (seed, folds) in seeds {
            let folders = folds.into_iter().map(|(_, run)| run).collect();
            repetitions.extend(set.usable(load_repetition(seed, folders)));
        }
        let folder = first.ancestors().skip(1).take(2).find(|folder| folder.join(TIMING).exists());
        let timing = folder.and_then(|folder| set.usable(Timing::read(folder)).flatten());
        let settings = if by_folder { Vec::new() } else { settings };
        set.candidates.push(Candidate { name, settings, repetitions, timing });
    }
    set.notes.extend(divergences(&set.candidates));
    Ok(set)
}

/// Joins items with commas; only the first few are listed.
fn list(items: &[String]) -> String {
    let more = match items.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    items[..items.len().min(MAX_LISTED)].join(", ") + &more
}

/// Returns a sentence for each candidate that lacks folds of its split.
fn missing_folds(groups: &[Group], names: &[String]) -> Vec<String> {
    let seeds =
        || groups.iter().zip(names).flat_map(|(group, name)| group.seeds.iter().map(move |of| (name, of)));
    let mut notes = Vec::new();
    for (name, (seed, folds)) in seeds() {
        let own: BTreeSet<&Option<String>> = folds.iter().map(|(fold, _)| fold).collect();
        let others =
            seeds().map(|(_, (_, folds))| folds.iter().map(|(fold, _)| fold).collect::<BTreeSet<_>>());
        let all: BTreeSet<_> = others.filter(|folds| !folds.is_disjoint(&own)).flatten().collect();
        if own.len() < all.len() {
            let (own, all) = (own.len(), all.len());
            notes.push(format!("{name}, seed {seed}: tested on {own} of {all} folds."));
        }
    }
    notes
}

/// Returns the names of candidates: the common folder of the runs of each, relative to the common folder of all.
fn names(groups: &[Group]) -> Vec<String> {
    let runs = |group: &Group| -> Vec<PathBuf> {
        group.seeds.values().flatten().map(|(_, run)| run.clone()).collect()
    };
    let runs: Vec<Vec<PathBuf>> = groups.iter().map(runs).collect();
    let mut folders: Vec<&Path> = runs.iter().map(|runs| common_folder(runs)).collect();
    // Runs of several candidates may be in one folder.
    if (1..folders.len()).any(|index| folders[..index].contains(&folders[index])) {
        folders = runs.iter().map(|runs| runs[0].as_path()).collect();
    }
    let prefix = longest_ancestor(&folders, |folder, above| folder.starts_with(above) && folder != above);
    let name = |folder: &&Path| match folders.len() {
        1 => folder.display().to_string(),
        _ => folder.strip_prefix(prefix).unwrap_or(folder).display().to_string(),
    };
    folders.iter().map(name).collect()
}

/// Returns the folder of a candidate's only run (its parent if it is named by the seed), or the common folder of its runs.
fn common_folder(runs: &[PathBuf]) -> &Path {
    let first = runs[0].as_path();
    let of_seed = first.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
    let folder = match runs.len() {
        1 if !of_seed => first,
        1 => first.parent().unwrap_or(first),
        _ => longest_ancestor(&runs.iter().map(PathBuf::as_path).collect::<Vec<_>>(), |run, above| {
            run.starts_with(above)
        }),
    };
    if folder.as_os_str().is_empty() { first } else { folder }
}

/// Returns the longest ancestor of the first path that satisfies the condition for all paths, or the empty path.
fn longest_ancestor<'a>(paths: &[&'a Path], holds: impl Fn(&Path, &Path) -> bool) -> &'a Path {
    let mut above = paths[0].ancestors().skip(1);
    above.find(|above| paths.iter().all(|path| holds(path, above))).unwrap_or(Path::new(""))
}

/// Runs that differ only in seed and fold.
struct Group {
    settings: Vec<(String, String)>,
    /// Data of the runs.
    data: Vec<RunData>,
    /// Runs of each seed, each with its fold.
    seeds: BTreeMap<u64, Vec<(Option<String>, PathBuf)>>,
}

/// Keys and values of a recipe, without title, seed and fold.
struct RecipeKeys {
    seed: u64,
    /// Fold that is tested, if the split has folds.
    fold: Option<String>,
    values: BTreeMap<String, String>,
}

fn read_keys(run: &Path) -> Result<RecipeKeys, Error> {
    let path = run.join(RECIPE);
    let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
    let text = stapes_files::read_text(&path, MAX_TEXT).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NoRun { folder: run.into(), file: RECIPE },
        _ => Error::File { path: path.clone(), action: "read the recipe of the run", source: error },
    })?;
    check_keys(run, &text)?;
    let mut table: toml::Table =
        toml::from_str(&text).map_err(|error: toml::de::Error| damaged(humanize(&error.to_string())))?;
    let seed = table.remove("seed").and_then(|seed| seed.as_integer()).unwrap_or(1);
    table.remove("title");
    let mut values = BTreeMap::new();
    flatten("", &toml::Value::Table(table), &mut values);
    // A recipe that this version cannot read is treated as one without folds.
    let recipe = Recipe::from_toml(&path.display().to_string(), &text, &[]).ok();
    let fold_key = recipe.and_then(|recipe| recipe.data.fold_key());
    let fold = fold_key.and_then(|key| values.remove(&format!("data.{key}")));
    Ok(RecipeKeys { seed: u64::try_from(seed).map_err(|error| damaged(error.to_string()))?, fold, values })
}

/// Collects every key of a recipe with its value, and the names of inner tables: `model` is `recurrent` or `tc-resnet`.
fn flatten(path: &str, value: &toml::Value, keys: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            let inner: Vec<&str> =
                table.iter().filter(|(_, value)| value.is_table()).map(|(key, _)| &**key).collect();
            if !path.is_empty() && !inner.is_empty() {
                keys.insert(path.into(), inner.join(" + "));
            }
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, keys);
            }
        }
        value => {
            keys.insert(path.into(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
}

/// Returns the keys that differ between recipes.
fn varied_keys(recipes: &[RecipeKeys]) -> Vec<String> {
    let mut keys: Vec<&String> = recipes.iter().flat_map(|recipe| recipe.values.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs =
        |key: &str| recipes.iter().any(|recipe| recipe.values.get(key) != recipes[0].values.get(key));
    keys.into_iter().filter(|key| differs(key)).cloned().collect()
}

/// Returns the shortest ending of a key, in whole parts, that is unique among `keys`.
fn short(key: &str, keys: &[String]) -> String {
    let parts: Vec<&str> = key.split('.').collect();
    for from in (0..parts.len()).rev() {
        let end = parts[from..].join(".");
        let same = |other: &&String| **other == end || other.ends_with(&format!(".{end}"));
        if keys.iter().filter(same).count() == 1 {
            return end;
        }
    }
    key.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_natural_order() {
        let mut names = ["seed-10", "seed-2", "seed-1", "a"];
        names.sort_by_key(|name| natural_key(name));
        assert_eq!(names, ["a", "seed-1", "seed-2", "seed-10"]);
    }

    #[test]
    fn differing_keys_are_shortened_to_unique_names() {
        let recipe = |text: &str| {
            let mut values = BTreeMap::new();
            flatten("", &toml::Value::Table(toml::from_str(text).unwrap()), &mut values);
            RecipeKeys { seed: 1, fold: None, values }
        };
        let recipes = [
            recipe("[model.recurrent]\ncell = 'gru'\ndropout = 0.1\n[head]\ndropout = 0.5"),
            recipe("[model.recurrent]\ncell = 'lstm'\ndropout = 0.2\n[head]\ndropout = 0.3"),
        ];
        let varied = varied_keys(&recipes);
        assert_eq!(varied, ["head.dropout", "model.recurrent.cell", "model.recurrent.dropout"]);
        let short: Vec<String> = varied.iter().map(|key| short(key, &varied)).collect();
        assert_eq!(short, ["head.dropout", "cell", "recurrent.dropout"]);
    }

    fn group(runs: &[&str]) -> Group {
        let folds = runs.iter().map(|run| (Some(run.to_string()), PathBuf::from(run))).collect();
        Group { settings: Vec::new(), seeds: BTreeMap::from([(1, folds)]), data: Vec::new() }
    }

    #[test]
    fn candidates_are_named_by_their_folders_without_the_common_prefix() {
        let names = |groups: &[&[&str]]| names(&groups.iter().map(|runs| group(runs)).collect::<Vec<_>>());
        assert_eq!(names(&[&["runs/cells/gru/seed-1"], &["runs/cells/lstm/seed-2"]]), ["gru", "lstm"]);
        assert_eq!(
            names(&[&["runs/gru/theo/seed-1", "runs/gru/ann/seed-1"], &["runs/mfcc"]]),
            ["gru", "mfcc"]
        );
        assert_eq!(names(&[&["a/seed-1"], &["/b/seed-1"]]), ["a", "/b"]);
        assert_eq!(names(&[&["runs/gru/seed-1"]]), ["runs/gru"]);
        assert_eq!(names(&[&["seed-1"], &["seed-2"]]), ["seed-1", "seed-2"]);
        // Nested folders, two recipes in one folder, and runs of different folders.
        assert_eq!(names(&[&["runs/gru"], &["runs/gru/wide"]]), ["gru", "gru/wide"]);
        assert_eq!(names(&[&["runs/gru/seed-1"], &["runs/gru/seed-2"]]), ["seed-1", "seed-2"]);
        assert_eq!(names(&[&["a/seed-1", "b/seed-1"], &["c"]]), ["a/seed-1", "c"]);
    }

    #[test]
    fn candidates_with_missing_folds_are_reported() {
        let groups = [group(&["a", "b", "c"]), group(&["a", "c"])];
        let names = ["gru".to_string(), "lstm".to_string()];
        assert_eq!(missing_folds(&groups, &names), ["lstm, seed 1: tested on 2 of 3 folds."]);
        assert!(missing_folds(&groups[..1], &names[..1]).is_empty());
    }
}
