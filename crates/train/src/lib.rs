//! Training loop with early stopping, optimizers, learning-rate schedules and checkpoints.
//!
//! [`train`] takes a model configuration, examples in memory, a [`TrainConfig`] and a seed, and returns the parameters
//! with the best validation score. The file `train.rs` has the loop: validation, early stopping
//! after `patience` validations without improvement, time limits. It knows nothing about files, recipes or test splits.
//!
//! [`Shards`] distribute the examples of a batch: each shard has its own network and gradient buffer, and the gradients
//! are summed in a tree over the shards. The result therefore depends on the number of shards, but not on threads, processes or
//! timing. A [`FrameSource`] recomputes the frames of training examples on background threads.
//!
//! # Example
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use stapes_features::Features;
//! use stapes_nn::layer::Shape;
//! use stapes_train::{Examples, LabelsRef, SingleProcess, Start, TrainConfig, TrainError, TrainingInputs, train};
//!
//! // Sequences of rising (class 0) and falling (class 1) values.
//! let sequence = |index: usize| {
//!     let slope = if index % 2 == 0 { 0.1 } else { -0.1 };
//!     Features::new(1, (0..8).map(|t| slope * (t + index % 5) as f32).collect())
//! };
//! let features: Vec<Features> = (0..40).map(sequence).collect();
//! let classes: Vec<usize> = (0..40).map(|index| index % 2).collect();
//! let examples = |from: usize, to: usize| {
//!     Examples::new(&features[from..to], LabelsRef::PerExample(&classes[from..to]))
//! };
//! let result = train(
//!     &TrainingInputs {
//!         model: &toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 8")?,
//!         input: Shape::frames(1),
//!         classes: 2,
//!         config: &TrainConfig { batch_size: 8, learning_rate: 0.01, ..TrainConfig::default() },
//!         train: examples(0, 30)?,
//!         source: None,
//!         validation: examples(30, 40)?,
//!         augment: None,
//!         start: Start::Random,
//!         seed: 1,
//!         communicator: &SingleProcess,
//!     },
//!     &AtomicBool::new(false),
//!     |_event| Ok::<(), TrainError>(()),
//! )?;
//! assert_eq!(result.best.validation.map(|validation| validation.accuracy), Some(1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batches;
mod communicator;
mod config;
mod error;
mod examples;
mod inputs;
mod loader;
mod mixup;
mod optimizer;
mod reduction;
mod schedule;
mod shards;
mod state;
mod step_options;
mod train;

pub use batches::Crop;
pub use communicator::{Communicator, SingleProcess};
pub use config::{ClassWeights, NamedWeights, OptimizerKind, TrainConfig};
pub use error::TrainError;
pub use examples::{Examples, Labels, LabelsRef, PackedLabels};
pub use inputs::{Event, Start, TrainingInputs, TrainingResult};
pub use loader::{FrameSource, FrameWorker, LoaderOptions};
pub use optimizer::Optimizer;
pub use reduction::all_reduce_sum;
pub use schedule::{Schedule, ScheduleContext};
pub use shards::Shards;
pub use state::{Checkpoint, Point, Progress, Snapshot, Validation};
pub use step_options::StepOptions;
pub use train::train;
