//! Cross-validation: every example is tested in one fold.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{CustomDataConfig, CustomSplit};
use super::split::CustomSplitter;
use crate::dataset::DataSet;
use crate::error::{DataError, listed};
use crate::source::FoldValue;
use crate::stratified_sampling::groups_of;

/// Returns the name and value of each fold.
pub(super) fn folds(
    set: &'static str,
    custom: &CustomDataConfig,
    dataset: &DataSet,
) -> Result<Vec<(String, FoldValue)>, DataError> {
    match custom.split {
        Some(CustomSplit::Folds) => {
            let names = match predefined(set, custom, dataset)? {
                Some(names) => {
                    folder_names(&names.iter().map(|name| format!("fold-{name}")).collect::<Vec<_>>())
                }
                None => (0..custom.folds()).map(|fold| format!("fold-{fold}")).collect(),
            };
            Ok(names.into_iter().zip((0..).map(FoldValue::Index)).collect())
        }
        Some(CustomSplit::LeaveOneOut) => {
            let speakers = dataset.groups();
            let values = speakers.iter().map(|speaker| FoldValue::Group((*speaker).to_owned()));
            Ok(folder_names(&speakers).into_iter().zip(values).collect())
        }
        _ => Err(DataError::NoFolds {
            set,
            advice: format!(
                "set data.{set}.split = \"folds\" with data.{set}.folds = 5, or data.{set}.split = \"leave-one-out\" for one fold \
                 per speaker"
            ),
        }),
    }
}

/// Returns the key of the tested fold.
pub(super) fn key(custom: &CustomDataConfig) -> Option<&'static str> {
    match custom.split {
        Some(CustomSplit::Folds) => Some("fold"),
        Some(CustomSplit::LeaveOneOut) => Some("group"),
        _ => None,
    }
}

/// Returns unique names that are valid for folders; a speaker's name in a manifest may be anything.
fn folder_names<S: AsRef<str>>(speakers: &[S]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let is_valid = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ');
    let mut name = |speaker: &S| {
        let plain: String =
            speaker.as_ref().chars().map(|letter| if is_valid(letter) { letter } else { '_' }).collect();
        let plain = if plain.starts_with('.') { format!("_{plain}") } else { plain };
        let mut name = plain.clone();
        let mut number = 2;
        while !used.insert(name.clone()) {
            name = format!("{plain}-{number}");
            number += 1;
        }
        name
    };
    speakers.iter().map(&mut name).collect()
}

/// Returns the names of the folds if the data defines them, in the column `fold` of a manifest: numbers in their order, then
/// other names.
fn predefined<'a>(
    set: &'static str,
    custom: &CustomDataConfig,
    dataset: &'a DataSet,
) -> Result<Option<Vec<&'a str>>, DataError> {
    let names: BTreeSet<&str> =
        dataset.examples.iter().filter_map(|example| example.fold.as_deref()).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let without = dataset.examples.iter().filter(|example| example.fold.is_none());
    let without: Vec<&str> = without.map(|example| example.id.as_str()).collect();
    if !without.is_empty() {
        let rule = format!(
            "requires the fold of every example, but {} of {} have none ({}); complete the column fold",
            without.len(),
            dataset.examples.len(),
            listed(&without, 3)
        );
        return Err(DataError::setting(format!("{set}.split"), CustomSplit::Folds.name(), rule));
    }
    if let Some(folds) = custom.folds.filter(|folds| *folds != names.len()) {
        let rule = format!("the column fold has {} values; remove the key", names.len());
        return Err(DataError::setting(format!("{set}.folds"), folds, rule));
    }
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| name.parse::<u64>().unwrap_or(u64::MAX));
    Ok(Some(names))
}

/// Returns the examples of the test fold: those of the predefined fold, or else single examples stratified by class, whole speakers if speakers are known,
/// or whole recordings if they have several segments.
pub(super) fn test_examples(splitter: &CustomSplitter<'_>) -> Result<Vec<usize>, DataError> {
    let predefined = predefined(splitter.set, splitter.custom, splitter.dataset)?;
    let folds = predefined.as_ref().map_or(splitter.custom.folds(), Vec::len);
    let fold = splitter.custom.fold();
    if fold >= folds {
        let rule = format!("must be from 0 to {}, one of the {folds} folds", folds - 1);
        return Err(DataError::setting(format!("{}.fold", splitter.set), fold, rule));
    }
    if let Some(names) = predefined {
        let examples = splitter.dataset.examples.iter().enumerate();
        let in_fold = examples.filter(|(_, example)| example.fold.as_deref() == Some(names[fold]));
        return Ok(in_fold.map(|(index, _)| index).collect());
    }
    let all: Vec<usize> = (0..splitter.dataset.examples.len()).collect();
    let units = if splitter.whole_groups() {
        groups_of(splitter.dataset, &all)
    } else {
        all.iter().map(|&i| vec![i]).collect()
    };
    if units.len() < folds {
        let what = match (splitter.by_speaker(), splitter.whole_groups()) {
            (true, _) => "speakers",
            (_, true) => "recordings",
            _ => "examples",
        };
        let rule = format!("must be at most {}, the number of {what}", units.len());
        return Err(DataError::setting(format!("{}.folds", splitter.set), folds, rule));
    }
    Ok(if splitter.whole_groups() {
        fold_of_groups(splitter.dataset, units, folds, fold)
    } else {
        fold_of_groupes(splitter.dataset, folds, fold)
    })
}

/// Assigns example after example, class after class, to the folds in turn.
fn fold_of_groupes(dataset: &DataSet, folds: usize, fold: usize) -> Vec<usize> {
    let mut classes: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (index, example) in dataset.examples.iter().enumerate() {
        classes.entry(example.label.class()).or_default().push(index);
    }
    let mut tested: Vec<usize> = classes.into_values().flatten().skip(fold).step_by(folds).collect();
    tested.sort_unstable();
    tested
}

/// Assigns the speakers, largest first, to the fold with the fewest examples of their classes.
fn fold_of_groups(dataset: &DataSet, mut groups: Vec<Vec<usize>>, folds: usize, fold: usize) -> Vec<usize> {
    let classes = dataset.classes.len();
    let class = |index: usize| dataset.examples[index].label.class().unwrap_or(0);
    // A stable sort: speakers of equal size stay in the order of their names.
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let mut class_counts = vec![vec![0usize; classes]; folds];
    let mut counts = vec![0usize; folds];
    let mut tested = Vec::new();
    for (at, group) in groups.into_iter().enumerate() {
        let mut of_group: BTreeMap<usize, usize> = BTreeMap::new();
        group.iter().for_each(|&index| *of_group.entry(class(index)).or_default() += 1);
        let cost = |fold: usize| {
            let shared: usize =
                of_group.iter().map(|(&class, count)| class_counts[fold][class] * count).sum();
            (shared, counts[fold], fold)
        };
        // The first speakers go to different folds, so no fold is empty.
        let to = if at < folds { at } else { (0..folds).min_by_key(|&fold| cost(fold)).unwrap_or(0) };
        of_group.iter().for_each(|(&class, count)| class_counts[to][class] += count);
        counts[to] += group.len();
        if to == fold {
            tested.extend(group);
        }
    }
    tested.sort_unstable();
    tested
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speaker_has_a_unique_folder_name() {
        let names = folder_names(&["anna", "a/b", "a:b", "..", "ä b"]);
        assert_eq!(names, ["anna", "a_b", "a_b-2", "_..", "ä b"]);
    }
}
