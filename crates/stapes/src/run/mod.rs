//! Run folder: its files, and how they are written and read.
//!
//! The recipe is written first, a checkpoint during training, and the [`RECORD`] last: a folder without a record is an
//! unfinished run, which can be resumed.

mod checkpoint;
mod folder;
mod predictions;
mod tensorboard;
mod versions;

use std::io::{
    self,
    ErrorKind::{InvalidFilename, NotADirectory, NotFound},
};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};
use stapes_files::number;
use stapes_infer::Model;
use stapes_metrics::{Detection, Estimate, Evaluation};
use stapes_train::Point;

use crate::built_in_model::BuiltInModel;
use crate::error::Error;
use crate::recipe::MAX_TEXT;
use crate::renamed::renamed_key;

pub use checkpoint::{Provenance, SavedRun};
pub use folder::{IfExists, RunFolder, RunState, abandon_all};
pub use predictions::TestPredictions;
pub(crate) use predictions::speaker_groups;
pub use tensorboard::EventFile;
pub use versions::{now, versions};

/// Recipe with all defaults.
pub const RECIPE: &str = "recipe.toml";
/// Model with the best validation score.
pub const MODEL: &str = "model.safetensors";
/// Model of the last step.
pub const LAST: &str = "last.safetensors";
/// Checkpoint of an unfinished run.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// Learning curves, one JSON line per validation.
pub const METRICS: &str = "metrics.jsonl";
/// Record of the run: a [`RunRecord`].
pub const RECORD: &str = "run.json";
/// Predictions on the test examples: a [`TestPredictions`].
pub const PREDICTIONS: &str = "predictions.safetensors";
/// Report page.
pub const REPORT: &str = "report.html";

/// Record of a run: command, data, program and results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Title of the recipe.
    pub title: String,
    /// Command line.
    pub command: String,
    /// End of the run, UTC.
    pub created_at: String,
    /// Folder of the data set, if it has one.
    pub data_folder: Option<String>,
    /// Name of the data set; `None` in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_set: Option<String>,
    /// Fingerprint of the data and its split.
    pub data_fingerprint: String,
    /// Fingerprint of the recordings of noise and impulse responses for augmentation, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment_fingerprint: Option<String>,
    /// Duration of training and validation, s.
    #[serde(with = "number")]
    pub seconds: f64,
    /// Number of optimizer steps.
    pub steps: usize,
    /// Step of the best validation.
    pub best_step: usize,
    /// Duration of training and validation until the best validation, s.
    #[serde(default, with = "number")]
    pub seconds_to_best: f64,
    /// `true` if the training was stopped before the last step.
    pub stopped: bool,
    /// Largest loss of a training that diverged; see [`TrainingResult`](stapes_train::TrainingResult).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub diverged_loss: Option<f64>,
    /// Training examples per second.
    #[serde(with = "number")]
    pub examples_per_second: f64,
    /// Fraction of the training time in which steps waited for examples, if background threads compute these.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub data_wait_fraction: Option<f64>,
    /// Accuracy at the best validation, if there are validation examples.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub validation_accuracy: Option<f64>,
    /// Accuracy of the best model on the test examples, if it was tested.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_accuracy: Option<f64>,
    /// Mean F1 over the classes on the test examples.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_macro_f1: Option<f64>,
    /// F1 of the second class on the test examples, for a frame-level model of two classes.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_f1: Option<f64>,
    /// Area under the ROC curve of the second class on the test examples, for a frame-level model of two classes.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_auc: Option<f64>,
    /// Thresholds of the second of two classes, chosen on validation, with their error rates on test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operating_points: Vec<ChosenPoint>,
    /// Number of trainable parameters.
    pub parameters: usize,
    /// Multiply-accumulates per second of audio, if the data is audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs_per_second: Option<u64>,
    /// Size of the model file in bytes.
    #[serde(default)]
    pub model_bytes: u64,
    /// Median time from samples (or frames) to probabilities for one test utterance, on one thread, ms.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub latency_ms: Option<f64>,
    /// Program, machine and settings that results depend on.
    pub versions: Vec<(String, String)>,
}

