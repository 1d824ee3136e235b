//! Keyword detection in long recordings: misses, false accepts per hour, latency.

use serde::Serialize;
use stapes_files::number;

use super::matching::largest_matching;
use super::{Event, TOLERANCE, check_events, check_seconds};
use crate::{Estimate, MetricsError, poisson_interval, quantile, wilson};

/// Conditions under which a detection of a keyword matches a labeled segment: it is at the start of the segment or later, and at
/// most `tolerance_seconds` after its end.
///
/// Detections and segments are matched one to one, with the largest possible number of pairs; a segment prefers its earliest
/// detections. Times are compared with a tolerance of one microsecond.
///
/// # Units
/// s
///
/// # Example
/// ```
/// use stapes_metrics::{Event, KeywordCounts, KeywordMatcher};
///
/// let event = |start_seconds, end_seconds| Event { start_seconds, end_seconds };
/// let segments = [event(1.0, 1.5), event(8.0, 8.5)];
/// let detections = [1.7, 2.2, 5.0];
/// let matches = KeywordMatcher::default().matches(&segments, &detections)?;
/// assert_eq!(matches.detections, [Some(0), None]);
/// // The second detection repeats the first, and the third is far from every segment.
/// assert_eq!(matches.unmatched.iter().map(|one| one.is_repeated).collect::<Vec<_>>(), [true, false]);
///
/// let mut counts = KeywordCounts::default();
/// counts.add(&segments, &detections, &matches, 1800.0);
/// let scores = counts.scores();
/// assert_eq!((scores.misses, scores.false_accepts, scores.repeated_detections), (1, 1, 1));
/// assert_eq!(scores.false_accepts_per_hour.map(|rate| rate.value), Some(2.0));
/// assert!((scores.latency.unwrap().median_seconds - 0.2).abs() < 1e-9);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeywordMatcher {
    /// Longest time of a detection after the end of its segment.
    pub tolerance_seconds: f64,
}

impl Default for KeywordMatcher {
    /// Returns a tolerance of 1 s, that of the streaming wake word of MLPerf Tiny 1.3.
    fn default() -> KeywordMatcher {
        KeywordMatcher { tolerance_seconds: 1.0 }
    }
}

/// Matches of the detections of a keyword in a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeywordMatches {
    /// Index of the detection of each segment; None for a miss.
    pub detections: Vec<Option<usize>>,
    /// The other detections, in order of time: false accepts, and repeated detections.
    pub unmatched: Vec<UnmatchedDetection>,
}

/// Detection without a segment of its own: a false accept, unless it repeats the detection of a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnmatchedDetection {
    /// Index of the detection.
    pub detection: usize,
    /// True if it is within the times of a segment, which has another detection.
    pub is_repeated: bool,
}

impl KeywordMatcher {
    /// Matches the detections of a keyword, in order of time, with the labeled segments of a recording.
    ///
    /// # Errors
    /// [`MetricsError::Time`] for a negative tolerance, a segment with invalid times, and detections that are not in order.
    pub fn matches(&self, segments: &[Event], detections: &[f64]) -> Result<KeywordMatches, MetricsError> {
        check_seconds("tolerance_seconds", self.tolerance_seconds, 0.0, "0 or more")?;
        check_events("segments", segments)?;
        let mut last = 0.0;
        for (index, &seconds) in detections.iter().enumerate() {
            check_seconds(&format!("detections[{index}]"), seconds, last, "not before the previous one")?;
            last = seconds;
        }
        let range = |segment: &Event| {
            let end = segment.end_seconds + self.tolerance_seconds + TOLERANCE;
            let first = detections.partition_point(|&seconds| seconds < segment.start_seconds - TOLERANCE);
            first..detections.partition_point(|&seconds| seconds <= end).max(first)
        };
        let candidates: Vec<Vec<usize>> = segments.iter().map(|segment| range(segment).collect()).collect();
        let mut matches = KeywordMatches { detections: vec![None; segments.len()], unmatched: Vec::new() };
        let mut is_matched = vec![false; detections.len()];
        for (segment, detection) in largest_matching(&candidates, detections.len()) {
            matches.detections[segment] = Some(detection);
            is_matched[detection] = true;
        }
        let mut is_repeated = vec![false; detections.len()];
        candidates.into_iter().flatten().for_each(|detection| is_repeated[detection] = true);
        let unmatched = (0..detections.len()).filter(|&detection| !is_matched[detection]);
        matches.unmatched = unmatched
            .map(|detection| UnmatchedDetection { detection, is_repeated: is_repeated[detection] })
            .collect();
        Ok(matches)
    }
}

/// Counts of a keyword over recordings; those of several keywords can be added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeywordCounts {
    segments: u64,
    misses: u64,
    false_accepts: u64,
    repeated: u64,
    seconds: f64,
    latencies: Vec<f64>,
}

