//! Page of many runs: the results of each candidate over its seeds.

mod confusions;
mod costs;
mod curves;
mod page;
mod scores;

use serde::Serialize;
use stapes_files::number;

use super::Groups;
use crate::Point;
use crate::ReportError;
use crate::chart::figure::FigureSpec;
use crate::chart::figure::Picture;
use crate::table::{NumberFormat, Table};
use stapes_metrics::{Calibration, ConfusionMatrix, DetectorCurve, OperatingPoint};

/// Largest number of candidates with curves and confusion matrices: those with the highest metric.
const MAX_SHOWN: usize = 12;

/// A comparison of candidates on its page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Title of the page.
    pub title: String,
    /// One sentence about the candidates.
    pub summary: String,
    /// Time of creation.
    pub created_at: String,
    /// Important notes, for example failed runs or candidates without a run.
    pub notes: Vec<String>,
    /// Tables, the most important one first.
    pub tables: Vec<MarkedTable>,
    /// Metric of the comparison, higher is better: "test accuracy (%)".
    pub metric: String,
    /// Format of the metric: values are fractions; the scale 100 shows percentages.
    pub format: NumberFormat,
    /// Costs of candidates, lower is better.
    pub costs: Vec<Cost>,
    /// Loss with its unit: "cross-entropy, nats".
    pub loss: String,
    /// Description of [`Candidate::scores`] in a sentence; may be empty.
    pub scores: String,
    /// Candidates.
    pub candidates: Vec<Candidate>,
    /// Commands that made the runs, each once with the number of its runs.
    pub commands: Vec<(String, u64)>,
    /// Names of the environment (program, processor, threads), each with its values and the numbers of their runs.
    pub versions: Vec<(String, Vec<(String, u64)>)>,
}

/// A cost of candidates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Key of letters, digits, - and _; the name of its picture is `against-` and the key.
    pub key: String,
    /// Name with its unit: "parameters", "training step (ms)".
    pub name: String,
    /// Method of measurement in sentences; may be empty.
    pub measured: String,
}

/// A candidate of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Name.
    pub name: String,
    /// Data set, if the candidates were tested on several: only those on the same one are ranked together.
    pub data_set: Option<String>,
    /// Metric for each seed, in [0, 1]; empty without runs.
    #[serde(with = "number")]
    pub values: Vec<f64>,
    /// Costs in the order of [`Comparison::costs`]; None if not measured.
    #[serde(with = "number")]
    pub costs: Vec<Option<f64>>,
    /// Runs.
    pub runs: Vec<CandidateRun>,
    /// Confusion matrix of all runs together.
    pub confusion: Option<ConfusionMatrix>,
    /// Accuracy by group of all runs together.
    pub groups: Option<Groups>,
    /// Mean ROC curve over the seeds.
    pub scores: Option<DetectorCurve>,
    /// Operating point that was chosen on validation data, with a description: the mean over the runs.
    pub point: Option<(String, OperatingPoint)>,
    /// Calibration of all runs together.
    pub calibration: Option<Calibration>,
}

/// A run of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CandidateRun {
    /// Name that distinguishes it from the other runs: "seed 2".
    pub name: String,
    /// Learning curve, in order of steps.
    pub curve: Vec<Point>,
    /// Path of its page, relative to this one, with a leading `./`; others are ignored. The link is percent-encoded.
    pub link: Option<String>,
}

/// A table with highlighted cells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MarkedTable {
    /// Heading.
    pub heading: String,
    /// Table.
    pub table: Table,
    /// Highlighted cells.
    pub marks: Vec<MarkedCell>,
    /// Notes in sentences.
    pub explanation: Vec<String>,
}

/// A highlighted cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MarkedCell {
    /// Row index.
    pub row: usize,
    /// Column key.
    pub column: String,
    /// Kind of highlighting.
    pub mark: Mark,
}

/// Kind of highlighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// One of the best.
    Best,
    /// An asterisk, which refers to a note.
    Footnote,
}

impl Candidate {
    /// Mean over the seeds, which orders candidates.
    fn mean(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.values.iter().sum::<f64>() / self.values.len() as f64)
    }
}

impl Comparison {
    /// Returns the candidates that are shown in full, in their order.
    fn best(&self) -> Vec<&Candidate> {
        let mut ranked: Vec<(usize, f64)> = Vec::new();
        for data_set in self.data_sets() {
            let members = self.candidates.iter().enumerate().filter(|(_, one)| one.data_set == *data_set);
            let mut means: Vec<(usize, f64)> =
                members.filter_map(|(at, candidate)| candidate.mean().map(|mean| (at, mean))).collect();
            // A stable sort: of equal candidates the first.
            means.sort_by(|a, b| b.1.total_cmp(&a.1));
            ranked.extend(means.into_iter().enumerate().map(|(rank, (at, _))| (at, rank as f64)));
        }
        // The best of each data set, then the second best of each.
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
        ranked.truncate(MAX_SHOWN);
        ranked.sort_by_key(|&(at, _)| at);
        ranked.into_iter().map(|(at, _)| &self.candidates[at]).collect()
    }

    /// Returns the data sets of the candidates in the order of their first occurrence.
    fn data_sets(&self) -> Vec<&Option<String>> {
        let mut data_sets: Vec<&Option<String>> = Vec::new();
        for candidate in &self.candidates {
            if !data_sets.contains(&&candidate.data_set) {
                data_sets.push(&candidate.data_set);
            }
        }
        data_sets
    }

