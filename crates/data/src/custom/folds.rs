//! Folds: every example is tested in one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{OwnConfig, OwnSplit};
use super::split::OwnDeal;
use crate::carve::groups_of;
use crate::config::{DataConfig, Fold};
use crate::dataset::DataSet;
use crate::error::DataError;

/// The folds of the split, each with its configuration.
pub(super) fn folds(
    set: &'static str,
    own: &OwnConfig,
    dataset: &DataSet,
    data: impl Fn(OwnConfig) -> DataConfig,
) -> Result<Vec<Fold>, DataError> {
    match own.split {
        Some(OwnSplit::Folds) => {
            let fold = |fold| Fold {
                name: format!("fold-{fold}"),
                data: data(OwnConfig { fold: Some(fold), ..own.clone() }),
            };
            Ok((0..own.folds()).map(fold).collect())
        }
        Some(OwnSplit::LeaveOneOut) => {
            let speakers = dataset.groups();
            let names = folder_names(&speakers);
            let fold = |(speaker, name): (&&str, String)| {
                let group = Some((*speaker).to_owned());
                Fold { name, data: data(OwnConfig { group, ..own.clone() }) }
            };
            Ok(speakers.iter().zip(names).map(fold).collect())
        }
        _ => Err(DataError::NoFolds {
            set,
            advice: "set split = \"folds\" with folds = 5, or \"leave-one-out\" with a fold for each speaker",
        }),
    }
}

/// The key that says which fold is tested.
pub(super) fn key(own: &OwnConfig) -> Option<&'static str> {
    match own.split {
        Some(OwnSplit::Folds) => Some("fold"),
        Some(OwnSplit::LeaveOneOut) => Some("group"),
        _ => None,
    }
}

/// Names fit for folders, each once: what a manifest calls a speaker may be anything.
fn folder_names(speakers: &[&str]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let fit = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ');
    let mut name = |speaker: &&str| {
        let plain: String = speaker.chars().map(|letter| if fit(letter) { letter } else { '_' }).collect();
        let plain = if plain.starts_with('.') { format!("_{plain}") } else { plain };
        let mut name = plain.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{plain}-{number}");
            number += 1;
        }
        name
    };
    speakers.iter().map(&mut name).collect()
}

/// The examples of the tested fold: dealt one by one of each class in turn, or whole speakers where speakers are known, or
/// whole recordings that several examples are parts of.
pub(super) fn tested(deal: &OwnDeal<'_>) -> Result<Vec<usize>, DataError> {
    let (folds, fold) = (deal.own.folds(), deal.own.fold());
    let all: Vec<usize> = (0..deal.dataset.examples.len()).collect();
    let dealt = if deal.whole_groups() {
        groups_of(deal.dataset, &all)
    } else {
        all.iter().map(|&i| vec![i]).collect()
    };
    if dealt.len() < folds {
        let what = match (deal.by_speaker(), deal.whole_groups()) {
            (true, _) => "speakers",
            (_, true) => "recordings",
            _ => "examples",
        };
        let rule = format!("must be at most {}, the number of {what}", dealt.len());
        return Err(DataError::setting(format!("{}.folds", deal.set), folds, rule));
    }
    Ok(if deal.whole_groups() {
        fold_of_groups(deal.dataset, dealt, folds, fold)
    } else {
        fold_of_classes(deal.dataset, folds, fold)
    })
}

/// Example by example, class after class, to one fold after the other.
fn fold_of_classes(dataset: &DataSet, folds: usize, fold: usize) -> Vec<usize> {
    let mut classes: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (index, example) in dataset.examples.iter().enumerate() {
        classes.entry(example.truth.class()).or_default().push(index);
    }
    let mut tested: Vec<usize> = classes.into_values().flatten().skip(fold).step_by(folds).collect();
    tested.sort_unstable();
    tested
}

/// The largest speaker first, each to the fold that has least of the speaker's classes.
fn fold_of_groups(dataset: &DataSet, mut groups: Vec<Vec<usize>>, folds: usize, fold: usize) -> Vec<usize> {
    let classes = dataset.classes.len();
    let class = |index: usize| dataset.examples[index].truth.class().unwrap_or(0);
    // Stable: speakers of one size stay in the order of names.
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let mut held = vec![vec![0usize; classes]; folds];
    let mut counts = vec![0usize; folds];
    let mut tested = Vec::new();
    for (at, group) in groups.into_iter().enumerate() {
        let mut of_class: BTreeMap<usize, usize> = BTreeMap::new();
        group.iter().for_each(|&index| *of_class.entry(class(index)).or_default() += 1);
        let cost = |fold: usize| {
            let shared: usize = of_class.iter().map(|(&class, count)| held[fold][class] * count).sum();
            (shared, counts[fold], fold)
        };
        // The first speakers go one to each fold, so that none stays empty.
        let to = if at < folds { at } else { (0..folds).min_by_key(|&fold| cost(fold)).unwrap_or(0) };
        of_class.iter().for_each(|(&class, count)| held[to][class] += count);
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
    fn every_speaker_gets_a_folder_of_its_own() {
        let names = folder_names(&["anna", "a/b", "a:b", "..", "ä b"]);
        assert_eq!(names, ["anna", "a_b", "a_b-2", "_..", "ä b"]);
    }
}
