//! Manifests as files: comma- or tab-separated values, JSON lines.

mod json_lines;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod separated;

use std::path::Path;

use super::rows::{COLUMNS, Cells, NEEDED};
use crate::error::{DataError, listed};

/// Who is given the rows, each with its line from 1; an error ends the reading.
pub(super) type Take<'a> = dyn FnMut(usize, &Cells<'_>) -> Result<(), DataError> + 'a;

/// Reads a manifest row by row; what the file is, its name tells.
pub(super) fn read(path: &Path, take: &mut Take<'_>) -> Result<(), DataError> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => separated::read(path, ',', take),
        "tsv" | "tab" => separated::read(path, '\t', take),
        "jsonl" | "ndjson" => json_lines::read(path, take),
        #[cfg(feature = "parquet")]
        "parquet" => parquet::read(path, take),
        #[cfg(not(feature = "parquet"))]
        "parquet" => Err(DataError::Manifest {
            path: path.to_owned(),
            reason:
                "this program was built without Parquet: build it with `--features parquet`, or write the \
                     manifest as CSV"
                    .to_owned(),
        }),
        _ => Err(DataError::Manifest {
            path: path.to_owned(),
            reason: "a manifest is a file .csv, .tsv, .jsonl or .parquet: rename it to what it is".to_owned(),
        }),
    }
}

/// Where each of [`COLUMNS`] stands in a header, or what is wrong with it.
fn places<S: AsRef<str>>(header: &[S]) -> Result<[Option<usize>; 6], String> {
    let mut places = [None; 6];
    for (place, name) in header.iter().enumerate() {
        if let Some(column) =
            COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name.as_ref().trim()))
            && places[column].replace(place).is_some()
        {
            return Err(format!("two columns are called {}: rename one of them", COLUMNS[column]));
        }
    }
    match places.iter().take(NEEDED).position(Option::is_none) {
        Some(missing) => Err(format!(
            "there is no column {}: the columns are {}; a manifest has path and label, and may have {}",
            COLUMNS[missing],
            listed(header, 20),
            COLUMNS[NEEDED..].join(", ")
        )),
        None => Ok(places),
    }
}
