//! What there is to learn from: classes and examples.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stapes_audio::{AudioError, Clip};
use stapes_features::Features;

use crate::error::{DataError, listed};
use crate::split::Partition;
use crate::truth::Truth;

/// A data set: its classes, and its examples in an order that no machine changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataSet {
    /// The data set's name in a recipe: `fsdd`.
    pub name: String,
    /// The classes' names; a class is an index into them.
    pub classes: Vec<String>,
    /// The examples; a [`Split`](crate::Split) holds indices into them.
    pub examples: Vec<Example>,
    /// How many examples the data set's own lists name that are not there.
    pub absent: usize,
}

/// One thing to classify.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What tells it from the others, the same on every machine: a path inside the data set, or `train/17`.
    pub id: String,
    /// Its class, or the classes of its moments.
    pub truth: Truth,
    /// Who it comes from, where that is known and is not the class itself: the speaker.
    pub group: Option<String>,
    /// The part of the data that the data set's authors put it in, where they did.
    pub official: Option<Partition>,
    /// Where its content is.
    pub source: Source,
}

/// Where an example's content is.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// In a sound file; a front end makes frames of it.
    File(PathBuf),
    /// A part of a sound file, from one moment up to another; to the end of the file where none is given.
    Part {
        /// The file.
        path: PathBuf,
        /// Where it begins, s.
        start_seconds: f64,
        /// Where it ends, s.
        end_seconds: Option<f64>,
    },
    /// Here: the data set comes as frames of features.
    Frames(Features),
}

impl Source {
    /// The sound file, where it is one or a part of one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Source::File(path) | Source::Part { path, .. } => Some(path),
            Source::Frames(_) => None,
        }
    }

    /// The recording of which it is a part.
    pub(crate) fn recording(&self) -> Option<&Path> {
        match self {
            Source::Part { path, .. } => Some(path),
            Source::File(_) | Source::Frames(_) => None,
        }
    }

    /// Reads the recording, of a part of a file the part; none of what comes as frames.
    ///
    /// # Errors
    /// Those of [`stapes_audio::read`] and [`stapes_audio::read_part`].
    pub fn read(&self) -> Option<Result<Clip, AudioError>> {
        match self {
            Source::File(path) => Some(stapes_audio::read(path)),
            Source::Part { path, start_seconds, end_seconds } => {
                Some(stapes_audio::read_part(path, *start_seconds, *end_seconds))
            }
            Source::Frames(_) => None,
        }
    }
}

impl DataSet {
    /// Whether a group is in the data; `key` names it in a recipe.
    pub(crate) fn check_group(&self, key: &str, group: &str) -> Result<(), DataError> {
        let known = self.groups();
        if known.contains(&group) {
            return Ok(());
        }
        let rule = format!("must be a speaker of the data: {}", listed(&known, 40));
        Err(DataError::setting(key, group, rule))
    }

    /// The groups (speakers) that occur, sorted.
    pub fn groups(&self) -> Vec<&str> {
        let groups: BTreeSet<&str> =
            self.examples.iter().filter_map(|example| example.group.as_deref()).collect();
        groups.into_iter().collect()
    }
}
