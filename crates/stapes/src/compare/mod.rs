//! Runs side by side: what each candidate came to over its seeds, as a table and as a page.

mod against_best;
mod marked;
mod page;
mod runs;
mod table;

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::run::{RECORD, Run, RunRecord, Standing, TestOutcome};
use crate::sweep::{Sweep, Timing};

pub use against_best::{Against, against_best};
pub use page::page;
pub use runs::{of_runs, runs_within};
pub use table::table;

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
    /// What their models say of the test examples; of folds of all of them, each judged by the model that did not train on
    /// it.
    pub outcome: TestOutcome,
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
/// the data set.
///
/// # Errors
/// [`Error::Damaged`] or [`Error::File`] if a file of a run cannot be read.
pub fn candidates(sweep: &Sweep, data: Option<&Path>, out: &Path) -> Result<Vec<Candidate>, Error> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for cell in &sweep.cells {
        candidates.push(Candidate {
            name: cell.name.clone(),
            settings: cell.settings.clone(),
            repetitions: Vec::new(),
            timing: Timing::read(&out.join(&cell.name))?,
        });
    }
    let mut jobs = sweep.jobs(data)?;
    jobs.sort_by_key(|job| (job.cell, job.seed));
    for group in jobs.chunk_by(|a, b| (a.cell, a.seed) == (b.cell, b.seed)) {
        let folders: Vec<PathBuf> = group.iter().map(|job| out.join(&job.folder)).collect();
        if let Some(repetition) = repetition(group[0].seed, folders)? {
            candidates[group[0].cell].repetitions.push(repetition);
        }
    }
    Ok(candidates)
}

/// A seed of a candidate, if all of its runs are complete.
fn repetition(seed: u64, folders: Vec<PathBuf>) -> Result<Option<Repetition>, Error> {
    for folder in &folders {
        if Standing::of(folder)? != Standing::Complete {
            return Ok(None);
        }
    }
    let records = folders.iter().map(|folder| Run::record(folder)).collect::<Result<Vec<_>, _>>()?;
    let mut outcomes = folders.iter().map(|folder| TestOutcome::read(folder));
    let Some(first) = outcomes.next() else {
        return Err(Error::NoRun { folder: PathBuf::new(), file: RECORD });
    };
    let mut outcome = first?;
    for other in outcomes {
        outcome.append(other?);
    }
    Ok(Some(Repetition { seed, folders, records, outcome }))
}
