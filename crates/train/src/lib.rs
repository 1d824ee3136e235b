//! The training loop, optimisers, and what they report.
//!
//! [`TrainConfig`] is what a recipe's `[train]` says. [`train`] takes a model, examples in memory and a seed,
//! and gives back the parameters of the best validation; it knows nothing of files, recipes or test splits.
//! The steps of a batch run in [`Shards`]: each shard on its own network and gradient buffer, summed in a
//! fixed order, so that the result depends on the number of shards and never on threads or timing. A [`FrameSource`]
//! makes the frames of training examples anew each time, in the background.

mod batches;
mod config;
mod error;
mod examples;
mod loader;
mod mix;
mod optimiser;
mod schedule;
mod shards;
mod state;
mod team;
mod train;
mod trainer;
mod treatment;

pub use batches::Cut;
pub use config::{ClassWeights, NamedWeights, OptimiserKind, TrainConfig};
pub use error::TrainError;
pub use examples::{Examples, Labels};
pub use loader::{FrameSource, FrameWorker, Loading};
pub use optimiser::Optimiser;
pub use schedule::{Moment, Schedule};
pub use shards::Shards;
pub use state::{Checkpoint, Point, Progress, Snapshot, Validation};
pub use team::{Alone, Team};
pub use train::train;
pub use trainer::{Event, Start, Trained, Trainer};
pub use treatment::Treatment;
