//! Page of candidates: metrics, costs, learning curves, confusion matrices, commands and versions.

use std::path::{Component, Path};

use stapes_metrics::{Calibration, ConfusionMatrix, DetectorCurve, MetricsError, OperatingPoint, median};
use stapes_report::table::{NumberFormat, Table};
use stapes_report::{self as report, CandidateRun, Comparison, Cost, MarkedTable, pluralize};
use stapes_train::Labels;

use super::marked_table::{TestUnit, marked_table};
use super::{Candidate, DATA_SET, Repetition, data_groups, data_set_heading};
use crate::error::Error;
use crate::experiment::argmax_frames;
use crate::run::{ChosenPoint, REPORT, RunRecord, now, speaker_groups};

/// Returns the page of candidates, for [`render_comparison`](stapes_report::render_comparison), with `tables` and their
/// headings. Run pages below `out`, the folder of the page, are linked.
///
/// # Errors
/// [`Error::Metrics`] if the predictions of a run cannot be evaluated.
pub fn page(
    title: &str,
    tables: &[(&str, &Table)],
    candidates: &[Candidate],
    out: &Path,
) -> Result<Comparison, Error> {
    let repetitions = || candidates.iter().flat_map(|candidate| &candidate.repetitions);
    let records = || repetitions().flat_map(|repetition| &repetition.records);
    let unit_of = |repetition: Option<&Repetition>| match repetition.map(|one| &one.predictions.labels) {
        Some(Labels::PerFrame(_)) => TestUnit::Recordings,
        _ => TestUnit::Examples,
    };
    let unit = unit_of(repetitions().next());
    let groups = data_groups(candidates);
    // Names of data sets are shown if there are several.
    let data_set = |index: usize| {
        let group = groups.iter().find(|group| group.candidates.contains(&index));
        group.and_then(|group| group.data_set.clone()).filter(|_| groups.len() > 1)
    };
    let data_sets: Vec<Option<String>> = (0..candidates.len()).map(data_set).collect();
    let units: Vec<(String, TestUnit)> = groups
        .iter()
        .map(|group| {
            let first = group.candidates.first().and_then(|&index| candidates[index].repetitions.first());
            (group.data_set.clone().unwrap_or_default(), unit_of(first))
        })
        .collect();
    let by_auc = records().next().is_some() && records().all(|record| record.test_auc.is_some());
    let (metric, format) = match by_auc {
        true => ("test ROC AUC", NumberFormat { scale: 1.0, digits: 4 }),
        false => ("test accuracy (%)", NumberFormat { scale: 100.0, digits: 1 }),
    };
    let metric_of = |record: &RunRecord| if by_auc { record.test_auc } else { record.test_accuracy };
    let timed = candidates.iter().filter(|one| !one.repetitions.is_empty()).all(|one| one.timing.is_some());
    let out = std::fs::canonicalize(out).unwrap_or_else(|_| out.into());
    let content = candidates.iter().zip(&data_sets).map(|(candidate, data_set)| {
        let values: Option<Vec<f64>> =
            candidate.repetitions.iter().map(|repetition| repetition.mean(metric_of)).collect();
        Ok(report::Candidate {
            name: match data_set {
                Some(data_set) => format!("{data_set}: {}", candidate.settings_or_name()),
                None => candidate.settings_or_name(),
            },
            data_set: data_set.clone(),
            values: values.unwrap_or_default(),
            costs: costs(candidate, timed),
            runs: runs(candidate, &out),
            confusion: confusion(&candidate.repetitions)?,
            groups: speaker_groups(candidate.repetitions.iter().map(|repetition| &repetition.predictions)),
            scores: scores(candidate)?,
            point: point(candidate),
            calibration: calibration(&candidate.repetitions)?,
        })
    });
    let page_candidates = content.collect::<Result<Vec<_>, Error>>()?;
    Ok(Comparison {
        title: title.into(),
        summary: summary(&page_candidates, metric, format),
        created_at: now(),
        notes: notes(candidates),
        tables: tables.iter().flat_map(|(heading, table)| marked_tables(heading, table, &units)).collect(),
        metric: metric.into(),
        format,
        costs: cost_names(timed),
        loss: match unit {
            TestUnit::Examples => "cross-entropy, nats".into(),
            TestUnit::Recordings => "cross-entropy per frame, nats".into(),
        },
        scores: describe_scores(candidates),
        candidates: page_candidates,
        commands: with_counts(records().map(|record| &*record.command)),
        versions: versions(records()),
    })
}

