//! Keyword detection in a stream: misses and false accepts per hour.

use serde::Serialize;
use stapes_files::number;

use super::{Event, EventRules, TOLERANCE, check_events, check_seconds};
use crate::MetricsError;

/// A local maximum of the score of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peak {
    /// Time, s.
    pub seconds: f64,
    /// Score.
    #[serde(with = "number")]
    pub score: f32,
}

/// Peaks of a keyword's scores over audio of any length, with the error rates at each threshold.
///
/// A detection is a local maximum of the scores at a distance of at least `min_distance_seconds` from every higher
/// detection, so that one utterance gives one detection; with a threshold, only detections with at least that score
/// count. A keyword is found by any detection between its start and its end plus `max_delay_seconds`, at the highest of
/// their scores; the other detections in this range do not count. Every detection elsewhere is a false accept. One
/// sweep over the peaks therefore covers all thresholds.
///
/// # Units
/// s; false accepts per hour of audio
///
/// # Example
/// ```
/// use stapes_metrics::{Event, EventRules, KeywordPeaks};
///
/// let frames = EventRules::new(0.5, 1.0)?;
/// let mut peaks = KeywordPeaks::new(2.0, 1.0)?;
/// let spoken = [Event { start_seconds: 1.0, end_seconds: 2.0 }, Event { start_seconds: 8.0, end_seconds: 9.0 }];
/// peaks.add(&frames, &[0.1, 0.9, 0.3, 0.1, 0.1, 0.7, 0.2, 0.1, 0.6, 0.4, 0.2, 0.1], &spoken)?;
/// // Both keywords are found at thresholds up to 0.6; 5.5 s is a false accept at thresholds up to 0.7.
/// let sweep = peaks.sweep();
/// assert_eq!((sweep[0].threshold, sweep[0].miss_rate, sweep[0].false_accepts_per_hour), (0.9, 0.5, 0.0));
/// let at = peaks.at_miss_rate(0.0)?.unwrap();
/// assert_eq!((at.threshold, at.false_accepts_per_hour), (0.6, 3600.0 / 12.0));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KeywordPeaks {
    min_distance_seconds: f64,
    max_delay_seconds: f64,
    /// Highest score of the detections of each keyword, if there are any.
    keywords: Vec<Option<f32>>,
    /// Scores of the other detections.
    other_detections: Vec<f32>,
    seconds: f64,
}

/// A threshold of a keyword detector with its error rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KeywordOperatingPoint {
    /// Lowest score that counts.
    #[serde(with = "number")]
    pub threshold: f32,
    /// Fraction of keywords that are not found.
    pub miss_rate: f64,
    /// Number of false accepts per hour of audio.
    pub false_accepts_per_hour: f64,
}

impl KeywordPeaks {
    /// Creates an empty collection of peaks for the minimum distance between detections and the maximum delay after the
    /// end of a keyword.
    ///
    /// # Errors
    /// [`MetricsError::Time`] for a time that is negative or not finite.
    pub fn new(min_distance_seconds: f64, max_delay_seconds: f64) -> Result<KeywordPeaks, MetricsError> {
        check_seconds("min_distance_seconds", min_distance_seconds, 0.0, "0 or more")?;
        check_seconds("max_delay_seconds", max_delay_seconds, 0.0, "0 or more")?;
        let (keywords, other_detections) = (Vec::new(), Vec::new());
        Ok(KeywordPeaks { min_distance_seconds, max_delay_seconds, keywords, other_detections, seconds: 0.0 })
    }

    /// Adds a segment of audio: the score of the keyword at each frame, and the spoken keywords.
    ///
    /// The segment has the duration of its frames, T hops.
    ///
    /// # Shapes
    /// scores `[T]`
    ///
    /// # Errors
    /// [`MetricsError::Nan`] for a score that is NaN, [`MetricsError::Time`] for an event with invalid times.
    pub fn add(&mut self, frames: &EventRules, scores: &[f32], spoken: &[Event]) -> Result<(), MetricsError> {
        check_events("spoken", spoken)?;
        if let Some(frame) = scores.iter().position(|score| score.is_nan()) {
            return Err(MetricsError::Nan { place: format!("scores[{frame}]") });
        }
        let peaks = self.peaks(frames, scores);
        let inside = |peak: &Peak, event: &Event| {
            let end = event.end_seconds + self.max_delay_seconds;
            event.start_seconds - TOLERANCE <= peak.seconds && peak.seconds <= end + TOLERANCE
        };
        for event in spoken {
            let found = peaks.iter().filter(|peak| inside(peak, event)).map(|peak| peak.score);
            self.keywords.push(found.max_by(f32::total_cmp));
        }
        let other_detections = peaks.iter().filter(|peak| !spoken.iter().any(|event| inside(peak, event)));
        self.other_detections.extend(other_detections.map(|peak| peak.score));
        self.seconds += scores.len() as f64 * frames.hop_seconds;
        Ok(())
    }