/// Threshold for the second of two classes, chosen on validation, with its error rates on test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenPoint {
    /// Criterion: "5 % false positives on validation".
    pub name: String,
    /// Minimum score of the second class; plus infinity (JSON `"Infinity"`) if no score reaches it.
    #[serde(serialize_with = "number::serialize", deserialize_with = "threshold")]
    pub threshold: f32,
    /// Fraction of the first class that is predicted as the second, on test.
    #[serde(with = "number")]
    pub false_positive_rate: f64,
    /// Fraction of the second class that is missed, on test.
    #[serde(with = "number")]
    pub miss_rate: f64,
}

/// Reads a threshold. Earlier versions wrote plus infinity as `null`; no other threshold is infinite, because those of
/// [`Roc`](stapes_metrics::Roc) are probabilities or plus infinity.
fn threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(number::deserialize::<Option<f32>, D>(deserializer)?.unwrap_or(f32::INFINITY))
}

impl RunRecord {
    /// Sets the fields of the test.
    pub(crate) fn set_test(&mut self, evaluation: &Evaluation) {
        let metric = |of: fn(&Detection) -> Option<Estimate>| {
            evaluation.detection.as_ref().and_then(of).map(|estimate| estimate.value)
        };
        self.test_accuracy = Some(evaluation.accuracy);
        self.test_macro_f1 = Some(evaluation.macro_f1);
        self.test_f1 = metric(|detection| detection.f1);
        self.test_auc = metric(|detection| detection.auc);
    }

    /// Returns a message with advice if the training diverged, without a full stop.
    pub fn divergence(&self) -> Option<String> {
        let loss = self.diverged_loss?;
        Some(format!(
            "training diverged: the loss rose to {loss:.1e}, more than a million times that of the start; lower \
             train.learning_rate or set train.max_grad_norm"
        ))
    }

    /// Returns the content of the file.
    pub fn to_json(&self) -> String {
        // Numbers that are not finite are written as strings, so JSON can represent all fields.
        serde_json::to_string_pretty(self).unwrap_or_else(|error| unreachable!("a record: {error}")) + "\n"
    }
}

/// Returns the run folder of a recipe if none is given: `runs/NAME`, or the next free name; to resume, the last one.
pub fn default_folder(recipe: &Path, existing: IfExists) -> PathBuf {
    let first = Path::new("runs").join(recipe);
    match existing {
        IfExists::Replace => first,
        IfExists::Resume => last_name(&first),
        IfExists::Refuse => free_name(&first),
    }
}

/// Returns the path, or the path with the first free number before the extension: `run`, `run-2`, `run-3`.
pub fn free_name(path: &Path) -> PathBuf {
    numbered_names(path).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| path.to_path_buf())
}

/// Returns the last of the names of [`free_name`] that exists, or the path.
pub fn last_name(path: &Path) -> PathBuf {
    let exists = |path: &PathBuf| path.symlink_metadata().is_ok();
    numbered_names(path).take_while(exists).last().unwrap_or_else(|| path.to_path_buf())
}

fn numbered_names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let numbered = (2u64..).map(|number| {
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    });
    std::iter::once(path.to_path_buf()).chain(numbered)
}

/// Complete run.
pub struct Run {
    /// Run folder.
    pub folder: PathBuf,
    /// Text of the recipe.
    pub recipe: String,
    /// Record of the run.
    pub record: RunRecord,
    /// Model.
    pub model: Model,
}

impl Run {
    /// Reads a run folder.
    ///
    /// # Errors
    /// [`Error::NoRun`] if a file is missing; [`Error::OldRun`] for a run of an earlier version; [`Error::Damaged`] or
    /// [`Error::Infer`] if a file is invalid.
    pub fn open(folder: &Path) -> Result<Run, Error> {
        let recipe = Run::read(folder, RECIPE)?;
        check_keys(folder, &recipe)?;
        let record = Run::read_record(folder)?;
        let model = Run::load_model(folder)?;
        Ok(Run { folder: folder.into(), recipe, record, model })
    }

