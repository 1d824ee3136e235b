//! Events that were found against those that are there.

use serde::Serialize;

use super::{Event, SLACK, check_events, check_seconds};
use crate::MetricsError;

/// When an event that was found is one that is there.
///
/// Its start must lie within the collar of the true start, and its end within the collar of the true end, or within
/// `end_share` of the true length where that is longer. Each of both conditions can be left out. Events are paired one
/// to one, in a way that makes the most pairs. Times are compared with a slack of a microsecond.
///
/// # Units
/// s
///
/// # Example
/// ```
/// use stapes_metrics::{Event, EventMatch};
///
/// let event = |start_seconds, end_seconds| Event { start_seconds, end_seconds };
/// let truths = vec![event(0.5, 1.0), event(2.0, 2.5)];
/// let found = vec![event(0.6, 1.1), event(3.0, 3.5), event(4.0, 4.5)];
/// let scores = EventMatch::default().scores(&[(truths, found)])?;
/// assert_eq!((scores.matched, scores.precision, scores.recall), (1, Some(1.0 / 3.0), Some(0.5)));
/// assert_eq!(scores.f1, Some(0.4));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic sound event detection". Counts equal those of
/// `sed_eval.sound_event.EventBasedMetrics` of sed_eval 0.2.1 for one label, with its defaults `t_collar=0.2`,
/// `percentage_of_length=0.5` and `event_matching_type="optimal"`; the slack is ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventMatch {
    /// How far starts and ends may be off.
    pub collar_seconds: f64,
    /// The part of the true length that ends may be off.
    pub end_share: f64,
    /// Whether starts are compared.
    pub starts: bool,
    /// Whether ends are compared.
    pub ends: bool,
}

impl Default for EventMatch {
    /// 200 ms, half the length, both starts and ends.
    fn default() -> EventMatch {
        EventMatch { collar_seconds: 0.2, end_share: 0.5, starts: true, ends: true }
    }
}

/// How well events were found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EventScores {
    /// Events that are there.
    pub true_events: u64,
    /// Events that were found.
    pub found_events: u64,
    /// Pairs of both.
    pub matched: u64,
    /// matched / found. None where nothing was found.
    pub precision: Option<f64>,
    /// matched / true. None where there is nothing.
    pub recall: Option<f64>,
    /// 2 matched / (true + found). None where both are none.
    pub f1: Option<f64>,
}

impl EventMatch {
    /// The scores over all events of recordings, each with its true events and those that were found.
    ///
    /// # Errors
    /// [`MetricsError::Seconds`] for a collar below 0, an event that starts before 0 or ends before it starts, and times
    /// that are not finite; [`MetricsError::NotAShare`] for an `end_share` outside [0, 1].
    pub fn scores(&self, recordings: &[(Vec<Event>, Vec<Event>)]) -> Result<EventScores, MetricsError> {
        check_seconds("collar_seconds", self.collar_seconds, 0.0, "0 or more")?;
        if !(0.0..=1.0).contains(&self.end_share) {
            return Err(MetricsError::NotAShare { place: "end_share".to_string(), value: self.end_share });
        }
        let (mut true_events, mut found_events, mut matched) = (0, 0, 0);
        for (recording, (truths, found)) in recordings.iter().enumerate() {
            check_events(&format!("recordings[{recording}].truths"), truths)?;
            check_events(&format!("recordings[{recording}].found"), found)?;
            true_events += truths.len() as u64;
            found_events += found.len() as u64;
            matched += self.pairs(truths, found);
        }
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        Ok(EventScores {
            true_events,
            found_events,
            matched,
            precision: ratio(matched, found_events),
            recall: ratio(matched, true_events),
            f1: ratio(2 * matched, true_events + found_events),
        })
    }

    fn fits(&self, truth: &Event, found: &Event) -> bool {
        let length = truth.end_seconds - truth.start_seconds;
        let end_collar = self.collar_seconds.max(self.end_share * length);
        let near = |a: f64, b: f64, collar: f64| (a - b).abs() <= collar + SLACK;
        (!self.starts || near(truth.start_seconds, found.start_seconds, self.collar_seconds))
            && (!self.ends || near(truth.end_seconds, found.end_seconds, end_collar))
    }

    /// The most pairs that can be made.
    fn pairs(&self, truths: &[Event], found: &[Event]) -> u64 {
        let partners: Vec<Vec<usize>> = truths
            .iter()
            .map(|truth| (0..found.len()).filter(|&index| self.fits(truth, &found[index])).collect())
            .collect();
        let mut taken: Vec<Option<usize>> = vec![None; found.len()];
        let matched = (0..truths.len()).filter(|&truth| {
            let mut seen = vec![false; found.len()];
            augment(truth, &partners, &mut taken, &mut seen)
        });
        matched.count() as u64
    }
}

