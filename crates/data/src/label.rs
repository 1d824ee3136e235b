//! Label of an example: one class, or segments with one class each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stapes_features::Segment;

use crate::error::DataError;

/// Label of an example.
#[derive(Clone, Debug, PartialEq)]
pub enum Label {
    /// Class of the whole example.
    Class(usize),
    /// Classes of all frames of the example.
    Segments(Segments),
}

impl Label {
    /// Returns the class of the whole example, if it has one.
    pub fn class(&self) -> Option<usize> {
        match self {
            Label::Class(class) => Some(*class),
            Label::Segments(_) => None,
        }
    }

    /// Returns the label with other class indices: `classes[c]` for the class c.
    pub(crate) fn renumbered(self, classes: &[usize]) -> Label {
        match self {
            Label::Class(class) => Label::Class(classes[class]),
            Label::Segments(mut segments) => {
                segments.renumber(classes);
                Label::Segments(segments)
            }
        }
    }

    /// Returns the classes that occur in the example, ascending.
    pub fn classes(&self) -> Vec<usize> {
        match self {
            Label::Class(class) => vec![*class],
            Label::Segments(segments) => {
                let classes = segments.list.iter().map(|segment| segment.class).chain(segments.after);
                classes.collect::<BTreeSet<usize>>().into_iter().collect()
            }
        }
    }
}

/// Segments that cover a recording from its start: each segment starts at the end of the previous one.
///
/// # Example
/// ```
/// use stapes_data::{Segment, Segments};
///
/// let segment = |start_seconds, end_seconds, class| Segment { start_seconds, end_seconds, class };
/// let rows = vec![(1, segment(0.0, 1.5, 0)), (2, segment(1.5, 4.0, 1))];
/// let segments = Segments::new("a.lab".into(), rows)?;
/// assert_eq!([0.0, 1.499, 1.5, 9.0].map(|seconds| segments.class_at(seconds)), [0, 0, 1, 1]);
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    file: PathBuf,
    /// Line of the last segment in the file.
    last_line: usize,
    list: Vec<Segment>,
    /// Class of everything after the last segment; `None` if the segments cover the recording.
    after: Option<usize>,
}

/// Maximum distance between the end of the labels and the end of the recording; manual labels seldom match exactly.
pub const MAX_LENGTH_DIFFERENCE_SECONDS: f64 = 0.3;

/// Maximum gap or overlap of two segments that is closed, half a hop of 10 ms: times are often rounded to frames, and 0.1 + 0.2 is
/// not 0.3.
const MAX_GAP_SECONDS: f64 = 5e-3;

impl Segments {
    /// Checks the segments of a file, each with its line (from 1). A segment may be empty. A segment that begins at most
    /// 5 ms before or after the end of the previous one begins there instead.
    ///
    /// # Errors
    /// [`DataError::Line`] if a segment is negative or ends before it starts; if it does not start at the end of the
    /// previous one (the first: at 0), which is a gap or an overlap; or if there are no segments.
    pub fn new(file: PathBuf, mut rows: Vec<(usize, Segment)>) -> Result<Segments, DataError> {
        let mut end = 0.0;
        let mut last_line = 1;
        // Binary fractions of decimal times differ in their last digits.
        let tolerance = MAX_GAP_SECONDS + 1e-9;
        for (line, segment) in &mut rows {
            let Segment { start_seconds: from, end_seconds: to, .. } = *segment;
            let reason = if !(from.is_finite() && to.is_finite()) {
                format!("{from} to {to}: times must be finite numbers of seconds")
            } else if from < -tolerance {
                format!("starts at {from} s; a start must not be negative")
            } else if to < from {
                format!("ends at {to} s, before its start at {from} s; correct the times")
            } else if from < end - tolerance {
                format!("starts at {from} s and overlaps the previous segment; it must start at {end} s")
            } else if from > end + tolerance {
                format!("starts at {from} s and leaves a gap; it must start at {end} s")
            } else {
                (segment.start_seconds, segment.end_seconds) = (end, to.max(end));
                (end, last_line) = (segment.end_seconds, *line);
                continue;
            };
            return Err(DataError::Line { path: file, line: *line, reason });
        }
        if end == 0.0 {
            let reason = "contains no labels; expected segments from 0 s to the end".to_owned();
            return Err(DataError::Line { path: file, line: last_line, reason });
        }
        let list = rows.into_iter().map(|(_, segment)| segment).collect();
        Ok(Segments { file, last_line, list, after: None })
    }

