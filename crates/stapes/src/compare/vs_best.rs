//! Which candidates cannot be told apart from the best one.

use rayon::prelude::*;
use stapes_eval::{MetricsError, compare_accuracy, compare_frames, holm};

use super::{Candidate, Repetition};
use crate::error::Error;
use crate::experiment::{Labels, recording_frames};

/// From this p on a difference may be chance.
pub(super) const LEVEL: f64 = 0.05;

/// How a candidate compares with the one whose figure is the highest: the accuracy on the test examples, or where frames of
/// two classes are decided the area under the ROC curve, as the mean over its seeds.
///
/// The p are those of [`compare_accuracy`] and [`compare_frames`], corrected by [`holm`] for all comparisons of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VsBest {
    /// It is the best.
    Best,
    /// Whether it is worse by more than chance is open.
    Alike {
        /// The corrected p.
        p: f64,
    },
    /// It is worse, by more than chance.
    Worse {
        /// The corrected p.
        p: f64,
    },
}

impl VsBest {
    /// A word for a table.
    pub fn words(self) -> &'static str {
        match self {
            VsBest::Best => "best",
            VsBest::NotSignificant { .. } => "alike",
            VsBest::Worse { .. } => "worse",
        }
    }

    /// The corrected p, of those that are compared.
    pub fn p(&self) -> Option<f64> {
        match self {
            VsBest::Best => None,
            VsBest::NotSignificant { p } | VsBest::Worse { p } => Some(*p),
        }
    }
}

/// Each candidate against the best; None of those without a complete run, and of all where the runs were not tested on the
/// same examples, as with splits that the seed draws.
///
/// # Errors
/// [`Error::Eval`] if outcomes cannot be evaluated.
pub fn vs_best(candidates: &[Candidate]) -> Result<Vec<Option<VsBest>>, Error> {
    let nothing = vec![None; candidates.len()];
    let trained: Vec<usize> =
        (0..candidates.len()).filter(|&at| !candidates[at].repetitions.is_empty()).collect();
    if trained.len() < 2 || !same_examples(candidates) {
        return Ok(nothing);
    }
    let figures =
        trained.iter().map(|&at| figure(&candidates[at].repetitions)).collect::<Result<Vec<_>, _>>()?;
    let order = |a: &usize, b: &usize| figures[*a].total_cmp(&figures[*b]);
    // The first of equals.
    let Some(best) = (0..trained.len()).rev().max_by(order).map(|at| trained[at]) else { return Ok(nothing) };
    let others: Vec<usize> = trained.iter().copied().filter(|&at| at != best).collect();
    let p = others
        .par_iter()
        .map(|&at| p_of(&candidates[best].repetitions, &candidates[at].repetitions, others.len()));
    let p = holm(&p.collect::<Result<Vec<f64>, Error>>()?)?;
    let mut against = nothing;
    against[best] = Some(VsBest::Best);
    for (at, p) in others.into_iter().zip(p) {
        against[at] = Some(if p < LEVEL { VsBest::Worse { p } } else { VsBest::NotSignificant { p } });
    }
    Ok(against)
}

fn same_examples(candidates: &[Candidate]) -> bool {
    let mut outcomes =
        candidates.iter().flat_map(|candidate| &candidate.repetitions).map(|repetition| &repetition.outcome);
    let Some(first) = outcomes.next() else { return false };
    outcomes.all(|other| {
        let same = (&other.examples, &other.labels) == (&first.examples, &first.labels);
        // Front ends make other frames of the same recordings.
        let frames = matches!((&other.labels, &first.labels), (Labels::PerFrame(_), Labels::PerFrame(_)));
        same && (frames || other.labels == first.labels)
    })
}

/// What candidates are ordered by: the figure of the table, which over folds is the mean of theirs.
fn figure(repetitions: &[Repetition]) -> Result<f64, Error> {
    let figures = repetitions.iter().map(|repetition| {
        let shown =
            repetition.mean(|record| record.test_auc).or(repetition.mean(|record| record.test_accuracy));
        // A run whose record lacks them.
        shown.map_or_else(|| Ok(repetition.outcome.evaluation()?.accuracy), Ok)
    });
    let figures = figures.collect::<Result<Vec<f64>, Error>>()?;
    Ok(figures.iter().sum::<f64>() / figures.len() as f64)
}

