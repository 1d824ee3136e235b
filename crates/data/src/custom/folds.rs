//! Cross-validation: every example is tested in one fold.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{CustomDataConfig, CustomSplit};
use super::split::CustomSplitter;
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::sample::groups_of;
use crate::source::FoldValue;

/// Returns the name and value of each fold.
pub(super) fn folds(
    set: &'static str,
    custom: &CustomDataConfig,
    dataset: &DataSet,
) -> Result<Vec<(String, FoldValue)>, DataError> {
    match custom.split {
        Some(CustomSplit::Folds) => {
            Ok((0..custom.folds()).map(|fold| (format!("fold-{fold}"), FoldValue::Index(fold))).collect())
        }
        Some(CustomSplit::LeaveOneOut) => {
            let speakers = dataset.groups();
            let values = speakers.iter().map(|speaker| FoldValue::Group((*speaker).to_owned()));
            Ok(folder_names(&speakers).into_iter().zip(values).collect())
        }
        _ => Err(DataError::NoFolds {
            set,
            advice: "set split = \"folds\" with folds = 5, or split = \"leave-one-out\" for one fold per speaker",
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
fn folder_names(speakers: &[&str]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let is_valid = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ');
    let mut name = |speaker: &&str| {
        let plain: String =
            speaker.chars().map(|letter| if is_valid(letter) { letter } else { '_' }).collect();
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

/// Returns the examples of the test fold: single examples stratified by class, whole speakers if speakers are known,
/// or whole recordings if they have several segments.
pub(super) fn test_examples(splitter: &CustomSplitter<'_>) -> Result<Vec<usize>, DataError> {
    let (folds, fold) = (splitter.custom.folds(), splitter.custom.fold());
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
