//! Keywords of a sound file, found as in a stream.

use std::path::Path;

use stapes_audio::{Channel, Recording};
use stapes_infer::{
    InferError, Keyword, KeywordDetector, KeywordOptions, KeywordSettings, Listener, ListenerEvent,
    ListenerOptions, Model,
};

use crate::error::Error;

/// Keyword that was detected in a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeywordTime {
    /// Index of the keyword in the options.
    pub keyword: usize,
    /// End of the window at which it was detected, s.
    pub seconds: f64,
    /// Smoothed score.
    pub score: f32,
}

/// Detections of keywords in a sound file, with the scores over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileKeywords {
    /// Detections in the order of time.
    pub detections: Vec<KeywordTime>,
    /// End of each window, s.
    pub ends: Vec<f64>,
    /// Smoothed scores of each keyword, one per window.
    pub scores: Vec<Vec<f32>>,
    /// Time between two windows, s.
    pub hop_seconds: f64,
    /// Duration of the recording, s.
    pub seconds: f64,
}

impl FileKeywords {
    /// Reads a channel of a sound file block by block, classifies its windows and detects keywords, as `stapes stream` does. `settings` has the
    /// windows; its thresholds are not used.
    ///
    /// # Errors
    /// [`Error::Infer`] if the file cannot be read, or its windows cannot be classified.
    pub fn new(
        model: &Model,
        path: &Path,
        channel: Channel,
        settings: &KeywordSettings,
        options: &KeywordOptions,
    ) -> Result<FileKeywords, Error> {
        let listener_options = ListenerOptions::Keywords {
            window_seconds: settings.window_seconds,
            hop_seconds: settings.hop_seconds,
            options: options.clone(),
        };
        let mut recording = Recording::open_channel(path, channel).map_err(InferError::from)?;
        let mut listener =
            Listener::new(model, &listener_options)?.with_sample_rate(recording.sample_rate_hz())?;
        let mut found = FileKeywords {
            scores: vec![Vec::new(); options.keywords.len()],
            hop_seconds: listener.windows().map_or(settings.hop_seconds, |(hop_seconds, _)| hop_seconds),
            ..FileKeywords::default()
        };
        while let Some(block) = recording.next_block().map_err(InferError::from)? {
            listener.push(block, |event| found.add(event, &options.keywords))?;
        }
        found.seconds = listener.seconds();
        listener.finish(|event| found.add(event, &options.keywords))?;
        Ok(found)
    }

    /// Adds the scores of a window, or a detection.
    fn add(&mut self, event: ListenerEvent<'_>, keywords: &[Keyword]) {
        match event {
            ListenerEvent::Scores { seconds, keyword_scores, .. } => {
                self.ends.push(seconds);
                self.scores.iter_mut().zip(keyword_scores).for_each(|(scores, score)| scores.push(*score));
            }
            ListenerEvent::Keyword { seconds, class, score } => {
                let keyword = keywords.iter().position(|keyword| keyword.class == class).unwrap_or_default();
                self.detections.push(KeywordTime { keyword, seconds, score });
            }
            ListenerEvent::Speech(_) => {}
        }
    }

    /// Returns the times of the detections of a keyword at another threshold, if it were the only keyword.
    pub fn detections_at(&self, keyword: usize, threshold: f32, refractory_seconds: f64) -> Vec<f64> {
        // The scores are smoothed already.
        let options = KeywordOptions {
            keywords: vec![Keyword { class: 0, threshold }],
            smoothing_seconds: 0.0,
            refractory_seconds,
        };
        let mut detector = KeywordDetector::new(&options, self.hop_seconds);
        let detected = |(end, score): (&f64, &f32)| detector.push(&[*score]).map(|_| *end);
        self.ends.iter().zip(&self.scores[keyword]).filter_map(detected).collect()
    }
}
