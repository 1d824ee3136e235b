//! Keywords from the scores of windows over time.

/// Options of keyword detection.
///
/// # Example
/// ```
/// use stapes_infer::{Keyword, KeywordOptions};
///
/// let keyword = Keyword { class: 1, threshold: 0.9 };
/// let options = KeywordOptions { keywords: vec![keyword], ..KeywordOptions::default() };
/// assert_eq!(options.refractory_seconds, 1.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KeywordOptions {
    /// Keywords to detect; other classes are background.
    pub keywords: Vec<Keyword>,
    /// Scores are averaged over this time; 0 for single scores.
    pub smoothing_seconds: f64,
    /// Time after a detection in which the same keyword is not detected again.
    pub refractory_seconds: f64,
}

/// Class that is a keyword.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keyword {
    /// Index of the class.
    pub class: usize,
    /// Smoothed score from which the keyword is detected; above 1, never.
    pub threshold: f32,
}

impl Default for KeywordOptions {
    /// Returns options without keywords: scores averaged over 0.3 s, and 1 s between two detections of a keyword.
    fn default() -> KeywordOptions {
        KeywordOptions { keywords: Vec::new(), smoothing_seconds: 0.3, refractory_seconds: 1.0 }
    }
}

/// Keyword that was detected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Index of the class.
    pub class: usize,
    /// Smoothed score.
    pub score: f32,
    /// Number of the score at which the keyword was detected, from 0.
    pub at: u64,
}

/// Keywords while the scores arrive.
///
/// The score of a keyword is the mean of its last scores, as many as `smoothing_seconds` has (at the start, those that there
/// are). A keyword whose score reaches its threshold is detected, unless it was detected within `refractory_seconds`; of several,
/// the one that is farthest above its threshold.
///
/// # Example
/// ```
/// use stapes_infer::{Keyword, KeywordDetector, KeywordOptions};
///
/// let keywords = vec![Keyword { class: 1, threshold: 0.6 }];
/// let options = KeywordOptions { keywords, smoothing_seconds: 0.2, refractory_seconds: 1.0 };
/// let mut detector = KeywordDetector::new(&options, 0.1);
/// let scores = [0.1, 0.9, 0.9, 0.9, 0.1].map(|score| detector.push(&[1.0 - score, score]));
/// let found: Vec<bool> = scores.iter().map(Option::is_some).collect();
/// assert_eq!(found, [false, false, true, false, false]);
/// ```
#[derive(Clone, Debug)]
pub struct KeywordDetector {
    keywords: Vec<State>,
    /// Smoothed score of each keyword.
    scores: Vec<f32>,
    /// Number of scores that are averaged.
    length: usize,
    /// Number of scores without a second detection.
    refractory: u64,
    /// Number of scores so far.
    count: u64,
}

#[derive(Clone, Debug)]
struct State {
    keyword: Keyword,
    /// The last scores, in a ring.
    scores: Vec<f32>,
    last: Option<u64>,
}

impl KeywordDetector {
    /// Creates a detector for scores every `hop_seconds`.
    ///
    /// # Panics
    /// If `hop_seconds` is not above 0.
    pub fn new(options: &KeywordOptions, hop_seconds: f64) -> KeywordDetector {
        assert!(hop_seconds > 0.0, "hop of {hop_seconds} s");
        // The cast saturates.
        let scores = |seconds: f64| (seconds / hop_seconds).round() as u64;
        let state = |&keyword: &Keyword| State { keyword, scores: Vec::new(), last: None };
        KeywordDetector {
            keywords: options.keywords.iter().map(state).collect(),
            scores: vec![0.0; options.keywords.len()],
            length: scores(options.smoothing_seconds).clamp(1, 1 << 16) as usize,
            refractory: scores(options.refractory_seconds),
            count: 0,
        }
    }

    /// Adds the scores of all classes and returns the keyword that is detected now.
    ///
    /// # Shapes
    /// scores \[K\]
    ///
    /// # Panics
    /// If a keyword has no score.
    pub fn push(&mut self, scores: &[f32]) -> Option<Detection> {
        let (at, length, refractory) = (self.count, self.length, self.refractory);
        self.count += 1;
        let mut best: Option<(f32, usize, Detection)> = None;
        for (index, state) in self.keywords.iter_mut().enumerate() {
            let Keyword { class, threshold } = state.keyword;
            match state.scores.len() < length {
                true => state.scores.push(scores[class]),
                false => state.scores[(at % length as u64) as usize] = scores[class],
            }
            let score = state.scores.iter().sum::<f32>() / state.scores.len() as f32;
            self.scores[index] = score;
            let is_free = state.last.is_none_or(|last| at - last > refractory);
            let margin = score - threshold;
            if margin >= 0.0 && is_free && best.is_none_or(|(highest, ..)| margin > highest) {
                best = Some((margin, index, Detection { class, score, at }));
            }
        }
        let (_, index, detection) = best?;
        self.keywords[index].last = Some(at);
        Some(detection)
    }

    /// Returns the smoothed scores of the keywords, in their order; 0 before the first push.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(options: &KeywordOptions, scores: &[[f32; 3]]) -> Vec<(usize, u64)> {
        let mut detector = KeywordDetector::new(options, 0.1);
        scores
            .iter()
            .filter_map(|scores| detector.push(scores))
            .map(|found| (found.class, found.at))
            .collect()
    }

    #[test]
    fn a_keyword_is_detected_again_after_the_refractory_time() {
        let keywords = vec![Keyword { class: 2, threshold: 0.5 }];
        let options = KeywordOptions { keywords, smoothing_seconds: 0.0, refractory_seconds: 0.5 };
        let scores = [[0.0, 0.0, 1.0]; 14];
        assert_eq!(detect(&options, &scores), [(2, 0), (2, 6), (2, 12)]);
    }

    #[test]
    fn keywords_have_their_own_thresholds_and_refractory_times() {
        let keywords = vec![Keyword { class: 1, threshold: 0.8 }, Keyword { class: 2, threshold: 0.3 }];
        let options = KeywordOptions { keywords, smoothing_seconds: 0.0, refractory_seconds: 10.0 };
        // At first class 2 is farther above its threshold; then it is refractory and class 1 is detected.
        let scores = [[0.0, 0.7, 0.2], [0.0, 0.9, 0.5], [0.0, 0.9, 0.5], [0.0, 0.9, 0.5]];
        assert_eq!(detect(&options, &scores), [(2, 1), (1, 2)]);
    }

    #[test]
    fn single_high_scores_are_smoothed_away() {
        let keywords = vec![Keyword { class: 1, threshold: 0.5 }];
        let options = KeywordOptions { keywords, smoothing_seconds: 0.3, refractory_seconds: 1.0 };
        let spike = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]];
        assert_eq!(detect(&options, &spike), []);
        let word = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
        assert_eq!(detect(&options, &word), [(1, 3)]);
        // The mean over the last three scores, whatever came before.
        let old = [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let mut detector = KeywordDetector::new(&options, 0.1);
        let scores: Vec<Option<Detection>> = old.iter().map(|scores| detector.push(scores)).collect();
        assert_eq!(scores[0].unwrap().score, 1.0);
        assert_eq!(detector.scores(), [1.0 / 3.0]);
        assert!(scores[1..].iter().all(Option::is_none));
    }
}