    /// Returns the detections at the lowest threshold, in order of time: the highest frame, then the highest frame at a
    /// sufficient distance from it, and so on; the earliest of equal frames.
    fn peaks(&self, frames: &EventRules, scores: &[f32]) -> Vec<Peak> {
        // A detection is not lower than either of its neighbors.
        let mut order: Vec<usize> = (0..scores.len())
            .filter(|&frame| {
                let neighbors = [frame.checked_sub(1), Some(frame + 1)];
                let near = frames.hop_seconds < self.min_distance_seconds - TOLERANCE;
                let higher = |at: usize| scores.get(at).is_some_and(|&score| score > scores[frame]);
                !near || !neighbors.into_iter().flatten().any(higher)
            })
            .collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut kept = std::collections::BTreeMap::new();
        // Number of frames on either side that are too close.
        let reach =
            ((self.min_distance_seconds - TOLERANCE) / frames.hop_seconds).ceil().max(1.0) as usize - 1;
        for frame in order {
            let near = frame.saturating_sub(reach)..=frame.saturating_add(reach);
            if kept.range(near).next().is_none() {
                kept.insert(frame, scores[frame]);
            }
        }
        let peak = |(frame, score)| Peak { seconds: frames.center_seconds(frame), score };
        kept.into_iter().map(peak).collect()
    }

