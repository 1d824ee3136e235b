//! What is true of an example: one class for the whole of it, or a class for every moment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::DataError;

/// What is true of an example.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// The whole example is of this class.
    Class(usize),
    /// Every moment of the example has a class.
    Intervals(Intervals),
}

impl Truth {
    /// The class of the whole example, where it has one.
    pub fn class(&self) -> Option<usize> {
        match self {
            Truth::Class(class) => Some(*class),
            Truth::Intervals(_) => None,
        }
    }

    /// The classes that occur in the example, ascending.
    pub fn classes(&self) -> Vec<usize> {
        match self {
            Truth::Class(class) => vec![*class],
            Truth::Intervals(intervals) => {
                let classes: BTreeSet<usize> = intervals.list.iter().map(|interval| interval.class).collect();
                classes.into_iter().collect()
            }
        }
    }
}

/// A stretch of a recording with its class: from its start up to, and without, its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Where it starts, s.
    pub start_seconds: f64,
    /// Where it ends, s.
    pub end_seconds: f64,
    /// The class.
    pub class: usize,
}

/// The classes of a recording from its first moment on: each interval starts where the one before ends.
///
/// # Example
/// ```
/// use stapes_data::{Interval, Intervals};
///
/// let interval = |start_seconds, end_seconds, class| Interval { start_seconds, end_seconds, class };
/// let rows = vec![(1, interval(0.0, 1.5, 0)), (2, interval(1.5, 4.0, 1))];
/// let intervals = Intervals::new("a.lab".into(), rows)?;
/// assert_eq!([0.0, 1.499, 1.5, 9.0].map(|seconds| intervals.class_at(seconds)), [0, 0, 1, 1]);
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Intervals {
    file: PathBuf,
    /// The line of the last interval.
    last_line: usize,
    list: Vec<Interval>,
}

/// How far the labels may end from the end of the recording; who writes them by hand seldom meets it exactly.
const MOST_AT_THE_END_SECONDS: f64 = 0.3;

impl Intervals {
    /// Checks the intervals that a file gives, each with its line (from 1). An interval may be empty.
    ///
    /// # Errors
    /// [`DataError::Line`] where an interval is negative or ends before it starts, and where it does not start
    /// at the end of the one before (the first: at 0), which makes a gap or an overlap; or where there is none.
    pub fn new(file: PathBuf, rows: Vec<(usize, Interval)>) -> Result<Intervals, DataError> {
        let wrong = |line, reason| Err(DataError::Line { path: file.clone(), line, reason });
        let mut end = 0.0;
        let mut last_line = 1;
        for (line, interval) in &rows {
            let Interval { start_seconds: from, end_seconds: to, .. } = *interval;
            let reason = if !(from.is_finite() && to.is_finite()) {
                format!("{from} to {to}: times must be finite numbers of seconds")
            } else if from < 0.0 {
                format!("starts at {from} s: must not be negative")
            } else if to < from {
                format!("ends at {to} s, before its start at {from} s")
            } else if from < end {
                format!("starts at {from} s and overlaps what ends at {end} s: must start there")
            } else if from > end {
                format!("starts at {from} s and leaves a gap from {end} s on: must start there")
            } else {
                (end, last_line) = (to, *line);
                continue;
            };
            return wrong(*line, reason);
        }
        if end == 0.0 {
            return wrong(last_line, "labels nothing: expected intervals from 0 s to the end".into());
        }
        let list = rows.into_iter().map(|(_, interval)| interval).collect();
        Ok(Intervals { file, last_line, list })
    }

    /// The intervals, from the first to the last.
    pub fn list(&self) -> &[Interval] {
        &self.list
    }

    /// The file that they come from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where the last one ends, s.
    pub fn end_seconds(&self) -> f64 {
        self.list.last().map_or(0.0, |interval| interval.end_seconds)
    }

