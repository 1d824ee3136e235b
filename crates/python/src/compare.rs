//! Comparison of runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use serde_json::json;
use stapes::Error;
use stapes::compare::{CandidateSet, find_runs, group_runs, load_candidates, page, table};
use stapes::report::render_comparison;
use stapes::sweep::{Shard, Sweep, SweepRunner};

use crate::error::{exception, value_error};
use crate::events::interruptible;

/// Trains a sweep, or reads runs, and returns the table and the notes as JSON, the report as HTML, and true if it was
/// interrupted.
///
/// `train` is false if runs are only read.
#[pyfunction]
#[pyo3(signature = (sweep, runs, data, out, jobs, train, callback))]
#[expect(clippy::too_many_arguments, reason = "called by one wrapper, which names them")]
pub(crate) fn compare(
    py: Python<'_>,
    sweep: Option<PathBuf>,
    runs: Vec<PathBuf>,
    data: Option<PathBuf>,
    out: Option<PathBuf>,
    jobs: Option<usize>,
    train: bool,
    callback: Py<PyAny>,
) -> PyResult<(String, String, bool)> {
    if jobs == Some(0) {
        return Err(value_error("jobs = 0: must be at least 1"));
    }
    let data = data.map(std::path::absolute).transpose()?;
    let stop = AtomicBool::new(false);
    let (result, interrupted) = interruptible(py, &stop, Some(&callback), |on_event| {
        let (title, found) = match &sweep {
            Some(path) => {
                let sweep = Sweep::read(path)?;
                let name = path.file_stem().unwrap_or_default();
                let out = out.clone().unwrap_or_else(|| Path::new("runs").join(name));
                if train {
                    let failed =
                        |source| Error::File { path: out.clone(), action: "create the folder", source };
                    std::fs::create_dir_all(&out).map_err(failed)?;
                    sweep.check_data(data.as_deref())?;
                    let hours = sweep.config.budget_hours;
                    let runner = SweepRunner {
                        data: data.clone(),
                        cache: None,
                        out: &out,
                        parallel_runs: jobs.unwrap_or_else(rayon::current_num_threads),
                        shard: Shard::ALL,
                        test: true,
                        deadline: hours.map(|hours| Instant::now() + Duration::from_secs_f64(3600.0 * hours)),
                        checkpoint_every: Duration::from_secs(30),
                        command: "stapes.compare".into(),
                        stop: &stop,
                    };
                    runner.run(sweep.jobs(data.as_deref())?, on_event);
                }
                (sweep.config.title.clone(), load_candidates(&sweep, data.as_deref(), &out)?)
            }
            None => ("Comparison".into(), group_runs(&find_runs(&runs)?)?),
        };
        contents(&title, found)
    })?;
    let (table, page) = result.map_err(exception)?;
    Ok((table, page, interrupted))
}

/// Returns the table and the notes as JSON, and the report.
fn contents(title: &str, found: CandidateSet) -> Result<(String, String), Error> {
    let table = table(&found.candidates)?;
    let notes = [&found.skipped[..], &found.notes].concat();
    let mut comparison = page(title, &[("Results", &table)], &found.candidates, Path::new("."))?;
    comparison.notes.extend_from_slice(&notes);
    let html = render_comparison(&comparison)?;
    Ok((json!({ "title": title, "table": table, "notes": notes }).to_string(), html))
}
