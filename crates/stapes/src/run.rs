//! The folder that a run leaves behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use stapes_infer::Bundle;
use stapes_train::Point;

use crate::error::Error;

/// The recipe with every default written out.
pub const RECIPE: &str = "recipe.toml";
/// The model of the best validation.
pub const MODEL: &str = "model.safetensors";
/// One JSON line a validation.
pub const METRICS: &str = "metrics.jsonl";
/// What was run, where, and what came out: a [`RunRecord`].
pub const RECORD: &str = "run.json";
/// The page for people.
pub const REPORT: &str = "report.html";

/// What was run, where, and what came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The recipe's title.
    pub title: String,
    /// The command line.
    pub command: String,
    /// When the run ended, UTC.
    pub made_at: String,
    /// The folder of the data set, where it has one.
    pub data_folder: Option<String>,
    /// Tells two versions of the data or the split apart.
    pub data_fingerprint: String,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Optimiser steps done.
    pub steps: usize,
    /// The step of the best validation.
    pub best_step: usize,
    /// Whether it was stopped before its last step.
    pub stopped: bool,
    /// Examples a second in training.
    pub examples_a_second: f64,
    /// Accuracy at the best validation.
    pub validation_accuracy: f64,
    /// Accuracy of that model on the test split.
    pub test_accuracy: f64,
    /// F1 of the second class there, of a model that decides between two classes for every frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_f1: Option<f64>,
    /// Area under the ROC curve of the second class there, of such a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_auc: Option<f64>,
    /// Trainable numbers.
    pub parameters: usize,
    /// Median time of one utterance, from samples (or frames) to probabilities, on one thread.
    pub latency_ms: f64,
    /// Program, machine and settings that results depend on.
    pub versions: Vec<(String, String)>,
}

/// The unfinished folders of this process, for [`remove_unfinished`].
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes what runs that are being written have made so far; for a program that ends at once.
pub fn remove_unfinished() {
    let folders = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    for folder in folders.iter() {
        // Ending at once, there is nobody to tell.
        let _ = fs::remove_dir_all(folder);
    }
}

/// A run's folder while it is being written: it gets its name when everything is there.
///
/// Dropped before [`RunFolder::finish`], the unfinished folder is removed.
pub struct RunFolder {
    unfinished: PathBuf,
    wanted: PathBuf,
    replace: bool,
}

impl RunFolder {
    /// Whether a run may end in `folder`: an existing one only if `replace` is set and it is a run.
    ///
    /// # Errors
    /// [`Error::RunExists`] or [`Error::NotARun`].
    pub fn check(folder: &Path, replace: bool) -> Result<(), Error> {
        if folder.symlink_metadata().is_err() {
            return Ok(());
        }
        let replaceable = folder.join(RECORD).is_file() || is_empty_folder(folder);
        match (replace, replaceable) {
            (true, true) => Ok(()),
            (false, true) => Err(Error::RunExists(folder.into())),
            (_, false) => Err(Error::NotARun(folder.into())),
        }
    }

