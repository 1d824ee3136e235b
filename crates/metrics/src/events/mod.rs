//! Scoring of events: detected events against reference events, and keywords per hour of audio.
//!
//! [`EventRules`] converts decisions or scores of frames to events, [`EventMatcher`] compares them with reference events, and
//! [`KeywordPeaks`] counts misses and false accepts of keywords.
//!
//! An event is a positive part of a recording, and the rules merge and drop events before they are scored. The segments that
//! a model returns (`FrameTimes::segments` of `stapes-features`) have a class each, cover the whole recording, and are
//! neither merged nor dropped.

mod keywords;
mod matching;

use serde::Serialize;

pub use keywords::{KeywordOperatingPoint, KeywordPeaks, Peak};
pub use matching::{EventMatcher, EventScores};

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

/// Rules that convert frames to events.
///
/// Frame t covers one hop around its center, first + t hop. Consecutive positive frames are one event; then events with
/// a gap of at most `max_gap_seconds` are merged, and after that events shorter than `min_duration_seconds` are
/// dropped. Both are 0 by default. Times are compared with a tolerance of one microsecond, so that rounding does not
/// matter. No event starts before 0.
///
/// # Units
/// s
///
/// # Example
/// ```
/// use stapes_metrics::EventRules;
///
/// let rules = EventRules::new(0.005, 0.01)?;
/// let events = rules.events(&[false, true, true, false, true, false, false, true]);
/// assert_eq!(events.len(), 3);
/// assert!((events[0].start_seconds - 0.01).abs() < 1e-12 && (events[0].end_seconds - 0.03).abs() < 1e-12);
/// // The first two are 10 ms apart, and the last is 10 ms long.
/// let events = rules.with_max_gap(0.01)?.with_min_duration(0.02)?.events_from_scores(&[0.1, 0.9, 0.8, 0.2, 0.5, 0.0, 0.0, 0.7], 0.5);
/// assert_eq!(events.len(), 1);
/// assert!((events[0].end_seconds - 0.05).abs() < 1e-12);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventRules {
    first_seconds: f64,
    hop_seconds: f64,
    max_gap_seconds: f64,
    min_duration_seconds: f64,
}

/// Differences of times below this are rounding.
const TOLERANCE: f64 = 1e-6;

impl EventRules {
    /// Creates rules for frames with these centers that merge and drop nothing.
    ///
    /// # Errors
    /// [`MetricsError::Time`] if a time is not finite or the hop is not greater than 0.
    pub fn new(first_seconds: f64, hop_seconds: f64) -> Result<EventRules, MetricsError> {
        check_seconds("first_seconds", first_seconds, f64::NEG_INFINITY, "of either sign")?;
        check_seconds("hop_seconds", hop_seconds, f64::MIN_POSITIVE, "greater than 0")?;
        Ok(EventRules { first_seconds, hop_seconds, max_gap_seconds: 0.0, min_duration_seconds: 0.0 })
    }

    /// Merges events with a gap of at most this length.
    ///
    /// # Errors
    /// [`MetricsError::Time`] if the time is negative or not finite.
    pub fn with_max_gap(self, max_gap_seconds: f64) -> Result<EventRules, MetricsError> {
        check_seconds("max_gap_seconds", max_gap_seconds, 0.0, "0 or more")?;
        Ok(EventRules { max_gap_seconds, ..self })
    }

    /// Drops events that are shorter than this.
    ///
    /// # Errors
    /// [`MetricsError::Time`] if the time is negative or not finite.
    pub fn with_min_duration(self, min_duration_seconds: f64) -> Result<EventRules, MetricsError> {
        check_seconds("min_duration_seconds", min_duration_seconds, 0.0, "0 or more")?;
        Ok(EventRules { min_duration_seconds, ..self })
    }

    /// Center of frame t, s.
    pub fn center_seconds(&self, frame: usize) -> f64 {
        self.first_seconds + frame as f64 * self.hop_seconds
    }