fn p_of(best: &[Repetition], other: &[Repetition], comparisons: usize) -> Result<f64, Error> {
    let examples = |repetitions: &[Repetition]| repetitions.iter().map(right).collect::<Option<Vec<_>>>();
    if let (Some(best), Some(other)) = (examples(best), examples(other)) {
        return Ok(compare_accuracy(&best, &other, comparisons)?.p);
    }
    let frames = |repetitions: &[Repetition]| -> Result<Vec<_>, MetricsError> {
        let recordings = |repetition: &Repetition| match &repetition.outcome.labels {
            Labels::PerFrame(labels) => Ok(recording_frames(
                repetition.outcome.labels.len(),
                labels,
                &repetition.outcome.probabilities,
            )),
            Labels::PerExample(_) => Err(MetricsError::NoExamples),
        };
        repetitions.iter().map(recordings).collect()
    };
    let found = compare_frames(&frames(best)?, &frames(other)?, comparisons)?;
    Ok(found.auc.unwrap_or(found.accuracy).p)
}

/// Which examples are right; None of frames.
fn right(repetition: &Repetition) -> Option<Vec<bool>> {
    let Labels::PerExample(_) = &repetition.outcome.labels else { return None };
    Some(repetition.outcome.right().into_iter().map(|(right, _)| right == 1).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::run::{RunRecord, TestPredictions};

    /// A candidate of 200 examples of two classes whose runs are wrong about every n-th.
    pub(in crate::compare) fn candidate(wrong_every: &[usize]) -> Candidate {
        let repetition = |(seed, &every): (usize, &usize)| Repetition {
            seed: seed as u64,
            folders: Vec::new(),
            records: Vec::new(),
            curves: Vec::new(),
            outcome: TestPredictions {
                labels: vec!["no".into(), "yes".into()],
                examples: (0..200).map(|at| at.to_string()).collect(),
                groups: vec![None; 200],
                labels: Labels::PerExample(vec![1; 200]),
                probabilities: (0..200)
                    .map(|at| if at % every == 0 { vec![0.9, 0.1] } else { vec![0.1, 0.9] })
                    .collect(),
            },
        };
        Candidate {
            name: format!("{wrong_every:?}"),
            settings: Vec::new(),
            repetitions: wrong_every.iter().enumerate().map(repetition).collect(),
            timing: None,
        }
    }

    #[test]
    fn what_is_far_is_worse_and_what_is_near_is_alike() {
        let candidates = [candidate(&[50, 40]), candidate(&[100, 40]), candidate(&[]), candidate(&[3, 3])];
        let against = vs_best(&candidates).unwrap();
        assert_eq!(against[1], Some(VsBest::Best));
        assert!(matches!(against[0], Some(VsBest::NotSignificant { p }) if p > 0.05), "{against:?}");
        assert_eq!(against[2], None);
        assert!(matches!(against[3], Some(VsBest::Worse { p }) if p < 0.01), "{against:?}");
    }

    #[test]
    fn the_best_is_that_of_the_figure_in_the_table() {
        // The mean over folds of different lengths is not the accuracy of all their examples.
        let record = |accuracy: f64| -> RunRecord {
            serde_json::from_value(serde_json::json!({
                "title": "", "command": "", "created_at": "", "data_folder": null, "data_fingerprint": "", "seconds": 1.0,
                "steps": 1, "best_step": 1, "stopped": false, "examples_per_second": 1.0, "parameters": 1,
                "versions": [], "test_accuracy": accuracy,
            }))
            .unwrap()
        };
        let mut candidates = [candidate(&[50]), candidate(&[40])];
        for (candidate, folds) in candidates.iter_mut().zip([[0.7, 0.9], [0.8, 0.9]]) {
            candidate.repetitions[0].records = folds.map(record).to_vec();
        }
        let against = vs_best(&candidates).unwrap();
        assert_eq!(against[1], Some(VsBest::Best));
        // Without records that say it, the tests do.
        candidates.iter_mut().for_each(|candidate| candidate.repetitions[0].records.clear());
        assert_eq!(vs_best(&candidates).unwrap()[0], Some(VsBest::Best));
    }

    #[test]
    fn runs_on_other_examples_are_not_compared() {
        let mut candidates = [candidate(&[50]), candidate(&[3])];
        candidates[1].repetitions[0].outcome.examples[7] = "another".into();
        assert_eq!(vs_best(&candidates).unwrap(), [None, None]);
    }
}
