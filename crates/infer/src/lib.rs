//! A model file and the classifier that runs it; no training code.
//!
//! [`Bundle`] is the one file that a run leaves behind and everything later reads; [`Classifier`] runs it on
//! recordings, [`StreamClassifier`] while they are made.
//! Evaluation, `predict` and later fronts all classify through here: there is one path from a recording to
//! probabilities.

mod bundle;
mod classifier;
mod error;
mod extractor;
mod frame_times;
mod stream;
mod weights;

pub use bundle::{Bundle, FORMAT, FramesConfig, Input};
pub use classifier::Classifier;
pub use error::InferError;
pub use extractor::Extractor;
pub use frame_times::{FrameTimes, Span};
pub use stream::StreamClassifier;
pub use weights::read_weights;
