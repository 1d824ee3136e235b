//! Manifest files: comma- or tab-separated values, JSON lines, Parquet.

mod json_lines;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod separated;

use std::path::Path;

use super::rows::{COLUMNS, Cells, REQUIRED};
use crate::error::{DataError, listed};

/// Callback that receives the rows, each with its line from 1; an error stops the reader.
pub(super) type RowCallback<'a> = dyn FnMut(usize, &Cells<'_>) -> Result<(), DataError> + 'a;

/// Reads a manifest row by row and returns its columns that are not used; the file extension determines the format.
pub(super) fn read(path: &Path, on_row: &mut RowCallback<'_>) -> Result<Vec<String>, DataError> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => separated::read(path, ',', on_row),
        "tsv" | "tab" => separated::read(path, '\t', on_row),
        "jsonl" | "ndjson" => json_lines::read(path, on_row),
        #[cfg(feature = "parquet")]
        "parquet" => parquet::read(path, on_row),
        #[cfg(not(feature = "parquet"))]
        "parquet" => Err(DataError::Manifest {
            path: path.to_owned(),
            reason:
                "this program was built without Parquet; build it with `--features parquet`, or write the \
                     manifest as CSV"
                    .to_owned(),
        }),
        _ => Err(DataError::Manifest {
            path: path.to_owned(),
            reason: "the extension of a manifest is .csv, .tsv, .jsonl or .parquet; rename the file"
                .to_owned(),
        }),
    }
}

/// Returns the columns of a header that are not in [`COLUMNS`].
fn unused<S: AsRef<str>>(header: &[S]) -> Vec<String> {
    let names = header.iter().map(|name| name.as_ref().trim());
    let is_used = |name: &&str| COLUMNS.iter().any(|column| column.eq_ignore_ascii_case(name));
    names.filter(|name| !is_used(name)).map(str::to_owned).collect()
}

/// Returns the position of each of [`COLUMNS`] in a header.
fn positions<S: AsRef<str>>(header: &[S]) -> Result<[Option<usize>; COLUMNS.len()], String> {
    let mut positions = [None; COLUMNS.len()];
    for (position, name) in header.iter().enumerate() {
        if let Some(column) =
            COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name.as_ref().trim()))
            && positions[column].replace(position).is_some()
        {
            return Err(format!("two columns are called {}; rename one of them", COLUMNS[column]));
        }
    }
    match positions.iter().take(REQUIRED).position(Option::is_none) {
        Some(missing) => Err(format!(
            "there is no column {}; the columns are {}; a manifest must have path and label, and may have {}",
            COLUMNS[missing],
            listed(header, 20),
            COLUMNS[REQUIRED..].join(", ")
        )),
        None => Ok(positions),
    }
}
