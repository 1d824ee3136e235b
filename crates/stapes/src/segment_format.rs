//! Files of segments for other programs.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;

use serde_json::json;
use stapes_data::LabeledSegment;
use stapes_files::number::rounded_seconds;
use stapes_report::{CsvCell, csv_text};

/// Form of a file of segments.
///
/// # Example
/// ```
/// use stapes::{LabeledSegment, SegmentFormat};
///
/// let segment = LabeledSegment { start_seconds: 0.5, end_seconds: 1.25, label: "speech".into() };
/// let format: SegmentFormat = "audacity".parse()?;
/// assert_eq!(format.text("a.wav".as_ref(), 2.0, &[segment]), "0.500000\t1.250000\tspeech\n");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentFormat {
    /// One JSON object per recording, on one line.
    Json,
    /// Comma-separated values with the file in each row; the header is [`SegmentFormat::header`].
    Csv,
    /// NIST Rich Transcription Time Marked: a row `SPEAKER` per segment.
    Rttm,
    /// Labels of Audacity: start, end and label, separated by tabs.
    Audacity,
    /// TextGrid of Praat with one interval tier; between segments are empty intervals.
    TextGrid,
    /// Web Video Text Tracks: a cue per segment.
    WebVtt,
    /// Start, end and label, separated by spaces; the segments between have the label `silence`, so that all rows cover the
    /// recording.
    Lab,
}

impl SegmentFormat {
    /// Names of all formats.
    pub const NAMES: [&str; 7] = ["json", "csv", "rttm", "audacity", "textgrid", "webvtt", "lab"];

    /// Extension of the files.
    pub fn extension(self) -> &'static str {
        match self {
            SegmentFormat::Json => "json",
            SegmentFormat::Csv => "csv",
            SegmentFormat::Rttm => "rttm",
            SegmentFormat::Audacity => "txt",
            SegmentFormat::TextGrid => "TextGrid",
            SegmentFormat::WebVtt => "vtt",
            SegmentFormat::Lab => "lab",
        }
    }

    /// True if the texts of several recordings, one after the other, are one file.
    pub fn joins(self) -> bool {
        matches!(self, SegmentFormat::Json | SegmentFormat::Csv | SegmentFormat::Rttm)
    }

    /// First line of a file of several recordings, if the format has one.
    pub fn header(self) -> &'static str {
        if self == SegmentFormat::Csv { "file,start,end,label\n" } else { "" }
    }

    /// Returns the segments of a recording of `seconds`, in the order of time, as text without [`SegmentFormat::header`].
    pub fn text(self, file: &Path, seconds: f64, segments: &[LabeledSegment]) -> String {
        match self {
            SegmentFormat::Json => json(file, seconds, segments),
            SegmentFormat::Csv => csv(file, segments),
            SegmentFormat::Rttm => rttm(file, segments),
            SegmentFormat::Audacity => {
                let line = |segment: &LabeledSegment| {
                    let LabeledSegment { start_seconds, end_seconds, label } = segment;
                    format!("{start_seconds:.6}\t{end_seconds:.6}\t{}\n", one_line(label))
                };
                segments.iter().map(line).collect()
            }
            SegmentFormat::TextGrid => text_grid(seconds, segments),
            SegmentFormat::WebVtt => web_vtt(segments),
            SegmentFormat::Lab => {
                let line = |segment: &LabeledSegment| {
                    let label = if segment.label.is_empty() { "silence" } else { &segment.label };
                    let label = one_line(label).replace(' ', "_");
                    format!("{:.3} {:.3} {label}\n", segment.start_seconds, segment.end_seconds)
                };
                covering(seconds, segments).iter().map(line).collect()
            }
        }
    }
}

impl FromStr for SegmentFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<SegmentFormat, String> {
        let formats = [
            SegmentFormat::Json,
            SegmentFormat::Csv,
            SegmentFormat::Rttm,
            SegmentFormat::Audacity,
            SegmentFormat::TextGrid,
            SegmentFormat::WebVtt,
            SegmentFormat::Lab,
        ];
        let at = SegmentFormat::NAMES.iter().position(|known| *known == name);
        at.map(|at| formats[at]).ok_or_else(|| format!("must be one of {}", SegmentFormat::NAMES.join(", ")))
    }
}

/// Returns a text without line breaks and tabs, which separate rows and fields.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

/// Returns the segments with segments without a label between them, which cover the recording.
fn covering(seconds: f64, segments: &[LabeledSegment]) -> Vec<LabeledSegment> {
    let silence =
        |start_seconds, end_seconds| LabeledSegment { start_seconds, end_seconds, label: String::new() };
    let (mut covering, mut end) = (Vec::new(), 0.0);
    for segment in segments {
        if segment.start_seconds > end {
            covering.push(silence(end, segment.start_seconds));
        }
        end = segment.end_seconds;
        covering.push(segment.clone());
    }
    if seconds > end {
        covering.push(silence(end, seconds));
    }
    covering
}

fn json(file: &Path, seconds: f64, segments: &[LabeledSegment]) -> String {
    let segment = |segment: &LabeledSegment| {
        let [start, end] = [segment.start_seconds, segment.end_seconds].map(rounded_seconds);
        json!({ "start": start, "end": end, "label": segment.label })
    };
    let segments: Vec<_> = segments.iter().map(segment).collect();
    json!({ "file": file.display().to_string(), "seconds": seconds, "segments": segments }).to_string() + "\n"
}

