//! Matching of detected events with reference events.

use serde::Serialize;

use super::{Event, TOLERANCE, check_events, check_seconds};
use crate::MetricsError;

/// Conditions under which a detected event matches a reference event.
///
/// Its start must be within the collar of the reference start, and its end within the collar of the reference end, or
/// within `end_fraction` of the reference duration if that is longer. Either condition can be disabled. Events are
/// matched one to one, with the largest possible number of pairs. Times are compared with a tolerance of one
/// microsecond.
///
/// # Units
/// s
///
/// # Example
/// ```
/// use stapes_metrics::{Event, EventMatcher};
///
/// let event = |start_seconds, end_seconds| Event { start_seconds, end_seconds };
/// let references = vec![event(0.5, 1.0), event(2.0, 2.5)];
/// let found = vec![event(0.6, 1.1), event(3.0, 3.5), event(4.0, 4.5)];
/// let scores = EventMatcher::default().scores(&[(references, found)])?;
/// assert_eq!((scores.matched, scores.precision, scores.recall), (1, Some(1.0 / 3.0), Some(0.5)));
/// assert_eq!(scores.f1, Some(0.4));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic sound event detection". Counts equal those of
/// `sed_eval.sound_event.EventBasedMetrics` of sed_eval 0.2.1 for one label, with its defaults `t_collar=0.2`,
/// `percentage_of_length=0.5` and `event_matching_type="optimal"`; the tolerance is our addition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventMatcher {
    /// Largest difference between starts and between ends.
    pub collar_seconds: f64,
    /// Largest difference between ends, as a fraction of the reference duration.
    pub end_fraction: f64,
    /// Enables the comparison of starts.
    pub compare_starts: bool,
    /// Enables the comparison of ends.
    pub compare_ends: bool,
}

impl Default for EventMatcher {
    /// A collar of 200 ms, half of the duration, starts and ends compared.
    fn default() -> EventMatcher {
        EventMatcher { collar_seconds: 0.2, end_fraction: 0.5, compare_starts: true, compare_ends: true }
    }
}

/// Scores of detected events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EventScores {
    /// Number of reference events.
    pub reference_events: u64,
    /// Number of detected events.
    pub detected_events: u64,
    /// Number of matched pairs.
    pub matched: u64,
    /// matched / detected. None without detected events.
    pub precision: Option<f64>,
    /// matched / reference. None without reference events.
    pub recall: Option<f64>,
    /// 2 matched / (reference + detected). None without any events.
    pub f1: Option<f64>,
}

impl EventMatcher {
    /// Scores the events of recordings, each a pair of reference events and detected events.
    ///
    /// # Errors
    /// [`MetricsError::Time`] for a negative collar, an event that starts before 0 or ends before its start, and times
    /// that are not finite; [`MetricsError::NotInUnitInterval`] for an `end_fraction` outside [0, 1].
    pub fn scores(&self, recordings: &[(Vec<Event>, Vec<Event>)]) -> Result<EventScores, MetricsError> {
        check_seconds("collar_seconds", self.collar_seconds, 0.0, "0 or more")?;
        if !(0.0..=1.0).contains(&self.end_fraction) {
            return Err(MetricsError::NotInUnitInterval {
                place: "end_fraction".to_string(),
                value: self.end_fraction,
            });
        }
        let (mut reference_events, mut detected_events, mut matched) = (0, 0, 0);
        for (recording, (references, found)) in recordings.iter().enumerate() {
            check_events(&format!("recordings[{recording}].references"), references)?;
            check_events(&format!("recordings[{recording}].detected"), found)?;
            reference_events += references.len() as u64;
            detected_events += found.len() as u64;
            matched += self.pairs(references, found);
        }
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        Ok(EventScores {
            reference_events,
            detected_events,
            matched,
            precision: ratio(matched, detected_events),
            recall: ratio(matched, reference_events),
            f1: ratio(2 * matched, reference_events + detected_events),
        })
    }

    fn matches(&self, reference: &Event, detected: &Event) -> bool {
        let length = reference.end_seconds - reference.start_seconds;
        let end_collar = self.collar_seconds.max(self.end_fraction * length);
        let near = |a: f64, b: f64, collar: f64| (a - b).abs() <= collar + TOLERANCE;
        (!self.compare_starts || near(reference.start_seconds, detected.start_seconds, self.collar_seconds))
            && (!self.compare_ends || near(reference.end_seconds, detected.end_seconds, end_collar))
    }

    /// Returns the largest possible number of pairs.
    fn pairs(&self, references: &[Event], found: &[Event]) -> u64 {
        let candidates: Vec<Vec<usize>> = references
            .iter()
            .map(|reference| {
                (0..found.len()).filter(|&index| self.matches(reference, &found[index])).collect()
            })
            .collect();
        let mut taken: Vec<Option<usize>> = vec![None; found.len()];
        let matched = (0..references.len()).filter(|&reference| {
            let mut seen = vec![false; found.len()];
            augment(reference, &candidates, &mut taken, &mut seen)
        });
        matched.count() as u64
    }
}

