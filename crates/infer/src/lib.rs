//! Model files, and classifiers that run them; no training code.
//!
//! A [`Model`] is the content of the model file that a training writes. A [`Classifier`] runs it on recordings or frames,
//! and a [`StreamClassifier`] on samples as they arrive; a [`Listener`] adds decisions over time. Evaluation and all programs
//! classify with these, so there is one path from a recording to probabilities.
//!
//! # Example
//! ```no_run
//! use stapes_infer::Classifier;
//!
//! let mut classifier = Classifier::load("runs/my/model.safetensors".as_ref())?;
//! let clip = stapes_audio::Clip { samples: vec![0.0; 16_000], sample_rate_hz: 16_000 };
//! let prediction = classifier.predict(&clip)?;
//! println!("{} {:.1} %", prediction.label, 100.0 * prediction.probability);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod classifier;
mod clip_extractor;
mod decisions;
mod error;
mod keyword_settings;
mod listener;
mod listener_stream;
mod model;
mod model_card;
mod prediction;
mod rows;
mod speech_stream;
mod stream;
mod weights;
mod window_stream;

pub use classifier::Classifier;
pub use clip_extractor::ClipExtractor;
pub use decisions::{
    Detection, Keyword, KeywordDetector, KeywordOptions, SpeechEvent, SpeechOptions, SpeechSegment,
    SpeechSegmenter, speech_segments,
};
pub use error::InferError;
pub use keyword_settings::KeywordSettings;
pub use listener::{Listener, ListenerEvent, ListenerOptions};
pub use listener_stream::{ListenerModel, ListenerStream};
pub use model::{FORMAT, FramesConfig, Input, Model};
pub use model_card::ModelCard;
pub use prediction::{Prediction, frame_segments};
pub use rows::{FrameLevelRow, TopLabels, UNKNOWN, prediction_row};
pub use speech_stream::{SpeechStream, SpeechTime};
pub use stream::StreamClassifier;
pub use weights::{Weights, read_weights, read_weights_except};
pub use window_stream::WindowStream;
