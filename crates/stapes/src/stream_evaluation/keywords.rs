//! Detections of keywords against labeled segments, at one threshold and at all.

use rayon::prelude::*;
use stapes_data::{LabeledSegment, MAX_LENGTH_DIFFERENCE_SECONDS};
use stapes_metrics::{
    Event, KeywordCounts, KeywordMatcher, KeywordMatches, KeywordOperatingPoint, MetricsError,
};

use super::file_keywords::{FileKeywords, KeywordTime};

/// Number of thresholds of a sweep that are scores outside of the labeled segments, and of the others.
const THRESHOLDS: usize = 200;

/// Recording with the detections of keywords and the labeled segments of each keyword.
#[derive(Clone, Debug, PartialEq)]
pub struct KeywordRecording {
    /// Detections and scores.
    pub found: FileKeywords,
    /// Labeled segments of each keyword.
    pub segments: Vec<Vec<Event>>,
}

/// Kind of a detection error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeywordErrorKind {
    /// Labeled segment without a detection.
    Miss,
    /// Detection outside of the times of all labeled segments.
    FalseAccept,
    /// Detection within the times of a segment that has another detection; not a false accept.
    Repeated,
}

/// Miss or false accept in a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeywordError {
    /// Kind.
    pub kind: KeywordErrorKind,
    /// Index of the keyword.
    pub keyword: usize,
    /// Start: of the labeled segment, or of the window of the detection.
    pub start_seconds: f64,
    /// End.
    pub end_seconds: f64,
    /// Smoothed score of the detection; for a miss the highest score within the times of the segment, if it has one.
    pub score: Option<f32>,
}

impl KeywordRecording {
    /// Assigns the labeled segments to the keywords with these labels; segments with other labels are other sounds.
    ///
    /// # Errors
    /// A sentence about a segment that ends more than 0.3 s after the recording.
    pub fn new(
        found: FileKeywords,
        labels: &[&str],
        segments: &[LabeledSegment],
    ) -> Result<KeywordRecording, String> {
        let mut of_keywords = vec![Vec::new(); labels.len()];
        for segment in segments {
            let event = event(segment, found.seconds)?;
            if let Some(keyword) = labels.iter().position(|label| *label == segment.label) {
                of_keywords[keyword].push(event);
            }
        }
        Ok(KeywordRecording { found, segments: of_keywords })
    }

    fn detections(&self, keyword: usize) -> Vec<KeywordTime> {
        self.found.detections.iter().filter(|one| one.keyword == keyword).copied().collect()
    }

    /// Adds the detections of each keyword to its counts.
    fn count(&self, matcher: &KeywordMatcher, counts: &mut [KeywordCounts]) -> Result<(), MetricsError> {
        for (keyword, counts) in counts.iter_mut().enumerate() {
            let times: Vec<f64> = self.detections(keyword).iter().map(|one| one.seconds).collect();
            let matches = matcher.matches(&self.segments[keyword], &times)?;
            counts.add(&self.segments[keyword], &times, &matches, self.found.seconds);
        }
        Ok(())
    }

    /// Returns the misses and false accepts in the order of time; the windows have this duration.
    ///
    /// # Errors
    /// Those of [`KeywordMatcher::matches`].
    pub fn errors(
        &self,
        matcher: &KeywordMatcher,
        window_seconds: f64,
    ) -> Result<Vec<KeywordError>, MetricsError> {
        let mut errors = Vec::new();
        for (keyword, segments) in self.segments.iter().enumerate() {
            let detections = self.detections(keyword);
            let times: Vec<f64> = detections.iter().map(|one| one.seconds).collect();
            let KeywordMatches { detections: of_segments, unmatched } = matcher.matches(segments, &times)?;
            let missed = segments.iter().zip(of_segments).filter(|(_, detection)| detection.is_none());
            errors.extend(missed.map(|(segment, _)| KeywordError {
                kind: KeywordErrorKind::Miss,
                keyword,
                start_seconds: segment.start_seconds,
                end_seconds: segment.end_seconds,
                score: self.highest(keyword, segment, matcher.tolerance_seconds),
            }));
            errors.extend(unmatched.iter().map(|one| KeywordError {
                kind: if one.is_repeated {
                    KeywordErrorKind::Repeated
                } else {
                    KeywordErrorKind::FalseAccept
                },
                keyword,
                start_seconds: (times[one.detection] - window_seconds).max(0.0),
                end_seconds: times[one.detection].min(self.found.seconds),
                score: Some(detections[one.detection].score),
            }));
        }
        errors.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds));
        Ok(errors)
    }

    /// Returns the highest score of a keyword at the times that match a segment.
    fn highest(&self, keyword: usize, segment: &Event, tolerance_seconds: f64) -> Option<f32> {
        let FileKeywords { ends, scores, .. } = &self.found;
        let first = ends.partition_point(|end| *end < segment.start_seconds);
        let last = ends.partition_point(|end| *end <= segment.end_seconds + tolerance_seconds);
        scores[keyword].get(first..last)?.iter().copied().max_by(f32::total_cmp)
    }

    /// Returns the local maxima of the scores of a keyword, each with true if it is within the times of a labeled segment.
    fn peaks(&self, keyword: usize, tolerance_seconds: f64) -> Vec<(f32, bool)> {
        let scores = &self.found.scores[keyword];
        let is_peak = |at: &usize| {
            let neighbors = [at.checked_sub(1), Some(at + 1)];
            let higher = |neighbor: usize| scores.get(neighbor).is_some_and(|score| *score > scores[*at]);
            !neighbors.into_iter().flatten().any(higher)
        };
        let peak = |at: usize| {
            let inside = |segment: &Event| {
                let end = segment.end_seconds + tolerance_seconds;
                (segment.start_seconds..=end).contains(&self.found.ends[at])
            };
            (scores[at], self.segments[keyword].iter().any(inside))
        };
        (0..scores.len()).filter(is_peak).map(peak).collect()
    }
}

