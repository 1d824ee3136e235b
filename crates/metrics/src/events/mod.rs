//! Decisions for frames as events with a start and an end.
//!
//! [`EventRules`] makes events of decisions or scores, [`EventMatch`] compares them with true ones. Of keywords, whose
//! events are moments, [`KeywordPeaks`] counts what is missed and what is falsely accepted.

mod keywords;
mod matching;

use serde::Serialize;

pub use keywords::{FalseAccepts, KeywordPeaks, Peak};
pub use matching::{EventMatch, EventScores};

use crate::MetricsError;

/// Something that happens from one moment to another.
///
/// # Units
/// s
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Where it starts.
    pub start_seconds: f64,
    /// Where it ends.
    pub end_seconds: f64,
}

/// How frames become events.
///
/// Frame t stands for hop seconds around its centre, first + t hop. Frames in a row that are decided for are one event;
/// then events with at most `gap_seconds` between them become one, and after that events shorter than
/// `least_seconds` are dropped. With both 0 nothing changes. Times are compared with a slack of a microsecond, so that
/// decimals are what they say. Nothing starts before 0.
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
/// let events = rules.bridging(0.01)?.at_least(0.02)?.of_scores(&[0.1, 0.9, 0.8, 0.2, 0.5, 0.0, 0.0, 0.7], 0.5);
/// assert_eq!(events.len(), 1);
/// assert!((events[0].end_seconds - 0.05).abs() < 1e-12);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventRules {
    first_seconds: f64,
    hop_seconds: f64,
    gap_seconds: f64,
    least_seconds: f64,
}

/// Differences of times below this are rounding.
const SLACK: f64 = 1e-6;

impl EventRules {
    /// Rules for frames with these centres, that bridge no gap and drop nothing.
    ///
    /// # Errors
    /// [`MetricsError::Seconds`] if a time is not finite or the hop not above 0.
    pub fn new(first_seconds: f64, hop_seconds: f64) -> Result<EventRules, MetricsError> {
        check_seconds("first_seconds", first_seconds, f64::NEG_INFINITY, "of either sign")?;
        check_seconds("hop_seconds", hop_seconds, f64::MIN_POSITIVE, "above 0")?;
        Ok(EventRules { first_seconds, hop_seconds, gap_seconds: 0.0, least_seconds: 0.0 })
    }

    /// The same, but events at most so far from each other become one.
    ///
    /// # Errors
    /// [`MetricsError::Seconds`] if the time is not finite or below 0.
    pub fn bridging(self, gap_seconds: f64) -> Result<EventRules, MetricsError> {
        check_seconds("gap_seconds", gap_seconds, 0.0, "0 or more")?;
        Ok(EventRules { gap_seconds, ..self })
    }

    /// The same, but shorter events are dropped.
    ///
    /// # Errors
    /// [`MetricsError::Seconds`] if the time is not finite or below 0.
    pub fn at_least(self, least_seconds: f64) -> Result<EventRules, MetricsError> {
        check_seconds("least_seconds", least_seconds, 0.0, "0 or more")?;
        Ok(EventRules { least_seconds, ..self })
    }

    /// The centre of frame t, s.
    pub fn centre_seconds(&self, frame: usize) -> f64 {
        self.first_seconds + frame as f64 * self.hop_seconds
    }

    /// The events of decisions for frames, in the order of time.
    ///
    /// # Shapes
    /// decisions `[T]`
    pub fn events(&self, decisions: &[bool]) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut frame = 0;
        for run in decisions.chunk_by(|a, b| a == b) {
            if run[0] {
                let edge = |frame: usize| (self.centre_seconds(frame) - self.hop_seconds / 2.0).max(0.0);
                let found = Event { start_seconds: edge(frame), end_seconds: edge(frame + run.len()) };
                match events.last_mut() {
                    Some(last) if found.start_seconds - last.end_seconds <= self.gap_seconds + SLACK => {
                        last.end_seconds = found.end_seconds;
                    }
                    _ => events.push(found),
                }
            }
            frame += run.len();
        }
        events.retain(|event| event.end_seconds - event.start_seconds >= self.least_seconds - SLACK);
        events
    }

    /// The events of frames whose score is at least the threshold; a score that is NaN is below any.
    ///
    /// # Shapes
    /// scores `[T]`
    pub fn of_scores(&self, scores: &[f32], threshold: f32) -> Vec<Event> {
        self.events(&scores.iter().map(|&score| score >= threshold).collect::<Vec<_>>())
    }
}

