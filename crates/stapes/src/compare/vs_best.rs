//! Significance of the difference between each candidate and the best one.

use rayon::prelude::*;
use stapes_metrics::{MetricsError, RecordingFrames, compare_accuracy, compare_frames, holm};
use stapes_train::Labels;

use super::{Candidate, DataGroup, Repetition, data_groups};
use crate::error::Error;
use crate::experiment::recording_frames;

/// Significance level; a difference with a smaller p is significant.
pub(super) const LEVEL: f64 = 0.05;

/// Result of the comparison of a candidate with the best one, which has the highest metric: the accuracy on the test
/// examples or, for frame-level models of two classes, the area under the ROC curve, averaged over the seeds.
///
/// The p-values are those of [`compare_accuracy`] and [`compare_frames`], corrected by [`holm`] for all comparisons of the
/// table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VsBest {
    /// The candidate is the best.
    Best,
    /// The difference is not significant.
    NotSignificant {
        /// Corrected p-value.
        p: f64,
    },
    /// The candidate is significantly worse.
    Worse {
        /// Corrected p-value.
        p: f64,
    },
}

impl VsBest {
    /// Returns the value in tables: `best`, `not significant` or `worse`.
    pub fn label(self) -> &'static str {
        match self {
            VsBest::Best => "best",
            VsBest::NotSignificant { .. } => "not significant",
            VsBest::Worse { .. } => "worse",
        }
    }

    /// Returns the corrected p-value; `None` for the best candidate.
    pub fn p(&self) -> Option<f64> {
        match self {
            VsBest::Best => None,
            VsBest::NotSignificant { p } | VsBest::Worse { p } => Some(*p),
        }
    }
}

/// Compares each candidate with the best one on the same data ([`data_groups`]). The result is `None` for candidates without a
/// complete run, and for all on the same data if their runs have different test examples, as with splits that the seed draws.
///
/// # Errors
/// [`Error::Metrics`] if predictions cannot be evaluated.
pub fn vs_best(candidates: &[Candidate]) -> Result<Vec<Option<VsBest>>, Error> {
    let mut against = vec![None; candidates.len()];
    for DataGroup { candidates: members, .. } in data_groups(candidates) {
        let group: Vec<&Candidate> = members.iter().map(|&index| &candidates[index]).collect();
        for (index, result) in members.into_iter().zip(vs_best_of_group(&group)?) {
            against[index] = result;
        }
    }
    Ok(against)
}

fn vs_best_of_group(candidates: &[&Candidate]) -> Result<Vec<Option<VsBest>>, Error> {
    let nothing = vec![None; candidates.len()];
    let trained: Vec<usize> =
        (0..candidates.len()).filter(|&index| !candidates[index].repetitions.is_empty()).collect();
    if trained.len() < 2 || !same_examples(candidates) {
        return Ok(nothing);
    }
    let metrics = trained
        .iter()
        .map(|&index| mean_metric(&candidates[index].repetitions))
        .collect::<Result<Vec<_>, _>>()?;
    let order = |a: &usize, b: &usize| metrics[*a].total_cmp(&metrics[*b]);
    // Among equals the first candidate is the best.
    let Some(best) = (0..trained.len()).rev().max_by(order).map(|index| trained[index]) else {
        return Ok(nothing);
    };
    let others: Vec<usize> = trained.iter().copied().filter(|&index| index != best).collect();
    let p = others
        .par_iter()
        .map(|&index| p_value(&candidates[best].repetitions, &candidates[index].repetitions, others.len()));
    let p = holm(&p.collect::<Result<Vec<f64>, Error>>()?)?;
    let mut against = nothing;
    against[best] = Some(VsBest::Best);
    for (index, p) in others.into_iter().zip(p) {
        against[index] = Some(if p < LEVEL { VsBest::Worse { p } } else { VsBest::NotSignificant { p } });
    }
    Ok(against)
}

fn same_examples(candidates: &[&Candidate]) -> bool {
    let repetitions = candidates.iter().flat_map(|candidate| &candidate.repetitions);
    let mut tests = repetitions.map(|repetition| &repetition.predictions);
    let Some(first) = tests.next() else { return false };
    tests.all(|other| {
        let same = (&other.examples, &other.classes) == (&first.examples, &first.classes);
        // Different front ends give different frames of the same recordings.
        let frames = matches!((&other.labels, &first.labels), (Labels::PerFrame(_), Labels::PerFrame(_)));
        same && (frames || other.labels == first.labels)
    })
}