impl Candidate {
    /// Returns the values of the axes, numbers with the name of the axis; without axes the name.
    fn settings_or_name(&self) -> String {
        let text = |(axis, value): &(String, String)| match value.parse::<f64>().is_ok()
            || value.parse::<bool>().is_ok()
        {
            true => format!("{axis} {value}"),
            false => value.clone(),
        };
        match self.settings.is_empty() {
            true => self.name.clone(),
            false => self.settings.iter().map(text).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Returns the names of the costs, in the order of [`costs`].
fn cost_names(timed: bool) -> Vec<Cost> {
    let cost = |key: &str, name: &str, measured: &str| Cost {
        key: key.into(),
        name: name.into(),
        measured: measured.into(),
    };
    let time = match timed {
        true => cost("step_ms", "time of a training step (ms)", "Measured with no other run in progress."),
        false => cost(
            "seconds_to_best",
            "training time until the best validation (s)",
            "Measured during training, in parallel with other runs; compare --time measures steps alone.",
        ),
    };
    vec![time, cost("parameters", "parameters", "")]
}

fn costs(candidate: &Candidate, timed: bool) -> Vec<Option<f64>> {
    let seconds: Option<Vec<f64>> = candidate
        .repetitions
        .iter()
        .map(|repetition| repetition.mean(|record| Some(record.seconds_to_best)))
        .collect();
    let time = match timed {
        true => candidate.timing.as_ref().map(|timing| timing.step_ms),
        false => median(&seconds.unwrap_or_default()),
    };
    let first = candidate.repetitions.first();
    vec![time, first.and_then(|repetition| repetition.mean(|record| Some(record.parameters as f64)))]
}

fn summary(candidates: &[report::Candidate], metric: &str, format: NumberFormat) -> String {
    let runs: usize = candidates.iter().map(|candidate| candidate.runs.len()).sum();
    let mean = |candidate: &report::Candidate| {
        let values = &candidate.values;
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    // Among equals the first candidate is the best.
    let mut data_sets: Vec<&Option<String>> = Vec::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.values.is_empty()) {
        if !data_sets.contains(&&candidate.data_set) {
            data_sets.push(&candidate.data_set);
        }
    }
    let of = |data_set: &Option<String>| {
        let members = candidates.iter().rev().filter(|one| one.data_set == *data_set);
        let (mean, name) =
            members.filter_map(|one| Some((mean(one)?, &one.name))).max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(format!("{name}, {metric} {:.*}", format.digits, format.scale * mean))
    };
    let best: Vec<String> = data_sets.into_iter().filter_map(of).collect();
    let best = match &best[..] {
        [] => String::new(),
        [best] => format!(" Highest mean over seeds: {best}."),
        best => format!(" Highest mean over seeds on each data set: {}.", best.join("; ")),
    };
    let counts =
        format!("{}, {}.", pluralize(candidates.len() as u64, "candidate"), pluralize(runs as u64, "run"));
    counts + &best
}

/// Returns the table with its marks; a table of several data sets as one table for each.
fn marked_tables(heading: &str, table: &Table, units: &[(String, TestUnit)]) -> Vec<MarkedTable> {
    let parts = table.split(DATA_SET);
    let several = parts.len() > 1;
    let marked = |(data_set, part): &(String, Table)| {
        let unit = units.iter().find(|(name, _)| !several || name == data_set);
        let unit = unit.map_or(TestUnit::Examples, |(_, unit)| *unit);
        match several {
            true => marked_table(&format!("{heading}: {}", data_set_heading(data_set)), part, unit),
            false => marked_table(heading, part, unit),
        }
    };
    parts.iter().map(marked).collect()
}

fn notes(candidates: &[Candidate]) -> Vec<String> {
    let mut notes = Vec::new();
    let without = candidates.iter().filter(|candidate| candidate.repetitions.is_empty()).count();
    if without > 0 {
        notes.push(format!("{without} of {} candidates have no complete run.", candidates.len()));
    }
    let records = candidates.iter().flat_map(|one| &one.repetitions).flat_map(|one| &one.records);
    let stopped = records.filter(|record| record.stopped).count();
    if stopped > 0 {
        notes.push(format!("Runs that were stopped by hand before the last step: {stopped}."));
    }
    notes
}

/// Returns the runs of a candidate with their learning curves.
fn runs(candidate: &Candidate, out: &Path) -> Vec<CandidateRun> {
    let mut runs = Vec::new();
    for Repetition { seed, folders, curves, .. } in &candidate.repetitions {
        for (fold, (folder, curve)) in folders.iter().zip(curves).enumerate() {
            let name = match folders.len() {
                1 => format!("seed {seed}"),
                _ => format!("seed {seed}, fold {}", fold + 1),
            };
            runs.push(CandidateRun { name, curve: curve.clone(), link: link(folder, out) });
        }
    }
    runs
}

/// Returns the relative path of a run's page for a page in the folder `out`; `None` if the run is not below it.
fn link(folder: &Path, out: &Path) -> Option<String> {
    let page = std::fs::canonicalize(folder.join(REPORT)).ok()?;
    let mut path = ".".to_string();
    for part in page.strip_prefix(out).ok()?.components() {
        let Component::Normal(part) = part else { return None };
        path.push('/');
        path += part.to_str()?;
    }
    Some(path)
}

/// Returns the confusion matrix over all seeds; `None` without a run, or if the seeds have different classes.
fn confusion(repetitions: &[Repetition]) -> Result<Option<ConfusionMatrix>, Error> {
    let Some(first) = repetitions.first() else { return Ok(None) };
    let classes = &first.predictions.classes;
    if repetitions.iter().any(|repetition| repetition.predictions.classes != *classes) {
        return Ok(None);
    }
    let (mut labels, mut predicted) = (Vec::new(), Vec::new());
    for Repetition { predictions, .. } in repetitions {
        labels.extend(predictions.all_labels());
        predicted
            .extend(predictions.probabilities.iter().flat_map(|rows| argmax_frames(rows, classes.len())));
    }
    Ok(Some(ConfusionMatrix::new(classes, &labels, &predicted)?))
}

/// Returns the error curve averaged over the seeds: for two classes of the second against the first, for more classes of each
/// against the rest, averaged over classes. `None` if a test has one class only.
fn scores(candidate: &Candidate) -> Result<Option<DetectorCurve>, Error> {
    let mut seeds = Vec::new();
    for Repetition { predictions, .. } in &candidate.repetitions {
        match predictions.detectors() {
            Err(MetricsError::SingleClass { .. }) => return Ok(None),
            detectors => seeds.extend(DetectorCurve::mean(&candidate.name, &detectors?.curves)),
        }
    }
    Ok(DetectorCurve::mean(&candidate.name, &seeds))
}

/// Describes [`scores`], if the description is the same for all candidates.
fn describe_scores(candidates: &[Candidate]) -> String {
    let repetitions = || candidates.iter().flat_map(|candidate| &candidate.repetitions);
    let Some(first) = repetitions().next() else { return String::new() };
    let (classes, folds) = (&first.predictions.classes, first.folders.len() > 1);
    if repetitions().any(|one| one.predictions.classes != *classes || (one.folders.len() > 1) != folds) {
        return String::new();
    }
    let several = candidates.iter().any(|candidate| candidate.repetitions.len() > 1);
    let subject = match &**classes {
        [_, positive] => format!("Scores of {}", report::quoted(positive)),
        _ => "Each class against the rest".into(),
    };
    let folds = if folds { ", all folds together" } else { "" };
    let mean = match (classes.len() > 2, several) {
        (false, false) => "",
        (false, true) => ", mean over seeds",
        (true, false) => ", mean over classes",
        (true, true) => ", mean over classes and seeds",
    };
    let points = candidates.iter().any(|candidate| point(candidate).is_some());
    let points = match points && (several || !folds.is_empty()) {
        true => " Thresholds and their error rates are means over the runs, and missing if a run has none.",
        false => "",
    };
    format!("{subject}{folds}{mean}.{points}")
}

/// Returns the first operating point that was chosen on validation, averaged over the runs; `None` if a run has none.
fn point(candidate: &Candidate) -> Option<(String, OperatingPoint)> {
    let records = candidate.repetitions.iter().flat_map(|repetition| &repetition.records);
    let points: Vec<_> = records.map(|record| record.operating_points.first()).collect::<Option<_>>()?;
    let mean = |of: &dyn Fn(&ChosenPoint) -> f64| {
        points.iter().map(|point| of(point)).sum::<f64>() / points.len() as f64
    };
    let chosen = OperatingPoint {
        threshold: mean(&|point| f64::from(point.threshold)) as f32,
        false_positive_rate: mean(&|point| point.false_positive_rate),
        miss_rate: mean(&|point| point.miss_rate),
    };
    Some((points.first()?.name.clone(), chosen))
}

/// Returns the calibration over all seeds; `None` without a run, or if the seeds have different classes.
fn calibration(repetitions: &[Repetition]) -> Result<Option<Calibration>, Error> {
    let mut tests = repetitions.iter().map(|repetition| &repetition.predictions);
    let Some(mut all) = tests.next().cloned() else { return Ok(None) };
    for other in tests {
        if other.classes != all.classes {
            return Ok(None);
        }
        all.append(other.clone());
    }
    Ok(Some(all.calibration()?))
}

/// Returns the distinct items in the order of their first occurrence, each with its count.
fn with_counts<'a>(items: impl Iterator<Item = &'a str>) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = Vec::new();
    for item in items {
        match counts.iter_mut().find(|(known, _)| known == item) {
            Some((_, count)) => *count += 1,
            None => counts.push((item.into(), 1)),
        }
    }
    counts
}

fn versions<'a>(records: impl Iterator<Item = &'a RunRecord>) -> Vec<(String, Vec<(String, u64)>)> {
    let mut values: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, value) in records.flat_map(|record| &record.versions) {
        match values.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => values.push((name.clone(), vec![value])),
        }
    }
    values.into_iter().map(|(name, values)| (name, with_counts(values.into_iter()))).collect()
}
