//! Template of the comparison page.

use std::collections::HashMap;

use askama::Template;

use super::confusions::{self, Breakdown, ConfusionView};
use super::costs::{self, CostFigure};
use super::scores::{self, CalibrationView};
use super::{Candidate, CandidateRun, Comparison, Mark, MarkedTable, curves};
use crate::ReportError;
use crate::chart::figure::Figure;
use crate::numbers::pluralize;
use crate::pages::shell::{Shell, render_page};
use crate::pages::thresholds::Thresholds;
use crate::table::{Better, Value};

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    shell: Shell<'a>,
    tables: Vec<TableView<'a>>,
    costs: Vec<CostFigure<'a>>,
    /// Metric of the comparison.
    metric: &'a str,
    /// Note that only the best candidates are shown.
    selection: Option<&'a str>,
    /// Names of the candidates and numbers of their lines.
    legend: Vec<(usize, &'a str)>,
    curves: Vec<Figure>,
    confusions: Vec<ConfusionView<'a>>,
    classes: Option<Breakdown<'a>>,
    groups: Option<Breakdown<'a>>,
    thresholds: Option<Thresholds>,
    calibration: Option<CalibrationView>,
    runs: Vec<RunLinks<'a>>,
    commands: Vec<(&'a str, String)>,
    versions: Vec<(&'a str, String)>,
}

/// A candidate with links to the pages of its runs.
struct RunLinks<'a> {
    name: &'a str,
    runs: Vec<(&'a str, Option<String>)>,
}

/// Renders the page.
pub(super) fn render(comparison: &Comparison) -> Result<String, ReportError> {
    let shown = comparison.best();
    let linked = |candidate: &Candidate| candidate.runs.iter().any(|run| address(run).is_some());
    let runs = comparison.candidates.iter().filter(|candidate| linked(candidate)).map(|candidate| RunLinks {
        name: &candidate.name,
        runs: candidate.runs.iter().map(|run| (&*run.name, address(run))).collect(),
    });
    let commands = comparison.commands.iter().map(|(command, runs)| (&**command, pluralize(*runs, "run")));
    let selection = comparison.selection();
    let note = selection.as_deref().unwrap_or_default();
    let page = Page {
        shell: Shell::new(&comparison.title, &comparison.summary, &comparison.notes, &comparison.created_at),
        tables: comparison.tables.iter().map(TableView::new).collect(),
        costs: costs::figures(comparison),
        metric: &comparison.metric,
        selection: selection.as_deref(),
        legend: confusions::legend(comparison),
        curves: curves::figures(comparison),
        confusions: confusions::views(&shown),
        classes: confusions::classes(&shown),
        groups: confusions::groups(&shown),
        thresholds: scores::thresholds(&shown, &[note, &comparison.scores]),
        calibration: scores::calibration_view(&shown, &[note]),
        runs: runs.collect(),
        commands: commands.collect(),
        versions: comparison.versions.iter().map(|(name, values)| (&**name, join_values(values))).collect(),
    };
    render_page(&page)
}

/// Returns the address of a run's page: the relative path, percent-encoded, so that names with `#`, `?` or `%` lead to
/// their files.
///
/// # Source
/// RFC 3986, section 2.3, unreserved characters.
fn address(run: &CandidateRun) -> Option<String> {
    let path = run.link.as_deref().filter(|link| link.starts_with("./"))?;
    let mut address = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                address.push(byte.into())
            }
            other => address += &format!("%{other:02X}"),
        }
    }
    Some(address)
}

/// Joins the values of all runs, with the numbers of their runs if there are several values.
fn join_values(values: &[(String, u64)]) -> String {
    match values {
        [(value, _)] => value.clone(),
        values => {
            let one = |(value, runs): &(String, u64)| format!("{value} ({})", pluralize(*runs, "run"));
            values.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}

/// A table for the template.
pub(super) struct TableView<'a> {
    pub(super) heading: &'a str,
    pub(super) explanation: &'a [String],
    pub(super) heads: Vec<Head<'a>>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A heading.
pub(super) struct Head<'a> {
    pub(super) title: &'a str,
    pub(super) number: bool,
    /// Makes the first click on the heading sort in ascending order.
    pub(super) low_first: bool,
}

/// A cell.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) number: bool,
    /// Number to sort by, in full.
    pub(super) value: Option<f64>,
    pub(super) best: bool,
    pub(super) footnote: bool,
}

impl<'a> TableView<'a> {
    pub(super) fn new(marked: &'a MarkedTable) -> TableView<'a> {
        let (columns, rows) = (marked.table.columns(), marked.table.rows());
        let number =
            |at: usize| columns[at].better.is_some() || rows.iter().any(|row| row[at].number().is_some());
        let numbers: Vec<bool> = (0..columns.len()).map(number).collect();
        let mut marks: HashMap<(usize, &str), [bool; 2]> = HashMap::new();
        for cell in &marked.marks {
            let [best, footnote] = marks.entry((cell.row, &cell.column)).or_default();
            match cell.mark {
                Mark::Best => *best = true,
                Mark::Footnote => *footnote = true,
            }
        }
        let heads = columns.iter().zip(&numbers).map(|(column, &number)| Head {
            title: &column.title,
            number,
            low_first: column.better == Some(Better::Low),
        });
        let cell = |row: usize, at: usize, value: &Value| {
            let [best, footnote] = marks.get(&(row, &*columns[at].key)).copied().unwrap_or_default();
            let text = value.format(columns[at].format);
            Cell { text, number: numbers[at], value: value.number(), best, footnote }
        };
        let rows = rows
            .iter()
            .enumerate()
            .map(|(row, values)| values.iter().enumerate().map(|(at, value)| cell(row, at, value)).collect());
        TableView {
            heading: &marked.heading,
            explanation: &marked.explanation,
            heads: heads.collect(),
            rows: rows.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_files_with_any_name() {
        let address = |link: &str| {
            address(&CandidateRun { name: String::new(), curve: Vec::new(), link: Some(link.into()) })
        };
        assert_eq!(address("./a-1/b_2~.html").as_deref(), Some("./a-1/b_2~.html"));
        assert_eq!(address("./50% #1?/ä b.html").as_deref(), Some("./50%25%20%231%3F/%C3%A4%20b.html"));
        assert_eq!((address("javascript:alert(1)"), address("/etc")), (None, None));
    }
}