    /// Begins a run that will end in `folder`; a run that is there is refused unless `replace` is set, and
    /// then stays until the new one is complete.
    ///
    /// # Errors
    /// As [`RunFolder::check`]; [`Error::File`] if no folder can be made there.
    pub fn begin(folder: &Path, replace: bool) -> Result<RunFolder, Error> {
        RunFolder::check(folder, replace)?;
        let refuse = |source| Error::File { path: folder.into(), action: "make the run folder", source };
        let Some(name) = folder.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path names no folder");
            return Err(refuse(source));
        };
        let mut name = name.to_os_string();
        name.push(format!(".unfinished-{}", std::process::id()));
        let unfinished = folder.with_file_name(name);
        fs::create_dir_all(&unfinished).map_err(refuse)?;
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push(unfinished.clone());
        Ok(RunFolder { unfinished, wanted: folder.into(), replace })
    }

    /// Where a file of the run lies for now.
    pub fn path(&self, file: &str) -> PathBuf {
        self.unfinished.join(file)
    }

    /// Writes one file of the run.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written.
    pub fn write(&self, file: &str, contents: &str) -> Result<(), Error> {
        let path = self.path(file);
        stapes_files::write(&path, contents.as_bytes()).map_err(|source| Error::File {
            path,
            action: "write a file of the run",
            source,
        })
    }

    /// Gives the folder its name, and returns it.
    ///
    /// Where another run took the name meanwhile, this one gets the first free number behind it: what was
    /// trained is never thrown away.
    ///
    /// # Errors
    /// [`Error::Unnamed`] if the folder cannot be renamed; it stays, and the error names it.
    pub fn finish(self) -> Result<PathBuf, Error> {
        self.forget();
        let unnamed = |source| Error::Unnamed { unfinished: self.unfinished.clone(), source };
        let exists = self.wanted.symlink_metadata().is_ok();
        if !exists || !self.replace {
            let name = if exists { free_name(&self.wanted) } else { self.wanted.clone() };
            fs::rename(&self.unfinished, &name).map_err(unnamed)?;
            return Ok(name);
        }
        let mut replaced = self.unfinished.clone().into_os_string();
        replaced.push(".replaced");
        fs::rename(&self.wanted, &replaced).map_err(unnamed)?;
        fs::rename(&self.unfinished, &self.wanted).map_err(unnamed)?;
        fs::remove_dir_all(&replaced).map_err(|source| Error::File {
            path: replaced.into(),
            action: "remove the replaced run",
            source,
        })?;
        Ok(self.wanted.clone())
    }

    /// Leaves the folder as it is, unfinished, and tells where.
    pub fn keep(self) -> PathBuf {
        self.forget();
        self.unfinished.clone()
    }

    /// From now on the folder is no longer this process's to remove.
    fn forget(&self) -> bool {
        let mut folders = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        let before = folders.len();
        folders.retain(|folder| *folder != self.unfinished);
        folders.len() < before
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.forget() {
            // The error that led here is the one to report.
            let _ = fs::remove_dir_all(&self.unfinished);
        }
    }
}

/// The path, or with the first number behind it that is free: `run`, `run-2`, `run-3`.
pub fn free_name(path: &Path) -> PathBuf {
    let numbered = (2u64..).map(|number| {
        let mut name = path.as_os_str().to_os_string();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    });
    let mut names = std::iter::once(path.to_path_buf()).chain(numbered);
    names.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| path.to_path_buf())
}

fn is_empty_folder(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// A run that was trained before.
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// The recipe's text.
    pub recipe: String,
    /// What was run and what came out.
    pub record: RunRecord,
    /// The model.
    pub bundle: Bundle,
}

impl Run {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// [`Error::NoRun`] if a file is missing; [`Error::Damaged`] or [`Error::Infer`] if one cannot be
    /// understood.
    pub fn open(folder: &Path) -> Result<Run, Error> {
        let read = |file: &'static str| {
            fs::read_to_string(folder.join(file)).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    Error::NoRun { folder: folder.into(), file }
                }
                _ => Error::File { path: folder.join(file), action: "read a file of the run", source },
            })
        };
        let recipe = read(RECIPE)?;
        let record = serde_json::from_str(&read(RECORD)?)
            .map_err(|error| Error::Damaged { path: folder.join(RECORD), reason: error.to_string() })?;
        let bundle = Run::model(folder)?;
        Ok(Run { folder: folder.into(), recipe, record, bundle })
    }

    /// The model alone, of a run's folder or a model file: all that is needed to predict.
    ///
    /// # Errors
    /// [`Error::NoRun`] if there is no model; [`Error::Infer`] if it cannot be understood.
    pub fn model(path: &Path) -> Result<Bundle, Error> {
        if path.is_file() {
            return Ok(Bundle::load(path)?);
        }
        let file = path.join(MODEL);
        if !file.is_file() {
            return Err(Error::NoRun { folder: path.into(), file: MODEL });
        }
        Ok(Bundle::load(&file)?)
    }
}

/// The validations as JSON lines.
pub fn metrics(points: &[Point]) -> String {
    // Numbers and nothing else.
    let line = |point| serde_json::to_string(point).unwrap_or_else(|error| unreachable!("a point: {error}"));
    points.iter().map(|point| line(point) + "\n").collect()
}

/// The time now, UTC, to the second.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Program, machine and settings that results depend on.
pub fn versions(threads: usize, shards: usize) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_string(), value);
    vec![
        pair("stapes", env!("CARGO_PKG_VERSION").into()),
        pair("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        pair("processor", processor()),
        pair("instructions", stapes_kernels::InstructionSet::best().to_string()),
        pair("threads", threads.to_string()),
        pair("shards", shards.to_string()),
    ]
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown".into(), |(_, name)| name.trim().into())
}
