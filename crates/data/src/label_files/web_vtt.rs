//! Web Video Text Tracks: cues with times and text.

use super::{Fault, Rows};
use crate::labeled_segment::{LabeledSegment, parse_seconds};

/// Separates the times of a cue.
const ARROW: &str = "-->";

/// Parses the cues; the text of a cue, without tags and on one line, is its label.
///
/// # Errors
/// The line and its fault.
pub(super) fn parse(text: &str) -> Result<Rows, Fault> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let first = lines.next().map_or("", |(_, line)| line);
    if first.split_whitespace().next() != Some("WEBVTT") {
        return Err(Fault::new(
            1,
            "is not a file of Web Video Text Tracks, which begins with WEBVTT".to_owned(),
        ));
    }
    let mut rows = Rows::new();
    while let Some((number, line)) = lines.next() {
        // Notes, styles and the names of cues have no times.
        let Some((start, end)) = line.split_once(ARROW) else { continue };
        let text: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| !line.is_empty()).collect();
        rows.push((number, cue(start, end, &text.join(" ")).map_err(|reason| Fault::new(number, reason))?));
    }
    Ok(rows)
}

fn cue(start: &str, end: &str, text: &str) -> Result<LabeledSegment, String> {
    // Settings of the position may follow the end.
    let end = end.split_whitespace().next().unwrap_or_default();
    let (start_seconds, end_seconds) = (time(start.trim())?, time(end)?);
    LabeledSegment { start_seconds, end_seconds, label: label(text) }.checked()
}

/// Returns the seconds of `minutes:seconds` or `hours:minutes:seconds`.
fn time(text: &str) -> Result<f64, String> {
    let mut seconds = 0.0;
    for part in text.split(':') {
        seconds = 60.0 * seconds + parse_seconds(part)?;
    }
    // Milliseconds, without the noise of the additions.
    Ok((seconds * 1e3).round() / 1e3)
}

/// Returns text without tags such as `<v Anna>`.
fn label(text: &str) -> String {
    let (mut label, mut rest) = (String::new(), text);
    while let Some((before, tag)) = rest.split_once('<') {
        label.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    label.push_str(rest);
    label.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_have_times_and_text() {
        let text = "WEBVTT - a title\n\nNOTE a note\nof two lines\n\nname\n00:00:00.500 --> 00:01.250 align:left\n\
                    <v Anna>turn</v>\nleft &amp;lt; now\n\n01:01:01.500 --> 01:01:02.000\nyes\n";
        let rows = parse(text).unwrap();
        let found: Vec<_> =
            rows.iter().map(|(line, row)| (*line, row.start_seconds, row.end_seconds, &*row.label)).collect();
        assert_eq!(found, [(7, 0.5, 1.25, "turn left &lt; now"), (11, 3661.5, 3662.0, "yes")]);
        assert!(parse("WEBVTT\n").unwrap().is_empty());
    }

    #[test]
    fn invalid_cues_are_rejected() {
        for (text, line, part) in [
            ("", 1, "begins with WEBVTT"),
            ("WEBVTTX\n", 1, "begins with WEBVTT"),
            ("WEBVTT\n\n0:a --> 0:1\nyes\n", 3, "`a`"),
            ("WEBVTT\n\n0:0 --> 0:1\n\n", 3, "no label"),
        ] {
            let Fault { line: found, reason: error } = parse(text).unwrap_err();
            assert!(found == line && error.contains(part), "{error}");
        }
    }
}