    /// The class of a moment: of the interval with start <= moment < end; behind the last interval its class.
    pub fn class_at(&self, seconds: f64) -> usize {
        let at = self.list.partition_point(|interval| interval.end_seconds <= seconds);
        let interval = self.list.get(at).or(self.list.last());
        // There is at least one interval.
        interval.map_or(0, |interval| interval.class)
    }

    /// Whether a recording of this length is the one that is labelled: the labels end within 0.3 s of its end.
    ///
    /// # Errors
    /// Names the file and line where the labels end.
    pub(crate) fn check_length(&self, seconds: f64) -> Result<(), String> {
        let (end, line) = (self.end_seconds(), self.last_line);
        if (end - seconds).abs() <= MOST_AT_THE_END_SECONDS {
            return Ok(());
        }
        let (file, apart) = (self.file.display(), if end < seconds { "shorter" } else { "longer" });
        Err(format!(
            "its labels are {apart} than the audio: they end at {end} s ({file}:{line}) and it lasts {seconds:.3} s; \
             at most {MOST_AT_THE_END_SECONDS} s may be between them"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals(rows: &[(f64, f64, usize)]) -> Result<Intervals, String> {
        let interval = |&(start_seconds, end_seconds, class)| Interval { start_seconds, end_seconds, class };
        // Lines 2, 4, 6: a file may have others between them.
        let rows = rows.iter().enumerate().map(|(at, row)| (2 * at + 2, interval(row))).collect();
        Intervals::new("a.lab".into(), rows).map_err(|error| error.to_string())
    }

    #[test]
    fn a_moment_has_the_class_of_its_interval_and_the_end_that_of_the_last() {
        let intervals = intervals(&[(0.0, 1.0, 0), (1.0, 1.0, 1), (1.0, 2.0, 2), (2.0, 2.5, 1)]).unwrap();
        let moments = [-0.1, 0.0, 0.999, 1.0, 1.999, 2.0, 2.5, 7.0];
        assert_eq!(moments.map(|moment| intervals.class_at(moment)), [0, 0, 0, 2, 2, 1, 1, 1]);
        assert_eq!(Truth::Intervals(intervals).classes(), [0, 1, 2]);
    }

    #[test]
    fn what_is_no_labelling_of_a_whole_recording_is_refused_with_its_line() {
        for (rows, parts) in [
            (&[(0.0, 1.0, 0), (0.9, 2.0, 1)][..], &["a.lab:4: ", "overlaps", "1 s"][..]),
            (&[(0.0, 1.0, 0), (1.1, 2.0, 1)], &["a.lab:4: ", "gap from 1 s"]),
            (&[(0.5, 1.0, 0)], &["a.lab:2: ", "gap from 0 s"]),
            (&[(-0.5, 1.0, 0)], &["a.lab:2: ", "negative"]),
            (&[(0.0, 2.0, 0), (2.0, 1.0, 1)], &["a.lab:4: ", "before its start"]),
            (&[(0.0, f64::NAN, 0)], &["a.lab:2: ", "finite"]),
            (&[(0.0, f64::INFINITY, 0)], &["a.lab:2: ", "finite"]),
            (&[(0.0, 0.0, 0)], &["a.lab:2: ", "labels nothing"]),
            (&[], &["a.lab:1: ", "labels nothing"]),
        ] {
            let error = intervals(rows).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn labels_of_another_length_than_the_audio_are_refused() {
        let intervals = intervals(&[(0.0, 1.0, 0), (1.0, 5.0, 1)]).unwrap();
        for seconds in [4.71, 5.0, 5.29] {
            intervals.check_length(seconds).unwrap();
        }
        let shorter = intervals.check_length(5.4).unwrap_err();
        assert!(shorter.contains("shorter") && shorter.contains("5 s (a.lab:4)"), "{shorter}");
        let longer = intervals.check_length(4.0).unwrap_err();
        assert!(longer.contains("longer") && longer.contains("lasts 4.000 s"), "{longer}");
    }
}
