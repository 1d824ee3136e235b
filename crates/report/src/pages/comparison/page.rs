//! The page's parts as its template takes them.

use askama::Template;

use super::confusions::{self, Confused, Parts};
use super::costs::{self, CostFigure};
use super::scores::{self, Probabilities};
use super::table::Written;
use super::{Candidate, CandidateRun, Comparison, curves};
use crate::ReportError;
use crate::chart::WIDTH;
use crate::chart::figure::Figure;
use crate::numbers::counted;
use crate::pages::shell::{Frame, written};
use crate::pages::thresholds::Thresholds;

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    frame: Frame<'a>,
    width: u32,
    tables: Vec<Written<'a>>,
    costs: Vec<CostFigure<'a>>,
    /// What candidates are judged by.
    judged: &'a str,
    /// Says that the best candidates are shown only.
    selection: Option<&'a str>,
    /// The candidates' names and the numbers of their lines.
    key: Vec<(usize, &'a str)>,
    curves: Vec<Figure>,
    confusions: Vec<Confused<'a>>,
    classes: Option<Parts<'a>>,
    groups: Option<Parts<'a>>,
    thresholds: Option<Thresholds>,
    probabilities: Option<Probabilities>,
    runs: Vec<Linked<'a>>,
    commands: Vec<(&'a str, String)>,
    versions: Vec<(&'a str, String)>,
}

/// A candidate with links to its runs' pages.
struct Linked<'a> {
    name: &'a str,
    runs: Vec<(&'a str, Option<&'a str>)>,
}

/// The complete page.
pub(super) fn render(comparison: &Comparison) -> Result<String, ReportError> {
    let shown = comparison.best();
    let linked = |candidate: &Candidate| candidate.runs.iter().any(|run| address(run).is_some());
    let runs = comparison.candidates.iter().filter(|candidate| linked(candidate)).map(|candidate| Linked {
        name: &candidate.name,
        runs: candidate.runs.iter().map(|run| (&*run.name, address(run))).collect(),
    });
    let commands = comparison.commands.iter().map(|(command, runs)| (&**command, counted(*runs, "run")));
    let selection = comparison.selection();
    let chosen = selection.as_deref().unwrap_or_default();
    let page = Page {
        frame: Frame::of(&comparison.title, &comparison.summary, &comparison.notes, &comparison.made_at),
        width: WIDTH,
        tables: comparison.tables.iter().map(Written::of).collect(),
        costs: costs::figures(comparison)?,
        judged: &comparison.figure,
        selection: selection.as_deref(),
        key: confusions::key(comparison),
        curves: curves::figures(comparison)?,
        confusions: confusions::of(&shown),
        classes: confusions::classes(&shown),
        groups: confusions::groups(&shown),
        thresholds: scores::thresholds(&shown, &[chosen, &comparison.scores])?,
        probabilities: scores::probabilities(&shown, &[chosen])?,
        runs: runs.collect(),
        commands: commands.collect(),
        versions: comparison.versions.iter().map(|(name, values)| (&**name, said(values))).collect(),
    };
    written(&page)
}

/// Where a run's page is, below this one.
fn address(run: &CandidateRun) -> Option<&str> {
    run.link.as_deref().filter(|link| link.starts_with("./"))
}

/// The values of all runs: with the numbers of their runs where there are several.
fn said(values: &[(String, u64)]) -> String {
    match values {
        [(value, _)] => value.clone(),
        values => {
            let one = |(value, runs): &(String, u64)| format!("{value} ({})", counted(*runs, "run"));
            values.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}
