//! Errors of opening, splitting and loading data sets.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use stapes_files::SpecialFile;

use crate::subset::Subset;

/// Error of opening, splitting or loading a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A key of the configuration has an invalid value.
    #[error("data.{key} = {value}: {rule}")]
    Setting {
        /// Key relative to `data`: `fsdd.test_fraction`.
        key: String,
        /// Value that was given.
        value: String,
        /// Permitted values.
        rule: String,
    },
    /// The data set consists of files, but no folder was given.
    #[error("{set} consists of files; set their folder with --data DIR; expected: {layout}")]
    NoFolder {
        /// Name of the data set.
        set: &'static str,
        /// Expected content of the folder.
        layout: &'static str,
    },
    /// The folder does not exist.
    #[error("{path}: this folder does not exist; correct --data; expected: {layout}", path = path.display())]
    MissingFolder {
        /// Folder that was given.
        path: PathBuf,
        /// Expected content of the folder.
        layout: &'static str,
    },
    /// The folder does not contain this data set.
    #[error(
        "{folder} is not {set}: expected {looked_for}, found {found}; set --data to the folder that contains them",
        folder = folder.display()
    )]
    NotThisSet {
        /// Name of the data set.
        set: &'static str,
        /// Folder that was given.
        folder: PathBuf,
        /// Files that identify the data set.
        looked_for: String,
        /// Content of the folder.
        found: String,
    },
    /// A file or folder cannot be read.
    #[error("{path}: cannot be read: {reason}; check the path and its permissions", path = path.display())]
    Unreadable {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system.
        #[source]
        reason: io::Error,
    },
    /// A path of the data set is a pipe, a socket, a device or a folder instead of a file. It was not opened.
    #[error("{path}: is {kind}, not a regular file; replace it or move it to another folder", path = path.display())]
    NotAFile {
        /// Path of the file.
        path: PathBuf,
        /// Kind of file at the path.
        kind: SpecialFile,
    },
    /// File names do not have the required form.
    #[error(
        "{}: {} not {expected} ({}); rename the {} or move {} to another folder",
        paths[0].parent().unwrap_or(Path::new(".")).display(),
        if paths.len() == 1 { "a file name is".to_owned() } else { format!("{} file names are", paths.len()) },
        file_names(.paths),
        if paths.len() == 1 { "file" } else { "files" },
        if paths.len() == 1 { "it" } else { "them" },
    )]
    FileName {
        /// Paths of the files, at least one, in the same folder.
        paths: Vec<PathBuf>,
        /// Required form of a name.
        expected: &'static str,
    },
    /// A line of a text file is invalid.
    #[error("{path}:{line}: {reason}", path = path.display())]
    Line {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Description of the fault and of the expected content.
        reason: String,
    },
    /// Several lines of a text file are invalid.
    #[error("{}", invalid_lines(.path, .faults, *.count))]
    Lines {
        /// Path of the file.
        path: PathBuf,
        /// The first lines, from 1, each with its fault.
        faults: Vec<(usize, String)>,
        /// Number of all invalid lines.
        count: usize,
    },
    /// The recipe names a class that the data does not have.
    #[error("data.{key}: {folder} has no class `{class}`; its classes are {known}", folder = folder.display())]
    UnknownClass {
        /// Key that names the class.
        key: &'static str,
        /// Name of the class.
        class: String,
        /// Folder of the data set.
        folder: PathBuf,
        /// Classes of the data.
        known: String,
    },
    /// A class has no examples.
    #[error("{path}: class `{class}` has no examples; add some or remove the class", path = path.display())]
    EmptyClass {
        /// Expected location of the examples.
        path: PathBuf,
        /// Name of the class.
        class: String,
    },
    /// A class has no examples in a subset.
    #[error("{set}: class `{class}` has no {subset} examples; {advice}")]
    EmptySubset {
        /// Name of the data set.
        set: String,
        /// Name of the class.
        class: String,
        /// Subset without examples of the class.
        subset: Subset,
        /// Advice.
        advice: String,
    },
    /// A manifest or a folder of classes is invalid.
    #[error("{path}: {reason}", path = path.display())]
    Manifest {
        /// Path of the manifest or folder.
        path: PathBuf,
        /// Description of the fault, with advice.
        reason: String,
    },
    /// A subset has no examples.
    #[error("data.{set}: there are no {subset} examples; {advice}")]
    NoExamples {
        /// Name of the data set.
        set: &'static str,
        /// Empty subset.
        subset: Subset,
        /// Advice.
        advice: String,
    },
    /// Speakers are in more than one subset.
    #[error(
        "data.{set}: {count} {speakers_are} in more than one subset: {speakers}; a test with speakers of the training \
         subset overestimates the accuracy; {advice}, or set data.{set}.allow_shared_speakers = true",
        speakers_are = if *count == 1 { "speaker is" } else { "speakers are" }
    )]
    SharedSpeakers {
        /// Name of the data set.
        set: &'static str,
        /// Number of speakers.
        count: usize,
        /// First speakers, each with its subsets.
        speakers: String,
        /// Advice.
        advice: String,
    },
    /// Files with equal content are in more than one subset.
    #[error(
        "data.{set}: {count} {pairs_are} equal content in different subsets, so test data would be used in training: \
         {pairs}; delete one file of each pair, or put both into one subset",
        pairs_are = if *count == 1 { "pair of files has" } else { "pairs of files have" }
    )]
    SharedContent {
        /// Name of the data set.
        set: &'static str,
        /// Number of pairs.
        count: usize,
        /// First pairs.
        pairs: String,
    },
    /// The split has no folds.
    #[error("data.{set} has no folds; {advice}")]
    NoFolds {
        /// Name of the data set.
        set: &'static str,
        /// Advice.
        advice: String,
    },
    /// A data set was split with the configuration of another one.
    #[error(
        "the data set is {found}, but the split is configured for {expected}; split it with the configuration that opened it"
    )]
    OtherSet {
        /// Data set of the configuration.
        expected: &'static str,
        /// Data set that was given.
        found: String,
    },
    /// Some files cannot be used.
    #[error("{}", stapes_files::list_failures(.failed, *.total, &failure_advice(.set)))]
    Files {
        /// Name of the data set.
        set: String,
        /// Each file with the reason, in the requested order.
        failed: Vec<(PathBuf, String)>,
        /// Number of requested files.
        total: usize,
    },
    /// Several of the errors above, found in one pass.
    #[error("{}", .0.iter().map(DataError::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<DataError>),
    /// Frames cannot be cached in a folder.
    #[error("{path}: frames cannot be cached here: {reason}; set --cache to a writable folder", path = path.display())]
    Cache {
        /// Path of the folder.
        path: PathBuf,
        /// Error of the operating system.
        #[source]
        reason: io::Error,
    },
    /// Loading was stopped by the caller.
    #[error("stopped after {done} of {total} examples")]
    Stopped {
        /// Number of loaded examples.
        done: usize,
        /// Number of requested examples.
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

    /// Returns true if a folder has no recordings, or a class of it has none.
    pub(crate) fn finds_no_recordings(&self) -> bool {
        matches!(self, DataError::EmptyClass { .. } | DataError::NotThisSet { .. })
    }

    pub(crate) fn unreadable(path: &Path, reason: io::Error) -> DataError {
        match SpecialFile::behind(&reason) {
            Some(kind) => DataError::NotAFile { path: path.to_owned(), kind },
            None => DataError::Unreadable { path: path.to_owned(), reason },
        }
    }
}