    /// Fills the parts of a recording between the segments of a file, each with its line, and after them with a class. Segments of
    /// one class may overlap.
    ///
    /// # Errors
    /// [`DataError::Line`] if segments of different classes overlap, and those of [`Segments::new`] about times.
    pub(crate) fn with_background(
        file: PathBuf,
        mut rows: Vec<(usize, Segment)>,
        background: usize,
    ) -> Result<Segments, DataError> {
        rows.sort_by(|a, b| a.1.start_seconds.total_cmp(&b.1.start_seconds));
        let mut covering: Vec<(usize, Segment)> = Vec::new();
        for (line, segment) in rows {
            let end = match covering.last_mut() {
                Some((_, last))
                    if last.class == segment.class && segment.start_seconds <= last.end_seconds =>
                {
                    last.end_seconds = last.end_seconds.max(segment.end_seconds);
                    continue;
                }
                last => last.map_or(0.0, |(_, last)| last.end_seconds),
            };
            if segment.start_seconds > end + MAX_GAP_SECONDS {
                let gap =
                    Segment { start_seconds: end, end_seconds: segment.start_seconds, class: background };
                covering.push((line, gap));
            }
            covering.push((line, segment));
        }
        if covering.is_empty() {
            return Ok(Segments { file, last_line: 1, list: Vec::new(), after: Some(background) });
        }
        Ok(Segments { after: Some(background), ..Segments::new(file, covering)? })
    }

    /// Gives the classes other indices: `classes[c]` for the class c.
    pub(crate) fn renumber(&mut self, classes: &[usize]) {
        let found = self.list.iter_mut().map(|segment| &mut segment.class).chain(&mut self.after);
        found.for_each(|class| *class = classes[*class]);
    }

    /// Returns the segments in the order of time.
    pub fn list(&self) -> &[Segment] {
        &self.list
    }

    /// Returns the class of everything after the last segment; `None` if the segments cover the recording.
    pub(crate) fn after(&self) -> Option<usize> {
        self.after
    }

    /// Returns the file of the labels.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the end of the last segment.
    pub fn end_seconds(&self) -> f64 {
        self.list.last().map_or(0.0, |segment| segment.end_seconds)
    }

    /// Returns the class at a time: that of the segment with start <= time < end, or after all segments that of the last one, or of the
    /// background of a label file.
    pub fn class_at(&self, seconds: f64) -> usize {
        let at = self.list.partition_point(|segment| segment.end_seconds <= seconds);
        let last = || self.after.or(self.list.last().map(|segment| segment.class));
        // There is a segment or a background.
        self.list.get(at).map(|segment| segment.class).or_else(last).unwrap_or_default()
    }

