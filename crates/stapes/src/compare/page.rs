//! The page of candidates: their figures, costs, curves and confusions, and what made them.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use stapes_report::table::{Shown, Table, median};
use stapes_report::{self, CandidateRun, Comparison, Cost, DetectorCurve, Group, Groups};
use stapes_eval::{Calibration, Confusion, MetricsError, OperatingPoint, counted};

use super::marked::{TestUnit, marked};
use super::{Candidate, Repetition};
use crate::error::Error;
use crate::experiment::{Labels, argmax_frames};
use crate::run::{ChosenPoint, REPORT, RunRecord, now};

/// The page of candidates, for [`render_comparison`](stapes_report::render_comparison): tables with their headings,
/// and what else there is to see. Runs below `out`, the page's folder, are linked.
///
/// # Errors
/// [`Error::Eval`] if the test of a run cannot be evaluated.
pub fn page(
    title: &str,
    tables: &[(&str, &Table)],
    candidates: &[Candidate],
    out: &Path,
) -> Result<Comparison, Error> {
    let repetitions = || candidates.iter().flat_map(|candidate| &candidate.repetitions);
    let records = || repetitions().flat_map(|repetition| &repetition.records);
    let judged = match repetitions().next().map(|repetition| &repetition.outcome.labels) {
        Some(Labels::PerFrame(_)) => TestUnit::Recordings,
        _ => TestUnit::Examples,
    };
    let by_auc = records().next().is_some() && records().all(|record| record.test_auc.is_some());
    let (figure, shown) = match by_auc {
        true => ("test ROC AUC", Shown { scale: 1.0, digits: 4 }),
        false => ("test accuracy (%)", Shown { scale: 100.0, digits: 1 }),
    };
    let figure_of = |record: &RunRecord| if by_auc { record.test_auc } else { record.test_accuracy };
    let timed = candidates.iter().filter(|one| !one.repetitions.is_empty()).all(|one| one.timing.is_some());
    let out = std::fs::canonicalize(out).unwrap_or_else(|_| out.into());
    let filled = candidates.iter().map(|candidate| {
        let figures: Option<Vec<f64>> =
            candidate.repetitions.iter().map(|repetition| repetition.mean(figure_of)).collect();
        Ok(report::Candidate {
            name: candidate.settings_or_name(),
            figures: figures.unwrap_or_default(),
            costs: costs(candidate, timed),
            runs: runs(candidate, &out),
            confusion: confusion(&candidate.repetitions)?,
            groups: groups(&candidate.repetitions),
            scores: scores(candidate)?,
            point: point(candidate),
            calibration: calibration(&candidate.repetitions)?,
        })
    });
    let candidates_of_page = filled.collect::<Result<Vec<_>, Error>>()?;
    Ok(Comparison {
        title: title.into(),
        summary: summary(&candidates_of_page, (figure, shown)),
        created_at: now(),
        notes: notes(candidates),
        tables: tables.iter().map(|(heading, table)| marked(heading, table, judged)).collect(),
        figure: figure.into(),
        shown,
        costs: cost_names(timed),
        loss: match judged {
            TestUnit::Examples => "cross-entropy, nats".into(),
            TestUnit::Recordings => "cross-entropy a frame, nats".into(),
        },
        scores: about_scores(candidates),
        candidates: candidates_of_page,
        commands: with_numbers(records().map(|record| &*record.command)),
        versions: versions(records()),
    })
}

impl Candidate {
    /// What it is on each axis, numbers with the axis's name, or its name where there are no axes.
    fn settings_or_name(&self) -> String {
        let said = |(axis, value): &(String, String)| match value.parse::<f64>().is_ok()
            || value.parse::<bool>().is_ok()
        {
            true => format!("{axis} {value}"),
            false => value.clone(),
        };
        match self.settings.is_empty() {
            true => self.name.clone(),
            false => self.settings.iter().map(said).collect::<Vec<_>>().join(", "),
        }
    }
}

