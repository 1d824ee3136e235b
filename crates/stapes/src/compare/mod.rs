//! Comparison of runs: candidates with several seeds, as a table and as a page.

mod data_sets;
mod marked_table;
mod page;
mod run_data;
mod runs;
mod table;
mod vs_best;

use std::path::{Path, PathBuf};

use stapes_report::Point;

use crate::error::Error;
use crate::run::{METRICS, RECORD, Run, RunRecord, RunState, TestPredictions};
use crate::sweep::{Job, Sweep, Timing};
use crate::training::{recipe_of, same_recipe};

pub use crate::columns::{DATA_SET, check_axes, check_column};
pub use data_sets::{DataGroup, data_groups, data_set_heading};
pub use page::page;
pub use runs::{FoundRuns, find_runs, group_runs};
pub use table::table;
pub use vs_best::{VsBest, vs_best};

/// Candidates of a comparison, and skipped runs.
#[derive(Clone, Debug, Default)]
pub struct CandidateSet {
    /// Candidates, in the order of the sweep or of their first run.
    pub candidates: Vec<Candidate>,
    /// Unusable runs, each with the reason as a sentence.
    pub skipped: Vec<String>,
    /// Further notes about the candidates, as sentences.
    pub notes: Vec<String>,
}

/// Candidate of a comparison, with the results of its runs.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Name.
    pub name: String,
    /// Axes and their values.
    pub settings: Vec<(String, String)>,
    /// Results, one per seed.
    pub repetitions: Vec<Repetition>,
    /// Timing, if it was measured.
    pub timing: Option<Timing>,
}

/// Results of one seed of a candidate: of one run, or of the runs of all folds.
#[derive(Clone, Debug)]
pub struct Repetition {
    /// Seed.
    pub seed: u64,
    /// Run folders.
    pub folders: Vec<PathBuf>,
    /// Records of the runs.
    pub records: Vec<RunRecord>,
    /// Learning curves of the runs; empty for a run that was copied without it.
    pub curves: Vec<Vec<Point>>,
    /// Predictions on the test examples; with folds on those of all folds, each by the model that was not trained on it.
    pub predictions: TestPredictions,
}

impl Repetition {
    /// Returns the mean of a metric over the runs; `None` if a run lacks it.
    pub fn mean(&self, metric: impl Fn(&RunRecord) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.records.iter().map(metric).collect();
        let values = values.filter(|values| !values.is_empty())?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// Loads the results of a sweep as far as it is trained; `data` is the folder of the data set, `out` that of the sweep. Runs
/// with a different recipe and runs with a damaged file are skipped.
///
/// # Errors
/// [`Error::Data`] if the folds of a split cannot be determined.
pub fn load_candidates(sweep: &Sweep, data: Option<&Path>, out: &Path) -> Result<CandidateSet, Error> {
    let mut set = CandidateSet::default();
    for configuration in &sweep.configurations {
        let timing = set.usable(Timing::read(&out.join(&configuration.name))).flatten();
        set.candidates.push(Candidate {
            name: configuration.name.clone(),
            settings: configuration.settings.clone(),
            repetitions: Vec::new(),
            timing,
        });
    }
    let mut jobs = sweep.jobs(data)?;
    jobs.sort_by_key(|job| (job.configuration, job.seed));
    for group in jobs.chunk_by(|a, b| (a.configuration, a.seed) == (b.configuration, b.seed)) {
        let repetition = set.usable(load_jobs(group, data, out)).flatten();
        set.candidates[group[0].configuration].repetitions.extend(repetition);
    }
    set.notes.extend(divergences(&set.candidates));
    Ok(set)
}

/// Loads the results of one seed of a configuration; `None` unless all its runs are complete.
fn load_jobs(jobs: &[Job], data: Option<&Path>, out: &Path) -> Result<Option<Repetition>, Error> {
    let folders: Vec<PathBuf> = jobs.iter().map(|job| out.join(&job.folder)).collect();
    for (job, folder) in jobs.iter().zip(&folders) {
        if RunState::of(folder)? != RunState::Complete {
            return Ok(None);
        }
        let mut recipe = job.recipe.clone();
        if data.is_none() && recipe.data.class_names().is_none() {
            // Without the data, settings that come from it are those of the run.
            recipe.data = recipe_of(folder)?.data;
        }
        same_recipe(folder, &recipe.resolve(data)?)?;
    }
    load_repetition(jobs[0].seed, folders).map(Some)
}

impl CandidateSet {
    /// Returns a result; an error is added to the skipped runs.
    fn usable<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.skipped.push(describe_error(&error))).ok()
    }
}

/// Returns a sentence for each run that diverged.
fn divergences(candidates: &[Candidate]) -> Vec<String> {
    let repetitions = candidates.iter().flat_map(|candidate| &candidate.repetitions);
    let runs = repetitions.flat_map(|repetition| repetition.folders.iter().zip(&repetition.records));
    let diverged = |(folder, record): (&PathBuf, &RunRecord)| {
        Some(format!("{}: {}.", folder.display(), record.divergence()?))
    };
    runs.filter_map(diverged).collect()
}

/// Describes the error of one run of several, with advice that fits there.
pub fn describe_error(error: &Error) -> String {
    match error {
        Error::DifferentRecipe { folder, then, now } => format!(
            "{}: was trained with a different recipe: `{then}` then, `{now}` now; move it away to train it again, or choose \
             another --out",
            folder.display()
        ),
        Error::NoRun { folder, file } => {
            format!("{}: {file} is missing; move the incomplete run away to train it again", folder.display())
        }
        Error::Resumable { source, .. } => {
            format!("{source}; the same command continues from the last checkpoint")
        }
        other => other.to_string(),
    }
}

/// Loads the results of one seed from complete runs.
fn load_repetition(seed: u64, folders: Vec<PathBuf>) -> Result<Repetition, Error> {
    let records = folders.iter().map(|folder| Run::read_record(folder)).collect::<Result<Vec<_>, _>>()?;
    let curves = folders.iter().map(|folder| read_curve(folder)).collect::<Result<Vec<_>, _>>()?;
    let mut tests = folders.iter().map(|folder| TestPredictions::read(folder));
    let Some(first) = tests.next() else {
        return Err(Error::NoRun { folder: PathBuf::new(), file: RECORD });
    };
    let mut predictions = first?;
    for other in tests {
        predictions.append(other?);
    }
    Ok(Repetition { seed, folders, records, curves, predictions })
}

/// Maximum number of bytes of a learning curve; a validation is a line of about 200.
const MAX_CURVE: u64 = 256 << 20;

fn read_curve(folder: &Path) -> Result<Vec<Point>, Error> {
    let path = folder.join(METRICS);
    let text = match stapes_files::read_text(&path, MAX_CURVE) {
        Ok(text) => text,
        // A run may have been copied without its curve.
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
