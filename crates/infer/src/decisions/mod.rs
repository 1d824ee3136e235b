//! Decisions over time, without files and models: speech segments from the probabilities of frames, and keywords from the
//! scores of windows.

mod keywords;
mod speech;

pub use keywords::{Detection, Keyword, KeywordDetector, KeywordOptions};
pub use speech::{SpeechEvent, SpeechOptions, SpeechSegment, SpeechSegmenter, speech_segments};