/// In the order of [`costs`].
fn cost_names(timed: bool) -> Vec<Cost> {
    let cost = |key: &str, name: &str, measured: &str| Cost {
        key: key.into(),
        name: name.into(),
        measured: measured.into(),
    };
    let time = match timed {
        true => cost("step_ms", "time of a training step (ms)", "Timed with nothing else running."),
        false => cost(
            "seconds_to_best",
            "training until the best validation (s)",
            "Timed while training, beside other runs: compare --time measures steps alone.",
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

fn summary(candidates: &[report::Candidate], (figure, shown): (&str, Shown)) -> String {
    let runs: usize = candidates.iter().map(|candidate| candidate.runs.len()).sum();
    let mean = |candidate: &report::Candidate| {
        let figures = &candidate.figures;
        (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
    };
    // The first of equals.
    let best = candidates.iter().rev().filter_map(|one| Some((mean(one)?, &one.name)));
    let best = best.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(mean, name)| {
        format!(" The highest mean over seeds: {name}, {figure} {:.*}.", shown.digits, shown.scale * mean)
    });
    let counts =
        format!("{}, {}.", counted(candidates.len() as u64, "candidate"), counted(runs as u64, "run"));
    counts + &best.unwrap_or_default()
}

fn notes(candidates: &[Candidate]) -> Vec<String> {
    let mut notes = Vec::new();
    let without = candidates.iter().filter(|candidate| candidate.repetitions.is_empty()).count();
    if without > 0 {
        notes.push(format!("{without} of {} candidates have no complete run yet.", candidates.len()));
    }
    let records = candidates.iter().flat_map(|one| &one.repetitions).flat_map(|one| &one.records);
    let stopped = records.filter(|record| record.stopped).count();
    if stopped > 0 {
        notes.push(format!("Of the runs {stopped} were stopped by hand before their last step."));
    }
    notes
}

/// A candidate's runs with their curves.
fn runs(candidate: &Candidate, out: &Path) -> Vec<CandidateRun> {
    let mut runs = Vec::new();
    for Repetition { seed, folders, curves, .. } in &candidate.repetitions {
        for (part, (folder, curve)) in folders.iter().zip(curves).enumerate() {
            let name = match folders.len() {
                1 => format!("seed {seed}"),
                _ => format!("seed {seed}, part {}", part + 1),
            };
            runs.push(CandidateRun { name, curve: curve.clone(), link: link(folder, out) });
        }
    }
    runs
}

/// The address of a run's page from a page in the folder `out`, where the run lies below it.
fn link(folder: &Path, out: &Path) -> Option<String> {
    let page = std::fs::canonicalize(folder.join(REPORT)).ok()?;
    let mut address = ".".to_string();
    for part in page.strip_prefix(out).ok()?.components() {
        let Component::Normal(part) = part else { return None };
        address.push('/');
        for byte in part.to_str()?.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    address.push(byte.into())
                }
                other => address += &format!("%{other:02X}"),
            }
        }
    }
    Some(address)
}

/// What the models of all seeds decided; None without a run, or where seeds have other classes.
fn confusion(repetitions: &[Repetition]) -> Result<Option<Confusion>, Error> {
    let Some(first) = repetitions.first() else { return Ok(None) };
    let labels = &first.outcome.labels;
    if repetitions.iter().any(|repetition| repetition.outcome.labels != *labels) {
        return Ok(None);
    }
    let (mut labels, mut decided) = (Vec::new(), Vec::new());
    for Repetition { outcome, .. } in repetitions {
        labels.extend(outcome.all_labels());
        decided.extend(outcome.probabilities.iter().flat_map(|rows| argmax_frames(rows, labels.len())));
    }
    Ok(Some(Confusion::new(labels, &labels, &decided)?))
}

