//! A table as Markdown.

use super::{Table, Value};
use crate::visible;

pub(super) fn format(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let titles = table.columns.iter().map(|column| escaped(&column.title)).collect();
    let rules = (0..table.columns.len()).map(|at| {
        let numbers = table.columns[at].better.is_some()
            || table.rows.iter().any(|row| !matches!(row[at], Value::Text(_) | Value::None));
        if numbers { "---:".to_string() } else { "---".to_string() }
    });
    let mut text = line(titles) + &line(rules.collect());
    for row in table.formatted_rows() {
        text += &line(row.iter().map(|cell| escaped(cell)).collect());
    }
    text
}

/// Escapes text that would end the cell or has a meaning in Markdown.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(&text.replace(['\n', '\r'], " ")).chars() {
        match character {
            '|' | '\\' | '*' | '_' | '`' | '<' | '[' | ']' | '#' | '~' => safe.extend(['\\', character]),
            other => safe.push(other),
        }
    }
    safe
}
