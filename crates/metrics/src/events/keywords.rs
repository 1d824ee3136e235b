//! Keywords in a stream: how many are missed, and how often one is heard that was not said.

use serde::Serialize;
use stapes_files::number;

use super::{Event, EventRules, SLACK, check_events, check_seconds};
use crate::MetricsError;

/// A moment at which the score of a keyword is highest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peak {
    /// When, s.
    pub seconds: f64,
    /// The score there.
    #[serde(with = "number")]
    pub score: f32,
}

/// The peaks of a keyword's scores over any length of audio, and what they are worth at each threshold.
///
/// A detection is a local peak of the scores that is `apart_seconds` or more from every higher detection, so that one
/// utterance is heard once; with a threshold, those of at least that score. A keyword is found by any detection between its start and its
/// end plus `late_seconds`, at the highest of their scores, and the others there are not counted. Every detection
/// elsewhere is a false accept. So one sweep over the peaks gives all thresholds.
///
/// # Units
/// s; false accepts an hour of all the audio
///
/// # Example
/// ```
/// use stapes_metrics::{Event, EventRules, KeywordPeaks};
///
/// let frames = EventRules::new(0.5, 1.0)?;
/// let mut peaks = KeywordPeaks::new(2.0, 1.0)?;
/// let said = [Event { start_seconds: 1.0, end_seconds: 2.0 }, Event { start_seconds: 8.0, end_seconds: 9.0 }];
/// peaks.add(&frames, &[0.1, 0.9, 0.3, 0.1, 0.1, 0.7, 0.2, 0.1, 0.6, 0.4, 0.2, 0.1], &said)?;
/// // Both keywords are found from 0.6 downwards; 5.5 s is a false accept from 0.7 downwards.
/// let sweep = peaks.sweep();
/// assert_eq!((sweep[0].threshold, sweep[0].miss_rate, sweep[0].false_accepts_an_hour), (0.9, 0.5, 0.0));
/// let at = peaks.at_miss_rate(0.0)?.unwrap();
/// assert_eq!((at.threshold, at.false_accepts_an_hour), (0.6, 3600.0 / 12.0));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KeywordPeaks {
    apart_seconds: f64,
    late_seconds: f64,
    /// The score at which each keyword is found, where it has a peak.
    keywords: Vec<Option<f32>>,
    /// The scores of the other peaks.
    others: Vec<f32>,
    seconds: f64,
}

/// A threshold of a keyword detector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FalseAccepts {
    /// The least score that counts.
    #[serde(with = "number")]
    pub threshold: f32,
    /// The share of keywords that are not found.
    pub miss_rate: f64,
    /// How often in an hour a keyword is heard that was not said.
    pub false_accepts_an_hour: f64,
}

impl KeywordPeaks {
    /// No audio yet; detections at least so far apart, and at most so long behind a keyword's end.
    ///
    /// # Errors
    /// [`MetricsError::Seconds`] for a time that is not finite or below 0.
    pub fn new(apart_seconds: f64, late_seconds: f64) -> Result<KeywordPeaks, MetricsError> {
        check_seconds("apart_seconds", apart_seconds, 0.0, "0 or more")?;
        check_seconds("late_seconds", late_seconds, 0.0, "0 or more")?;
        let (keywords, others) = (Vec::new(), Vec::new());
        Ok(KeywordPeaks { apart_seconds, late_seconds, keywords, others, seconds: 0.0 })
    }

    /// Adds a stretch of audio: the keyword's score at each frame and where it was said.
    ///
    /// The stretch is as long as its frames, T hops.
    ///
    /// # Shapes
    /// scores `[T]`
    ///
    /// # Errors
    /// [`MetricsError::Nan`] for a score that is NaN, [`MetricsError::Seconds`] for an event whose times cannot be.
    pub fn add(&mut self, frames: &EventRules, scores: &[f32], said: &[Event]) -> Result<(), MetricsError> {
        check_events("said", said)?;
        if let Some(frame) = scores.iter().position(|score| score.is_nan()) {
            return Err(MetricsError::Nan { place: format!("scores[{frame}]") });
        }
        let peaks = self.peaks(frames, scores);
        let inside = |peak: &Peak, event: &Event| {
            let end = event.end_seconds + self.late_seconds;
            event.start_seconds - SLACK <= peak.seconds && peak.seconds <= end + SLACK
        };
        for event in said {
            let found = peaks.iter().filter(|peak| inside(peak, event)).map(|peak| peak.score);
            self.keywords.push(found.max_by(f32::total_cmp));
        }
        let others = peaks.iter().filter(|peak| !said.iter().any(|event| inside(peak, event)));
        self.others.extend(others.map(|peak| peak.score));
        self.seconds += scores.len() as f64 * frames.hop_seconds;
        Ok(())
    }

    /// The detections at the lowest threshold, in the order of time: the highest frame, then the highest of those far
    /// enough from it, and so on; of equal ones the earliest.
    fn peaks(&self, frames: &EventRules, scores: &[f32]) -> Vec<Peak> {
        // A detection is a frame that is not lower than both neighbours: others are never the highest near themselves.
        let mut order: Vec<usize> = (0..scores.len())
            .filter(|&frame| {
                let beside = [frame.checked_sub(1), Some(frame + 1)];
                let near = frames.hop_seconds < self.apart_seconds - SLACK;
                let higher = |at: usize| scores.get(at).is_some_and(|&score| score > scores[frame]);
                !near || !beside.into_iter().flatten().any(higher)
            })
            .collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut kept = std::collections::BTreeMap::new();
        // The frames that are nearer than they may be.
        let reach = ((self.apart_seconds - SLACK) / frames.hop_seconds).ceil().max(1.0) as usize - 1;
        for frame in order {
            let near = frame.saturating_sub(reach)..=frame.saturating_add(reach);
            if kept.range(near).next().is_none() {
                kept.insert(frame, scores[frame]);
            }
        }
        let peak = |(frame, score)| Peak { seconds: frames.centre_seconds(frame), score };
        kept.into_iter().map(peak).collect()
    }

