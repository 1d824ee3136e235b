//! Parquet.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::{Take, places};
use crate::error::DataError;

/// Reads the columns that are needed; a row's number stands in the place of its line.
pub(super) fn read(path: &Path, take: &mut Take<'_>) -> Result<(), DataError> {
    let file = stapes_files::open(path).map_err(|reason| DataError::unreadable(path, reason))?;
    let refused = |error: ParquetError| DataError::Manifest {
        path: path.to_owned(),
        reason: format!("cannot be read as Parquet: {error}"),
    };
    let reader = SerializedFileReader::new(file).map_err(refused)?;
    let schema = reader.metadata().file_metadata().schema();
    let fields = schema.get_fields();
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    let places = places(&names).map_err(|reason| DataError::Manifest { path: path.to_owned(), reason })?;
    let mut wanted: Vec<usize> = places.iter().flatten().copied().collect();
    wanted.sort_unstable();
    // Where each wanted column stands among those that are read.
    let places = places.map(|place| place.and_then(|place| wanted.iter().position(|&at| at == place)));
    let read = wanted.iter().map(|&place| Arc::clone(&fields[place])).collect();
    let projected = Type::group_type_builder(schema.name()).with_fields(read).build().map_err(refused)?;
    for (row, record) in reader.get_row_iter(Some(projected)).map_err(refused)?.enumerate() {
        let record = record.map_err(refused)?;
        let values: Vec<Cow<'_, str>> = record.get_column_iter().map(|(_, field)| text(field)).collect();
        let value = |place: Option<usize>| match place {
            Some(place) => Cow::Borrowed(values[place].as_ref()),
            None => Cow::Borrowed(""),
        };
        take(row + 1, &places.map(value))?;
    }
    Ok(())
}

fn text(field: &Field) -> Cow<'_, str> {
    match field {
        Field::Null => Cow::Borrowed(""),
        Field::Str(text) => Cow::Borrowed(text),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()),
        other => Cow::Owned(other.to_string()),
    }
}
