//! What can go wrong with a data set.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use stapes_files::SpecialFile;

use crate::split::Partition;

/// Why a data set cannot be opened, split or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A key of the configuration has a value that it may not have.
    #[error("{key} = {value}: {rule}")]
    Setting {
        /// The key, from the data set's name on: `fsdd.test_share`.
        key: String,
        /// The value as it was given.
        value: String,
        /// What it must be.
        rule: String,
    },
    /// The data set consists of files, and no folder was given.
    #[error("{set} needs its files: give their folder with --data DIR; expected is {layout}")]
    NoFolder {
        /// The data set.
        set: &'static str,
        /// What the folder should hold.
        layout: &'static str,
    },
    /// The folder does not exist.
    #[error("{path}: there is no such folder: check --data; expected is {layout}", path = path.display())]
    MissingFolder {
        /// The folder as it was given.
        path: PathBuf,
        /// What it should hold.
        layout: &'static str,
    },
    /// The folder does not hold this data set.
    #[error(
        "{folder} is not {set}: looked for {looked_for}, found {found}; give --data the folder that holds them",
        folder = folder.display()
    )]
    NotThisSet {
        /// The data set.
        set: &'static str,
        /// The folder as it was given.
        folder: PathBuf,
        /// The files that tell the data set.
        looked_for: String,
        /// What is there instead.
        found: String,
    },
    /// A file or folder cannot be read.
    #[error("{path}: cannot be read: {reason}: check the path and its permissions", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// A pipe, a socket, a device or a folder lies where a file of the data set should be. It was not opened.
    #[error("{path}: is {kind}, and a regular file is needed; replace it, or move it away", path = path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// Kind of what is there.
        kind: SpecialFile,
    },
    /// A file's name says nothing about its class.
    #[error("{path}: the name is not {expected}: rename the file or move it away", path = path.display())]
    FileName {
        /// The file.
        path: PathBuf,
        /// The form of a name.
        expected: &'static str,
    },
    /// A line of a text file is wrong.
    #[error("{path}:{line}: {reason}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// The recipe names a class that the data does not have.
    #[error("{key}: {folder} has no class `{class}`: it has {known}", folder = folder.display())]
    UnknownClass {
        /// The key that names it.
        key: &'static str,
        /// The class.
        class: String,
        /// The folder of the data set.
        folder: PathBuf,
        /// The classes that are there.
        known: String,
    },
    /// A class has no example at all.
    #[error("{path}: class `{class}` has no example: add some, or leave the class out", path = path.display())]
    EmptyClass {
        /// Where its examples should be.
        path: PathBuf,
        /// The class.
        class: String,
    },
    /// A class has no example in a part of the split.
    #[error("{set}: class `{class}` has no example for {partition}: {advice}")]
    EmptyPart {
        /// The data set.
        set: String,
        /// The class.
        class: String,
        /// The part that lacks it.
        partition: Partition,
        /// What to do about it.
        advice: String,
    },
    /// A manifest, or a folder of classes, is not as it should be.
    #[error("{path}: {reason}", path = path.display())]
    Manifest {
        /// The manifest or the folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A part of the split has no example.
    #[error("data.{set}: no example for {partition}: {advice}")]
    NoExamples {
        /// The data set.
        set: &'static str,
        /// The part.
        partition: Partition,
        /// What to do about it.
        advice: String,
    },
    /// Speakers are heard in more than one part of the split.
    #[error(
        "data.{set}: {count} {speakers_are} in more than one part of the split: {speakers}: a test on voices that training \
         heard says little about others: {advice}; or set data.{set}.allow_shared_speakers = true",
        speakers_are = if *count == 1 { "speaker is" } else { "speakers are" }
    )]
    SharedSpeakers {
        /// The data set.
        set: &'static str,
        /// How many there are.
        count: usize,
        /// The first of them, each with its parts.
        speakers: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// Files of the same content are in more than one part of the split.
    #[error(
        "data.{set}: {count} {pairs_are} the same content in two parts of the split, so the test would be on what was \
         trained on: {pairs}: delete one of each two, or put both into one part",
        pairs_are = if *count == 1 { "pair of files has" } else { "pairs of files have" }
    )]
    SharedContent {
        /// The data set.
        set: &'static str,
        /// How many pairs there are.
        count: usize,
        /// The first of them.
        pairs: String,
    },
    /// The split is not by folds.
    #[error("data.{set} has no folds: {advice}")]
    NoFolds {
        /// The data set.
        set: &'static str,
        /// Why, or what to set.
        advice: &'static str,
    },
    /// A data set was split by the configuration of another one.
    #[error(
        "the data set is {found}, and the split is of {expected}: split it by the configuration that opened it"
    )]
    OtherSet {
        /// The data set of the configuration.
        expected: &'static str,
        /// The data set given.
        found: String,
    },
    /// Some files cannot be used; the others were read.
    #[error("{}", failures(.failed, *.total))]
    Files {
        /// Each file and what is wrong with it, in the order asked for.
        failed: Vec<(PathBuf, String)>,
        /// How many were to be read.
        total: usize,
    },
    /// Frames cannot be kept in a folder.
    #[error("{path}: cannot keep frames here: {reason}: give --cache a folder that can be written", path = path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The loading was stopped from outside.
    #[error("stopped after {done} of {total} examples")]
    Stopped {
        /// How many were loaded.
        done: usize,
        /// How many were to be loaded.
        total: usize,
    },
}

impl DataError {
    pub(crate) fn setting(
        key: impl Into<String>,
        value: impl std::fmt::Display,
        rule: impl Into<String>,
    ) -> DataError {
        DataError::Setting { key: key.into(), value: value.to_string(), rule: rule.into() }
    }

    pub(crate) fn unreadable(path: &Path, reason: io::Error) -> DataError {
        match SpecialFile::behind(&reason) {
            Some(kind) => DataError::NotAFile { path: path.to_owned(), kind },
            None => DataError::Unreadable { path: path.to_owned(), reason },
        }
    }
}

/// The first `limit` names and how many more there are: `a, b and 3 more`.
pub(crate) fn listed<T: AsRef<str>>(names: &[T], limit: usize) -> String {
    let shown: Vec<&str> = names.iter().take(limit).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(limit) {
        _ if names.is_empty() => "nothing".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn failures(failed: &[(PathBuf, String)], total: usize) -> String {
    const SHOWN: usize = 5;
    let mut text = format!("{} of {total} files cannot be used:", failed.len());
    for (path, reason) in failed.iter().take(SHOWN) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {}: {reason}", path.display());
    }
    if failed.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", failed.len() - SHOWN);
    }
    text + "\nrepair them or take them out; of data of your own, unreadable_share in the recipe allows some"
}