/// Returns the metric by which candidates are ordered: that of the table, the mean over seeds and folds.
fn mean_metric(repetitions: &[Repetition]) -> Result<f64, Error> {
    let metrics = repetitions.iter().map(|repetition| {
        let recorded =
            repetition.mean(|record| record.test_auc).or(repetition.mean(|record| record.test_accuracy));
        // The record may lack both.
        recorded.map_or_else(|| Ok(repetition.predictions.evaluation()?.accuracy), Ok)
    });
    let metrics = metrics.collect::<Result<Vec<f64>, Error>>()?;
    Ok(metrics.iter().sum::<f64>() / metrics.len() as f64)
}

fn p_value(best: &[Repetition], other: &[Repetition], comparisons: usize) -> Result<f64, Error> {
    let correct =
        |repetitions: &[Repetition]| repetitions.iter().map(correct_examples).collect::<Option<Vec<_>>>();
    if let (Some(best), Some(other)) = (correct(best), correct(other)) {
        return Ok(compare_accuracy(&best, &other, comparisons)?.p);
    }
    let frames = |repetitions: &[Repetition]| -> Result<Vec<_>, MetricsError> {
        repetitions.iter().map(frames_of).collect()
    };
    let differences = compare_frames(&frames(best)?, &frames(other)?, comparisons)?;
    Ok(differences.auc.unwrap_or(differences.accuracy).p)
}

/// Returns, per example, whether the prediction is correct; `None` for frame-level labels.
fn correct_examples(repetition: &Repetition) -> Option<Vec<bool>> {
    let Labels::PerExample(_) = &repetition.predictions.labels else { return None };
    Some(repetition.predictions.correct().into_iter().map(|(correct, _)| correct == 1).collect())
}

fn frames_of(Repetition { predictions, .. }: &Repetition) -> Result<Vec<RecordingFrames>, MetricsError> {
    match &predictions.labels {
        Labels::PerFrame(labels) => {
            Ok(recording_frames(predictions.classes.len(), labels, &predictions.probabilities))
        }
        Labels::PerExample(_) => Err(MetricsError::NoExamples),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::run::{RunRecord, TestPredictions};

    /// Returns a candidate with 200 examples of two classes; each seed is wrong about every n-th example.
    pub(in crate::compare) fn candidate(wrong_every: &[usize]) -> Candidate {
        let repetition = |(seed, &every): (usize, &usize)| Repetition {
            seed: seed as u64,
            folders: Vec::new(),
            records: Vec::new(),
            curves: Vec::new(),
            predictions: TestPredictions {
                classes: vec!["no".into(), "yes".into()],
                examples: (0..200).map(|index| index.to_string()).collect(),
                groups: vec![None; 200],
                labels: Labels::PerExample(vec![1; 200]),
                probabilities: (0..200)
                    .map(|index| if index % every == 0 { vec![0.9, 0.1] } else { vec![0.1, 0.9] })
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

    /// Returns the record of a run.
    pub(in crate::compare) fn record(accuracy: f64) -> RunRecord {
        serde_json::from_value(serde_json::json!({
            "title": "", "command": "", "created_at": "", "data_folder": null, "data_fingerprint": "", "seconds": 1.0,
            "steps": 1, "best_step": 1, "stopped": false, "examples_per_second": 1.0, "parameters": 1,
            "versions": [], "test_accuracy": accuracy,
        }))
        .unwrap()
    }

    #[test]
    fn large_differences_are_significant_and_small_ones_are_not() {
        let candidates = [candidate(&[50, 40]), candidate(&[100, 40]), candidate(&[]), candidate(&[3, 3])];
        let against = vs_best(&candidates).unwrap();
        assert_eq!(against[1], Some(VsBest::Best));
        assert!(matches!(against[0], Some(VsBest::NotSignificant { p }) if p > 0.05), "{against:?}");
        assert_eq!(against[2], None);
        assert!(matches!(against[3], Some(VsBest::Worse { p }) if p < 0.01), "{against:?}");
    }

    #[test]
    fn the_best_candidate_has_the_highest_metric_of_the_table() {
        // The mean over folds of different sizes differs from the accuracy of all their examples.
        let mut candidates = [candidate(&[50]), candidate(&[40])];
        for (candidate, folds) in candidates.iter_mut().zip([[0.7, 0.9], [0.8, 0.9]]) {
            candidate.repetitions[0].records = folds.map(record).to_vec();
        }
        let against = vs_best(&candidates).unwrap();
        assert_eq!(against[1], Some(VsBest::Best));
        // Without records the predictions are evaluated.
        candidates.iter_mut().for_each(|candidate| candidate.repetitions[0].records.clear());
        assert_eq!(vs_best(&candidates).unwrap()[0], Some(VsBest::Best));
    }

    #[test]
    fn runs_with_different_examples_are_not_compared() {
        let mut candidates = [candidate(&[50]), candidate(&[3])];
        candidates[1].repetitions[0].predictions.examples[7] = "another".into();
        assert_eq!(vs_best(&candidates).unwrap(), [None, None]);
    }
}
