//! Run folders.

use std::path::PathBuf;

use pyo3::prelude::*;
use serde_json::json;
use stapes::run::{METRICS, Run, TestPredictions};

use crate::error::exception;
use crate::model::Model;

/// Reads a run folder: its model, and the rest as JSON.
#[pyfunction]
pub(crate) fn read_run(py: Python<'_>, folder: PathBuf) -> PyResult<(Model, String)> {
    let (run, rest) = py
        .detach(|| {
            let run = Run::open(&folder)?;
            let predictions = TestPredictions::read(&folder)?;
            let evaluation = predictions.evaluation()?;
            // Learning curves may be absent from a copied run.
            let curves = stapes_files::read_text(&folder.join(METRICS), 1 << 26).unwrap_or_default();
            let points: Vec<serde_json::Value> =
                curves.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let rest = json!({
                "record": run.record,
                "recipe": run.recipe,
                "history": points,
                "classes": evaluation.confusion.classes(),
                "confusion": evaluation.confusion.counts(),
            });
            Ok::<_, stapes::Error>((run, rest.to_string()))
        })
        .map_err(exception)?;
    Ok((Model::new(run.model)?, rest))
}