/// Misses, false accepts and latency of a keyword.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeywordScores {
    /// Number of labeled segments.
    pub segments: u64,
    /// Number of segments without a detection.
    pub misses: u64,
    /// misses / segments, with its 95 % Wilson interval. None without segments.
    pub miss_rate: Option<Estimate>,
    /// Number of detections outside of the times of all segments.
    pub false_accepts: u64,
    /// Number of further detections within the times of a segment. As in the streaming wake word of MLPerf Tiny, they are not
    /// false accepts; a longer refractory time avoids them.
    pub repeated_detections: u64,
    /// Duration of the recordings, h.
    pub hours: f64,
    /// False accepts per hour of all recordings, with the exact two-sided 95 % interval of [`poisson_interval`]. None without
    /// recordings.
    pub false_accepts_per_hour: Option<Estimate>,
    /// Times of the detections after the end of their segments; negative before the end. None without a detected segment.
    pub latency: Option<Latency>,
}

/// Latency of detections after the end of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Median.
    pub median_seconds: f64,
    /// 95th percentile.
    pub p95_seconds: f64,
}

impl KeywordCounts {
    /// Adds a recording of `seconds`: its labeled segments, its detections and their matches.
    ///
    /// # Panics
    /// If the matches are those of other detections or segments.
    pub fn add(&mut self, segments: &[Event], detections: &[f64], matches: &KeywordMatches, seconds: f64) {
        self.segments += segments.len() as u64;
        for (segment, detection) in segments.iter().zip(&matches.detections) {
            match detection {
                Some(index) => self.latencies.push(detections[*index] - segment.end_seconds),
                None => self.misses += 1,
            }
        }
        let repeated = matches.unmatched.iter().filter(|one| one.is_repeated).count();
        self.repeated += repeated as u64;
        self.false_accepts += (matches.unmatched.len() - repeated) as u64;
        self.seconds += seconds;
    }

    /// Adds the counts of another keyword in the same recordings.
    pub fn add_keyword(&mut self, other: &KeywordCounts) {
        self.segments += other.segments;
        self.misses += other.misses;
        self.false_accepts += other.false_accepts;
        self.repeated += other.repeated;
        self.seconds = self.seconds.max(other.seconds);
        self.latencies.extend(&other.latencies);
    }

    /// Returns the error rates at a threshold.
    pub fn operating_point(&self, threshold: f32) -> KeywordOperatingPoint {
        let scores = self.scores();
        KeywordOperatingPoint {
            threshold,
            miss_rate: scores.miss_rate.map(|rate| rate.value),
            false_accepts_per_hour: scores.false_accepts_per_hour.map_or(0.0, |rate| rate.value),
        }
    }

    /// Returns the scores.
    pub fn scores(&self) -> KeywordScores {
        let hours = self.seconds / 3600.0;
        let miss_rate = (self.segments > 0).then(|| Estimate {
            value: self.misses as f64 / self.segments as f64,
            interval: wilson(self.misses, self.segments),
        });
        let per_hour = (hours > 0.0).then(|| {
            let mut interval = poisson_interval(self.false_accepts);
            (interval.low, interval.high) = (interval.low / hours, interval.high / hours);
            Estimate { value: self.false_accepts as f64 / hours, interval }
        });
        let latency = quantile(&self.latencies, 0.5).zip(quantile(&self.latencies, 0.95));
        KeywordScores {
            segments: self.segments,
            misses: self.misses,
            miss_rate,
            false_accepts: self.false_accepts,
            repeated_detections: self.repeated,
            hours,
            false_accepts_per_hour: per_hour,
            latency: latency.map(|(median_seconds, p95_seconds)| Latency { median_seconds, p95_seconds }),
        }
    }
}

/// Threshold of a keyword detector with its error rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KeywordOperatingPoint {
    /// Lowest score that is a detection.
    #[serde(with = "number")]
    pub threshold: f32,
    /// Fraction of segments that are not detected. None without segments.
    pub miss_rate: Option<f64>,
    /// Number of false accepts per hour.
    pub false_accepts_per_hour: f64,
}