fn csv(file: &Path, segments: &[LabeledSegment]) -> String {
    let file = file.display().to_string();
    csv_text(segments.iter().map(|segment| {
        let times =
            [segment.start_seconds, segment.end_seconds].map(|time| CsvCell::from(rounded_seconds(time)));
        let [start, end] = times;
        [CsvCell::from(&*file), start, end, CsvCell::from(&*segment.label)]
    }))
}

/// Fields of RTTM are separated by spaces, and the file is its name without extension.
fn rttm(file: &Path, segments: &[LabeledSegment]) -> String {
    let field = |text: &str| {
        let text = one_line(text).replace(' ', "_");
        if text.is_empty() { "<NA>".to_owned() } else { text }
    };
    let name = field(&file.file_stem().unwrap_or_default().to_string_lossy());
    let line = |segment: &LabeledSegment| {
        let (start, length) = (segment.start_seconds, segment.end_seconds - segment.start_seconds);
        format!("SPEAKER {name} 1 {start:.3} {length:.3} <NA> <NA> {} <NA> <NA>\n", field(&segment.label))
    };
    segments.iter().map(line).collect()
}

fn text_grid(seconds: f64, segments: &[LabeledSegment]) -> String {
    let intervals = covering(seconds, segments);
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {seconds}\ntiers? <exists>\nsize = 1\n\
         item []:\n    item [1]:\n        class = \"IntervalTier\"\n        name = \"segments\"\n        xmin = 0\n        \
         xmax = {seconds}\n        intervals: size = {}\n",
        intervals.len()
    );
    for (number, LabeledSegment { start_seconds, end_seconds, label }) in intervals.iter().enumerate() {
        // A text has doubled quotation marks.
        let label = one_line(label).replace('"', "\"\"");
        let _ = write!(
            text,
            "        intervals [{}]:\n            xmin = {start_seconds}\n            xmax = {end_seconds}\n            \
             text = \"{label}\"\n",
            number + 1
        );
    }
    text
}

fn web_vtt(segments: &[LabeledSegment]) -> String {
    let time = |seconds: f64| {
        let milliseconds = (seconds * 1000.0).round() as u64;
        let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
        format!("{hours:02}:{minutes:02}:{:02}.{:03}", milliseconds / 1000 % 60, milliseconds % 1000)
    };
    let mut text = "WEBVTT\n".to_owned();
    for segment in segments {
        let label = one_line(&segment.label).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ =
            write!(text, "\n{} --> {}\n{label}\n", time(segment.start_seconds), time(segment.end_seconds));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(format: &str) -> String {
        let segment = |start_seconds, end_seconds, label: &str| LabeledSegment {
            start_seconds,
            end_seconds,
            label: label.into(),
        };
        let segments = [segment(0.5, 1.25, "speech"), segment(3661.5, 3662.0, "say \"<b>\"\tnow")];
        format.parse::<SegmentFormat>().unwrap().text("in/a file.wav".as_ref(), 4000.0, &segments)
    }

    #[test]
    fn every_format_has_its_rows() {
        assert_eq!(texts("csv").lines().next().unwrap(), "in/a file.wav,0.5,1.25,speech");
        assert_eq!(
            texts("rttm"),
            "SPEAKER a_file 1 0.500 0.750 <NA> <NA> speech <NA> <NA>\n\
             SPEAKER a_file 1 3661.500 0.500 <NA> <NA> say_\"<b>\"_now <NA> <NA>\n"
        );
        assert_eq!(texts("audacity").lines().nth(1).unwrap(), "3661.500000\t3662.000000\tsay \"<b>\" now");
        assert_eq!(
            texts("webvtt"),
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\nspeech\n\n\
             01:01:01.500 --> 01:01:02.000\nsay \"&lt;b&gt;\" now\n"
        );
        let lab = texts("lab");
        let rows: Vec<&str> = lab.lines().collect();
        assert_eq!(rows[..3], ["0.000 0.500 silence", "0.500 1.250 speech", "1.250 3661.500 silence"]);
        assert_eq!(rows[4], "3662.000 4000.000 silence");
        let grid = texts("textgrid");
        assert!(
            grid.contains("intervals: size = 5") && grid.contains("text = \"say \"\"<b>\"\" now\""),
            "{grid}"
        );
        let line: serde_json::Value = serde_json::from_str(&texts("json")).unwrap();
        assert_eq!((&line["segments"][0]["end"], &line["seconds"]), (&1.25.into(), &4000.0.into()));
        assert!("srt".parse::<SegmentFormat>().unwrap_err().contains("json, csv, rttm"));
    }

    #[test]
    fn times_are_written_without_rounding_noise() {
        let segments =
            [LabeledSegment { start_seconds: 0.1 + 0.2, end_seconds: 0.7 + 0.1, label: "speech".into() }];
        for (format, times) in
            [("json", "\"end\":0.8,\"label\":\"speech\",\"start\":0.3}"), ("csv", ",0.3,0.8,")]
        {
            let text = format.parse::<SegmentFormat>().unwrap().text("a.wav".as_ref(), 1.0, &segments);
            assert!(text.contains(times), "{text}");
        }
    }

    #[test]
    fn a_recording_without_speech_is_one_interval() {
        let text = |format: SegmentFormat| format.text("a.wav".as_ref(), 2.0, &[]);
        assert_eq!(text(SegmentFormat::Lab), "0.000 2.000 silence\n");
        assert!(text(SegmentFormat::TextGrid).contains("intervals: size = 1"));
        assert_eq!(text(SegmentFormat::WebVtt), "WEBVTT\n");
        assert_eq!(text(SegmentFormat::Csv), "");
    }
}
