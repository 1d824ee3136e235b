//! Train, evaluate, compare and deploy small sequence classifiers for speech: the library's front door and
//! the command line.
//!
//! A [`Recipe`] says everything about an experiment; [`Experiment`] finds its data, computes frames and
//! trains; [`run`] is the folder that is left behind. The rooms behind this door are re-exported under their
//! own names.

mod changes;
mod error;
pub mod experiment;
pub mod gradients;
mod recipe;
pub mod report;
pub mod run;

pub use changes::{changed, key_and_value};
pub use error::Error;
pub use experiment::Experiment;
pub use recipe::Recipe;

pub use stapes_audio as audio;
pub use stapes_data as data;
pub use stapes_eval as eval;
pub use stapes_features as features;
pub use stapes_infer as infer;
pub use stapes_nn as nn;
pub use stapes_train as train;