/// Finds a match for one more reference event, reassigning others where possible: Kuhn's augmenting paths.
///
/// The path is a list instead of a recursion, because it can be as long as the list of events.
fn augment(
    reference: usize,
    candidates: &[Vec<usize>],
    taken: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    // Reference events on the path, each with the number of candidates already tried.
    let mut path = vec![(reference, 0)];
    while let Some((reference, tried)) = path.last_mut() {
        let Some(&candidate) = candidates[*reference].get(*tried) else {
            path.pop();
            continue;
        };
        *tried += 1;
        if std::mem::replace(&mut seen[candidate], true) {
            continue;
        }
        match taken[candidate] {
            Some(other) => path.push((other, 0)),
            None => {
                for (reference, tried) in path {
                    taken[candidates[reference][tried - 1]] = Some(reference);
                }
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(times: &[(f64, f64)]) -> Vec<Event> {
        times.iter().map(|&(start_seconds, end_seconds)| Event { start_seconds, end_seconds }).collect()
    }

    fn matched(rule: EventMatcher, references: &[(f64, f64)], found: &[(f64, f64)]) -> u64 {
        rule.scores(&[(events(references), events(found))]).unwrap().matched
    }

    #[test]
    fn counts_match_sed_eval() {
        // sed_eval 0.2.1: EventBasedMetrics(["k"], t_collar=.25, ...).evaluate(references, found).overall["Ntp"].
        let references = [(0.5, 1.0), (1.05, 1.5), (2.0, 2.3), (4.0, 8.0), (9.0, 9.4)];
        let found = [(0.7, 1.2), (0.88, 1.33), (2.1, 2.9), (4.05, 6.3), (9.5, 9.9), (12.0, 13.0)];
        let rule = EventMatcher { collar_seconds: 0.25, ..EventMatcher::default() };
        assert_eq!(matched(rule, &references, &found), 3);
        assert_eq!(matched(EventMatcher { compare_ends: false, ..rule }, &references, &found), 4);
        assert_eq!(matched(EventMatcher { compare_starts: false, ..rule }, &references, &found), 3);
        assert_eq!(matched(EventMatcher { end_fraction: 0.0, ..rule }, &references, &found), 2);
        assert_eq!(matched(EventMatcher { collar_seconds: 0.15, ..rule }, &references, &found), 1);
        // evaluate_offset=False: the first reference matches both, the second only the first of them; greedy matching
        // finds 1.
        let rule = EventMatcher { compare_ends: false, ..rule };
        assert_eq!(matched(rule, &[(0.5, 0.8), (0.9, 1.3)], &[(0.7, 1.15), (0.3, 0.7)]), 2);
    }

    #[test]
    fn a_collar_tolerates_rounding_and_an_event_matches_one_reference() {
        let starts = EventMatcher { compare_ends: false, ..EventMatcher::default() };
        // 0.9 - 0.7 is 0.20000000000000007.
        assert_eq!(matched(starts, &[(0.7, 1.0)], &[(0.9, 1.0)]), 1);
        assert_eq!(matched(starts, &[(0.7, 1.0)], &[(0.9001, 1.0)]), 0);
        assert_eq!(matched(starts, &[(0.7, 1.0)], &[(0.7, 1.0), (0.71, 1.0)]), 1);
    }

    #[test]
    fn recordings_add_up_and_empty_ones_are_undefined() {
        let rule = EventMatcher::default();
        let one = (events(&[(0.0, 1.0)]), events(&[(0.0, 1.0)]));
        let other = (events(&[(0.0, 1.0), (2.0, 3.0)]), Vec::new());
        let scores = rule.scores(&[one, other]).unwrap();
        assert_eq!((scores.reference_events, scores.detected_events, scores.matched), (3, 1, 1));
        assert_eq!((scores.precision, scores.recall, scores.f1), (Some(1.0), Some(1.0 / 3.0), Some(0.5)));
        let none = rule.scores(&[]).unwrap();
        assert_eq!((none.precision, none.recall, none.f1), (None, None, None));
    }

    #[test]
    fn invalid_events_are_rejected() {
        let rule = EventMatcher::default();
        let message = |rule: EventMatcher, times: &[(f64, f64)]| {
            rule.scores(&[(events(times), Vec::new())]).unwrap_err().to_string()
        };
        assert_eq!(
            message(rule, &[(0.0, 1.0), (2.0, 1.0)]),
            "recordings[0].references[1].end_seconds = 1 is not a valid time; use a finite number of seconds, not before its start"
        );
        assert!(
            message(rule, &[(f64::NAN, 1.0)]).starts_with("recordings[0].references[0].start_seconds = NaN")
        );
        assert!(message(EventMatcher { collar_seconds: -1.0, ..rule }, &[]).starts_with("collar_seconds"));
        assert!(message(EventMatcher { end_fraction: 2.0, ..rule }, &[]).starts_with("end_fraction = 2"));
    }

    /// Largest number of pairs, by trying every match of every reference.
    fn largest_matching(rule: &EventMatcher, references: &[Event], found: &[Event], taken: u32) -> u64 {
        let Some((first, rest)) = references.split_first() else { return 0 };
        let without = largest_matching(rule, rest, found, taken);
        let with = (0..found.len())
            .filter(|&index| taken & (1 << index) == 0 && rule.matches(first, &found[index]))
            .map(|index| 1 + largest_matching(rule, rest, found, taken | 1 << index));
        with.fold(without, u64::max)
    }

    proptest! {
        #[test]
        fn no_other_pairing_makes_more_pairs(
            references in proptest::collection::vec((0u32..20, 1u32..4), 0..7),
            found in proptest::collection::vec((0u32..20, 1u32..4), 0..7),
            ends in proptest::bool::ANY,
        ) {
            let seconds = |times: &[(u32, u32)]| -> Vec<Event> {
                let event = |&(start, length): &(u32, u32)| Event {
                    start_seconds: f64::from(start) / 10.0,
                    end_seconds: f64::from(start + length) / 10.0,
                };
                times.iter().map(event).collect()
            };
            let (references, found) = (seconds(&references), seconds(&found));
            let rule = EventMatcher { compare_ends: ends, ..EventMatcher::default() };
            prop_assert_eq!(rule.pairs(&references, &found), largest_matching(&rule, &references, &found, 0));
        }
    }
}
