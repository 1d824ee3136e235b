//! Speech segments against labeled segments: missed and false speech, and errors of the boundaries.

use serde::Serialize;

use super::{Event, check_events, check_seconds};
use crate::{MetricsError, median};

/// Times of missed and of false speech in recordings.
///
/// # Units
/// s
///
/// # Example
/// ```
/// use stapes_metrics::{Event, SpeechErrors};
///
/// let event = |start_seconds, end_seconds| Event { start_seconds, end_seconds };
/// let errors = SpeechErrors::new(&[event(0.0, 10.0)], &[event(1.0, 10.0), event(12.0, 13.0)], 20.0)?;
/// assert_eq!((errors.missed_seconds, errors.false_alarm_seconds), (1.0, 1.0));
/// assert_eq!(errors.detection_error_rate(), Some(0.2));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Equal to `DetectionErrorRate()` of pyannote.metrics 4.2, without a collar, over the whole recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SpeechErrors {
    /// Duration of the labeled speech.
    pub speech_seconds: f64,
    /// Duration of labeled speech that was not detected.
    pub missed_seconds: f64,
    /// Duration of detected speech that is not labeled.
    pub false_alarm_seconds: f64,
    /// Duration of the recordings.
    pub seconds: f64,
}

impl SpeechErrors {
    /// Compares the detected segments of a recording of `seconds` with the labeled ones. Segments may overlap; the part after
    /// the end of the recording does not count.
    ///
    /// # Errors
    /// [`MetricsError::Time`] for a segment with invalid times.
    pub fn new(labeled: &[Event], detected: &[Event], seconds: f64) -> Result<SpeechErrors, MetricsError> {
        check_seconds("seconds", seconds, 0.0, "0 or more")?;
        check_events("labeled", labeled)?;
        check_events("detected", detected)?;
        // Changes of the numbers of labeled and of detected segments.
        let changes = |events: &[Event], weights: [i64; 2]| {
            let times = events.iter().flat_map(|event| [(event.start_seconds, 1), (event.end_seconds, -1)]);
            let change = |(time, sign): (f64, i64)| (time.min(seconds), weights.map(|weight| sign * weight));
            times.map(change).collect::<Vec<_>>()
        };
        let mut all = [changes(labeled, [1, 0]), changes(detected, [0, 1])].concat();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut errors = SpeechErrors { seconds, ..SpeechErrors::default() };
        let (mut last, mut open) = (0.0, [0, 0]);
        for (time, change) in all {
            let duration = time - last;
            match open.map(|count| count > 0) {
                [true, is_detected] => {
                    errors.speech_seconds += duration;
                    errors.missed_seconds += if is_detected { 0.0 } else { duration };
                }
                [false, true] => errors.false_alarm_seconds += duration,
                [false, false] => {}
            }
            (last, open) = (time, [open[0] + change[0], open[1] + change[1]]);
        }
        Ok(errors)
    }

    /// Adds another recording.
    pub fn add(&mut self, other: &SpeechErrors) {
        self.speech_seconds += other.speech_seconds;
        self.missed_seconds += other.missed_seconds;
        self.false_alarm_seconds += other.false_alarm_seconds;
        self.seconds += other.seconds;
    }

    /// Returns (missed + false alarm) / labeled speech; None without labeled speech.
    pub fn detection_error_rate(&self) -> Option<f64> {
        let errors = self.missed_seconds + self.false_alarm_seconds;
        (self.speech_seconds > 0.0).then(|| errors / self.speech_seconds)
    }
}

/// Medians of the distances of the boundaries of matched segments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BoundaryErrors {
    /// Median distance of the starts.
    pub start_ms: f64,
    /// Median distance of the ends.
    pub end_ms: f64,
}

