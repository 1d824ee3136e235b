//! Data set: classes and examples.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stapes_audio::{AudioError, Channel, Clip, ReadOptions};
use stapes_features::Features;

use crate::error::{DataError, listed};
use crate::label::Label;
use crate::note::Note;
use crate::subset::Subset;

/// Data set: classes, and examples in an order that is the same on every machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataSet {
    /// Name of the data set in a recipe: `fsdd`.
    pub name: String,
    /// Class names; a class is an index into this list.
    pub classes: Vec<String>,
    /// Examples; a [`Split`](crate::Split) contains indices into this list.
    pub examples: Vec<Example>,
    /// Number of examples that the lists of the data set name but that do not exist.
    pub missing: usize,
    /// Parts of the folder or manifest that are not used.
    pub notes: Vec<Note>,
}

/// Example of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Unique identifier, the same on every machine: a path inside the data set, or `train/17`.
    pub id: String,
    /// Class of the example, or classes of its frames.
    pub label: Label,
    /// Group, usually the speaker, if it is known and is not the class itself.
    pub group: Option<String>,
    /// Name of the fold in the predefined folds, if there are any.
    pub fold: Option<String>,
    /// Subset in the predefined split, if there is one.
    pub predefined: Option<Subset>,
    /// Location of the content.
    pub source: Source,
    /// Channel of the recording that is used; without effect for frames.
    pub channel: Channel,
}

impl Example {
    /// Returns an example of frames with a predefined subset, without group and fold.
    pub(crate) fn of_frames(id: String, class: usize, subset: Subset, frames: Features) -> Example {
        Example {
            id,
            label: Label::Class(class),
            group: None,
            fold: None,
            predefined: Some(subset),
            source: Source::Frames(frames),
            channel: Channel::Mean,
        }
    }

    /// Reads the recording or the segment; `None` for frames.
    ///
    /// # Errors
    /// Errors of [`stapes_audio::read_with`].
    pub fn read(&self) -> Option<Result<Clip, AudioError>> {
        let (path, segment) = match &self.source {
            Source::File(path) => (path, None),
            Source::Segment { path, start_seconds, end_seconds } => {
                (path, Some((*start_seconds, *end_seconds)))
            }
            Source::Frames(_) => return None,
        };
        Some(stapes_audio::read_with(path, &ReadOptions { channel: self.channel, segment }))
    }

    /// Reads the first `seconds` of the recording or the segment, which is longer; `None` for frames.
    ///
    /// # Errors
    /// Errors of [`stapes_audio::read_with`].
    pub fn read_start(&self, seconds: f64) -> Option<Result<Clip, AudioError>> {
        let (path, start) = match &self.source {
            Source::File(path) => (path, 0.0),
            Source::Segment { path, start_seconds, .. } => (path, *start_seconds),
            Source::Frames(_) => return None,
        };
        let segment = Some((start, Some(start + seconds)));
        Some(stapes_audio::read_with(path, &ReadOptions { channel: self.channel, segment }))
    }
}

/// Location of the content of an example.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Audio file, which a front end converts into frames.
    File(PathBuf),
    /// Segment of an audio file; without an end up to the end of the file.
    Segment {
        /// Path of the file.
        path: PathBuf,
        /// Start of the segment.
        start_seconds: f64,
        /// End of the segment.
        end_seconds: Option<f64>,
    },
    /// Frames of features in memory.
    Frames(Features),
}

impl Source {
    /// Returns the path of the audio file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Source::File(path) | Source::Segment { path, .. } => Some(path),
            Source::Frames(_) => None,
        }
    }

    /// Returns the path of the recording if the example is a segment of it.
    pub(crate) fn recording(&self) -> Option<&Path> {
        match self {
            Source::Segment { path, .. } => Some(path),
            Source::File(_) | Source::Frames(_) => None,
        }
    }
}

impl DataSet {
    /// Returns a data set of which nothing is missing or unused.
    pub(crate) fn new(name: &str, classes: Vec<String>, examples: Vec<Example>) -> DataSet {
        DataSet { name: name.to_owned(), classes, examples, missing: 0, notes: Vec::new() }
    }

    /// Returns the data set with the classes of a model, some of which may have no examples.
    ///
    /// # Errors
    /// The classes of the data that are not in `classes`.
    ///
    /// # Example
    /// ```
    /// use stapes_data::{Channel, DataSet, Example, Label, Source};
    ///
    /// let example = Example {
    ///     id: "yes/1.wav".into(),
    ///     label: Label::Class(0),
    ///     group: None,
    ///     fold: None,
    ///     predefined: None,
    ///     source: Source::File("yes/1.wav".into()),
    ///     channel: Channel::Mean,
    /// };
    /// let dataset = DataSet { classes: vec!["yes".into()], examples: vec![example], ..DataSet::default() };
    /// let renumbered = dataset.clone().with_classes(&["no".into(), "yes".into()]).unwrap();
    /// assert_eq!(renumbered.examples[0].label, Label::Class(1));
    /// assert_eq!(dataset.with_classes(&["no".into()]).unwrap_err(), ["yes"]);
    /// ```
    pub fn with_classes(mut self, classes: &[String]) -> Result<DataSet, Vec<String>> {
        let index =
            |name: &String| classes.iter().position(|class| class == name).ok_or_else(|| name.clone());
        let (found, unknown): (Vec<_>, Vec<_>) = self.classes.iter().map(index).partition(Result::is_ok);
        if !unknown.is_empty() {
            return Err(unknown.into_iter().filter_map(Result::err).collect());
        }
        let places: Vec<usize> = found.into_iter().flatten().collect();
        for example in &mut self.examples {
            example.label = example.label.clone().renumbered(&places);
        }
        self.classes = classes.to_vec();
        Ok(self)
    }

    /// Checks that a group is in the data; `key` is its key in a recipe.
    pub(crate) fn check_group(&self, key: &str, group: &str) -> Result<(), DataError> {
        let known = self.groups();
        if known.contains(&group) {
            return Ok(());
        }
        let rule = format!("must be a speaker of the data: {}", listed(&known, 40));
        Err(DataError::setting(key, group, rule))
    }

    /// Returns the groups (speakers) that occur, sorted.
    pub fn groups(&self) -> Vec<&str> {
        let groups: BTreeSet<&str> =
            self.examples.iter().filter_map(|example| example.group.as_deref()).collect();
        groups.into_iter().collect()
    }
}
