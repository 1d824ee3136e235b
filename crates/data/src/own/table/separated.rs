//! Comma- and tab-separated values.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};

use super::{Take, places};
use crate::error::DataError;

/// Reads a file with a header line. Values between quotes may hold the separator; tab-separated files know no quotes, as is
/// usual for them. A byte-order mark, line ends of any system and empty lines are left alone.
pub(super) fn read(path: &Path, separator: u8, take: &mut Take<'_>) -> Result<(), DataError> {
    let file = File::open(path).map_err(|reason| DataError::unreadable(path, reason))?;
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .quoting(separator == b',')
        .buffer_capacity(1 << 16)
        .from_reader(file);
    let wrong = |line: usize, reason: String| DataError::Line { path: path.to_owned(), line, reason };
    let header: Vec<String> =
        reader.headers().map_err(|error| refused(path, error))?.iter().map(str::to_owned).collect();
    if header.is_empty() {
        return Err(wrong(1, "is empty: expected a line with the columns path and label".to_owned()));
    }
    let places = places(&header).map_err(|reason| match &header[..] {
        [only] if only.contains([';', '\t', ',']) => {
            wrong(1, format!("{reason}; a .csv is separated by commas, a .tsv by tabs"))
        }
        _ => wrong(1, reason),
    })?;
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| refused(path, error))? {
        let value =
            |place: Option<usize>| Cow::Borrowed(place.and_then(|at| record.get(at)).unwrap_or_default());
        take(line(record.position()), &places.map(value))?;
    }
    Ok(())
}

fn line(position: Option<&Position>) -> usize {
    position.map_or(1, |position| position.line() as usize)
}

fn refused(path: &Path, error: csv::Error) -> DataError {
    let at = line(error.position());
    let reason = match error.into_kind() {
        ErrorKind::Io(reason) => return DataError::unreadable(path, reason),
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "has {len} values, and the header {expected_len} columns: put values that hold a separator between quotes"
        ),
        ErrorKind::Utf8 { err, .. } => format!("is not UTF-8 text ({err}): save the manifest as UTF-8"),
        other => format!("cannot be read: {other:?}"),
    };
    DataError::Line { path: path.to_owned(), line: at, reason }
}
