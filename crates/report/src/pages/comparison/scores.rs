//! ROC curves and calibration of candidates.

use super::Candidate;
use crate::chart::figure::{Figure, FigureSpec, Numbered};
use crate::chart::shapes::Color;
use crate::pages::calibration;
use crate::pages::thresholds::{self, Thresholds, row_of};
use crate::quoted;
use stapes_metrics::Calibration;
use stapes_metrics::DetectorCurve;

/// Calibration of the candidates on the page.
pub(super) struct CalibrationView {
    /// Notes in sentences; may be empty.
    pub(super) description: String,
    pub(super) figures: Vec<Figure>,
    /// Headings of the metrics.
    pub(super) heads: Vec<&'static str>,
    /// Number of the line, name, metrics.
    pub(super) rows: Vec<(usize, String, Vec<String>)>,
}

/// Returns error rates at thresholds; None if no shown candidate has scores.
pub(super) fn thresholds(shown: &[&Candidate], description: &[&str]) -> Option<Thresholds> {
    let curves = curves(shown);
    if curves.is_empty() {
        return None;
    }
    let row = |candidate: &&Candidate| {
        let (what, point) = candidate.point.as_ref()?;
        Some(row_of(String::new(), &format!("{}: {what}", candidate.name), point))
    };
    let missing = missing(shown, &curves, "No curve for");
    let explained = curves.iter().find_map(|curve| {
        let confusion = shown[curve.number].confusion.as_ref()?;
        let (correct, total) = (confusion.correct(), confusion.total());
        let accuracy = (correct as f64 / total.max(1) as f64, total);
        let subject = format!("{}: accuracy", quoted(curve.name));
        thresholds::explained_accuracy(
            &subject,
            accuracy,
            std::slice::from_ref(curve),
            confusion.classes().len(),
        )
    });
    let sentences = [description, &[explained.as_deref().unwrap_or_default()]].concat();
    Some(Thresholds {
        // Only in the table: in the figures they would overlap.
        points: shown.iter().filter_map(row).collect(),
        ..Thresholds::new(&curves, &[], "candidate", joined(&sentences, &missing))
    })
}

/// Returns calibration; None if it was not measured for any shown candidate.
pub(super) fn calibration_view(shown: &[&Candidate], description: &[&str]) -> Option<CalibrationView> {
    let models = calibrations(shown);
    let first = models.first()?;
    let row = |Numbered { number, name, of }: &Numbered<'_, Calibration>| {
        let values = calibration::metrics(of).into_iter().map(|(_, value)| value);
        (number % Color::COUNT, name.to_string(), values.collect())
    };
    let missing = missing(shown, &models, "No calibration for");
    let figures = calibration::of_models(&models).map(FigureSpec::figure_below_legend);
    Some(CalibrationView {
        description: joined(description, &missing),
        figures: figures.into_iter().collect(),
        heads: calibration::metrics(first.of).into_iter().map(|(head, _)| head).collect(),
        rows: models.iter().map(row).collect(),
    })
}

/// Returns all figures for files.
pub(super) fn figure_specs(shown: &[&Candidate]) -> Vec<FigureSpec> {
    let curves = curves(shown);
    let mut figure_specs = match curves.is_empty() {
        true => Vec::new(),
        false => thresholds::figure_specs(&curves, &[]),
    };
    figure_specs.extend(calibration::of_models(&calibrations(shown)));
    figure_specs
}

fn curves<'a>(shown: &[&'a Candidate]) -> Vec<Numbered<'a, DetectorCurve>> {
    numbered(shown, |candidate| candidate.scores.as_ref())
}

fn calibrations<'a>(shown: &[&'a Candidate]) -> Vec<Numbered<'a, Calibration>> {
    numbered(shown, |candidate| candidate.calibration.as_ref())
}

/// Returns the data of the candidates that have some, with the numbers of their lines.
fn numbered<'a, T>(shown: &[&'a Candidate], of: fn(&Candidate) -> Option<&T>) -> Vec<Numbered<'a, T>> {
    let line = |(number, candidate): (usize, &&'a Candidate)| {
        Some(Numbered { number, name: &candidate.name, of: of(candidate)? })
    };
    shown.iter().enumerate().filter_map(line).collect()
}

/// Lists the candidates without data; empty if all have some.
fn missing<T>(shown: &[&Candidate], drawn: &[Numbered<'_, T>], what: &str) -> String {
    let is_drawn = |at: usize| drawn.iter().any(|line| line.number == at);
    let names: Vec<&str> = (0..shown.len()).filter(|&at| !is_drawn(at)).map(|at| &*shown[at].name).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("{what}: {}.", names.join("; ")),
    }
}

/// Joins the sentences that are not empty.
fn joined(description: &[&str], last: &str) -> String {
    let sentences = description.iter().copied().chain([last]).filter(|sentence| !sentence.is_empty());
    sentences.collect::<Vec<_>>().join(" ")
}