impl KeywordOperatingPoint {
    /// Returns the lowest threshold of a sweep, from the highest threshold to the lowest, up to which no threshold has more than
    /// `false_accepts_per_hour`; None if the highest threshold has more. Choose it on validation data.
    pub fn at_false_accepts(
        sweep: &[KeywordOperatingPoint],
        false_accepts_per_hour: f64,
    ) -> Option<KeywordOperatingPoint> {
        sweep
            .iter()
            .take_while(|point| point.false_accepts_per_hour <= false_accepts_per_hour)
            .last()
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(times: &[(f64, f64)]) -> Vec<Event> {
        times.iter().map(|&(start_seconds, end_seconds)| Event { start_seconds, end_seconds }).collect()
    }

    #[test]
    fn a_detection_belongs_to_a_segment_up_to_the_tolerance_after_its_end() {
        let matched = |seconds: f64| {
            let matcher = KeywordMatcher { tolerance_seconds: 0.5 };
            matcher.matches(&events(&[(1.0, 2.0)]), &[seconds]).unwrap().detections[0].is_some()
        };
        for (seconds, expected) in [(0.99, false), (1.0, true), (2.0, true), (2.5, true), (2.51, false)] {
            assert_eq!(matched(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn segments_and_detections_are_matched_one_to_one() {
        let matcher = KeywordMatcher::default();
        // The first detection fits both segments and the second only the second one.
        let matches = matcher.matches(&events(&[(1.0, 2.0), (2.5, 3.0)]), &[2.6, 3.5]).unwrap();
        assert_eq!((matches.detections, matches.unmatched.len()), (vec![Some(0), Some(1)], 0));
        // One detection for two segments, and two for one.
        let matches = matcher.matches(&events(&[(1.0, 2.0), (1.5, 2.0)]), &[2.1]).unwrap();
        assert_eq!(matches.detections, [Some(0), None]);
        let matches = matcher.matches(&events(&[(1.0, 2.0)]), &[0.1, 1.9, 2.9, 3.1]).unwrap();
        assert_eq!(matches.detections, [Some(1)]);
        let unmatched: Vec<_> =
            matches.unmatched.iter().map(|one| (one.detection, one.is_repeated)).collect();
        assert_eq!(unmatched, [(0, false), (2, true), (3, false)]);
    }

    #[test]
    fn recordings_and_keywords_add_up() {
        let matcher = KeywordMatcher::default();
        let mut yes = KeywordCounts::default();
        assert_eq!((yes.scores().miss_rate, yes.scores().false_accepts_per_hour), (None, None));
        for (segments, detections) in [(&[(0.0, 1.0), (5.0, 6.0)][..], &[1.25, 9.0][..]), (&[], &[])] {
            let segments = events(segments);
            let matches = matcher.matches(&segments, detections).unwrap();
            yes.add(&segments, detections, &matches, 3600.0);
        }
        let scores = yes.scores();
        assert_eq!((scores.segments, scores.misses, scores.false_accepts, scores.hours), (2, 1, 1, 2.0));
        let rate = scores.false_accepts_per_hour.unwrap();
        assert_eq!((rate.value, rate.interval.high), (0.5, poisson_interval(1).high / 2.0));
        assert_eq!(scores.latency, Some(Latency { median_seconds: 0.25, p95_seconds: 0.25 }));
        let mut both = yes.clone();
        both.add_keyword(&yes);
        let scores = both.scores();
        assert_eq!((scores.segments, scores.misses, scores.hours), (4, 2, 2.0));
        assert_eq!(scores.false_accepts_per_hour.unwrap().value, 1.0);
    }

    #[test]
    fn a_threshold_is_chosen_before_the_first_with_too_many_false_accepts() {
        let point = |threshold, false_accepts_per_hour| KeywordOperatingPoint {
            threshold,
            miss_rate: None,
            false_accepts_per_hour,
        };
        let sweep = [point(0.9, 0.0), point(0.7, 0.4), point(0.6, 0.6), point(0.5, 0.5)];
        let at = |rate| KeywordOperatingPoint::at_false_accepts(&sweep, rate).map(|point| point.threshold);
        assert_eq!([at(0.0), at(0.5), at(1.0)], [Some(0.9), Some(0.7), Some(0.5)]);
        assert_eq!(KeywordOperatingPoint::at_false_accepts(&sweep[2..], 0.5), None);
    }

    #[test]
    fn invalid_times_are_rejected() {
        let message = |tolerance_seconds: f64, times: &[(f64, f64)], detections: &[f64]| {
            KeywordMatcher { tolerance_seconds }.matches(&events(times), detections).unwrap_err().to_string()
        };
        assert!(message(-1.0, &[], &[]).starts_with("tolerance_seconds = -1"));
        assert!(message(1.0, &[(2.0, 1.0)], &[]).starts_with("segments[0].end_seconds = 1"));
        assert!(message(1.0, &[], &[2.0, 1.0]).starts_with("detections[1] = 1"));
        assert!(message(1.0, &[], &[f64::NAN]).starts_with("detections[0] = NaN"));
    }

    proptest! {
        #[test]
        fn every_segment_and_every_detection_is_counted_once(
            segments in proptest::collection::vec((0u8..60, 0u8..4), 0..8),
            detections in proptest::collection::btree_set(0u8..70, 0..12),
        ) {
            let segments: Vec<Event> = segments
                .iter()
                .map(|&(start, length)| Event {
                    start_seconds: f64::from(start),
                    end_seconds: f64::from(start + length),
                })
                .collect();
            let detections: Vec<f64> = detections.into_iter().map(f64::from).collect();
            let matches = KeywordMatcher::default().matches(&segments, &detections).unwrap();
            let matched: Vec<usize> = matches.detections.iter().flatten().copied().collect();
            prop_assert_eq!(matched.len() + matches.unmatched.len(), detections.len());
            for (segment, detection) in segments.iter().zip(&matches.detections) {
                let Some(at) = detection.map(|index| detections[index]) else { continue };
                prop_assert!(segment.start_seconds <= at && at <= segment.end_seconds + 1.0);
            }
        }
    }
}
