//! Train, evaluate, compare and deploy small sequence classifiers for speech: the library's front door and
//! the command line.
//!
//! A [`Recipe`] says everything about an experiment; [`Experiment`] finds its data, computes frames and
//! trains; [`TrainingJob`] does all of it and writes the folder of a [`run`]. The rooms behind this door are re-exported under their
//! own names.

mod changes;
pub mod compare;
mod counted;
mod error;
pub mod experiment;
pub mod gradients;
#[cfg(feature = "mpi")]
pub mod mpi;
mod recipe;
pub mod report;
pub mod run;
pub mod shown;
pub mod sweep;
mod together;
mod training;
mod waveforms;

pub use changes::{changed, parse_override};
pub use counted::InputLength;
pub use error::Error;
pub use experiment::Experiment;
pub use recipe::Recipe;
pub use training::{RunResult, Progress, NoProgress, TrainingJob};

pub use stapes_audio as audio;
pub use stapes_data as data;
pub use stapes_eval as eval;
pub use stapes_features as features;
pub use stapes_infer as infer;
pub use stapes_nn as nn;
pub use stapes_train as train;