    /// Returns the events of frame decisions, in order of time.
    ///
    /// # Shapes
    /// decisions `[T]`
    pub fn events(&self, decisions: &[bool]) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut frame = 0;
        for run in decisions.chunk_by(|a, b| a == b) {
            if run[0] {
                let edge = |frame: usize| (self.center_seconds(frame) - self.hop_seconds / 2.0).max(0.0);
                let event = Event { start_seconds: edge(frame), end_seconds: edge(frame + run.len()) };
                match events.last_mut() {
                    Some(last)
                        if event.start_seconds - last.end_seconds <= self.max_gap_seconds + TOLERANCE =>
                    {
                        last.end_seconds = event.end_seconds;
                    }
                    _ => events.push(event),
                }
            }
            frame += run.len();
        }
        events
            .retain(|event| event.end_seconds - event.start_seconds >= self.min_duration_seconds - TOLERANCE);
        events
    }

    /// Returns the events of frames with a score of at least the threshold; a score that is NaN is below every
    /// threshold.
    ///
    /// # Shapes
    /// scores `[T]`
    pub fn events_from_scores(&self, scores: &[f32], threshold: f32) -> Vec<Event> {
        self.events(&scores.iter().map(|&score| score >= threshold).collect::<Vec<_>>())
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decisions(text: &str) -> Vec<bool> {
        text.bytes().map(|byte| byte == b'#').collect()
    }

    /// Returns events in units of frames.
    fn frames(events: &[Event]) -> Vec<(i64, i64)> {
        let frame = |seconds: f64| (seconds * 100.0).round() as i64;
        events.iter().map(|event| (frame(event.start_seconds), frame(event.end_seconds))).collect()
    }

    #[test]
    fn gaps_are_bridged_before_short_events_are_dropped() {
        let rules = EventRules::new(0.005, 0.01).unwrap();
        let voice = decisions("#.##...####.#....#");
        assert_eq!(frames(&rules.events(&voice)), [(0, 1), (2, 4), (7, 11), (12, 13), (17, 18)]);
        let bridged = rules.with_max_gap(0.01).unwrap();
        assert_eq!(frames(&bridged.events(&voice)), [(0, 4), (7, 13), (17, 18)]);
        // Three hops of 10 ms are 0.030000000000000002 s apart, and bridged by 0.03.
        assert_eq!(frames(&rules.with_max_gap(0.03).unwrap().events(&voice)), [(0, 13), (17, 18)]);
        assert_eq!(frames(&bridged.with_min_duration(0.04).unwrap().events(&voice)), [(0, 4), (7, 13)]);
        assert_eq!(frames(&rules.with_min_duration(0.02).unwrap().events(&voice)), [(2, 4), (7, 11)]);
        assert!(rules.events(&[]).is_empty());
    }

    #[test]
    fn nothing_starts_before_the_recording() {
        // With centered frames the first one begins half a hop before 0.
        let rules = EventRules::new(0.0, 0.01).unwrap();
        let event = rules.events_from_scores(&[0.5, 0.5, f32::NAN], 0.5)[0];
        assert_eq!(event.start_seconds, 0.0);
        assert!((event.end_seconds - 0.015).abs() < 1e-12);
    }

    #[test]
    fn invalid_times_are_rejected() {
        let message = |rules: Result<EventRules, MetricsError>| rules.unwrap_err().to_string();
        let expected = "hop_seconds = 0 is not a valid time; use a finite number of seconds, greater than 0";
        assert_eq!(message(EventRules::new(0.0, 0.0)), expected);
        assert!(message(EventRules::new(f64::NAN, 0.01)).starts_with("first_seconds = NaN"));
        let rules = EventRules::new(0.0, 0.01).unwrap();
        assert!(message(rules.with_max_gap(-0.1)).starts_with("max_gap_seconds = -0.1"));
        assert!(message(rules.with_min_duration(f64::INFINITY)).starts_with("min_duration_seconds = inf"));
    }

    proptest! {
        #[test]
        fn without_rules_events_cover_the_positive_frames(voice in proptest::collection::vec(proptest::bool::ANY, 0..60)) {
            let rules = EventRules::new(0.0125, 0.01).unwrap();
            let events = rules.events(&voice);
            for (frame, &voice) in voice.iter().enumerate() {
                let center = rules.center_seconds(frame);
                let inside = events.iter().any(|event| event.start_seconds < center && center < event.end_seconds);
                prop_assert_eq!(inside, voice);
            }
            let filtered = rules.with_max_gap(0.03).unwrap().with_min_duration(0.05).unwrap().events(&voice);
            for event in &filtered {
                prop_assert!(event.end_seconds - event.start_seconds > 0.05 - 1e-9);
            }
            for pair in filtered.windows(2) {
                prop_assert!(pair[1].start_seconds - pair[0].end_seconds > 0.03 + 1e-9);
            }
        }
    }
}
