//! Comma- and tab-separated values.

use std::borrow::Cow;
use std::path::Path;

use super::RowCallback;
use super::lines::Lines;
use crate::custom::columns::{ColumnNames, unused};
use crate::error::DataError;

/// Reads a file with a header line; each line is a row. A quoted value may contain the separator, and doubled quotes
/// are quotes (RFC 4180, without line breaks in values); any other quote is rejected.
pub(super) fn read(
    path: &Path,
    separator: char,
    names: &ColumnNames<'_>,
    on_row: &mut RowCallback<'_>,
) -> Result<Vec<String>, DataError> {
    let mut lines = Lines::open(path)?;
    let wrong = |line: usize, reason: String| DataError::Line { path: path.to_owned(), line, reason };
    let Some((first, text)) = lines.next()? else {
        let [path, label] = [0, 1].map(|column| names.names_of(column));
        return Err(wrong(1, format!("is empty; expected a line with the columns {path} and {label}")));
    };
    let header = values(text, separator).map_err(|fault| wrong(first, fault.reason(&[])))?;
    let header: Vec<String> = header.into_iter().map(Cow::into_owned).collect();
    let found = names.positions(&header).and_then(|positions| {
        names.check_required(&positions, &header, "column")?;
        names.check_given(&positions.map(|position| position.is_some()), &header)?;
        Ok(positions)
    });
    let positions = found.map_err(|reason| match &header[..] {
        [only] if only.contains([';', '\t', ',']) => {
            wrong(first, format!("{reason}; a .csv is separated by commas, a .tsv by tabs"))
        }
        _ => wrong(first, reason),
    })?;
    while let Some((line, text)) = lines.next()? {
        let row = values(text, separator).map_err(|fault| wrong(line, fault.reason(&header)))?;
        if row.len() != header.len() {
            return Err(wrong(
                line,
                format!(
                    "has {} values, but the header has {} columns; quote values that contain a separator",
                    row.len(),
                    header.len()
                ),
            ));
        }
        on_row(line, &positions.map(|position| position.map_or(Cow::Borrowed(""), |at| row[at].clone())))?;
    }
    Ok(unused(&header, &positions))
}

/// Quote at an invalid position.
#[derive(Debug, PartialEq)]
struct Fault {
    /// Index of the value in the line.
    column: usize,
    kind: FaultKind,
}

#[derive(Debug, PartialEq)]
enum FaultKind {
    /// A value begins with a quote that is not closed.
    Open,
    /// An unquoted value contains a quote.
    Inside(String),
    /// A value continues after its closing quote.
    After,
}

impl Fault {
    fn reason(&self, header: &[String]) -> String {
        let column = match header.get(self.column) {
            Some(name) => format!("column {name}"),
            None => format!("column {}", self.column + 1),
        };
        match &self.kind {
            FaultKind::Open => format!(
                "the value of {column} begins with a quote that is not closed in its line; close or remove the quote (a value \
                 cannot contain a line break)"
            ),
            FaultKind::Inside(value) => format!(
                "the value `{value}` of {column} contains a quote; remove it, or quote the whole value and double the quotes inside"
            ),
            FaultKind::After => format!(
                "the value of {column} continues after its closing quote; end it there or double the quotes inside"
            ),
        }
    }
}

/// Returns the values of a line.
fn values(line: &str, separator: char) -> Result<Vec<Cow<'_, str>>, Fault> {
    let mut values = Vec::new();
    let mut rest = line;
    loop {
        let value = match rest.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted, separator),
            None => plain(rest, separator),
        };
        let (value, after) = value.map_err(|kind| Fault { column: values.len(), kind })?;
        values.push(value);
        match after.strip_prefix(separator) {
            Some(next) => rest = next,
            None => return Ok(values),
        }
    }
}

/// Value, and the rest of the line from the separator.
type Value<'a> = Result<(Cow<'a, str>, &'a str), FaultKind>;

fn plain(text: &str, separator: char) -> Value<'_> {
    let (value, after) = text.split_at(text.find(separator).unwrap_or(text.len()));
    match value.contains('"') {
        true => Err(FaultKind::Inside(value.chars().take(30).collect())),
        false => Ok((Cow::Borrowed(value), after)),
    }
}

/// Returns the value after its opening quote.
fn quoted_value(text: &str, separator: char) -> Value<'_> {
    let mut from = 0;
    loop {
        let quote = from + text[from..].find('"').ok_or(FaultKind::Open)?;
        let after = &text[quote + 1..];
        if after.starts_with('"') {
            from = quote + 2;
            continue;
        }
        if !after.is_empty() && !after.starts_with(separator) {
            return Err(FaultKind::After);
        }
        let value = &text[..quote];
        let value = if from > 0 { Cow::Owned(value.replace("\"\"", "\"")) } else { Cow::Borrowed(value) };
        return Ok((value, after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_rfc_4180() {
        for (line, expected) in [
            ("", vec![""]),
            ("a,b", vec!["a", "b"]),
            (",,", vec!["", "", ""]),
            ("\"a, b\",c", vec!["a, b", "c"]),
            ("a,\"\"", vec!["a", ""]),
            ("\"say \"\"hm\"\", well\",\"\"\"\"", vec!["say \"hm\", well", "\""]),
            ("\"\"\"a\"\"\"", vec!["\"a\""]),
            (" a , b ", vec![" a ", " b "]),
            ("\"ä\",ö", vec!["ä", "ö"]),
        ] {
            assert_eq!(values(line, ',').unwrap(), expected, "{line}");
            let (line, tabs) = (line.replace(',', "\t"), expected.join("|").replace(',', "\t"));
            assert_eq!(values(&line, '\t').unwrap().join("|"), tabs, "{line}");
        }
    }

    #[test]
    fn every_other_quote_is_rejected_with_its_column() {
        let inside = |text: &str| FaultKind::Inside(text.to_owned());
        for (line, column, kind) in [
            ("\"", 0, FaultKind::Open),
            ("a,\"b", 1, FaultKind::Open),
            ("a,\"b,c", 1, FaultKind::Open),
            ("a,\"b\"\"", 1, FaultKind::Open),
            ("a,b\"c\",d", 1, inside("b\"c\"")),
            ("a, \"b\"", 1, inside(" \"b\"")),
            ("5\" disk", 0, inside("5\" disk")),
            ("\"a\"b,c", 0, FaultKind::After),
            ("a,\"b\" ,c", 1, FaultKind::After),
        ] {
            assert_eq!(values(line, ',').unwrap_err(), Fault { column, kind }, "{line}");
        }
    }
}
