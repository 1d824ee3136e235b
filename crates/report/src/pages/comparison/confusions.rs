//! What the candidates take for what, and how they do on each class and each group.

use super::{Candidate, Comparison};
use crate::numbers::{count, percent, percent_value};
use crate::pages::matrix::Matrix;
use stapes_metrics::Confusion;

/// Ways to be wrong that stand for a matrix too large to be read.
const PAIRS: usize = 12;

/// A candidate's confusion.
pub(super) struct Confused<'a> {
    pub(super) name: &'a str,
    /// How many are right, and of how many.
    pub(super) right: String,
    pub(super) matrix: Option<Matrix>,
    /// Truth, taken for, how often, share of the truth: where there is no matrix.
    pub(super) pairs: Vec<[String; 4]>,
}

/// The confusions of the candidates that are shown, with the numbers of their lines.
pub(super) fn of<'a>(shown: &[&'a Candidate]) -> Vec<Confused<'a>> {
    let confused = |candidate: &&'a Candidate| {
        let confusion = candidate.confusion.as_ref()?;
        let (total, correct) = (confusion.total(), confusion.correct());
        let matrix = Matrix::of(confusion, true);
        Some(Confused {
            name: &candidate.name,
            right: format!(
                "{} of {}, {}",
                count(correct),
                count(total),
                percent(correct as f64 / total.max(1) as f64, total)
            ),
            pairs: if matrix.is_none() { pairs(confusion) } else { Vec::new() },
            matrix,
        })
    };
    shown.iter().filter_map(confused).collect()
}

fn pairs(confusion: &Confusion) -> Vec<[String; 4]> {
    let name = |class: usize| confusion.classes()[class].clone();
    let row = |pair: stapes_metrics::ConfusedPair| {
        let share = percent(pair.share, confusion.support(pair.truth));
        [name(pair.truth), name(pair.prediction), count(pair.count), share]
    };
    confusion.most_confused(PAIRS).into_iter().map(row).collect()
}

/// A table with a column a candidate.
pub(super) struct Parts<'a> {
    pub(super) kind: String,
    /// The candidates' names, each with the number of its line.
    pub(super) heads: Vec<(usize, &'a str)>,
    /// What a row is about, and per cent for each candidate.
    pub(super) rows: Vec<(String, Vec<String>)>,
}

/// The recall of each class; None where no candidate has a confusion.
pub(super) fn classes<'a>(shown: &[&'a Candidate]) -> Option<Parts<'a>> {
    parts("class".into(), shown, |candidate| {
        let confusion = candidate.confusion.as_ref()?;
        let class = |(at, label): (usize, &String)| {
            (label.clone(), confusion.counts()[at][at], confusion.support(at))
        };
        Some(confusion.classes().iter().enumerate().map(class).collect())
    })
}

/// The accuracy of each group; None where no candidate has groups.
pub(super) fn groups<'a>(shown: &[&'a Candidate]) -> Option<Parts<'a>> {
    let kind = shown.iter().find_map(|candidate| candidate.groups.as_ref())?.kind.clone();
    parts(kind, shown, |candidate| {
        let groups = &candidate.groups.as_ref()?.groups;
        Some(groups.iter().map(|group| (group.name.clone(), group.correct, group.examples)).collect())
    })
}

/// A part of the examples: what it is, how many are right, of how many.
type Part = (String, u64, u64);

fn parts<'a>(
    kind: String,
    shown: &[&'a Candidate],
    of: impl Fn(&'a Candidate) -> Option<Vec<Part>>,
) -> Option<Parts<'a>> {
    let columns: Vec<(usize, &str, Vec<Part>)> = shown
        .iter()
        .enumerate()
        .filter_map(|(number, candidate)| Some((number, &*candidate.name, of(candidate)?)))
        .collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, ..) in columns.iter().flat_map(|(.., parts)| parts) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let said = |name: &String, parts: &[Part]| {
        let part = parts.iter().find(|(of, ..)| of == name).filter(|(.., all)| *all > 0);
        part.map_or("–".into(), |&(_, right, all)| percent_value(right as f64 / all as f64, all))
    };
    let row =
        |name: &&String| (name.to_string(), columns.iter().map(|(.., parts)| said(name, parts)).collect());
    let rows: Vec<_> = names.iter().map(row).collect();
    (!rows.is_empty()).then(|| Parts {
        kind,
        rows,
        heads: columns.iter().map(|&(number, name, _)| (number, name)).collect(),
    })
}

/// Each candidate that is shown, with the number of its line.
pub(super) fn key(comparison: &Comparison) -> Vec<(usize, &str)> {
    comparison.best().into_iter().map(|candidate| &*candidate.name).enumerate().collect()
}
