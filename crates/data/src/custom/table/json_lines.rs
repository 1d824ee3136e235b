//! JSON lines: one object per line.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::RowCallback;
use super::lines::Lines;
use crate::custom::columns::{ColumnNames, unused};
use crate::custom::rows::COLUMNS;
use crate::error::DataError;

/// Reads a file with one object per line; values are text or numbers, and null means missing. A byte-order mark and
/// empty lines are ignored.
pub(super) fn read(
    path: &Path,
    names: &ColumnNames<'_>,
    on_row: &mut RowCallback<'_>,
) -> Result<Vec<String>, DataError> {
    let (mut all_keys, mut unused_keys) = (BTreeSet::new(), BTreeSet::new());
    let mut is_found = [false; COLUMNS.len()];
    let mut lines = Lines::open(path)?;
    while let Some((line, text)) = lines.next()? {
        let object = text.trim_start_matches('\u{feff}').trim();
        if object.is_empty() {
            continue;
        }
        let wrong = |reason: String| DataError::Line { path: path.to_owned(), line, reason };
        if object.starts_with('[') {
            return Err(wrong(
                "is a JSON array; a manifest has one JSON object per line (`jq -c '.[]' FILE` converts the array)"
                    .to_owned(),
            ));
        }
        let object: Map<String, Value> = serde_json::from_str(object).map_err(|error| {
            wrong(format!(
                "is not a JSON object such as {{\"path\": \"a.wav\", \"label\": \"yes\"}}: {error}"
            ))
        })?;
        let (keys, values): (Vec<&String>, Vec<&Value>) = object.iter().unzip();
        let positions = names.positions(&keys).map_err(wrong)?;
        names.check_required(&positions, &keys, "key").map_err(wrong)?;
        let mut cells = [const { Cow::Borrowed("") }; COLUMNS.len()];
        for (column, (cell, position)) in cells.iter_mut().zip(positions).enumerate() {
            let Some(position) = position else { continue };
            is_found[column] = true;
            *cell = match values[position] {
                Value::Null => Cow::Borrowed(""),
                Value::String(text) => Cow::Borrowed(text.as_str()),
                value @ (Value::Number(_) | Value::Bool(_)) => Cow::Owned(value.to_string()),
                other => return Err(wrong(format!("{} = {other} must be text or a number", keys[position]))),
            };
        }
        unused_keys.extend(unused(&keys, &positions));
        all_keys.extend(keys.into_iter().cloned());
        on_row(line, &cells)?;
    }
    if !all_keys.is_empty() {
        let keys: Vec<String> = all_keys.into_iter().collect();
        names
            .check_given(&is_found, &keys)
            .map_err(|reason| DataError::Manifest { path: path.to_owned(), reason })?;
    }
    Ok(unused_keys.into_iter().collect())
}
