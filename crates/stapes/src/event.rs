//! Progress of runs and sweeps.

use std::path::PathBuf;

use crate::experiment::Experiment;
use crate::sweep::{Job, RunStatus};

/// Progress event of a run or a sweep.
#[non_exhaustive]
pub enum Event<'a> {
    /// The data of a run is opened and split.
    Opened(&'a Experiment),
    /// Files are checked before loading.
    Checked {
        /// Number of checked files.
        done: usize,
        /// Number of files.
        total: usize,
    },
    /// Examples of a subset are loaded.
    Loaded {
        /// Number of loaded examples.
        done: usize,
        /// Number of examples.
        total: usize,
    },
    /// Files were skipped, each for the reason given.
    Skipped(&'a [(PathBuf, String)]),
    /// Event of the training.
    Training(&'a stapes_train::Event<'a>),
    /// Warning for people.
    Warning(&'a str),
    /// Message for people.
    Message(&'a str),
    /// A run of a sweep has ended.
    RunEnded {
        /// The run.
        job: &'a Job,
        /// How it ended.
        status: &'a RunStatus,
        /// Number of runs that have ended.
        done: usize,
        /// Number of runs.
        total: usize,
    },
}

/// Receiver of events, called from any thread; `&|_| {}` ignores them.
pub type OnEvent<'a> = &'a (dyn Fn(Event<'_>) + Sync);
