//! Progress of a run.

use std::path::PathBuf;

use stapes_train::Event;

use crate::experiment::Experiment;

/// Receives the progress of a run. All methods do nothing by default.
pub trait Progress: Sync {
    /// Is called when the data is opened and split.
    fn on_open(&self, experiment: &Experiment) {
        let _ = experiment;
    }

    /// Is called when `done` of `total` examples of a subset are loaded, from any thread.
    fn on_load(&self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// Is called when `done` of `total` files are checked before loading, from any thread.
    fn on_check(&self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// Is called with the skipped files, each with the reason.
    fn on_skipped(&self, files: &[(PathBuf, String)]) {
        let _ = files;
    }

    /// Is called after a step or a validation.
    fn on_event(&self, event: &Event<'_>) {
        let _ = event;
    }

    /// Is called with a warning for people.
    fn on_warning(&self, text: &str) {
        let _ = text;
    }

    /// Is called with a message for people.
    fn on_message(&self, text: &str) {
        let _ = text;
    }
}

/// Ignores all progress.
pub struct NoProgress;

impl Progress for NoProgress {}