/// Finds a partner for one more truth, moving others to another partner where they have one: Kuhn's augmenting paths.
///
/// The stack of paths stands in a list and not in calls, as a path may be as long as there are events.
fn augment(truth: usize, partners: &[Vec<usize>], taken: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    // Truths on the path, each with the number of partners that were tried.
    let mut path = vec![(truth, 0)];
    while let Some((truth, tried)) = path.last_mut() {
        let Some(&partner) = partners[*truth].get(*tried) else {
            path.pop();
            continue;
        };
        *tried += 1;
        if std::mem::replace(&mut seen[partner], true) {
            continue;
        }
        match taken[partner] {
            Some(other) => path.push((other, 0)),
            None => {
                for (truth, tried) in path {
                    taken[partners[truth][tried - 1]] = Some(truth);
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

    fn matched(rule: EventMatch, truths: &[(f64, f64)], found: &[(f64, f64)]) -> u64 {
        rule.scores(&[(events(truths), events(found))]).unwrap().matched
    }

    #[test]
    fn counts_match_sed_eval() {
        // sed_eval 0.2.1: EventBasedMetrics(["k"], t_collar=.25, ...).evaluate(truths, found).overall["Ntp"].
        let truths = [(0.5, 1.0), (1.05, 1.5), (2.0, 2.3), (4.0, 8.0), (9.0, 9.4)];
        let found = [(0.7, 1.2), (0.88, 1.33), (2.1, 2.9), (4.05, 6.3), (9.5, 9.9), (12.0, 13.0)];
        let rule = EventMatch { collar_seconds: 0.25, ..EventMatch::default() };
        assert_eq!(matched(rule, &truths, &found), 3);
        assert_eq!(matched(EventMatch { ends: false, ..rule }, &truths, &found), 4);
        assert_eq!(matched(EventMatch { starts: false, ..rule }, &truths, &found), 3);
        assert_eq!(matched(EventMatch { end_share: 0.0, ..rule }, &truths, &found), 2);
        assert_eq!(matched(EventMatch { collar_seconds: 0.15, ..rule }, &truths, &found), 1);
        // evaluate_offset=False: the first truth fits both, the second only the first of them; a greedy pairing finds 1.
        let rule = EventMatch { ends: false, ..rule };
        assert_eq!(matched(rule, &[(0.5, 0.8), (0.9, 1.3)], &[(0.7, 1.15), (0.3, 0.7)]), 2);
    }

    #[test]
    fn a_collar_holds_its_decimals_and_one_event_one_truth() {
        let starts = EventMatch { ends: false, ..EventMatch::default() };
        // 0.9 - 0.7 is 0.20000000000000007.
        assert_eq!(matched(starts, &[(0.7, 1.0)], &[(0.9, 1.0)]), 1);
        assert_eq!(matched(starts, &[(0.7, 1.0)], &[(0.9001, 1.0)]), 0);
        assert_eq!(matched(starts, &[(0.7, 1.0)], &[(0.7, 1.0), (0.71, 1.0)]), 1);
    }

    #[test]
    fn recordings_add_up_and_nothing_is_undefined() {
        let rule = EventMatch::default();
        let one = (events(&[(0.0, 1.0)]), events(&[(0.0, 1.0)]));
        let other = (events(&[(0.0, 1.0), (2.0, 3.0)]), Vec::new());
        let scores = rule.scores(&[one, other]).unwrap();
        assert_eq!((scores.true_events, scores.found_events, scores.matched), (3, 1, 1));
        assert_eq!((scores.precision, scores.recall, scores.f1), (Some(1.0), Some(1.0 / 3.0), Some(0.5)));
        let none = rule.scores(&[]).unwrap();
        assert_eq!((none.precision, none.recall, none.f1), (None, None, None));
    }

    #[test]
    fn events_that_cannot_be_are_named() {
        let rule = EventMatch::default();
        let message = |rule: EventMatch, times: &[(f64, f64)]| {
            rule.scores(&[(events(times), Vec::new())]).unwrap_err().to_string()
        };
        assert_eq!(
            message(rule, &[(0.0, 1.0), (2.0, 1.0)]),
            "recordings[0].truths[1].end_seconds = 1: must be a finite number of seconds, not before its start"
        );
        assert!(message(rule, &[(f64::NAN, 1.0)]).starts_with("recordings[0].truths[0].start_seconds = NaN"));
        assert!(message(EventMatch { collar_seconds: -1.0, ..rule }, &[]).starts_with("collar_seconds"));
        assert!(message(EventMatch { end_share: 2.0, ..rule }, &[]).starts_with("end_share = 2"));
    }

    /// The most pairs, by trying every partner of every truth.
    fn most(rule: &EventMatch, truths: &[Event], found: &[Event], taken: u32) -> u64 {
        let Some((first, rest)) = truths.split_first() else { return 0 };
        let without = most(rule, rest, found, taken);
        let with = (0..found.len())
            .filter(|&index| taken & (1 << index) == 0 && rule.fits(first, &found[index]))
            .map(|index| 1 + most(rule, rest, found, taken | 1 << index));
        with.fold(without, u64::max)
    }

    proptest! {
        #[test]
        fn no_other_pairing_makes_more_pairs(
            truths in proptest::collection::vec((0u32..20, 1u32..4), 0..7),
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
            let (truths, found) = (seconds(&truths), seconds(&found));
            let rule = EventMatch { ends, ..EventMatch::default() };
            prop_assert_eq!(rule.pairs(&truths, &found), most(&rule, &truths, &found, 0));
        }
    }
}
