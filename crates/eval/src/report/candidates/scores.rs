//! How the candidates' scores tell classes apart, and how right their probabilities are.

use super::Candidate;
use crate::report::calibration;
use crate::report::detectors::{DetectorCurve, Detectors};
use crate::report::figure::{Figure, Sketch};
use crate::report::ink::Ink;
use crate::report::thresholds::{self, Thresholds, row_of};
use crate::{Calibration, EvalError};

/// What the page says of the candidates' probabilities.
pub(super) struct Probabilities {
    pub(super) figures: Vec<Figure>,
    /// What the columns of figures are.
    pub(super) heads: Vec<&'static str>,
    /// Number of its line, name, figures.
    pub(super) rows: Vec<(usize, String, Vec<String>)>,
}

/// Errors at every threshold; None where a candidate that is shown has no scores.
pub(super) fn thresholds(shown: &[&Candidate], about: String) -> Result<Option<Thresholds>, EvalError> {
    let Some(detectors) = detectors(shown) else { return Ok(None) };
    let row = |candidate: &&Candidate| {
        let (what, point) = candidate.point.as_ref()?;
        Some(row_of(String::new(), &format!("{}: {what}", candidate.name), point))
    };
    // Not in the figures, where they lie close together.
    let points = shown.iter().filter_map(row).collect();
    Ok(Some(Thresholds { points, marked: false, ..Thresholds::of(&detectors, "candidate", about)? }))
}

/// Calibration; None where it was not measured of a candidate that is shown.
pub(super) fn probabilities(shown: &[&Candidate]) -> Result<Option<Probabilities>, EvalError> {
    let Some(models) = calibrations(shown) else { return Ok(None) };
    let figures = calibration::sketch(&models).map(Sketch::figure_below_legend).transpose()?;
    let said = |(_, of): &(&str, &Calibration)| calibration::figures(of);
    let heads = models.first().map(said).unwrap_or_default().into_iter().map(|(head, _)| head).collect();
    let row = |(number, model): (usize, &(&str, &Calibration))| {
        (number % Ink::LINES, model.0.to_string(), said(model).into_iter().map(|(_, value)| value).collect())
    };
    let rows = models.iter().enumerate().map(row).collect();
    Ok(Some(Probabilities { figures: figures.into_iter().collect(), heads, rows }))
}

/// The figures of both for files.
pub(super) fn sketches(shown: &[&Candidate]) -> Vec<Sketch> {
    let mut sketches = detectors(shown).map_or_else(Vec::new, |of| thresholds::sketches(&of));
    sketches.extend(calibrations(shown).and_then(|models| calibration::sketch(&models)));
    sketches
}

/// A curve a candidate, so that it has the number of the candidate's other lines.
fn detectors(shown: &[&Candidate]) -> Option<Detectors> {
    let mut curves = Vec::new();
    for candidate in shown {
        curves.push(DetectorCurve { name: candidate.name.clone(), ..candidate.scores.clone()? });
    }
    (!curves.is_empty()).then_some(Detectors { curves, points: Vec::new() })
}

fn calibrations<'a>(shown: &[&'a Candidate]) -> Option<Vec<(&'a str, &'a Calibration)>> {
    let models: Option<Vec<_>> =
        shown.iter().map(|candidate| Some((&*candidate.name, candidate.calibration.as_ref()?))).collect();
    models.filter(|models| !models.is_empty())
}
