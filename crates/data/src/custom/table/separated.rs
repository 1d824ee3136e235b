//! Comma- and tab-separated values.

use std::borrow::Cow;
use std::path::Path;

use super::lines::Lines;
use super::{Take, places};
use crate::error::DataError;

/// Reads a file with a header line. A row is a line. A value between quotes may hold the separator, and doubled quotes stand for
/// quotes (RFC 4180, without its line breaks); any other quote is refused.
pub(super) fn read(path: &Path, separator: char, take: &mut Take<'_>) -> Result<(), DataError> {
    let mut lines = Lines::open(path)?;
    let wrong = |line: usize, reason: String| DataError::Line { path: path.to_owned(), line, reason };
    let Some((first, text)) = lines.next()? else {
        return Err(wrong(1, "is empty: expected a line with the columns path and label".to_owned()));
    };
    let header = values(text, separator).map_err(|fault| wrong(first, fault.reason(&[])))?;
    let header: Vec<String> = header.into_iter().map(Cow::into_owned).collect();
    let places = places(&header).map_err(|reason| match &header[..] {
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
                    "has {} values, and the header {} columns: put values that hold a separator between quotes",
                    row.len(),
                    header.len()
                ),
            ));
        }
        take(line, &places.map(|place| place.map_or(Cow::Borrowed(""), |at| row[at].clone())))?;
    }
    Ok(())
}

/// A quote in a place where it has no meaning.
#[derive(Debug, PartialEq)]
struct Fault {
    /// Which value of the line, from 0.
    column: usize,
    kind: FaultKind,
}

#[derive(Debug, PartialEq)]
enum FaultKind {
    /// A value begins with a quote, and no other one ends it.
    Open,
    /// A value does not begin with a quote, and has one.
    Inside(String),
    /// A value goes on after its closing quote.
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
                "the value of {column} begins with a quote that is not closed in its line; close the quote or remove it, for \
                 a value cannot have a line break"
            ),
            FaultKind::Inside(value) => format!(
                "the value `{value}` of {column} has a quote inside; remove the quote, or put the whole value between quotes \
                 and double the quotes inside"
            ),
            FaultKind::After => format!(
                "the value of {column} goes on after its closing quote; end it there, or double the quotes inside"
            ),
        }
    }
}

/// The values of a line.
fn values(line: &str, separator: char) -> Result<Vec<Cow<'_, str>>, Fault> {
    let mut values = Vec::new();
    let mut rest = line;
    loop {
        let value = match rest.strip_prefix('"') {
            Some(quoted) => between_quotes(quoted, separator),
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

/// A value, and the rest of the line from the separator on.
type Value<'a> = Result<(Cow<'a, str>, &'a str), FaultKind>;

fn plain(text: &str, separator: char) -> Value<'_> {
    let (value, after) = text.split_at(text.find(separator).unwrap_or(text.len()));
    match value.contains('"') {
        true => Err(FaultKind::Inside(value.chars().take(30).collect())),
        false => Ok((Cow::Borrowed(value), after)),
    }
}

/// A value from behind its first quote on.
fn between_quotes(text: &str, separator: char) -> Value<'_> {
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
    fn values_are_those_of_rfc_4180() {
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
    fn every_other_quote_is_refused_with_its_column() {
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
