//! Model files, and classifiers that run them; no training code.
//!
//! A [`Model`] is the content of the model file that a training writes. A [`Classifier`] runs it on recordings or frames,
//! and a [`StreamClassifier`] on samples as they arrive. Evaluation and all programs classify with these two, so there is
//! one path from a recording to probabilities.

mod bundle;
mod classifier;
mod clip_extractor;
mod error;
mod stream;
mod weights;

pub use bundle::{FORMAT, FramesConfig, Input, Model};
pub use classifier::Classifier;
pub use clip_extractor::ClipExtractor;
pub use error::InferError;
pub use stream::StreamClassifier;
pub use weights::read_weights;