    /// Checks that the labels end within 0.3 s of the end of a recording of this length, or earlier if the rest is background.
    ///
    /// # Errors
    /// A message with the file and line of the end of the labels.
    pub(crate) fn check_length(&self, seconds: f64) -> Result<(), String> {
        let (end, line) = (self.end_seconds(), self.last_line);
        let is_open = self.after.is_some() && end < seconds;
        if is_open || (end - seconds).abs() <= MAX_LENGTH_DIFFERENCE_SECONDS {
            return Ok(());
        }
        let (file, relation) = (self.file.display(), if end < seconds { "shorter" } else { "longer" });
        Err(format!(
            "its labels are {relation} than the audio: they end at {end} s ({file}:{line}), but the audio has {seconds:.3} s; \
             the difference may be at most {MAX_LENGTH_DIFFERENCE_SECONDS} s"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(rows: &[(f64, f64, usize)]) -> Result<Segments, String> {
        let segment = |&(start_seconds, end_seconds, class)| Segment { start_seconds, end_seconds, class };
        // Lines 2, 4, 6: a file may have other lines between them.
        let rows = rows.iter().enumerate().map(|(at, row)| (2 * at + 2, segment(row))).collect();
        Segments::new("a.lab".into(), rows).map_err(|error| error.to_string())
    }

    #[test]
    fn a_time_has_the_class_of_its_segment() {
        let segments = segments(&[(0.0, 1.0, 0), (1.0, 1.0, 1), (1.0, 2.0, 2), (2.0, 2.5, 1)]).unwrap();
        let times = [-0.1, 0.0, 0.999, 1.0, 1.999, 2.0, 2.5, 7.0];
        assert_eq!(times.map(|time| segments.class_at(time)), [0, 0, 0, 2, 2, 1, 1, 1]);
        assert_eq!(Label::Segments(segments).classes(), [0, 1, 2]);
    }

    #[test]
    fn segments_that_meet_but_for_rounding_are_closed() {
        let rows = [(0.0045, 0.1 + 0.2, 0), (0.3, 0.7 + 0.1, 1), (0.8, 0.8045, 2), (0.8, 1.0, 0)];
        let segments = segments(&rows).unwrap();
        let times: Vec<(f64, f64)> =
            segments.list().iter().map(|segment| (segment.start_seconds, segment.end_seconds)).collect();
        assert_eq!(times, [(0.0, 0.1 + 0.2), (0.1 + 0.2, 0.7 + 0.1), (0.7 + 0.1, 0.8045), (0.8045, 1.0)]);
        for (from, is_closed) in [(0.995, true), (1.005, true), (0.9949, false), (1.0051, false)] {
            let rows = [(0.0, 1.0, 0), (from, 2.0, 1)];
            assert_eq!(super::tests::segments(&rows).is_ok(), is_closed, "{from}");
        }
    }

    #[test]
    fn segments_that_do_not_cover_a_recording_are_rejected_with_their_line() {
        for (rows, parts) in [
            (&[(0.0, 1.0, 0), (0.9, 2.0, 1)][..], &["a.lab:4: ", "overlaps", "at 1 s"][..]),
            (&[(0.0, 1.0, 0), (1.1, 2.0, 1)], &["a.lab:4: ", "gap", "at 1 s"]),
            (&[(0.5, 1.0, 0)], &["a.lab:2: ", "gap", "at 0 s"]),
            (&[(-0.5, 1.0, 0)], &["a.lab:2: ", "negative"]),
            (&[(0.0, 2.0, 0), (2.0, 1.0, 1)], &["a.lab:4: ", "before its start"]),
            (&[(0.0, f64::NAN, 0)], &["a.lab:2: ", "finite"]),
            (&[(0.0, f64::INFINITY, 0)], &["a.lab:2: ", "finite"]),
            (&[(0.0, 0.0, 0)], &["a.lab:2: ", "no labels"]),
            (&[], &["a.lab:1: ", "no labels"]),
        ] {
            let error = segments(rows).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn a_background_fills_the_parts_between_segments() {
        let open = |rows: &[(f64, f64, usize)]| {
            let segment =
                |&(start_seconds, end_seconds, class)| Segment { start_seconds, end_seconds, class };
            let rows = rows.iter().enumerate().map(|(at, row)| (at + 1, segment(row))).collect();
            Segments::with_background("a.vtt".into(), rows, 2).map_err(|error| error.to_string())
        };
        let found = open(&[(3.0, 4.0, 1), (0.5, 1.0, 1), (0.8, 1.5, 1), (1.501, 2.0, 0)]).unwrap();
        let times: Vec<_> =
            found.list().iter().map(|one| (one.start_seconds, one.end_seconds, one.class)).collect();
        assert_eq!(times, [(0.0, 0.5, 2), (0.5, 1.5, 1), (1.5, 2.0, 0), (2.0, 3.0, 2), (3.0, 4.0, 1)]);
        assert_eq!([0.2, 1.2, 3.5, 4.0, 60.0].map(|time| found.class_at(time)), [2, 1, 1, 2, 2]);
        found.check_length(60.0).unwrap();
        assert!(found.check_length(3.6).unwrap_err().contains("longer"));
        let empty = open(&[]).unwrap();
        assert_eq!((empty.class_at(1.0), Label::Segments(empty).classes()), (2, vec![2]));
        let error = open(&[(0.0, 1.0, 0), (0.5, 2.0, 1)]).unwrap_err();
        assert!(error.contains("a.vtt:2: ") && error.contains("overlaps"), "{error}");
    }

    #[test]
    fn labels_must_match_the_length_of_the_audio() {
        let segments = segments(&[(0.0, 1.0, 0), (1.0, 5.0, 1)]).unwrap();
        for seconds in [4.71, 5.0, 5.29] {
            segments.check_length(seconds).unwrap();
        }
        let shorter = segments.check_length(5.4).unwrap_err();
        assert!(shorter.contains("shorter") && shorter.contains("5 s (a.lab:4)"), "{shorter}");
        let longer = segments.check_length(4.0).unwrap_err();
        assert!(longer.contains("longer") && longer.contains("has 4.000 s"), "{longer}");
    }
}