/// An error unless the time is finite and at least so long.
fn check_seconds(place: &str, value: f64, least: f64, rule: &'static str) -> Result<(), MetricsError> {
    match value.is_finite() && value >= least {
        true => Ok(()),
        false => Err(MetricsError::Seconds { place: place.to_string(), value, rule }),
    }
}

/// An error unless each event starts at 0 or later and ends where it starts or later.
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

    /// Events in whole frames.
    fn frames(events: &[Event]) -> Vec<(i64, i64)> {
        let frame = |seconds: f64| (seconds * 100.0).round() as i64;
        events.iter().map(|event| (frame(event.start_seconds), frame(event.end_seconds))).collect()
    }

    #[test]
    fn gaps_are_bridged_before_short_events_are_dropped() {
        let rules = EventRules::new(0.005, 0.01).unwrap();
        let voice = decisions("#.##...####.#....#");
        assert_eq!(frames(&rules.events(&voice)), [(0, 1), (2, 4), (7, 11), (12, 13), (17, 18)]);
        let bridged = rules.bridging(0.01).unwrap();
        assert_eq!(frames(&bridged.events(&voice)), [(0, 4), (7, 13), (17, 18)]);
        // Three hops of 10 ms are 0.030000000000000002 s apart, and bridged by 0.03.
        assert_eq!(frames(&rules.bridging(0.03).unwrap().events(&voice)), [(0, 13), (17, 18)]);
        assert_eq!(frames(&bridged.at_least(0.04).unwrap().events(&voice)), [(0, 4), (7, 13)]);
        assert_eq!(frames(&rules.at_least(0.02).unwrap().events(&voice)), [(2, 4), (7, 11)]);
        assert!(rules.events(&[]).is_empty());
    }

    #[test]
    fn nothing_starts_before_the_recording() {
        // The front end is centred: the first frame stands for half a hop before 0.
        let rules = EventRules::new(0.0, 0.01).unwrap();
        let event = rules.of_scores(&[0.5, 0.5, f32::NAN], 0.5)[0];
        assert_eq!(event.start_seconds, 0.0);
        assert!((event.end_seconds - 0.015).abs() < 1e-12);
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        let message = |rules: Result<EventRules, MetricsError>| rules.unwrap_err().to_string();
        let expected = "hop_seconds = 0: must be a finite number of seconds, above 0";
        assert_eq!(message(EventRules::new(0.0, 0.0)), expected);
        assert!(message(EventRules::new(f64::NAN, 0.01)).starts_with("first_seconds = NaN"));
        let rules = EventRules::new(0.0, 0.01).unwrap();
        assert!(message(rules.bridging(-0.1)).starts_with("gap_seconds = -0.1"));
        assert!(message(rules.at_least(f64::INFINITY)).starts_with("least_seconds = inf"));
    }

    proptest! {
        #[test]
        fn without_rules_events_are_the_frames(voice in proptest::collection::vec(proptest::bool::ANY, 0..60)) {
            let rules = EventRules::new(0.0125, 0.01).unwrap();
            let events = rules.events(&voice);
            for (frame, &voice) in voice.iter().enumerate() {
                let centre = rules.centre_seconds(frame);
                let inside = events.iter().any(|event| event.start_seconds < centre && centre < event.end_seconds);
                prop_assert_eq!(inside, voice);
            }
            let least = rules.bridging(0.03).unwrap().at_least(0.05).unwrap().events(&voice);
            for event in &least {
                prop_assert!(event.end_seconds - event.start_seconds > 0.05 - 1e-9);
            }
            for pair in least.windows(2) {
                prop_assert!(pair[1].start_seconds - pair[0].end_seconds > 0.03 + 1e-9);
            }
        }
    }
}
