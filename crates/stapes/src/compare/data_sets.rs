//! Data sets of candidates: only candidates that were tested on the same data are ranked together.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use stapes_train::Labels;

use super::{Candidate, Repetition};
use crate::run::RunRecord;

/// Candidates that were tested on the same data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataGroup {
    /// Name of the data set, with a fingerprint if several groups have the same; `None` for candidates without a complete run.
    pub data_set: Option<String>,
    /// Indices of the candidates, in ascending order.
    pub candidates: Vec<usize>,
}

/// Returns the heading of the candidates on a data set; `name` is empty for those without a complete run.
pub fn data_set_heading(name: &str) -> &str {
    if name.is_empty() { "Without a complete run" } else { name }
}

/// Property that two candidates on the same data have in common.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    /// Fingerprint of the data and its split.
    Fingerprint(&'a str),
    /// Folder of the data, and hash of the test examples with their labels: the training examples may differ.
    Test(Option<&'a str>, u64),
}

/// Groups candidates by the data on which they were tested.
///
/// Two candidates are in the same group if two of their runs have the same fingerprint of the data and its split, or the same
/// data folder and the same test examples with the same labels. Candidates without a complete run form the last group, or
/// belong to the only one.
pub fn data_groups(candidates: &[Candidate]) -> Vec<DataGroup> {
    // The first candidate of each candidate's group.
    let mut first: Vec<usize> = (0..candidates.len()).collect();
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        for key in candidate.repetitions.iter().flat_map(keys) {
            let other = first[*known.entry(key).or_insert(index)];
            let (low, high) = (other.min(first[index]), other.max(first[index]));
            first.iter_mut().filter(|of| **of == high).for_each(|of| *of = low);
        }
    }
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    let (trained, untrained): (Vec<usize>, Vec<usize>) =
        (0..candidates.len()).partition(|&index| !candidates[index].repetitions.is_empty());
    for index in trained {
        match groups.iter_mut().find(|(of, _)| *of == first[index]) {
            Some((_, members)) => members.push(index),
            None => groups.push((first[index], vec![index])),
        }
    }
    if let [(_, members)] = &mut groups[..] {
        members.extend(untrained);
        members.sort_unstable();
    } else if !untrained.is_empty() {
        groups.push((untrained[0], untrained));
    }
    let records: Vec<Option<&RunRecord>> =
        groups.iter().map(|(first, _)| candidates[*first].repetitions.first()?.records.first()).collect();
    let names: Vec<Option<String>> = groups
        .iter()
        .zip(&records)
        .map(|((first, _), record)| (!candidates[*first].repetitions.is_empty()).then(|| name(*record)))
        .collect();
    let group = |(at, (_, candidates)): (usize, (usize, Vec<usize>))| {
        let is_unique = names.iter().filter(|other| **other == names[at]).count() == 1;
        let data_set = match (&names[at], records[at]) {
            (Some(name), Some(record)) if !is_unique => {
                Some(format!("{name} (fingerprint {})", record.data_fingerprint))
            }
            (name, _) => name.clone(),
        };
        DataGroup { data_set, candidates }
    };
    groups.into_iter().enumerate().map(group).collect()
}

/// Returns the name of the data set, or of its folder for runs of earlier versions.
fn name(record: Option<&RunRecord>) -> String {
    let of = |record: &RunRecord| {
        let folder =
            || Some(Path::new(record.data_folder.as_deref()?).file_name()?.to_string_lossy().into_owned());
        record.data_set.clone().or_else(folder)
    };
    record.and_then(of).unwrap_or_else(|| "data set without a name".into())
}

fn keys(repetition: &Repetition) -> Vec<Key<'_>> {
    let predictions = &repetition.predictions;
    let mut hasher = DefaultHasher::new();
    (&predictions.classes, &predictions.examples).hash(&mut hasher);
    // Different front ends give different frames of the same recordings.
    if let Labels::PerExample(labels) = &predictions.labels {
        labels.hash(&mut hasher);
    }
    let folder = repetition.records.first().and_then(|record| record.data_folder.as_deref());
    let fingerprints = repetition.records.iter().map(|record| Key::Fingerprint(&record.data_fingerprint));
    fingerprints.chain([Key::Test(folder, hasher.finish())]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::vs_best::tests::{candidate, record};
    use super::*;

    fn on(data_set: &str, folder: &str, fingerprint: &str, first_example: &str) -> Candidate {
        let mut candidate = candidate(&[50]);
        let repetition = &mut candidate.repetitions[0];
        repetition.records = vec![RunRecord {
            data_set: Some(data_set.into()),
            data_folder: Some(folder.into()),
            data_fingerprint: fingerprint.into(),
            ..record(0.5)
        }];
        repetition.predictions.examples[0] = first_example.into();
        candidate
    }

    fn names_and_members(candidates: &[Candidate]) -> Vec<(Option<String>, Vec<usize>)> {
        data_groups(candidates).into_iter().map(|group| (group.data_set, group.candidates)).collect()
    }

    #[test]
    fn candidates_on_the_same_data_are_one_group() {
        // The same fingerprint in another folder; the same test examples of the same folder with other training examples.
        let moved = on("digits", "b", "f1", "x");
        let more = on("digits", "a", "f2", "x");
        let candidates = [on("digits", "a", "f1", "x"), moved, candidate(&[]), more];
        assert_eq!(names_and_members(&candidates), [(Some("digits".into()), vec![0, 1, 2, 3])]);
    }

    #[test]
    fn candidates_on_different_data_are_in_groups_with_different_names() {
        let other = || on("words", "c", "f3", "x");
        let candidates =
            [on("digits", "a", "f1", "x"), other(), candidate(&[]), on("digits", "a", "f2", "y"), other()];
        assert_eq!(
            names_and_members(&candidates),
            [
                (Some("digits (fingerprint f1)".into()), vec![0]),
                (Some("words".into()), vec![1, 4]),
                (Some("digits (fingerprint f2)".into()), vec![3]),
                (None, vec![2]),
            ]
        );
    }

    #[test]
    fn a_candidate_joins_groups_that_it_has_something_in_common_with() {
        // The seeds of the last candidate have the splits of the first two.
        let mut both = on("digits", "a", "f1", "x");
        both.repetitions.extend(on("digits", "a", "f2", "y").repetitions);
        let candidates = [on("digits", "a", "f1", "x"), on("digits", "a", "f2", "y"), both];
        assert_eq!(names_and_members(&candidates), [(Some("digits".into()), vec![0, 1, 2])]);
        assert!(data_groups(&[]).is_empty());
    }
}
