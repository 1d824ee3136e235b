//! JSON lines: one object per line.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::RowCallback;
use super::lines::Lines;
use crate::custom::rows::{COLUMNS, REQUIRED};
use crate::error::DataError;

/// Reads a file with one object per line; values are text or numbers, and null means missing. A byte-order mark and
/// empty lines are ignored.
pub(super) fn read(path: &Path, on_row: &mut RowCallback<'_>) -> Result<Vec<String>, DataError> {
    let mut unused = BTreeSet::new();
    let mut lines = Lines::open(path)?;
    while let Some((line, text)) = lines.next()? {
        let object = text.trim_start_matches('\u{feff}').trim();
        if object.is_empty() {
            continue;
        }
        let wrong = |reason: String| DataError::Line { path: path.to_owned(), line, reason };
        let object: Map<String, Value> = serde_json::from_str(object).map_err(|error| {
            wrong(format!(
                "is not a JSON object such as {{\"path\": \"a.wav\", \"label\": \"yes\"}}: {error}"
            ))
        })?;
        let object: Map<String, Value> =
            object.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
        let mut cells = [const { Cow::Borrowed("") }; COLUMNS.len()];
        for (cell, column) in cells.iter_mut().zip(COLUMNS) {
            *cell = match object.get(column) {
                None | Some(Value::Null) => Cow::Borrowed(""),
                Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => Cow::Owned(value.to_string()),
                Some(other) => return Err(wrong(format!("{column} = {other} must be text or a number"))),
            };
        }
        if let Some(missing) = COLUMNS.iter().take(REQUIRED).find(|column| !object.contains_key(**column)) {
            let keys: Vec<&String> = object.keys().collect();
            return Err(wrong(format!(
                "there is no key {missing}; the keys are {}",
                crate::error::listed(&keys, 20)
            )));
        }
        unused.extend(object.keys().filter(|key| !COLUMNS.contains(&key.as_str())).cloned());
        on_row(line, &cells)?;
    }
    Ok(unused.into_iter().collect())
}