/// Returns the boundary errors of pairs of segments, such as those of [`EventMatcher::pairs`](crate::EventMatcher::pairs); None
/// without a pair.
pub fn boundary_errors(pairs: &[(Event, Event)]) -> Option<BoundaryErrors> {
    let distances = |time: fn(&Event) -> f64| -> Vec<f64> {
        pairs.iter().map(|(one, other)| 1000.0 * (time(one) - time(other)).abs()).collect()
    };
    let start_ms = median(&distances(|event| event.start_seconds))?;
    let end_ms = median(&distances(|event| event.end_seconds))?;
    Some(BoundaryErrors { start_ms, end_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(times: &[(f64, f64)]) -> Vec<Event> {
        times.iter().map(|&(start_seconds, end_seconds)| Event { start_seconds, end_seconds }).collect()
    }

    #[test]
    fn overlapping_segments_and_segments_beyond_the_end_count_once() {
        let errors =
            SpeechErrors::new(&events(&[(1.0, 3.0), (2.0, 4.0)]), &events(&[(3.5, 9.0), (4.0, 7.0)]), 6.0);
        let expected =
            SpeechErrors { speech_seconds: 3.0, missed_seconds: 2.5, false_alarm_seconds: 2.0, seconds: 6.0 };
        assert_eq!(errors.unwrap(), expected);
        let silent = SpeechErrors::new(&[], &events(&[(1.0, 2.0)]), 6.0).unwrap();
        assert_eq!((silent.false_alarm_seconds, silent.detection_error_rate()), (1.0, None));
        let mut both = expected;
        both.add(&silent);
        assert_eq!((both.detection_error_rate(), both.seconds), (Some(5.5 / 3.0), 12.0));
        assert!(SpeechErrors::new(&events(&[(2.0, 1.0)]), &[], 6.0).is_err());
    }

    #[test]
    fn errors_match_pyannote() {
        // pyannote.metrics 4.2.0: DetectionErrorRate()(labeled, detected, uem=Timeline([Segment(0, 15)]), detailed=True).
        let labeled = events(&[(0.5, 2.0), (3.0, 4.25), (6.0, 6.5), (9.0, 12.0)]);
        let detected = events(&[(0.25, 1.5), (1.75, 4.5), (7.0, 7.5), (8.5, 12.5)]);
        let errors = SpeechErrors::new(&labeled, &detected, 15.0).unwrap();
        let found = (errors.missed_seconds, errors.false_alarm_seconds, errors.speech_seconds);
        assert_eq!((found, errors.detection_error_rate()), ((0.75, 3.0, 6.25), Some(0.6)));
    }

    #[test]
    fn boundary_errors_are_medians_of_distances() {
        let pair = |start: f64, end: f64| (events(&[(1.0, 2.0)])[0], events(&[(1.0 + start, 2.0 + end)])[0]);
        let errors = boundary_errors(&[pair(0.5, 0.0), pair(-0.25, 0.25), pair(0.125, -0.75)]).unwrap();
        assert_eq!((errors.start_ms, errors.end_ms), (250.0, 250.0));
        assert_eq!(boundary_errors(&[]), None);
    }

    proptest! {
        #[test]
        fn errors_are_those_of_small_steps(
            labeled in proptest::collection::vec((0u8..40, 0u8..9), 0..6),
            detected in proptest::collection::vec((0u8..40, 0u8..9), 0..6),
        ) {
            let seconds = |times: &[(u8, u8)]| -> Vec<Event> {
                times.iter().map(|&(start, length)| Event {
                    start_seconds: f64::from(start),
                    end_seconds: f64::from(start + length),
                }).collect()
            };
            let (labeled, detected) = (seconds(&labeled), seconds(&detected));
            let inside = |events: &[Event], step: u32| {
                let center = f64::from(step) + 0.5;
                events.iter().any(|event| event.start_seconds < center && center < event.end_seconds)
            };
            let count = |rule: fn(bool, bool) -> bool| {
                (0..45).filter(|&step| rule(inside(&labeled, step), inside(&detected, step))).count() as f64
            };
            let errors = SpeechErrors::new(&labeled, &detected, 45.0).unwrap();
            prop_assert_eq!(errors.speech_seconds, count(|labeled, _| labeled));
            prop_assert_eq!(errors.missed_seconds, count(|labeled, detected| labeled && !detected));
            prop_assert_eq!(errors.false_alarm_seconds, count(|labeled, detected| !labeled && detected));
        }
    }
}