/// Names of the data sets whose recipe may permit unreadable files.
const CUSTOM_SETS: [&str; 2] = ["folders", "manifest"];

/// Maximum number of faults in a message.
pub(crate) const MAX_SHOWN: usize = 5;

/// Joins the first `limit` names and the number of further ones: `a, b and 3 more`.
pub(crate) fn listed<T: AsRef<str>>(names: &[T], limit: usize) -> String {
    let shown: Vec<&str> = names.iter().take(limit).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(limit) {
        _ if names.is_empty() => "nothing".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn file_names(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    listed(&paths.iter().map(name).collect::<Vec<_>>(), MAX_SHOWN)
}

fn invalid_lines(path: &Path, faults: &[(usize, String)], count: usize) -> String {
    if let ([(line, reason)], 1) = (faults, count) {
        return format!("{}:{line}: {reason}", path.display());
    }
    let mut text = format!("{}: {count} lines are invalid:", path.display());
    for (line, reason) in faults {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  line {line}: {reason}");
    }
    if count > faults.len() {
        let _ = write!(text, "\n  and {} more", count - faults.len());
    }
    text
}

fn failure_advice(set: &str) -> String {
    let advice = "repair or remove them";
    match CUSTOM_SETS.contains(&set) {
        true => format!("{advice}, or permit some with data.{set}.max_unreadable_fraction"),
        false => advice.to_owned(),
    }
}
