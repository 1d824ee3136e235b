//! Who follows a run while it is made.

use std::path::PathBuf;

use stapes_train::Event;

use crate::experiment::Experiment;

/// Who follows a run while it is made. All of it may be ignored.
pub trait Progress: Sync {
    /// The data is found and split.
    fn opened(&self, experiment: &Experiment) {
        let _ = experiment;
    }

    /// So many examples of a part are loaded, of so many; called from any thread.
    fn loaded(&self, done: usize, of: usize) {
        let _ = (done, of);
    }

    /// So many files are looked at before they are read, of so many.
    fn checked(&self, done: usize, of: usize) {
        let _ = (done, of);
    }

    /// Files that cannot be used, each with the reason; the recipe allows as many.
    fn skipped(&self, files: &[(PathBuf, String)]) {
        let _ = files;
    }

    /// A step or a validation is done.
    fn trained(&self, event: &Event<'_>) {
        let _ = event;
    }

    /// A line for people.
    fn note(&self, text: &str) {
        let _ = text;
    }
}

/// NoProgress follows.
pub struct NoProgress;

impl Progress for NoProgress {}