    /// Reads only the record of a run.
    ///
    /// # Errors
    /// Errors of [`Run::open`].
    pub fn read_record(folder: &Path) -> Result<RunRecord, Error> {
        let text = Run::read(folder, RECORD)?;
        serde_json::from_str(&text).map_err(|error| {
            let old = Run::read(folder, RECIPE).and_then(|recipe| check_keys(folder, &recipe));
            let damaged = || Error::Damaged { path: folder.join(RECORD), reason: error.to_string() };
            old.err().filter(|error| matches!(error, Error::OldRun { .. })).unwrap_or_else(damaged)
        })
    }

    /// Reads a text file of a complete run.
    fn read(folder: &Path, file: &'static str) -> Result<String, Error> {
        stapes_files::read_text(&folder.join(file), MAX_TEXT).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound if matches!(RunState::of(folder), Ok(RunState::Partial)) => {
                unfinished(folder)
            }
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Error::NoRun { folder: folder.into(), file }
            }
            _ => Error::File { path: folder.join(file), action: "read a file of the run", source },
        })
    }

    /// Reads only the model, from a run folder or a model file; or a built-in one by its name, if nothing else has this name.
    ///
    /// # Errors
    /// [`Error::NoRun`] if there is no model; [`Error::Infer`] if it is invalid.
    pub fn load_model(path: &Path) -> Result<Model, Error> {
        if let Some(model) = BuiltInModel::find(path) {
            return model.load();
        }
        match path.metadata() {
            Ok(found) if !found.is_dir() => return Ok(Model::load(path)?),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => {
                return Err(BuiltInModel::unknown(path));
            }
            Err(source) => return Err(Error::File { path: path.into(), action: "read the model", source }),
        }
        let file = path.join(MODEL);
        if !file.exists() && matches!(RunState::of(path), Ok(RunState::Partial)) {
            return Err(unfinished(path));
        }
        if !file.exists() {
            return Err(match first_run(path) {
                Some(run) => Error::SeveralRuns { folder: path.into(), run },
                None => Error::NoRun { folder: path.into(), file: MODEL },
            });
        }
        Ok(Model::load(&file)?)
    }
}

/// True for the path of a file that a run in the same folder wrote.
pub fn is_file_of_run(path: &Path) -> bool {
    let files = [RECIPE, MODEL, LAST, METRICS, RECORD, PREDICTIONS, REPORT, CHECKPOINT];
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    path.exists()
        && files.iter().any(|file| path.ends_with(file))
        && matches!(RunState::of(folder), Ok(RunState::Partial | RunState::Complete))
}

/// Returns the first folder in this one, by name, that has a model: a run of several seeds or folds.
fn first_run(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|path| path.join(MODEL).is_file()).min()
}

/// Returns the error of an unfinished run, with the step of its checkpoint if it has a readable one.
pub(crate) fn unfinished(folder: &Path) -> Error {
    let checkpoint = SavedRun::read(folder).ok().flatten();
    match checkpoint.and_then(|bytes| SavedRun::parse(folder, &bytes).ok()) {
        Some(saved) => Error::StoppedRun { folder: folder.into(), step: saved.checkpoint.progress.step },
        None => Error::UnfinishedRun(folder.into()),
    }
}

/// Checks that the recipe of a run has no keys of earlier versions.
///
/// # Errors
/// [`Error::OldRun`] if it has one.
pub(crate) fn check_keys(folder: &Path, recipe: &str) -> Result<(), Error> {
    // Invalid TOML is reported by the parser of recipes.
    match toml::from_str(recipe).ok().and_then(|table| renamed_key(&table)) {
        Some(key) => Err(Error::OldRun { folder: folder.into(), key }),
        None => Ok(()),
    }
}

/// Returns points of the learning curves as JSON lines.
pub fn metrics(points: &[Point]) -> String {
    // JSON can represent all numbers of a point.
    let line = |point| serde_json::to_string(point).unwrap_or_else(|error| unreachable!("a point: {error}"));
    points.iter().map(|point| line(point) + "\n").collect()
}

#[cfg(test)]
mod tests;
