//! The folder that a run leaves behind.

use std::fs;
use std::path::{Path, PathBuf};
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
    pub data_folder: Option<PathBuf>,
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
    /// Trainable numbers.
    pub parameters: usize,
    /// Median time of one utterance, from samples (or frames) to probabilities, on one thread.
    pub latency_ms: f64,
    /// Program, machine and settings that results depend on.
    pub versions: Vec<(String, String)>,
}

/// A run's folder while it is being written: it gets its name when everything is there.
///
/// Dropped before [`RunFolder::finish`], the unfinished folder is removed.
pub struct RunFolder {
    unfinished: PathBuf,
    wanted: PathBuf,
    replace: bool,
    finished: bool,
}

impl RunFolder {
    /// Begins a run that will end in `folder`; an existing one is refused unless `replace` is set, and then
    /// stays until the new one is complete.
    ///
    /// # Errors
    /// [`Error::RunExists`] if the folder exists; [`Error::File`] if no folder can be made there.
    pub fn begin(folder: &Path, replace: bool) -> Result<RunFolder, Error> {
        let mut name = folder.file_name().map(|name| name.to_os_string()).unwrap_or_default();
        if name.is_empty() {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path names no folder");
            return Err(Error::File { path: folder.into(), action: "make a run folder", source });
        }
        if folder.symlink_metadata().is_ok() {
            let replaceable = folder.join(RECORD).is_file() || is_empty_folder(folder);
            if !replace || !replaceable {
                return Err(if replace {
                    Error::NotARun(folder.into())
                } else {
                    Error::RunExists(folder.into())
                });
            }
        }
        name.push(format!(".unfinished-{}", std::process::id()));
        let unfinished = folder.with_file_name(name);
        fs::create_dir_all(&unfinished).map_err(|source| Error::File {
            path: unfinished.clone(),
            action: "make the run folder",
            source,
        })?;
        Ok(RunFolder { unfinished, wanted: folder.into(), replace, finished: false })
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

    /// Gives the folder its name.
    ///
    /// # Errors
    /// [`Error::RunExists`] if someone else made the folder meanwhile; [`Error::File`] if it cannot be
    /// renamed.
    pub fn finish(mut self) -> Result<PathBuf, Error> {
        let rename = |from: &Path, to: &Path| {
            fs::rename(from, to).map_err(|source| Error::File {
                path: to.into(),
                action: "rename the finished run to this",
                source,
            })
        };
        let exists = self.wanted.symlink_metadata().is_ok();
        if exists && !self.replace {
            // What was trained stays, under the name it has.
            self.finished = true;
            return Err(Error::RunExists(self.wanted.clone()));
        }
        self.finished = true;
        let replaced = self.unfinished.with_extension("replaced");
        if exists {
            rename(&self.wanted, &replaced)?;
        }
        rename(&self.unfinished, &self.wanted)?;
        if exists {
            fs::remove_dir_all(&replaced).map_err(|source| Error::File {
                path: replaced,
                action: "remove the replaced run",
                source,
            })?;
        }
        Ok(self.wanted.clone())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.finished {
            // The error that led here is the one to report.
            let _ = fs::remove_dir_all(&self.unfinished);
        }
    }
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
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
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
        pair("threads", threads.to_string()),
        pair("shards", shards.to_string()),
    ]
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown".into(), |(_, name)| name.trim().into())
}
