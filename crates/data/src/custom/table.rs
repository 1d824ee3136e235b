//! Manifest files: comma- or tab-separated values, JSON lines, Parquet.

mod json_lines;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod separated;

use std::path::Path;

use super::columns::ColumnNames;
use super::rows::Cells;
use crate::error::DataError;

/// Callback that receives the rows, each with its line from 1; an error stops the reader.
pub(super) type RowCallback<'a> = dyn FnMut(usize, &Cells<'_>) -> Result<(), DataError> + 'a;

/// Reads a manifest row by row and returns its columns that are not used; the file extension determines the format.
pub(super) fn read(
    path: &Path,
    names: &ColumnNames<'_>,
    on_row: &mut RowCallback<'_>,
) -> Result<Vec<String>, DataError> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => separated::read(path, ',', names, on_row),
        "tsv" | "tab" => separated::read(path, '\t', names, on_row),
        "jsonl" | "ndjson" | "json" => json_lines::read(path, names, on_row),
        #[cfg(feature = "parquet")]
        "parquet" => parquet::read(path, names, on_row),
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
            reason: "the extension of a manifest is .csv, .tsv, .jsonl, .json or .parquet; rename the file"
                .to_owned(),
        }),
    }
}
