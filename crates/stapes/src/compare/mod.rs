//! Runs side by side: what each candidate came to over its seeds, as a table and as a page.

mod vs_best;
mod marked;
mod page;
mod runs;
mod table;

use std::path::{Path, PathBuf};

use stapes_report::Point;

use crate::error::Error;
use crate::recipe::Recipe;
use crate::run::{METRICS, RECORD, Run, RunRecord, RunState, TestPredictions};
use crate::sweep::{Job, Sweep, Timing};
use crate::training::{recipe_of, same_recipe};

pub use vs_best::{VsBest, vs_best};
pub use page::page;
pub use runs::{group_runs, find_runs};
pub use table::{check_axes, check_column, table};

/// What is compared, and what is not.
#[derive(Clone, Debug, Default)]
pub struct CandidateSet {
    /// In the order of the sweep, or in which they come first.
    pub candidates: Vec<Candidate>,
    /// Runs that are there and cannot be used, each with the reason in a sentence.
    pub skipped: Vec<String>,
    /// What else is to be known of the candidates, in sentences.
    pub notes: Vec<String>,
}

/// One of the things that are compared, with what its runs came to.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// What it is on each axis: the axis and the value.
    pub settings: Vec<(String, String)>,
    /// Its runs, one a seed.
    pub repetitions: Vec<Repetition>,
    /// What it costs in time, if that was measured with nothing else running.
    pub timing: Option<Timing>,
}

/// One seed of a candidate: a run, or the runs of all folds of the data.
#[derive(Clone, Debug)]
pub struct Repetition {
    /// The seed.
    pub seed: u64,
    /// The folders of its runs.
    pub folders: Vec<PathBuf>,
    /// What they came to.
    pub records: Vec<RunRecord>,
    /// What was measured while they were trained; of a run that was copied without it nothing.
    pub curves: Vec<Vec<Point>>,
    /// What their models say of the test examples; of folds of all of them, each judged by the model that did not train on
    /// it.
    pub outcome: TestPredictions,
}

impl Repetition {
    /// The mean of a figure over the runs, where all have it.
    pub fn mean(&self, figure: impl Fn(&RunRecord) -> Option<f64>) -> Option<f64> {
        let figures: Option<Vec<f64>> = self.records.iter().map(figure).collect();
        let figures = figures.filter(|figures| !figures.is_empty())?;
        Some(figures.iter().sum::<f64>() / figures.len() as f64)
    }
}

/// What the cells of a sweep came to as far as they are trained, wherever their folders were made; `data` is the folder of
/// the data set. Runs of other recipes than the sweep's, and those with a damaged file, are left out.
///
/// # Errors
/// [`Error::Data`] if the folds of a split cannot be told.
pub fn candidates(sweep: &Sweep, data: Option<&Path>, out: &Path) -> Result<CandidateSet, Error> {
    let mut compared = CandidateSet::default();
    for cell in &sweep.cells {
        let timing = compared.usable(Timing::read(&out.join(&cell.name))).flatten();
        compared.candidates.push(Candidate {
            name: cell.name.clone(),
            settings: cell.settings.clone(),
            repetitions: Vec::new(),
            timing,
        });
    }
    let mut jobs = sweep.jobs(data)?;
    jobs.sort_by_key(|job| (job.cell, job.seed));
    for group in jobs.chunk_by(|a, b| (a.cell, a.seed) == (b.cell, b.seed)) {
        let repetition = compared.usable(of_jobs(group, data, out)).flatten();
        compared.candidates[group[0].cell].repetitions.extend(repetition);
    }
    compared.notes.extend(divergences(&compared.candidates));
    Ok(compared)
}

/// A seed of a cell, if all of its runs are complete.
fn of_jobs(jobs: &[Job], data: Option<&Path>, out: &Path) -> Result<Option<Repetition>, Error> {
    let folders: Vec<PathBuf> = jobs.iter().map(|job| out.join(&job.folder)).collect();
    for (job, folder) in jobs.iter().zip(&folders) {
        if RunState::of(folder)? != RunState::Complete {
            return Ok(None);
        }
        let recipe = match (job.recipe.data.class_names(), data) {
            // A table may be made where the data is not: what hangs on it is as the run says.
            (None, None) => Recipe { data: recipe_of(folder)?.data, ..job.recipe.clone() },
            _ => job.recipe.clone().resolved(data)?,
        };
        same_recipe(folder, &recipe)?;
    }
    repetition(jobs[0].seed, folders).map(Some)
}

impl CandidateSet {
    /// A part of what was asked for; None, and the reason among what is left out, if there was none to be had.
    fn usable<T>(&mut self, part: Result<T, Error>) -> Option<T> {
        part.map_err(|error| self.skipped.push(humanize(&error))).ok()
    }
}

/// Says of each run that diverged that it did.
fn divergences(candidates: &[Candidate]) -> Vec<String> {
    let repetitions = candidates.iter().flat_map(|candidate| &candidate.repetitions);
    let runs = repetitions.flat_map(|repetition| repetition.folders.iter().zip(&repetition.records));
    let diverged = |(folder, record): (&PathBuf, &RunRecord)| {
        Some(format!("{}: {}.", folder.display(), record.divergence()?))
    };
    runs.filter_map(diverged).collect()
}

/// An error of a run among many, with what can be done about it there.
pub fn humanize(error: &Error) -> String {
    match error {
        Error::DifferentRecipe { folder, then, now } => format!(
            "{}: was trained with another recipe: `{then}` then, `{now}` now. Move it away to train it anew, or give another \
             --out",
            folder.display()
        ),
        Error::NoRun { folder, file } => {
            format!(
                "{}: {file} is missing: move what is left of the run away to train it anew",
                folder.display()
            )
        }
        Error::Resumable { source, .. } => format!("{source}; the same command goes on from the last checkpoint"),
        other => other.to_string(),
    }
}

/// A seed of a candidate; its runs are complete.
fn repetition(seed: u64, folders: Vec<PathBuf>) -> Result<Repetition, Error> {
    let records = folders.iter().map(|folder| Run::record(folder)).collect::<Result<Vec<_>, _>>()?;
    let curves = folders.iter().map(|folder| curve(folder)).collect::<Result<Vec<_>, _>>()?;
    let mut outcomes = folders.iter().map(|folder| TestPredictions::read(folder));
    let Some(first) = outcomes.next() else {
        return Err(Error::NoRun { folder: PathBuf::new(), file: RECORD });
    };
    let mut outcome = first?;
    for other in outcomes {
        outcome.append(other?);
    }
    Ok(Repetition { seed, folders, records, curves, outcome })
}

/// Bytes of a run's curve: a validation is a line of some 200.
const MAX_CURVE: u64 = 256 << 20;

fn curve(folder: &Path) -> Result<Vec<Point>, Error> {
    let path = folder.join(METRICS);
    let text = match stapes_files::read_text(&path, MAX_CURVE) {
        Ok(text) => text,
        // A run that was copied without its curve.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::File { path, action: "read the curve of the run", source }),
    };
    let point = |(line, text): (usize, &str)| {
        serde_json::from_str(text).map_err(|error| Error::Damaged {
            path: path.clone(),
            reason: format!("line {}: {error}", line + 1),
        })
    };
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(point).collect()
}
