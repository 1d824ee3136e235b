//! NIST Rich Transcription Time Marked: who speaks when.

use std::path::Path;

use super::{Fault, Rows};
use crate::labeled_segment::{LabeledSegment, parse_seconds};

/// Label of all segments: a row has a speaker, whose speech it is.
const SPEECH: &str = "speech";

/// Parses the rows `SPEAKER file channel start duration … speaker …`, which must be of the recording of the label file; the label
/// of each segment is `speech`. Rows of other types are ignored.
///
/// # Errors
/// The line and its fault.
pub(super) fn parse(path: &Path, text: &str) -> Result<Rows, Fault> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace(' ', "_");
    let mut rows = Rows::new();
    for (at, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.first() == Some(&"SPEAKER") {
            rows.push((at + 1, row(&fields, &stem).map_err(|reason| Fault::new(at + 1, reason))?));
        }
    }
    Ok(rows)
}

fn row(fields: &[&str], stem: &str) -> Result<LabeledSegment, String> {
    let [_, file, _, start, duration, ..] = fields[..] else {
        return Err("is not `SPEAKER file channel start duration`, as SPEAKER a 1 0.50 0.75".to_owned());
    };
    if file != stem {
        return Err(format!(
            "is about the recording {file}; write the rows of each recording into a file of its name"
        ));
    }
    let (start_seconds, duration) = (parse_seconds(start)?, parse_seconds(duration)?);
    // Without the noise of an addition: 0.1 + 0.2 is 0.3.
    let end_seconds = ((start_seconds + duration) * 1e6).round() / 1e6;
    LabeledSegment { start_seconds, end_seconds, label: SPEECH.to_owned() }.checked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speech_of_all_speakers_is_read() {
        let text = "SPKR-INFO a_b 1 <NA> <NA> <NA> unknown anna <NA> <NA>\n\
                    SPEAKER a_b 1 0.100 0.200 <NA> <NA> anna <NA> <NA>\n\n  SPEAKER a_b 1 2 1.5\n";
        let rows = parse("in/a b.rttm".as_ref(), text).unwrap();
        let times: Vec<_> =
            rows.iter().map(|(line, row)| (*line, row.start_seconds, row.end_seconds)).collect();
        assert_eq!(times, [(2, 0.1, 0.3), (4, 2.0, 3.5)]);
        assert!(rows.iter().all(|(_, row)| row.label == SPEECH));
        for (text, part) in [
            ("SPEAKER b 1 0 1", "recording b"),
            ("SPEAKER a 1 0", "duration"),
            ("SPEAKER a 1 2 -1", "before"),
        ] {
            let Fault { line, reason: error } = parse("a.rttm".as_ref(), text).unwrap_err();
            assert!(line == 1 && error.contains(part), "{error}");
        }
    }
}