/// Returns a labeled segment of a recording of `seconds` as an event that ends with the recording or before.
pub(super) fn event(segment: &LabeledSegment, seconds: f64) -> Result<Event, String> {
    let LabeledSegment { start_seconds, end_seconds, label } = segment;
    let is_beyond = |time: f64| time > seconds + MAX_LENGTH_DIFFERENCE_SECONDS;
    if is_beyond(*start_seconds) || (end_seconds.is_finite() && is_beyond(*end_seconds)) {
        return Err(format!(
            "the segment {label:?} is labeled from {start_seconds} s to {end_seconds} s, but the recording has {seconds:.3} s; \
             correct its labels"
        ));
    }
    let start_seconds = start_seconds.min(seconds);
    Ok(Event { start_seconds, end_seconds: end_seconds.min(seconds) })
}

/// Counts the detections of each keyword over recordings.
///
/// # Errors
/// Those of [`KeywordMatcher::matches`].
pub fn count_keywords(
    recordings: &[KeywordRecording],
    keywords: usize,
    matcher: &KeywordMatcher,
) -> Result<Vec<KeywordCounts>, MetricsError> {
    let mut counts = vec![KeywordCounts::default(); keywords];
    recordings.iter().try_for_each(|recording| recording.count(matcher, &mut counts))?;
    Ok(counts)
}

/// Repeats the decisions for one keyword at many thresholds, from the highest to the lowest, and returns the error rates of each.
///
/// The thresholds are local maxima of the scores: the highest 200 of those outside of the labeled segments, where false accepts
/// change, and others spread over all. The other keywords have no influence.
///
/// # Errors
/// Those of [`KeywordMatcher::matches`].
pub fn keyword_sweep(
    recordings: &[KeywordRecording],
    keyword: usize,
    refractory_seconds: f64,
    matcher: &KeywordMatcher,
) -> Result<Vec<KeywordOperatingPoint>, MetricsError> {
    let peaks = recordings.iter().flat_map(|one| one.peaks(keyword, matcher.tolerance_seconds)).collect();
    thresholds(peaks)
        .into_par_iter()
        .map(|threshold| operating_point(recordings, keyword, threshold, refractory_seconds, matcher))
        .collect()
}

/// Repeats the decisions for one keyword at a threshold.
fn operating_point(
    recordings: &[KeywordRecording],
    keyword: usize,
    threshold: f32,
    refractory_seconds: f64,
    matcher: &KeywordMatcher,
) -> Result<KeywordOperatingPoint, MetricsError> {
    let mut counts = KeywordCounts::default();
    for KeywordRecording { found, segments } in recordings {
        let times = found.detections_at(keyword, threshold, refractory_seconds);
        let matches = matcher.matches(&segments[keyword], &times)?;
        counts.add(&segments[keyword], &times, &matches, found.seconds);
    }
    Ok(counts.operating_point(threshold))
}

/// Chooses the threshold of a keyword from its sweep: halfway between the lowest threshold before the false accepts per hour exceed
/// the target and the next lower one, if that has no more errors, so that scores of other recordings may be a little lower or higher.
/// None if all thresholds up to 1 have more false accepts.
///
/// # Errors
/// Those of [`KeywordMatcher::matches`].
pub fn choose_threshold(
    recordings: &[KeywordRecording],
    keyword: usize,
    refractory_seconds: f64,
    matcher: &KeywordMatcher,
    false_accepts_per_hour: f64,
) -> Result<Option<KeywordOperatingPoint>, MetricsError> {
    let sweep = keyword_sweep(recordings, keyword, refractory_seconds, matcher)?;
    let Some(point) = KeywordOperatingPoint::at_false_accepts(&sweep, false_accepts_per_hour) else {
        return Ok(None);
    };
    let next = sweep.iter().find(|next| next.threshold < point.threshold);
    let halfway = next.map_or(point.threshold, |next| (point.threshold + next.threshold) / 2.0);
    let between = operating_point(recordings, keyword, halfway, refractory_seconds, matcher)?;
    let is_as_good = between.false_accepts_per_hour <= false_accepts_per_hour
        && between.miss_rate.unwrap_or(0.0) <= point.miss_rate.unwrap_or(0.0);
    Ok(Some(if is_as_good { between } else { point }).filter(|point| point.threshold <= 1.0))
}

