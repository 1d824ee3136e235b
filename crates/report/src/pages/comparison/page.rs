//! Template of the comparison page.

use askama::Template;

use super::confusions::{self, Breakdown, ConfusionView};
use super::costs::{self, CostFigure};
use super::scores::{self, CalibrationView};
use super::table::TableView;
use super::{Candidate, CandidateRun, Comparison, curves};
use crate::ReportError;
use crate::chart::WIDTH;
use crate::chart::figure::Figure;
use crate::numbers::pluralize;
use crate::pages::shell::{Shell, render_page};
use crate::pages::thresholds::Thresholds;

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    shell: Shell<'a>,
    width: u32,
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
    runs: Vec<(&'a str, Option<&'a str>)>,
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
        width: WIDTH,
        tables: comparison.tables.iter().map(TableView::new).collect(),
        costs: costs::figures(comparison)?,
        metric: &comparison.metric,
        selection: selection.as_deref(),
        legend: confusions::legend(comparison),
        curves: curves::figures(comparison)?,
        confusions: confusions::views(&shown),
        classes: confusions::classes(&shown),
        groups: confusions::groups(&shown),
        thresholds: scores::thresholds(&shown, &[note, &comparison.scores])?,
        calibration: scores::calibration_view(&shown, &[note])?,
        runs: runs.collect(),
        commands: commands.collect(),
        versions: comparison.versions.iter().map(|(name, values)| (&**name, join_values(values))).collect(),
    };
    render_page(&page)
}

/// Returns the relative address of a run's page.
fn address(run: &CandidateRun) -> Option<&str> {
    run.link.as_deref().filter(|link| link.starts_with("./"))
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
