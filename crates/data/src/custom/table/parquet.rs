//! Parquet manifests.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::RowCallback;
use crate::custom::columns::{ColumnNames, unused};
use crate::error::DataError;

/// Reads the required columns; the number of a row is used as its line.
pub(super) fn read(
    path: &Path,
    names: &ColumnNames<'_>,
    on_row: &mut RowCallback<'_>,
) -> Result<Vec<String>, DataError> {
    // The library has assertions about the content of files.
    stapes_files::contain_panic(|| read_rows(path, names, on_row)).unwrap_or_else(|reason| {
        let reason =
            format!("is a damaged Parquet file ({reason}); copy it again, or write the manifest as CSV");
        Err(DataError::Manifest { path: path.to_owned(), reason })
    })
}

fn read_rows(
    path: &Path,
    names: &ColumnNames<'_>,
    on_row: &mut RowCallback<'_>,
) -> Result<Vec<String>, DataError> {
    let file = stapes_files::open(path).map_err(|reason| DataError::unreadable(path, reason))?;
    let refused = |error: ParquetError| DataError::Manifest {
        path: path.to_owned(),
        reason: format!("cannot be read as Parquet: {error}"),
    };
    let reader = SerializedFileReader::new(file).map_err(refused)?;
    check_size(reader.metadata()).map_err(|reason| DataError::Manifest { path: path.to_owned(), reason })?;
    let schema = reader.metadata().file_metadata().schema();
    let fields = schema.get_fields();
    let header: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    let found = names.positions(&header).and_then(|positions| {
        names.check_required(&positions, &header, "column")?;
        names.check_given(&positions.map(|position| position.is_some()), &header)?;
        Ok(positions)
    });
    let positions = found.map_err(|reason| DataError::Manifest { path: path.to_owned(), reason })?;
    let unused = unused(&header, &positions);
    let mut wanted: Vec<usize> = positions.iter().flatten().copied().collect();
    wanted.sort_unstable();
    // Position of each column among those that are read.
    let positions =
        positions.map(|position| position.and_then(|position| wanted.iter().position(|&at| at == position)));
    let read = wanted.iter().map(|&position| Arc::clone(&fields[position])).collect();
    let projected = Type::group_type_builder(schema.name()).with_fields(read).build().map_err(refused)?;
    for (row, record) in reader.get_row_iter(Some(projected)).map_err(refused)?.enumerate() {
        let record = record.map_err(refused)?;
        let values: Vec<Cow<'_, str>> = record.get_column_iter().map(|(_, field)| text(field)).collect();
        let value = |position: Option<usize>| match position {
            Some(position) => Cow::Borrowed(values[position].as_ref()),
            None => Cow::Borrowed(""),
        };
        on_row(row + 1, &positions.map(value))?;
    }
    Ok(unused)
}

/// Maximum size of an unpacked manifest in bytes, and its maximum number of rows: a small file can unpack to any size.
const MAX_BYTES: u64 = 1 << 29;
const MAX_ROWS: i64 = 1 << 24;

fn check_size(metadata: &ParquetMetaData) -> Result<(), String> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let bytes = columns.fold(0u64, |sum, column| {
        sum.saturating_add(u64::try_from(column.uncompressed_size()).unwrap_or_default())
    });
    let rows = metadata.file_metadata().num_rows();
    match bytes > MAX_BYTES || rows > MAX_ROWS {
        true => Err(format!(
            "unpacks to {bytes} bytes in {rows} rows, more than the limit of {MAX_BYTES} bytes and {MAX_ROWS} rows that \
             protects the memory; write only the columns of a manifest, or split it"
        )),
        false => Ok(()),
    }
}

fn text(field: &Field) -> Cow<'_, str> {
    match field {
        Field::Null => Cow::Borrowed(""),
        Field::Str(text) => Cow::Borrowed(text),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()),
        other => Cow::Owned(other.to_string()),
    }
}
