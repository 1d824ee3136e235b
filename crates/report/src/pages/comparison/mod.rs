//! The page of many runs: what each candidate came to over its seeds, side by side.

mod confusions;
mod costs;
mod curves;
mod page;
mod scores;
mod table;

use serde::Serialize;
use stapes_files::number;

use super::Groups;
use crate::Point;
use crate::ReportError;
use crate::chart::figure::Sketch;
use crate::chart::picture::Picture;
use crate::table::{Shown, Table};
use stapes_metrics::{Calibration, Confusion, DetectorCurve, OperatingPoint};

/// Candidates whose curves and confusions are shown; of more, those of the highest figure.
const SHOWN: usize = 12;

/// Candidates side by side, as the page shows them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The page's title.
    pub title: String,
    /// What is compared, in a sentence.
    pub summary: String,
    /// When the page was made.
    pub made_at: String,
    /// What a reader must know before the numbers: runs that failed, candidates without a run.
    pub notes: Vec<String>,
    /// The tables, the most important one first.
    pub tables: Vec<MarkedTable>,
    /// What candidates are judged by, higher is better: "test accuracy (%)".
    pub figure: String,
    /// How that figure is written: its values are shares, with the scale 100 they are shown as per cent.
    pub shown: Shown,
    /// What candidates cost, lower is better.
    pub costs: Vec<Cost>,
    /// What the loss measures, with its unit: "cross-entropy, nats".
    pub loss: String,
    /// What [`Candidate::scores`] are of, in a sentence; may be empty.
    pub scores: String,
    /// What is compared.
    pub candidates: Vec<Candidate>,
    /// The commands that made the runs, each once with the number of its runs.
    pub commands: Vec<(String, u64)>,
    /// Names of what runs depended on: program, processor, threads; each with its values and the number of their runs.
    pub versions: Vec<(String, Vec<(String, u64)>)>,
}

/// Something that candidates cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The name for machines, of letters, digits, - and _: its picture is `against-` and this.
    pub key: String,
    /// Its name with its unit: "parameters", "training step (ms)".
    pub name: String,
    /// How it was measured, in sentences; may be empty.
    pub measured: String,
}

/// One of the things that are compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Its figure for each seed, in [0, 1]; none if it has no run.
    #[serde(with = "number")]
    pub figures: Vec<f64>,
    /// What it costs, in the order of [`Comparison::costs`]; None where it was not measured.
    #[serde(with = "number")]
    pub costs: Vec<Option<f64>>,
    /// Its runs.
    pub runs: Vec<CandidateRun>,
    /// What its runs' decisions were, all together.
    pub confusion: Option<Confusion>,
    /// How many of each group's examples its runs have right, all together.
    pub groups: Option<Groups>,
    /// How its scores tell classes apart at every threshold, in the mean over its seeds.
    pub scores: Option<DetectorCurve>,
    /// An operating point that was chosen on validation, with what it is: in the mean over its runs.
    pub point: Option<(String, OperatingPoint)>,
    /// How right its probabilities are, those of all its runs together.
    pub calibration: Option<Calibration>,
}

/// A run of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CandidateRun {
    /// What tells it from the candidate's other runs: "seed 2".
    pub name: String,
    /// What was measured while training, in the order of the steps.
    pub curve: Vec<Point>,
    /// The address of its own page, relative to this one: it begins with `./`, or is no link.
    pub link: Option<String>,
}

/// A table with cells that stand out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MarkedTable {
    /// Stands above.
    pub heading: String,
    /// The table.
    pub table: Table,
    /// The cells that stand out.
    pub marks: Vec<MarkedCell>,
    /// What is to be known when reading it, in sentences.
    pub explanation: Vec<String>,
}

/// A cell of a table that stands out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MarkedCell {
    /// The number of its row.
    pub row: usize,
    /// The key of its column.
    pub column: String,
    /// How it stands out.
    pub mark: Mark,
}

/// How a cell stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It is among the best.
    Best,
    /// An asterisk says that it is explained.
    Aside,
}

impl Candidate {
    /// What candidates are ordered by: the mean over its seeds.
    fn mean(&self) -> Option<f64> {
        (!self.figures.is_empty()).then(|| self.figures.iter().sum::<f64>() / self.figures.len() as f64)
    }
}

impl Comparison {
    /// The candidates with runs that are shown in full, in their order.
    fn best(&self) -> Vec<&Candidate> {
        let mut ranked: Vec<(usize, f64)> = self
            .candidates
            .iter()
            .enumerate()
            .filter_map(|(at, candidate)| candidate.mean().map(|mean| (at, mean)))
            .collect();
        // A stable sort: of equals the first.
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.truncate(SHOWN);
        ranked.sort_by_key(|&(at, _)| at);
        ranked.into_iter().map(|(at, _)| &self.candidates[at]).collect()
    }

    /// Says that not all candidates are shown, where it is so.
    fn selection(&self) -> Option<String> {
        let trained = self.candidates.iter().filter(|candidate| !candidate.figures.is_empty()).count();
        (trained > SHOWN).then(|| {
            format!("The best {SHOWN} of {trained} candidates, by the mean over seeds of: {}.", self.figure)
        })
    }
}

/// The page of many runs as one HTML file.
///
/// Text from outside is escaped. Values that are not finite are left out of the figures, and the page says how many.
///
/// # Errors
/// [`ReportError::Figure`] if a figure cannot be drawn, [`ReportError::Page`] if the template cannot be filled in.
///
/// # Example
/// ```
/// use stapes_report::table::{Column, Shown, Table, Value};
/// use stapes_report::{Candidate, Comparison, Cost, MarkedTable, render_comparison};
///
/// let shown = Shown { scale: 100.0, digits: 1 };
/// let column = |key: &str| Column { key: key.into(), title: key.into(), better: None, shown };
/// let table = Table::new(
///     vec![column("cell"), column("test")],
///     vec![vec![Value::Text("gru".into()), Value::spread(&[0.9, 0.92])]],
/// );
/// let gru = Candidate {
///     name: "gru".into(),
///     figures: vec![0.9, 0.92],
///     costs: vec![Some(1_200.0)],
///     runs: Vec::new(),
///     confusion: None,
///     groups: None,
///     scores: None,
///     point: None,
///     calibration: None,
/// };
/// let html = render_comparison(&Comparison {
///     title: "Cells".into(),
///     summary: "One cell.".into(),
///     made_at: "2026-01-31 12:00 UTC".into(),
///     notes: Vec::new(),
///     tables: vec![MarkedTable {
///         heading: "Results".into(),
///         table,
///         marks: Vec::new(),
///         explanation: Vec::new(),
///     }],
///     figure: "test accuracy (%)".into(),
///     shown,
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

/// The figures of the page as files: what candidates cost (`against-...`), and the curves (`training-loss`,
/// `validation-accuracy`, `learning-rate`, `gradient-norm`), errors at every threshold (`roc`, `det`), calibration (`reliability`).
///
/// # Errors
/// [`ReportError::Figure`] if one cannot be drawn.
pub fn comparison_pictures(comparison: &Comparison) -> Result<Vec<Picture>, ReportError> {
    let sketches =
        [costs::sketches(comparison), curves::sketches(comparison), scores::sketches(&comparison.best())];
    sketches.into_iter().flatten().map(Sketch::picture).collect()
}

#[cfg(test)]
mod tests;
