//! Label files beside recordings: `a.lab`, `a.txt`, `a.TextGrid`, `a.vtt` or `a.rttm` for `a.wav`.

mod rttm;
mod text_grid;
mod web_vtt;

use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::labeled_segment::{LabeledSegment, read_label_lines};

/// Extensions of label files: lines `start end label`, the same of Audacity, Praat, Web Video Text Tracks, and NIST Rich
/// Transcription Time Marked. Capital letters are accepted as small ones.
const EXTENSIONS: [&str; 5] = ["lab", "txt", "TextGrid", "vtt", "rttm"];

/// Labeled segments of a file, each with its line from 1.
pub(crate) type Rows = Vec<(usize, LabeledSegment)>;

/// Fault in a line of a label file.
#[derive(Debug)]
struct Fault {
    line: usize,
    reason: String,
}

impl Fault {
    fn new(line: usize, reason: impl Into<String>) -> Fault {
        Fault { line, reason: reason.into() }
    }
}

/// Returns true if the file is a label file by its extension.
pub(crate) fn is_label_file(path: &Path) -> bool {
    EXTENSIONS.iter().any(|extension| has_extension(path, extension))
}

/// Returns true if a label file is certainly one; other texts have the extension `.txt`, too.
pub(crate) fn is_certain(path: &Path) -> bool {
    is_label_file(path) && !has_extension(path, "txt")
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Returns the label file of a recording, in the same folder.
///
/// # Errors
/// A sentence if there are several.
pub(crate) fn beside(recording: &Path) -> Result<Option<PathBuf>, String> {
    let of_format = |extension: &str| {
        let spellings = [extension.to_owned(), extension.to_lowercase(), extension.to_uppercase()];
        spellings.map(|extension| recording.with_extension(extension)).into_iter().find(|path| path.is_file())
    };
    let mut found = EXTENSIONS.iter().filter_map(|extension| of_format(extension));
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => Err(ambiguous(&one, &other)),
        (one, _) => Ok(one),
    }
}

/// Returns the fault of two label files of one recording.
pub(crate) fn ambiguous(one: &Path, other: &Path) -> String {
    let [one, other] = [one, other].map(|path| path.file_name().unwrap_or_default().to_string_lossy());
    format!("{one} and {other} both label one recording; remove one of them")
}

/// Reads the segments of a label file in their order in the file; its extension says the format.
///
/// # Errors
/// [`DataError::Line`] for an invalid line, and errors of reading.
pub(crate) fn read(path: &Path) -> Result<Rows, DataError> {
    if has_extension(path, "lab") || has_extension(path, "txt") {
        return read_label_lines(path, LabeledSegment::parse);
    }
    let text = crate::numbers::read(path)?;
    let text = text.trim_start_matches('\u{feff}');
    let rows = match () {
        () if has_extension(path, "TextGrid") => text_grid::parse(text),
        () if has_extension(path, "vtt") => web_vtt::parse(text),
        () => rttm::parse(path, text),
    };
    rows.map_err(|Fault { line, reason }| DataError::Line { path: path.to_owned(), line, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_file_of_a_recording_is_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.textgrid", "a.wav", "b.wav", "b.csv", "c.wav", "c.lab", "c.RTTM", "ab.lab"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |name: &str| beside(&folder.path().join(name));
        assert_eq!(found("a.wav").unwrap(), Some(folder.path().join("a.textgrid")));
        assert_eq!(found("b.wav").unwrap(), None);
        let error = found("c.wav").unwrap_err();
        assert!(error.contains("c.lab") && error.contains("c.RTTM"), "{error}");
    }

    #[test]
    fn invalid_files_are_reported_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text, line, part) in [
            ("a.lab", "0 1 yes\n1 x no\n", 2, "`x`"),
            ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:00.500\nyes\n", 3, "before its start"),
            ("a.rttm", "\nSPEAKER a 1 0 x <NA> <NA> s <NA> <NA>\n", 2, "`x`"),
            ("a.TextGrid", "\"ooTextFile\"\n\"TextGrid\"\n0 1\n", 4, "ends"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}:{line}: ")) && error.contains(part), "{error}");
        }
    }
}
