//! How the candidates' scores tell classes apart, and how right their probabilities are.

use super::Candidate;
use crate::ReportError;
use crate::chart::figure::{Figure, Numbered, Sketch};
use crate::chart::series_style::Ink;
use crate::pages::calibration;
use crate::pages::thresholds::{self, Thresholds, row_of};
use stapes_metrics::Calibration;
use stapes_metrics::DetectorCurve;

/// What the page says of the candidates' probabilities.
pub(super) struct Probabilities {
    /// What is to be known about them, in sentences; may be empty.
    pub(super) about: String,
    pub(super) figures: Vec<Figure>,
    /// What the columns of figures are.
    pub(super) heads: Vec<&'static str>,
    /// Number of its line, name, figures.
    pub(super) rows: Vec<(usize, String, Vec<String>)>,
}

/// Errors at every threshold; None where no candidate that is shown has scores.
pub(super) fn thresholds(shown: &[&Candidate], about: &[&str]) -> Result<Option<Thresholds>, ReportError> {
    let curves = curves(shown);
    if curves.is_empty() {
        return Ok(None);
    }
    let row = |candidate: &&Candidate| {
        let (what, point) = candidate.point.as_ref()?;
        Some(row_of(String::new(), &format!("{}: {what}", candidate.name), point))
    };
    let missing = missing(shown, &curves, "There is no curve");
    Ok(Some(Thresholds {
        // Not in the figures, where they lie close together.
        points: shown.iter().filter_map(row).collect(),
        ..Thresholds::of(&curves, &[], "candidate", joined(about, &missing))?
    }))
}

/// Calibration; None where it was measured of no candidate that is shown.
pub(super) fn probabilities(
    shown: &[&Candidate],
    about: &[&str],
) -> Result<Option<Probabilities>, ReportError> {
    let models = calibrations(shown);
    let Some(first) = models.first() else { return Ok(None) };
    let row = |Numbered { number, name, of }: &Numbered<'_, Calibration>| {
        let values = calibration::figures(of).into_iter().map(|(_, value)| value);
        (number % Ink::LINES, name.to_string(), values.collect())
    };
    let missing = missing(shown, &models, "There is no calibration");
    let figures = calibration::of_models(&models).map(Sketch::figure_below_legend).transpose()?;
    Ok(Some(Probabilities {
        about: joined(about, &missing),
        figures: figures.into_iter().collect(),
        heads: calibration::figures(first.of).into_iter().map(|(head, _)| head).collect(),
        rows: models.iter().map(row).collect(),
    }))
}

/// The figures of both for files.
pub(super) fn sketches(shown: &[&Candidate]) -> Vec<Sketch> {
    let curves = curves(shown);
    let mut sketches = match curves.is_empty() {
        true => Vec::new(),
        false => thresholds::sketches(&curves, &[]),
    };
    sketches.extend(calibration::of_models(&calibrations(shown)));
    sketches
}

fn curves<'a>(shown: &[&'a Candidate]) -> Vec<Numbered<'a, DetectorCurve>> {
    numbered(shown, |candidate| candidate.scores.as_ref())
}

fn calibrations<'a>(shown: &[&'a Candidate]) -> Vec<Numbered<'a, Calibration>> {
    numbered(shown, |candidate| candidate.calibration.as_ref())
}

/// What the candidates have that have it, each with the number of the candidate's other lines.
fn numbered<'a, T>(shown: &[&'a Candidate], of: fn(&Candidate) -> Option<&T>) -> Vec<Numbered<'a, T>> {
    let line = |(number, candidate): (usize, &&'a Candidate)| {
        Some(Numbered { number, name: &candidate.name, of: of(candidate)? })
    };
    shown.iter().enumerate().filter_map(line).collect()
}

/// Says of which candidates there is nothing; empty where there is something of all.
fn missing<T>(shown: &[&Candidate], drawn: &[Numbered<'_, T>], what: &str) -> String {
    let is_drawn = |at: usize| drawn.iter().any(|line| line.number == at);
    let names: Vec<&str> = (0..shown.len()).filter(|&at| !is_drawn(at)).map(|at| &*shown[at].name).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("{what} of: {}.", names.join("; ")),
    }
}

/// The sentences that are not empty, one after the other.
fn joined(about: &[&str], last: &str) -> String {
    let said = about.iter().copied().chain([last]).filter(|sentence| !sentence.is_empty());
    said.collect::<Vec<_>>().join(" ")
}
