//! Evaluation of models on long recordings with labeled segments: keywords of models of clips, and speech of frame-level models.
//!
//! Detections are those of a stream: the windows, frames and decisions of `stapes stream`. [`FileKeywords`] has the detections of a
//! file with the scores over time, [`KeywordRecording`] compares them with labels, [`keyword_sweep`] repeats the decisions at
//! other thresholds, [`choose_threshold`] chooses one, and [`SpeechRecording`] compares speech segments with labels.

mod file_keywords;
mod keywords;
mod speech;
#[cfg(test)]
mod tests;

pub use file_keywords::{FileKeywords, KeywordTime};
pub use keywords::{
    KeywordError, KeywordErrorKind, KeywordRecording, choose_threshold, count_keywords, keyword_sweep,
};
pub use speech::{SpeechError, SpeechEvaluation, SpeechRecording, is_speech};
