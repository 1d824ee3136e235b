//! Confusion matrices of candidates, and their scores per class and group.

use std::collections::HashMap;

use super::{Candidate, Comparison};
use crate::numbers::{count, percent, percent_value};
use crate::pages::matrix::Matrix;
use stapes_metrics::ConfusionMatrix;

/// Number of listed pairs that replace a matrix that is too large.
const PAIRS: usize = 12;

/// Confusion matrix of a candidate.
pub(super) struct ConfusionView<'a> {
    pub(super) name: &'a str,
    /// Number and percentage of correct predictions.
    pub(super) correct: String,
    pub(super) matrix: Option<Matrix>,
    /// True class, predicted class, count, fraction of the true class; empty if there is a matrix.
    pub(super) pairs: Vec<[String; 4]>,
}

/// Returns the confusion matrices of the shown candidates.
pub(super) fn views<'a>(candidates: &[&'a Candidate]) -> Vec<ConfusionView<'a>> {
    let view = |candidate: &&'a Candidate| {
        let confusion = candidate.confusion.as_ref()?;
        let (total, correct) = (confusion.total(), confusion.correct());
        let matrix = Matrix::of(confusion, true);
        Some(ConfusionView {
            name: &candidate.name,
            correct: format!(
                "{} of {}, {}",
                count(correct),
                count(total),
                percent(correct as f64 / total.max(1) as f64, total)
            ),
            pairs: if matrix.is_none() { pairs(confusion) } else { Vec::new() },
            matrix,
        })
    };
    candidates.iter().filter_map(view).collect()
}

fn pairs(confusion: &ConfusionMatrix) -> Vec<[String; 4]> {
    let name = |class: usize| confusion.classes()[class].clone();
    let row = |pair: stapes_metrics::ConfusedPair| {
        let fraction = percent(pair.fraction, confusion.support(pair.label));
        [name(pair.label), name(pair.prediction), count(pair.count), fraction]
    };
    confusion.most_confused(PAIRS).into_iter().map(row).collect()
}

/// A table with one column per candidate.
pub(super) struct Breakdown<'a> {
    pub(super) kind: String,
    /// Names of the candidates, each with the number of its line.
    pub(super) heads: Vec<(usize, &'a str)>,
    /// Name of a row, and a percentage per candidate.
    pub(super) rows: Vec<(String, Vec<String>)>,
}

/// Returns the recall of each class; None without any confusion matrix.
pub(super) fn classes<'a>(candidates: &[&'a Candidate]) -> Option<Breakdown<'a>> {
    breakdown("class".into(), candidates, |candidate| {
        let confusion = candidate.confusion.as_ref()?;
        let class = |(at, label): (usize, &String)| {
            (label.clone(), confusion.counts()[at][at], confusion.support(at))
        };
        Some(confusion.classes().iter().enumerate().map(class).collect())
    })
}

/// Returns the accuracy of each group; None without any groups.
pub(super) fn groups<'a>(candidates: &[&'a Candidate]) -> Option<Breakdown<'a>> {
    let kind = candidates.iter().find_map(|candidate| candidate.groups.as_ref())?.kind.clone();
    breakdown(kind, candidates, |candidate| {
        let groups = &candidate.groups.as_ref()?.groups;
        Some(groups.iter().map(|group| (group.name.clone(), group.correct, group.examples)).collect())
    })
}

/// A part of the examples: name, number of correct predictions, number of examples.
type Part = (String, u64, u64);

fn breakdown<'a>(
    kind: String,
    candidates: &[&'a Candidate],
    of: impl Fn(&'a Candidate) -> Option<Vec<Part>>,
) -> Option<Breakdown<'a>> {
    let columns: Vec<(usize, &str, Vec<Part>)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(number, candidate)| Some((number, &*candidate.name, of(candidate)?)))
        .collect();
    let mut indices: HashMap<&str, usize> = HashMap::new();
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for (column, (.., parts)) in columns.iter().enumerate() {
        for (name, correct, all) in parts {
            let index = *indices.entry(name).or_insert_with(|| {
                rows.push((name.clone(), vec!["–".into(); columns.len()]));
                rows.len() - 1
            });
            if *all > 0 {
                rows[index].1[column] = percent_value(*correct as f64 / *all as f64, *all);
            }
        }
    }
    (!rows.is_empty()).then(|| Breakdown {
        kind,
        rows,
        heads: columns.iter().map(|&(number, name, _)| (number, name)).collect(),
    })
}

/// Returns the shown candidates with the numbers of their lines.
pub(super) fn legend(comparison: &Comparison) -> Vec<(usize, &str)> {
    comparison.best().into_iter().map(|candidate| &*candidate.name).enumerate().collect()
}