/// Accuracy by speaker over all seeds, where each example has one and there are several.
fn groups(repetitions: &[Repetition]) -> Option<Groups> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for Repetition { outcome, .. } in repetitions {
        for (name, (correct, examples)) in outcome.groups.iter().zip(outcome.right()) {
            let name = name.as_deref()?;
            let group = groups.entry(name).or_insert(Group { name: name.into(), examples: 0, correct: 0 });
            group.examples += examples;
            group.correct += correct;
        }
    }
    (groups.len() > 1).then(|| Groups { kind: "speaker".into(), groups: groups.into_values().collect() })
}

/// How the scores tell classes apart, in the mean over the seeds: of two classes the second from the first, of more each from
/// the others, in the mean over classes. None where a test has one class only.
fn scores(candidate: &Candidate) -> Result<Option<DetectorCurve>, Error> {
    let mut seeds = Vec::new();
    for Repetition { outcome, .. } in &candidate.repetitions {
        match outcome.detectors() {
            Err(MetricsError::OneKind { .. }) => return Ok(None),
            detectors => seeds.extend(DetectorCurve::mean(&candidate.name, &detectors?.curves)),
        }
    }
    Ok(DetectorCurve::mean(&candidate.name, &seeds))
}

/// What [`scores`] are of, where that is the same for all candidates.
fn about_scores(candidates: &[Candidate]) -> String {
    let repetitions = || candidates.iter().flat_map(|candidate| &candidate.repetitions);
    let Some(first) = repetitions().next() else { return String::new() };
    let (labels, folds) = (&first.outcome.labels, first.folders.len() > 1);
    if repetitions().any(|one| one.outcome.labels != *labels || (one.folders.len() > 1) != folds) {
        return String::new();
    }
    let several = candidates.iter().any(|candidate| candidate.repetitions.len() > 1);
    let of = match &**labels {
        [_, positive] => format!("The scores of {positive}"),
        _ => "Each class against the others".into(),
    };
    let folds = if folds { ", of all folds together" } else { "" };
    let mean = match (labels.len() > 2, several) {
        (false, false) => "",
        (false, true) => ": the mean over seeds",
        (true, false) => ": the mean over classes",
        (true, true) => ": the mean over classes and seeds",
    };
    let points = candidates.iter().any(|candidate| point(candidate).is_some());
    let points = match points && (several || !folds.is_empty()) {
        true => {
            " Thresholds are the means of those of the runs, and so are their errors; there is none where a run has none."
        }
        false => "",
    };
    format!("{of}{folds}{mean}.{points}")
}

/// The first of the operating points that were chosen on validation, in the mean over the runs, where all have it.
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

/// How right the probabilities of all seeds are; None without a run, or where seeds have other classes.
fn calibration(repetitions: &[Repetition]) -> Result<Option<Calibration>, Error> {
    let mut outcomes = repetitions.iter().map(|repetition| &repetition.outcome);
    let Some(mut all) = outcomes.next().cloned() else { return Ok(None) };
    for other in outcomes {
        if other.labels != all.labels {
            return Ok(None);
        }
        all.append(other.clone());
    }
    Ok(Some(all.calibration()?))
}

/// Each once, in the order in which they come first, with how often they come.
fn with_numbers<'a>(items: impl Iterator<Item = &'a str>) -> Vec<(String, u64)> {
    let mut counted: Vec<(String, u64)> = Vec::new();
    for item in items {
        match counted.iter_mut().find(|(known, _)| known == item) {
            Some((_, count)) => *count += 1,
            None => counted.push((item.into(), 1)),
        }
    }
    counted
}

fn versions<'a>(records: impl Iterator<Item = &'a RunRecord>) -> Vec<(String, Vec<(String, u64)>)> {
    let mut values: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, value) in records.flat_map(|record| &record.versions) {
        match values.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => values.push((name.clone(), vec![value])),
        }
    }
    values.into_iter().map(|(name, values)| (name, with_numbers(values.into_iter()))).collect()
}