    /// Returns a note if not all candidates are shown.
    fn selection(&self) -> Option<String> {
        let trained = self.candidates.iter().filter(|candidate| !candidate.values.is_empty()).count();
        (trained > MAX_SHOWN).then(|| {
            let each = if self.data_sets().len() > 1 { ", ranked within each data set" } else { "" };
            format!("The best {MAX_SHOWN} of {trained} candidates by mean {} over seeds{each}.", self.metric)
        })
    }
}

/// Renders the page of a comparison as one HTML file.
///
/// Text from outside is escaped. Values that are not finite are not drawn, and the page reports their number.
///
/// # Errors
/// [`ReportError::Figure`] if a figure cannot be drawn, [`ReportError::Page`] if the template cannot be filled in.
///
/// # Example
/// ```
/// use stapes_report::table::{Column, NumberFormat, Table, Value};
/// use stapes_report::{Candidate, Comparison, Cost, MarkedTable, render_comparison};
///
/// let format = NumberFormat { scale: 100.0, digits: 1 };
/// let column = |key: &str| Column { key: key.into(), title: key.into(), better: None, format };
/// let table = Table::new(
///     vec![column("model"), column("test")],
///     vec![vec![Value::Text("gru".into()), Value::spread(&[0.9, 0.92])]],
/// );
/// let gru = Candidate {
///     name: "gru".into(),
///     data_set: None,
///     values: vec![0.9, 0.92],
///     costs: vec![Some(1_200.0)],
///     runs: Vec::new(),
///     confusion: None,
///     groups: None,
///     scores: None,
///     point: None,
///     calibration: None,
/// };
/// let html = render_comparison(&Comparison {
///     title: "Models".into(),
///     summary: "One model.".into(),
///     created_at: "2026-01-31 12:00 UTC".into(),
///     notes: Vec::new(),
///     tables: vec![MarkedTable {
///         heading: "Results".into(),
///         table,
///         marks: Vec::new(),
///         explanation: Vec::new(),
///     }],
///     metric: "test accuracy (%)".into(),
///     format,
///     costs: vec![Cost { key: "size".into(), name: "parameters".into(), measured: String::new() }],
///     loss: "cross-entropy, nats".into(),
///     scores: String::new(),
///     candidates: vec![gru],
///     commands: Vec::new(),
///     versions: Vec::new(),
/// })?;
/// assert_eq!(html.matches("91.0 (90.0 to 92.0)").count(), 3);
/// # Ok::<(), stapes_report::ReportError>(())
/// ```
pub fn render_comparison(comparison: &Comparison) -> Result<String, ReportError> {
    page::render(comparison)
}

/// Draws the figures of the page as files: metric vs. cost (`against-...`), learning curves (`training-loss`,
/// `validation-accuracy`, `learning-rate`, `gradient-norm`), error rates at thresholds (`roc`, `det`), and calibration
/// (`reliability`).
///
/// # Errors
/// [`ReportError::Figure`] if one cannot be drawn.
pub fn comparison_pictures(comparison: &Comparison) -> Result<Vec<Picture>, ReportError> {
    let figure_specs = [
        costs::specs(comparison),
        curves::figure_specs(comparison),
        scores::figure_specs(&comparison.best()),
    ];
    figure_specs.into_iter().flatten().map(FigureSpec::picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, values: &[f64]) -> Candidate {
        Candidate {
            name: name.into(),
            data_set: None,
            values: values.to_vec(),
            costs: Vec::new(),
            runs: Vec::new(),
            confusion: None,
            groups: None,
            scores: None,
            point: None,
            calibration: None,
        }
    }

    fn comparison(candidates: Vec<Candidate>) -> Comparison {
        Comparison {
            title: String::new(),
            summary: String::new(),
            created_at: String::new(),
            notes: Vec::new(),
            tables: Vec::new(),
            metric: "accuracy".into(),
            format: NumberFormat { scale: 1.0, digits: 1 },
            costs: Vec::new(),
            loss: String::new(),
            scores: String::new(),
            candidates,
            commands: Vec::new(),
            versions: Vec::new(),
        }
    }

    #[test]
    fn the_candidates_with_the_highest_means_are_shown_in_order() {
        let mut candidates: Vec<Candidate> =
            (0..14).map(|at| candidate(&at.to_string(), &[0.5 + 0.01 * f64::from(at)])).collect();
        // The first has the highest mean and the lowest median.
        candidates[0].values = vec![0.1, 0.1, 5.0];
        candidates[9].values = Vec::new();
        let comparison = comparison(candidates);
        let names = |comparison: &Comparison| -> Vec<String> {
            comparison.best().into_iter().map(|one| one.name.clone()).collect()
        };
        assert_eq!(names(&comparison), ["0", "2", "3", "4", "5", "6", "7", "8", "10", "11", "12", "13"]);
        assert!(comparison.selection().unwrap().starts_with("The best 12 of 13 candidates"));
        // A data set does not lose its best candidates to another one with higher metrics.
        let mut comparison = comparison;
        comparison.candidates[1].data_set = Some("difficult".into());
        assert!(
            names(&comparison).contains(&"1".to_string()) && !names(&comparison).contains(&"2".to_string())
        );
        assert!(comparison.selection().unwrap().ends_with("over seeds, ranked within each data set."));
    }
}