/// Returns thresholds in descending order from peaks, each with true if it is in a labeled segment.
fn thresholds(mut peaks: Vec<(f32, bool)>) -> Vec<f32> {
    peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
    let distinct = |of: &dyn Fn(&(f32, bool)) -> bool| -> Vec<f32> {
        let mut scores: Vec<f32> = peaks.iter().filter(|peak| of(peak)).map(|peak| peak.0).collect();
        scores.dedup();
        scores
    };
    let (all, outside) = (distinct(&|_| true), distinct(&|peak| !peak.1));
    let spread = all.iter().step_by(all.len().div_ceil(THRESHOLDS).max(1)).chain(all.last());
    let mut thresholds: Vec<f32> = outside.iter().take(THRESHOLDS).chain(spread).copied().collect();
    // Above every score, nothing is detected.
    thresholds.extend(all.first().map(|highest| highest.next_up()));
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    thresholds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recording of an hour with scores every 10 s, and a segment at 100 s.
    fn recording(scores: &[(usize, f32)]) -> KeywordRecording {
        let mut all = vec![0.0; 360];
        scores.iter().for_each(|(at, score)| all[*at] = *score);
        let found = FileKeywords {
            ends: (0..360).map(|at| 10.0 * f64::from(at)).collect(),
            scores: vec![all],
            hop_seconds: 10.0,
            seconds: 3600.0,
            ..FileKeywords::default()
        };
        let segments = vec![vec![Event { start_seconds: 99.5, end_seconds: 100.0 }]];
        KeywordRecording { found, segments }
    }

    #[test]
    fn a_sweep_has_the_rates_at_each_peak() {
        let recordings = [recording(&[(10, 0.8), (50, 0.9), (90, 0.4)])];
        let sweep = keyword_sweep(&recordings, 0, 1.0, &KeywordMatcher::default()).unwrap();
        let rates: Vec<_> =
            sweep.iter().map(|at| (at.threshold, at.miss_rate, at.false_accepts_per_hour)).collect();
        let expected = [
            (0.9f32.next_up(), Some(1.0), 0.0),
            (0.9, Some(1.0), 1.0),
            (0.8, Some(0.0), 1.0),
            (0.4, Some(0.0), 2.0),
        ];
        assert_eq!(rates[..4], expected);
        // Every window is a detection.
        assert_eq!(sweep.last().map(|at| (at.threshold, at.false_accepts_per_hour)), Some((0.0, 359.0)));
    }

    #[test]
    fn a_threshold_is_halfway_to_the_next_one_if_the_errors_are_the_same() {
        let recordings = [recording(&[(10, 0.8), (50, 0.9), (90, 0.4)])];
        let chosen = |target: f64| {
            let matcher = KeywordMatcher::default();
            let point = choose_threshold(&recordings, 0, 1.0, &matcher, target).unwrap().unwrap();
            (point.threshold, point.miss_rate, point.false_accepts_per_hour)
        };
        assert_eq!(chosen(1.0), (0.6, Some(0.0), 1.0));
        // Between 0.9 and the number above it there is none.
        assert_eq!(chosen(0.5), (0.9f32.next_up(), Some(1.0), 0.0));
        let sure = [recording(&[(50, 1.0)])];
        assert_eq!(choose_threshold(&sure, 0, 1.0, &KeywordMatcher::default(), 0.0).unwrap(), None);
    }

    #[test]
    fn errors_have_their_kinds_and_scores() {
        let mut recording = recording(&[(10, 0.3), (50, 0.9)]);
        recording.found.detections = vec![KeywordTime { keyword: 0, seconds: 500.0, score: 0.9 }];
        let errors = recording.errors(&KeywordMatcher::default(), 1.0).unwrap();
        let expected = [
            (KeywordErrorKind::Miss, 99.5, 100.0, Some(0.3)),
            (KeywordErrorKind::FalseAccept, 499.0, 500.0, Some(0.9)),
        ];
        let found: Vec<_> =
            errors.iter().map(|one| (one.kind, one.start_seconds, one.end_seconds, one.score)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn labels_that_end_after_the_recording_are_rejected() {
        let segment = |end_seconds| LabeledSegment { start_seconds: 9.0, end_seconds, label: "yes".into() };
        let found = || FileKeywords { seconds: 10.0, scores: vec![Vec::new()], ..FileKeywords::default() };
        for end_seconds in [10.0, 10.3, f64::INFINITY] {
            let recording = KeywordRecording::new(found(), &["yes"], &[segment(end_seconds)]).unwrap();
            assert_eq!(recording.segments[0][0].end_seconds, 10.0);
        }
        let other = KeywordRecording::new(found(), &["no"], &[segment(10.0)]).unwrap();
        assert!(other.segments[0].is_empty());
        let fault = KeywordRecording::new(found(), &["no"], &[segment(10.4)]).unwrap_err();
        assert!(fault.contains("\"yes\"") && fault.contains("10.000 s"), "{fault}");
    }
}
