//! Numbered lines of a text file.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::error::DataError;

/// Maximum length of a line in bytes, so that a file without line ends does not fill the memory.
const MAX_LINE: usize = 1 << 20;

/// Reader of the lines of a file, without their ends (`\n`, `\r\n` or `\r`). Empty lines are counted and skipped; a
/// byte-order mark at the start is removed.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    number: usize,
    /// True if the last line ended with `\r`; a following `\n` belongs to it.
    after_return: bool,
}

impl Lines {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> Result<Lines, DataError> {
        let file = stapes_files::open(path).map_err(|reason| DataError::unreadable(path, reason))?;
        let reader = BufReader::with_capacity(1 << 16, file);
        Ok(Lines { path: path.to_owned(), reader, line: Vec::new(), number: 0, after_return: false })
    }

    /// Returns the next line that is not empty with its number, from 1; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<(usize, &str)>, DataError> {
        loop {
            if !self.advance().map_err(|reason| DataError::unreadable(&self.path, reason))? {
                return Ok(None);
            }
            if self.number == 1 && self.line.starts_with("\u{feff}".as_bytes()) {
                self.line.drain(.."\u{feff}".len());
            }
            if self.line.len() > MAX_LINE {
                return Err(self.wrong(format!(
                    "is longer than {} MiB, the limit for a row; check that this file is a manifest",
                    MAX_LINE >> 20
                )));
            }
            if !self.line.is_empty() {
                break;
            }
        }
        match std::str::from_utf8(&self.line) {
            Ok(text) => Ok(Some((self.number, text))),
            Err(error) => Err(self.wrong(format!("is not UTF-8 text ({error}); save the manifest as UTF-8"))),
        }
    }

    fn wrong(&self, reason: String) -> DataError {
        DataError::Line { path: self.path.clone(), line: self.number, reason }
    }

    /// Reads one line, up to slightly more than the maximum length; returns false at the end of the file.
    fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut started = false;
        while self.line.len() <= MAX_LINE {
            let bytes = self.reader.fill_buf()?;
            if self.after_return {
                self.after_return = false;
                if bytes.first() == Some(&b'\n') {
                    self.reader.consume(1);
                    continue;
                }
            }
            if bytes.is_empty() {
                break;
            }
            if !started {
                (started, self.number) = (true, self.number + 1);
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            self.after_return = end.is_some_and(|end| bytes[end] == b'\r');
            let used = end.map_or(bytes.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        Ok(started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Result<Vec<(usize, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut found = Vec::new();
        loop {
            match lines.next() {
                Ok(Some((number, text))) => found.push((number, text.to_owned())),
                Ok(None) => return Ok(found),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    #[test]
    fn lines_of_every_system_and_empty_lines_are_counted() {
        for (text, expected) in [
            ("", vec![]),
            ("\n\n", vec![]),
            ("a", vec![(1, "a")]),
            ("a\nb\n", vec![(1, "a"), (2, "b")]),
            ("a\r\nb\r\n", vec![(1, "a"), (2, "b")]),
            ("a\rb\r", vec![(1, "a"), (2, "b")]),
            ("\n\na\r\n\r\n\r\nb", vec![(3, "a"), (6, "b")]),
            ("a\r\r\nb\n\rc", vec![(1, "a"), (3, "b"), (5, "c")]),
            ("\u{feff}\na", vec![(2, "a")]),
            ("\u{feff}a\n\u{feff}b", vec![(1, "a"), (2, "\u{feff}b")]),
            (" \n", vec![(1, " ")]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(number, text)| (number, text.to_owned())).collect();
            assert_eq!(of(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_end_may_span_two_reads() {
        let long = "x".repeat((1 << 16) - 1);
        for end in ["\r\n", "\n", "\r"] {
            let found = of(format!("{long}{end}b").as_bytes()).unwrap();
            assert_eq!((found[0].1.len(), &found[1]), (long.len(), &(2, "b".to_owned())), "{end:?}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_rejected_at_the_limit() {
        let longest = vec![b'x'; MAX_LINE];
        assert_eq!(of(&longest).unwrap()[0].1.len(), MAX_LINE);
        let message = of(&[b"a\n", &longest[..], b"x"].concat()).unwrap_err();
        assert!(message.contains("rows:2: is longer than 1 MiB"), "{message}");
        assert!(of(b"a\n\xff").unwrap_err().contains("rows:2: is not UTF-8 text"));
    }
}
