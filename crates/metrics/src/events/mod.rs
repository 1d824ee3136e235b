//! Scoring of events in long recordings: detections of keywords, and segments of speech, against labeled segments.
//!
//! [`KeywordMatcher`] matches detections, which are points in time, with labeled segments, and [`KeywordScores`] has the misses,
//! false accepts per hour and latencies. [`EventMatcher`] compares segments with segments, and [`SpeechErrors`] has the times of
//! missed and false speech.

mod keywords;
mod matching;
mod speech;

use serde::Serialize;

pub use keywords::{
    KeywordCounts, KeywordMatcher, KeywordMatches, KeywordOperatingPoint, KeywordScores, Latency,
    UnmatchedDetection,
};
pub use matching::{EventMatcher, EventScores};
pub use speech::{BoundaryErrors, SpeechErrors, boundary_errors};

use crate::MetricsError;

/// An event from a start to an end.
///
/// # Units
/// s
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Start.
    pub start_seconds: f64,
    /// End.
    pub end_seconds: f64,
}

/// Differences of times below this are rounding.
const TOLERANCE: f64 = 1e-6;

/// Checks that a time is finite and at least `min`.
fn check_seconds(place: &str, value: f64, min: f64, rule: &'static str) -> Result<(), MetricsError> {
    match value.is_finite() && value >= min {
        true => Ok(()),
        false => Err(MetricsError::Time { place: place.to_string(), value, rule }),
    }
}

/// Checks that each event starts at 0 or later and does not end before its start.
fn check_events(list: &str, events: &[Event]) -> Result<(), MetricsError> {
    for (index, Event { start_seconds, end_seconds }) in events.iter().enumerate() {
        check_seconds(&format!("{list}[{index}].start_seconds"), *start_seconds, 0.0, "0 or more")?;
        let rule = "not before its start";
        check_seconds(&format!("{list}[{index}].end_seconds"), *end_seconds, *start_seconds, rule)?;
    }
    Ok(())
}
