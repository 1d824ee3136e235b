//! Training, evaluation, comparison and deployment of small sequence classifiers for speech: the front door of the
//! library, and the command line.
//!
//! A [`Recipe`] describes an experiment completely. An [`Experiment`] opens its data, computes features and trains; a
//! [`TrainingJob`] does all of this and writes a run folder (module [`run`]). A [`Trainer`] trains on arrays or clips in memory
//! ([`InMemoryDataset`]). The crates below are re-exported under short names; [`prelude`] has the types of common use.
//!
//! # Example
//! ```no_run
//! use stapes::prelude::*;
//!
//! let mut classifier = Classifier::load("runs/my/model.safetensors".as_ref())?;
//! let prediction = classifier.predict(&stapes::audio::read("yes.wav".as_ref())?)?;
//! println!("{} {:.1} %", prediction.label, 100.0 * prediction.probability);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/` has programs of at most 25 lines that compute features, train on arrays, classify files, classify a stream, and
//! segment speech.

// The command line uses the library by its name, like any other program.
extern crate self as stapes;

mod built_in_model;
pub mod cli;
mod columns;
pub mod compare;
mod distributed;
mod error;
mod event;
pub mod experiment;
mod file_classifier;
mod fit;
pub mod gradients;
mod input_length;
#[cfg(feature = "mpi")]
pub mod mpi;
mod new_recipe;
mod overrides;
pub mod prelude;
mod recipe;
pub mod recording_view;
mod renamed;
pub mod run;
mod run_page;
mod segment_format;
pub mod stream_evaluation;
pub mod sweep;
mod training;
mod wake_word;
mod waveforms;

pub use built_in_model::{BUILT_IN_MODELS, BuiltInModel};
pub use error::{Error, without_os_numbers};
pub use event::{Event, OnEvent};
pub use experiment::Experiment;
pub use file_classifier::{FileClassifier, FileProbabilities, FileSpeech, WindowProbabilities};
pub use fit::{Fitted, InMemoryDataset, Trainer};
pub use input_length::InputLength;
pub use new_recipe::{NewRecipe, Task};
pub use overrides::{apply_overrides, config_from_table, parse_override};
pub use recipe::{BUILT_IN_RECIPES, BuiltInRecipe, Recipe, ResolvedRecipe, feature_config};
pub use segment_format::SegmentFormat;
pub use training::{RunResult, TrainingEstimate, TrainingJob};
pub use wake_word::{Voices, WakeWord, WakeWordData};

pub use stapes_data::LabeledSegment;

pub use stapes_audio as audio;
pub use stapes_data as data;
pub use stapes_features as features;
pub use stapes_infer as infer;
pub use stapes_metrics as metrics;
pub use stapes_nn as nn;
pub use stapes_quantize as quantize;
pub use stapes_report as report;
pub use stapes_train as train;
