//! Keywords of a sound file, found as in a stream.

use std::path::Path;

use stapes_audio::{Channel, Recording, StreamResampler};
use stapes_infer::{
    InferError, Input, KeywordDetector, KeywordOptions, KeywordSettings, Model, WindowStream,
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
        let mut windows = WindowStream::new(model, settings.window_seconds, settings.hop_seconds)?;
        let hop_seconds = windows.hop_seconds();
        let mut detector = KeywordDetector::new(options, hop_seconds);
        let mut found = FileKeywords {
            scores: vec![Vec::new(); options.keywords.len()],
            hop_seconds,
            ..FileKeywords::default()
        };
        let mut recording = Recording::open_channel(path, channel).map_err(InferError::from)?;
        let rate_hz = recording.sample_rate_hz();
        let model_rate_hz = match &model.input {
            Input::Recordings(features) => features.sample_rate_hz,
            Input::Frames(_) => rate_hz,
        };
        let mut resampler = StreamResampler::new(rate_hz, model_rate_hz).map_err(InferError::from)?;
        let (mut resampled, mut length) = (Vec::new(), 0u64);
        while let Some(block) = recording.next_block().map_err(InferError::from)? {
            length += block.len() as u64;
            resampled.clear();
            resampler.push(block, &mut resampled).map_err(InferError::from)?;
            windows.push(&resampled, |end, row| found.push(end, row, options, &mut detector))?;
        }
        resampled.clear();
        resampler.finish(&mut resampled).map_err(InferError::from)?;
        windows.push(&resampled, |end, row| found.push(end, row, options, &mut detector))?;
        windows.finish(|end, row| found.push(end, row, options, &mut detector))?;
        found.seconds = length as f64 / f64::from(rate_hz);
        Ok(found)
    }

    /// Adds the probabilities of a window.
    fn push(&mut self, end: f64, row: &[f32], options: &KeywordOptions, detector: &mut KeywordDetector) {
        if let Some(detection) = detector.push(row) {
            let is_detected = |keyword: &stapes_infer::Keyword| keyword.class == detection.class;
            let keyword = options.keywords.iter().position(is_detected).unwrap_or_default();
            self.detections.push(KeywordTime { keyword, seconds: end, score: detection.score });
        }
        self.ends.push(end);
        self.scores.iter_mut().zip(detector.scores()).for_each(|(scores, score)| scores.push(score));
    }

    /// Returns the times of the detections of a keyword at another threshold, if it were the only keyword.
    pub fn detections_at(&self, keyword: usize, threshold: f32, refractory_seconds: f64) -> Vec<f64> {
        // The scores are smoothed already.
        let options = KeywordOptions {
            keywords: vec![stapes_infer::Keyword { class: 0, threshold }],
            smoothing_seconds: 0.0,
            refractory_seconds,
        };
        let mut detector = KeywordDetector::new(&options, self.hop_seconds);
        let detected = |(end, score): (&f64, &f32)| detector.push(&[*score]).map(|_| *end);
        self.ends.iter().zip(&self.scores[keyword]).filter_map(detected).collect()
    }
}
