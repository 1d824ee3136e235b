//! Segments of recordings with their labels as text, and the lines of label files.

use std::path::Path;

use crate::error::DataError;

/// Segment with its label.
#[derive(Clone, Debug, PartialEq)]
pub struct LabeledSegment {
    /// Start, s.
    pub start_seconds: f64,
    /// End, s.
    pub end_seconds: f64,
    /// Label.
    pub label: String,
}

/// Reads a label file: a line `start end label` per segment, times in seconds, as in `.lab` files and in the label tracks of
/// Audacity, which have tabs between the values. Blank lines, a byte-order mark and the lines of Audacity that begin with `\` are
/// ignored. `parse` reads a line.
pub(crate) fn read_label_lines<T>(
    path: &Path,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(usize, T)>, DataError> {
    let text = crate::numbers::read(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let row = |(line, text): (usize, &str)| match parse(text) {
        Ok(row) => Ok((line, row)),
        Err(reason) => Err(DataError::Line { path: path.to_owned(), line, reason }),
    };
    lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('\\')).map(row).collect()
}

/// Returns a time of a label file.
pub(crate) fn parse_seconds(word: &str) -> Result<f64, String> {
    word.trim().parse().map_err(|_| format!("`{word}` is not a number of seconds"))
}

impl LabeledSegment {
    /// Reads a line of a label file. A label may contain spaces.
    pub(crate) fn parse(line: &str) -> Result<LabeledSegment, String> {
        let separator = |c: char| if line.contains('\t') { c == '\t' } else { c.is_whitespace() };
        let words = line.split_once(separator).and_then(|(start, rest)| {
            let (end, label) = rest.trim_start().split_once(separator)?;
            Some((start, end, label.trim()))
        });
        let Some((start, end, label)) = words else {
            return Err(format!("`{line}` is not `start end label`, as 0.50 1.25 yes"));
        };
        let (start_seconds, end_seconds) = (parse_seconds(start)?, parse_seconds(end)?);
        LabeledSegment { start_seconds, end_seconds, label: label.to_owned() }.checked()
    }

    /// Returns the segment, or its fault.
    pub(crate) fn checked(self) -> Result<LabeledSegment, String> {
        let LabeledSegment { start_seconds: start, end_seconds: end, label } = &self;
        match () {
            () if !(start.is_finite() && *start >= 0.0) || end.is_nan() => {
                Err(format!("{start} to {end}: times must be numbers of seconds from 0"))
            }
            () if end < start => {
                Err(format!("ends at {end} s, before its start at {start} s; correct the times"))
            }
            () if label.is_empty() => Err("has no label; write `start end label`".to_owned()),
            () => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_spaces_or_tabs_and_labels_may_have_spaces() {
        let parsed = |line: &str| {
            let segment = LabeledSegment::parse(line).unwrap();
            (segment.start_seconds, segment.end_seconds, segment.label)
        };
        assert_eq!(parsed("0.5 1.25 yes"), (0.5, 1.25, "yes".to_owned()));
        assert_eq!(parsed("0.5\t1.25\tturn left"), (0.5, 1.25, "turn left".to_owned()));
        assert_eq!(parsed("1  1  turn left"), (1.0, 1.0, "turn left".to_owned()));
    }

    #[test]
    fn invalid_lines_are_rejected() {
        for (line, part) in [
            ("0.5 1.25", "is not `start end label`"),
            ("0.5\t1.25\t ", "has no label"),
            ("a 1 yes", "`a` is not a number"),
            ("2 1 yes", "before its start"),
            ("-1 1 yes", "from 0"),
            ("0 nan yes", "from 0"),
        ] {
            let error = LabeledSegment::parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
