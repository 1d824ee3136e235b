//! Matching of detected events with reference events.

use serde::Serialize;

use super::{Event, TOLERANCE, check_events, check_seconds};
use crate::MetricsError;

/// Conditions under which a detected event matches a reference event: both its start and its end are within the collar of those
/// of the reference event.
///
/// Events are matched one to one, with the largest possible number of pairs. Times are compared with a tolerance of one
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
/// let matcher = EventMatcher { collar_seconds: 0.2 };
/// assert_eq!(matcher.pairs(&references, &found)?, [(0, 0)]);
/// let scores = matcher.scores(&[(references, found)])?;
/// assert_eq!((scores.matched, scores.precision, scores.recall), (1, Some(1.0 / 3.0), Some(0.5)));
/// assert_eq!(scores.f1, Some(0.4));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic sound event detection". Counts equal those of
/// `sed_eval.sound_event.EventBasedMetrics` of sed_eval 0.2.1 for one label, with `percentage_of_length=0` and
/// `event_matching_type="optimal"`; the tolerance is our addition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventMatcher {
    /// Largest difference between starts and between ends.
    pub collar_seconds: f64,
}

impl Default for EventMatcher {
    /// Returns a collar of 200 ms, that of sed_eval.
    fn default() -> EventMatcher {
        EventMatcher { collar_seconds: 0.2 }
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
    /// Those of [`EventMatcher::pairs`].
    pub fn scores(&self, recordings: &[(Vec<Event>, Vec<Event>)]) -> Result<EventScores, MetricsError> {
        let (mut reference_events, mut detected_events, mut matched) = (0, 0, 0);
        for (references, found) in recordings {
            reference_events += references.len() as u64;
            detected_events += found.len() as u64;
            matched += self.pairs(references, found)?.len() as u64;
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

    /// Returns the largest possible number of pairs of a reference event and a detected event of a recording, by their indices.
    ///
    /// # Errors
    /// [`MetricsError::Time`] for a negative collar, an event that starts before 0 or ends before its start, and times
    /// that are not finite.
    pub fn pairs(
        &self,
        references: &[Event],
        detected: &[Event],
    ) -> Result<Vec<(usize, usize)>, MetricsError> {
        check_seconds("collar_seconds", self.collar_seconds, 0.0, "0 or more")?;
        check_events("references", references)?;
        check_events("detected", detected)?;
        let candidates = references.iter().map(|reference| {
            (0..detected.len()).filter(|&index| self.matches(reference, &detected[index])).collect()
        });
        Ok(largest_matching(&candidates.collect::<Vec<_>>(), detected.len()))
    }

    fn matches(&self, reference: &Event, detected: &Event) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= self.collar_seconds + TOLERANCE;
        near(reference.start_seconds, detected.start_seconds)
            && near(reference.end_seconds, detected.end_seconds)
    }
}

/// Returns the largest possible number of pairs of a reference and one of its `candidates`, which are indices below `detected`,
/// each used once. References come in order, and each prefers its first candidates.
pub(super) fn largest_matching(candidates: &[Vec<usize>], detected: usize) -> Vec<(usize, usize)> {
    let mut taken: Vec<Option<usize>> = vec![None; detected];
    let mut seen = vec![usize::MAX; detected];
    for reference in 0..candidates.len() {
        augment(reference, candidates, &mut taken, &mut seen);
    }
    let pair = |(index, reference): (usize, Option<usize>)| Some((reference?, index));
    let mut pairs: Vec<(usize, usize)> = taken.into_iter().enumerate().filter_map(pair).collect();
    pairs.sort_unstable();
    pairs
}

/// Finds a match for one more reference event, reassigning others where possible: Kuhn's augmenting paths. `seen` has the last
/// reference event for which each candidate was tried.
///
/// The path is a list instead of a recursion, because it can be as long as the list of events.
fn augment(first: usize, candidates: &[Vec<usize>], taken: &mut [Option<usize>], seen: &mut [usize]) {
    // Reference events on the path, each with the number of candidates already tried.
    let mut path = vec![(first, 0)];
    while let Some((reference, tried)) = path.last_mut() {
        let Some(&candidate) = candidates[*reference].get(*tried) else {
            path.pop();
            continue;
        };
        *tried += 1;
        if std::mem::replace(&mut seen[candidate], first) == first {
            continue;
        }
        match taken[candidate] {
            Some(other) => path.push((other, 0)),
            None => {
                for (reference, tried) in path {
                    taken[candidates[reference][tried - 1]] = Some(reference);
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(times: &[(f64, f64)]) -> Vec<Event> {
        times.iter().map(|&(start_seconds, end_seconds)| Event { start_seconds, end_seconds }).collect()
    }

    fn matched(collar_seconds: f64, references: &[(f64, f64)], found: &[(f64, f64)]) -> u64 {
        EventMatcher { collar_seconds }.scores(&[(events(references), events(found))]).unwrap().matched
    }

    #[test]
    fn counts_match_sed_eval() {
        // sed_eval 0.2.1: EventBasedMetrics(["k"], t_collar=.25, percentage_of_length=0).overall["Ntp"].
        let references = [(0.5, 1.0), (1.05, 1.5), (2.0, 2.3), (4.0, 8.0), (9.0, 9.4)];
        let found = [(0.7, 1.2), (0.88, 1.33), (2.1, 2.9), (4.05, 6.3), (9.5, 9.9), (12.0, 13.0)];
        assert_eq!(matched(0.25, &references, &found), 2);
    }

    #[test]
    fn a_collar_tolerates_rounding_and_an_event_matches_one_reference() {
        // 0.9 - 0.7 is 0.20000000000000007.
        assert_eq!(matched(0.2, &[(0.7, 1.0)], &[(0.9, 1.0)]), 1);
        assert_eq!(matched(0.2, &[(0.7, 1.0)], &[(0.9001, 1.0)]), 0);
        assert_eq!(matched(0.2, &[(0.7, 1.0)], &[(0.7, 1.2001)]), 0);
        assert_eq!(matched(0.2, &[(0.7, 1.0)], &[(0.7, 1.0), (0.71, 1.0)]), 1);
        // The first reference matches both, the second only the first of them; greedy matching finds 1.
        assert_eq!(matched(0.25, &[(0.5, 0.8), (0.9, 1.0)], &[(0.7, 0.9), (0.3, 0.7)]), 2);
    }

    #[test]
    fn recordings_add_up_and_empty_ones_are_undefined() {
        let matcher = EventMatcher::default();
        let one = (events(&[(0.0, 1.0)]), events(&[(0.0, 1.0)]));
        let other = (events(&[(0.0, 1.0), (2.0, 3.0)]), Vec::new());
        let scores = matcher.scores(&[one, other]).unwrap();
        assert_eq!((scores.reference_events, scores.detected_events, scores.matched), (3, 1, 1));
        assert_eq!((scores.precision, scores.recall, scores.f1), (Some(1.0), Some(1.0 / 3.0), Some(0.5)));
        let none = matcher.scores(&[]).unwrap();
        assert_eq!((none.precision, none.recall, none.f1), (None, None, None));
    }

    #[test]
    fn invalid_events_are_rejected() {
        let message = |collar_seconds: f64, times: &[(f64, f64)]| {
            EventMatcher { collar_seconds }.pairs(&events(times), &[]).unwrap_err().to_string()
        };
        assert_eq!(
            message(0.2, &[(0.0, 1.0), (2.0, 1.0)]),
            "references[1].end_seconds = 1 is not a valid time; use a finite number of seconds, not before its start"
        );
        assert!(message(0.2, &[(f64::NAN, 1.0)]).starts_with("references[0].start_seconds = NaN"));
        assert!(message(-1.0, &[]).starts_with("collar_seconds"));
    }

    /// Largest number of pairs, by trying every match of every reference.
    fn largest(candidates: &[Vec<usize>], taken: u32) -> usize {
        let Some((first, rest)) = candidates.split_first() else { return 0 };
        let free = first.iter().filter(|&&index| taken & (1 << index) == 0);
        free.map(|index| 1 + largest(rest, taken | 1 << index)).fold(largest(rest, taken), usize::max)
    }

    proptest! {
        #[test]
        fn no_other_pairing_makes_more_pairs(
            candidates in proptest::collection::vec(proptest::collection::btree_set(0usize..7, 0..4), 0..7),
        ) {
            let candidates: Vec<Vec<usize>> =
                candidates.into_iter().map(|candidates| candidates.into_iter().collect()).collect();
            let pairs = largest_matching(&candidates, 7);
            prop_assert_eq!(pairs.len(), largest(&candidates, 0));
            let distinct: std::collections::BTreeSet<usize> = pairs.iter().map(|pair| pair.1).collect();
            prop_assert_eq!(distinct.len(), pairs.len());
            prop_assert!(pairs.iter().all(|(reference, index)| candidates[*reference].contains(index)));
        }
    }
}