    /// The rates at every threshold at which one of them changes, from the highest to the lowest; none before a keyword
    /// was added.
    pub fn sweep(&self) -> Vec<FalseAccepts> {
        if self.keywords.is_empty() {
            return Vec::new();
        }
        let found = self.keywords.iter().flatten().map(|&score| (score, true));
        let mut scores: Vec<(f32, bool)> =
            found.chain(self.others.iter().map(|&score| (score, false))).collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut found, mut accepted) = (0, 0u64);
        let mut sweep = Vec::new();
        for equal in scores.chunk_by(|a, b| a.0 == b.0) {
            let keywords = equal.iter().filter(|(_, keyword)| *keyword).count();
            found += keywords;
            accepted += (equal.len() - keywords) as u64;
            sweep.push(FalseAccepts {
                threshold: equal[0].0,
                miss_rate: (self.keywords.len() - found) as f64 / self.keywords.len() as f64,
                false_accepts_an_hour: self.an_hour(accepted),
            });
        }
        sweep
    }

    /// How often this is in an hour; what never happens has no need of any audio.
    fn an_hour(&self, accepted: u64) -> f64 {
        if accepted == 0 { 0.0 } else { accepted as f64 * 3600.0 / self.seconds }
    }

    /// The highest threshold with a miss rate of at most the one given; None where none has one. Choose it on
    /// validation.
    ///
    /// # Errors
    /// [`MetricsError::NotAShare`] for a rate outside [0, 1].
    pub fn at_miss_rate(&self, rate: f64) -> Result<Option<FalseAccepts>, MetricsError> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(MetricsError::NotAShare { place: "miss rate".to_string(), value: rate });
        }
        Ok(self.sweep().into_iter().find(|point| point.miss_rate <= rate))
    }

    /// The rates at a threshold: that of the test for one that was chosen on validation; None before a keyword was
    /// added.
    pub fn at_threshold(&self, threshold: f32) -> Option<FalseAccepts> {
        let keywords = self.keywords.len();
        let found = self.keywords.iter().flatten().filter(|score| **score >= threshold).count();
        let accepted = self.others.iter().filter(|score| **score >= threshold).count();
        (keywords > 0).then(|| FalseAccepts {
            threshold,
            miss_rate: (keywords - found) as f64 / keywords as f64,
            false_accepts_an_hour: self.an_hour(accepted as u64),
        })
    }

    /// How much audio was added, s.
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
            .map(|at| (at.threshold, at.miss_rate, at.false_accepts_an_hour / 400.0))
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
        // 0.4 at 1 s and 0.8 at 3 s, a second behind the end, are one keyword; nothing else is near a peak.
        assert_eq!((peaks.keywords, peaks.others), (vec![Some(0.8)], vec![0.1]));
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert!(KeywordPeaks::new(-1.0, 0.0).unwrap_err().to_string().starts_with("apart_seconds = -1"));
        let frames = EventRules::new(0.0, 1.0).unwrap();
        let mut peaks = KeywordPeaks::new(1.0, 1.0).unwrap();
        let error = peaks.add(&frames, &[0.1, f32::NAN], &[]).unwrap_err().to_string();
        assert!(error.starts_with("scores[1] is NaN"), "{error}");
        let error = peaks.add(&frames, &[0.1], &[event(2.0, 1.0)]).unwrap_err().to_string();
        assert!(error.starts_with("said[0].end_seconds = 1"), "{error}");
        assert!(peaks.at_miss_rate(2.0).is_err());
    }

    proptest! {
        #[test]
        fn a_sweep_is_what_each_threshold_gives(
            scores in proptest::collection::vec(0u8..20, 1..60),
            said in proptest::collection::vec(0u8..60, 1..5),
            apart in 0u8..6,
        ) {
            let scores: Vec<f32> = scores.iter().map(|&score| f32::from(score)).collect();
            let said: Vec<Event> = said.iter().map(|&at| event(f64::from(at), f64::from(at) + 2.0)).collect();
            let frames = EventRules::new(0.5, 1.0).unwrap();
            let mut peaks = KeywordPeaks::new(f64::from(apart), 1.0).unwrap();
            peaks.add(&frames, &scores, &said).unwrap();
            let sweep = peaks.sweep();
            for pair in sweep.windows(2) {
                prop_assert!(pair[0].threshold > pair[1].threshold && pair[0].miss_rate >= pair[1].miss_rate);
                prop_assert!(pair[0].false_accepts_an_hour <= pair[1].false_accepts_an_hour);
            }
            for point in &sweep {
                prop_assert_eq!(peaks.at_threshold(point.threshold), Some(*point));
            }
            // Detections, by going through all peaks from the highest down.
            let higher = |a: usize, b: usize| scores.get(a).is_some_and(|&score| score > scores[b]);
            let mut order: Vec<usize> = (0..scores.len())
                .filter(|&at| apart < 2 || !(higher(at + 1, at) || at > 0 && higher(at - 1, at)))
                .collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            let mut twin: Vec<usize> = Vec::new();
            for at in order {
                if twin.iter().all(|other| other.abs_diff(at) >= usize::from(apart)) {
                    twin.push(at);
                }
            }
            twin.sort_unstable();
            let kept = peaks.peaks(&frames, &scores);
            let expected: Vec<f64> = twin.iter().map(|&at| frames.centre_seconds(at)).collect();
            prop_assert_eq!(kept.iter().map(|peak| peak.seconds).collect::<Vec<_>>(), expected);
        }
    }
}