    /// Returns the error rates at every threshold at which one of them changes, from the highest to the lowest; empty
    /// without a keyword.
    pub fn sweep(&self) -> Vec<KeywordOperatingPoint> {
        if self.keywords.is_empty() {
            return Vec::new();
        }
        let found = self.keywords.iter().flatten().map(|&score| (score, true));
        let mut scores: Vec<(f32, bool)> =
            found.chain(self.other_detections.iter().map(|&score| (score, false))).collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut found, mut accepted) = (0, 0u64);
        let mut sweep = Vec::new();
        for equal in scores.chunk_by(|a, b| a.0 == b.0) {
            let keywords = equal.iter().filter(|(_, keyword)| *keyword).count();
            found += keywords;
            accepted += (equal.len() - keywords) as u64;
            sweep.push(KeywordOperatingPoint {
                threshold: equal[0].0,
                miss_rate: (self.keywords.len() - found) as f64 / self.keywords.len() as f64,
                false_accepts_per_hour: self.per_hour(accepted),
            });
        }
        sweep
    }

    /// Converts a count to a rate per hour; zero counts need no audio.
    fn per_hour(&self, accepted: u64) -> f64 {
        if accepted == 0 { 0.0 } else { accepted as f64 * 3600.0 / self.seconds }
    }

    /// Returns the highest threshold with a miss rate of at most `rate`; None if there is none. Choose it on validation
    /// data.
    ///
    /// # Errors
    /// [`MetricsError::NotInUnitInterval`] for a rate outside [0, 1].
    pub fn at_miss_rate(&self, rate: f64) -> Result<Option<KeywordOperatingPoint>, MetricsError> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(MetricsError::NotInUnitInterval { place: "miss rate".to_string(), value: rate });
        }
        Ok(self.sweep().into_iter().find(|point| point.miss_rate <= rate))
    }

    /// Returns the error rates at a threshold, for example on test data for a threshold that was chosen on validation
    /// data; None without a keyword.
    pub fn at_threshold(&self, threshold: f32) -> Option<KeywordOperatingPoint> {
        let keywords = self.keywords.len();
        let found = self.keywords.iter().flatten().filter(|score| **score >= threshold).count();
        let accepted = self.other_detections.iter().filter(|score| **score >= threshold).count();
        (keywords > 0).then(|| KeywordOperatingPoint {
            threshold,
            miss_rate: (keywords - found) as f64 / keywords as f64,
            false_accepts_per_hour: self.per_hour(accepted as u64),
        })
    }

    /// Duration of the added audio, s.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(start_seconds: f64, end_seconds: f64) -> Event {
        Event { start_seconds, end_seconds }
    }

    fn found(apart: f64, hop: f64, scores: &[f32]) -> Vec<(f64, f32)> {
        let frames = EventRules::new(0.0, hop).unwrap();
        let peaks = KeywordPeaks::new(apart, 0.0).unwrap().peaks(&frames, scores);
        peaks.iter().map(|peak| (peak.seconds, peak.score)).collect()
    }

    #[test]
    fn detections_are_apart_and_the_highest_stays() {
        let scores = [0.1, 0.5, 0.4, 0.9, 0.2, 0.6];
        assert_eq!(found(2.0, 1.0, &scores), [(1.0, 0.5), (3.0, 0.9), (5.0, 0.6)]);
        assert_eq!(found(3.0, 1.0, &scores), [(3.0, 0.9)]);
        // 0.5 is three seconds from 0.9.
        assert_eq!(found(3.0, 1.0, &[0.5, 0.4, 0.1, 0.9]), [(0.0, 0.5), (3.0, 0.9)]);
        assert_eq!(found(0.0, 1.0, &[0.5, 0.4]), [(0.0, 0.5), (1.0, 0.4)]);
        assert_eq!(found(2.0, 1.0, &[0.5, 0.5, 0.5]), [(0.0, 0.5), (2.0, 0.5)]);
        assert!(found(1.0, 1.0, &[]).is_empty());
    }

    #[test]
    fn streams_add_up_and_a_keyword_without_a_peak_is_missed_at_every_threshold() {
        let frames = EventRules::new(0.0, 1.0).unwrap();
        let mut peaks = KeywordPeaks::new(2.0, 0.0).unwrap();
        assert!(peaks.sweep().is_empty() && peaks.at_threshold(0.5).is_none());
        peaks.add(&frames, &[0.1, 0.8, 0.1, 0.1, 0.3, 0.1], &[event(0.5, 1.5)]).unwrap();
        peaks.add(&frames, &[0.9, 0.1, 0.4], &[event(1.0, 1.0), event(2.0, 3.0)]).unwrap();
        assert_eq!(peaks.seconds(), 9.0);
        let sweep: Vec<_> = peaks
            .sweep()
            .iter()
            .map(|at| (at.threshold, at.miss_rate, at.false_accepts_per_hour / 400.0))
            .collect();
        let third = 1.0 / 3.0;
        assert_eq!(sweep, [(0.9, 1.0, 1.0), (0.8, 2.0 * third, 1.0), (0.4, third, 1.0), (0.3, third, 2.0)]);
        assert_eq!(peaks.at_miss_rate(0.5).unwrap().unwrap().threshold, 0.4);
        assert_eq!(peaks.at_miss_rate(0.1).unwrap(), None);
        assert_eq!(peaks.at_threshold(0.85).unwrap().miss_rate, 1.0);
    }

    #[test]
    fn a_keyword_is_found_at_the_highest_of_its_peaks() {
        let frames = EventRules::new(0.0, 1.0).unwrap();
        let mut peaks = KeywordPeaks::new(2.0, 1.0).unwrap();
        peaks.add(&frames, &[0.1, 0.4, 0.1, 0.8, 0.1, 0.1], &[event(1.0, 2.0)]).unwrap();
        // 0.4 at 1 s and 0.8 at 3 s, one second after the end, are one keyword; no other frame is a peak.
        assert_eq!((peaks.keywords, peaks.other_detections), (vec![Some(0.8)], vec![0.1]));
    }

    #[test]
    fn invalid_inputs_are_rejected() {
        assert!(
            KeywordPeaks::new(-1.0, 0.0)
                .unwrap_err()
                .to_string()
                .starts_with("min_distance_seconds = -1 is not a valid time")
        );
        let frames = EventRules::new(0.0, 1.0).unwrap();
        let mut peaks = KeywordPeaks::new(1.0, 1.0).unwrap();
        let error = peaks.add(&frames, &[0.1, f32::NAN], &[]).unwrap_err().to_string();
        assert!(error.starts_with("scores[1] is NaN"), "{error}");
        let error = peaks.add(&frames, &[0.1], &[event(2.0, 1.0)]).unwrap_err().to_string();
        assert!(error.starts_with("spoken[0].end_seconds = 1"), "{error}");
        assert!(peaks.at_miss_rate(2.0).is_err());
    }

    proptest! {
        #[test]
        fn a_sweep_is_what_each_threshold_gives(
            scores in proptest::collection::vec(0u8..20, 1..60),
            spoken in proptest::collection::vec(0u8..60, 1..5),
            apart in 0u8..6,
        ) {
            let scores: Vec<f32> = scores.iter().map(|&score| f32::from(score)).collect();
            let spoken: Vec<Event> = spoken.iter().map(|&at| event(f64::from(at), f64::from(at) + 2.0)).collect();
            let frames = EventRules::new(0.5, 1.0).unwrap();
            let mut peaks = KeywordPeaks::new(f64::from(apart), 1.0).unwrap();
            peaks.add(&frames, &scores, &spoken).unwrap();
            let sweep = peaks.sweep();
            for pair in sweep.windows(2) {
                prop_assert!(pair[0].threshold > pair[1].threshold && pair[0].miss_rate >= pair[1].miss_rate);
                prop_assert!(pair[0].false_accepts_per_hour <= pair[1].false_accepts_per_hour);
            }
            for point in &sweep {
                prop_assert_eq!(peaks.at_threshold(point.threshold), Some(*point));
            }
            // Detections by a pass over all peaks in descending order.
            let higher = |a: usize, b: usize| scores.get(a).is_some_and(|&score| score > scores[b]);
            let mut order: Vec<usize> = (0..scores.len())
                .filter(|&at| apart < 2 || !(higher(at + 1, at) || at > 0 && higher(at - 1, at)))
                .collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            let mut reference: Vec<usize> = Vec::new();
            for at in order {
                if reference.iter().all(|other| other.abs_diff(at) >= usize::from(apart)) {
                    reference.push(at);
                }
            }
            reference.sort_unstable();
            let kept = peaks.peaks(&frames, &scores);
            let expected: Vec<f64> = reference.iter().map(|&at| frames.center_seconds(at)).collect();
            prop_assert_eq!(kept.iter().map(|peak| peak.seconds).collect::<Vec<_>>(), expected);
        }
    }
}
