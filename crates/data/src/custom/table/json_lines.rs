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

/// Key of the segments of a recording, objects with times and labels, as `stapes vad --format json` writes.
const SEGMENTS: &str = "segments";

/// Reads a file with one object per line; values are text or numbers, and null means missing. A byte-order mark and
/// empty lines are ignored. An object with segments is a row per segment.
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
        for object in rows(object) {
            let (keys, values): (Vec<&String>, Vec<&Value>) = object.iter().unzip();
            let positions = names.positions(&keys).map_err(wrong)?;
            names.check_required(&positions, &keys, "key").map_err(wrong)?;
            let mut cells = [const { Cow::Borrowed("") }; COLUMNS.len()];
            for (column, (cell, position)) in cells.iter_mut().zip(positions).enumerate() {
                let Some(position) = position else { continue };
                is_found[column] = true;
                *cell = cell_of(values[position], keys[position]).map_err(wrong)?;
            }
            unused_keys.extend(unused(&keys, &positions));
            all_keys.extend(keys.into_iter().cloned());
            on_row(line, &cells)?;
        }
    }
    if !all_keys.is_empty() {
        let keys: Vec<String> = all_keys.into_iter().collect();
        names
            .check_given(&is_found, &keys)
            .map_err(|reason| DataError::Manifest { path: path.to_owned(), reason })?;
    }
    Ok(unused_keys.into_iter().collect())
}

/// Returns the text of a value.
fn cell_of<'a>(value: &'a Value, key: &str) -> Result<Cow<'a, str>, String> {
    match value {
        Value::Null => Ok(Cow::Borrowed("")),
        Value::String(text) => Ok(Cow::Borrowed(text.as_str())),
        value @ (Value::Number(_) | Value::Bool(_)) => Ok(Cow::Owned(value.to_string())),
        other => Err(format!("{key} = {other} must be text or a number")),
    }
}

/// Returns the rows of an object: itself, or one per segment, with the keys of both. Without any segment, the label is empty.
fn rows(mut object: Map<String, Value>) -> Vec<Map<String, Value>> {
    let is_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_object));
    if !object.get(SEGMENTS).is_some_and(is_list) {
        return vec![object];
    }
    let Some(Value::Array(segments)) = object.remove(SEGMENTS) else { return vec![object] };
    if segments.is_empty() {
        object.entry("label").or_insert(Value::Null);
        return vec![object];
    }
    let row = |segment: Value| {
        let inner = if let Value::Object(inner) = segment { inner } else { Map::new() };
        object.clone().into_iter().chain(inner).collect()
    };
    segments.into_iter().map(row).collect()
}
