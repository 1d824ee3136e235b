//! The folder of a run: what it holds, how it comes to be, and how it is found again.
//!
//! The recipe is there from the first moment on, the checkpoint as soon as something was learned, and the [`RECORD`]
//! when all is done: a folder without it is a run that may be resumed.

mod checkpoint;
mod events;
mod folder;
mod outcome;
mod versions;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};
use stapes_eval::{Detection, Estimate, Evaluation};
use stapes_files::number;
use stapes_infer::Model;
use stapes_train::Point;

use crate::error::Error;
use crate::recipe::MAX_TEXT;

pub use checkpoint::{Origin, Saved};
pub use events::Events;
pub use folder::{Existing, RunFolder, Standing, abandon_all};
pub use outcome::TestOutcome;
pub use versions::{now, versions};

/// The recipe with every default written out.
pub const RECIPE: &str = "recipe.toml";
/// The model of the best validation.
pub const MODEL: &str = "model.safetensors";
/// The model of the last step.
pub const LAST: &str = "last.safetensors";
/// What an unfinished run goes on from.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// One JSON line a validation.
pub const METRICS: &str = "metrics.jsonl";
/// What was run, where, and what came out: a [`RunRecord`].
pub const RECORD: &str = "run.json";
/// What the model says of each test example: a [`TestOutcome`].
pub const OUTCOME: &str = "test.safetensors";
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
    pub created_at: String,
    /// The folder of the data set, where it has one.
    pub data_folder: Option<String>,
    /// Tells two versions of the data or the split apart.
    pub data_fingerprint: String,
    /// By which to tell whether augmentation used the same recordings of noise and rooms, if it used any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment_fingerprint: Option<String>,
    /// Seconds of training and validation.
    #[serde(with = "number")]
    pub seconds: f64,
    /// Optimizer steps done.
    pub steps: usize,
    /// The step of the best validation.
    pub best_step: usize,
    /// Seconds of training and validation until then.
    #[serde(default, with = "number")]
    pub seconds_to_best: f64,
    /// Whether it was stopped before its last step.
    pub stopped: bool,
    /// The largest loss of a training that diverged; see [`TrainingResult`](stapes_train::TrainingResult).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub diverged_loss: Option<f64>,
    /// Examples a second in training.
    #[serde(with = "number")]
    pub examples_per_second: f64,
    /// Share of the training time in which steps waited for examples, where these are made in the background.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub data_wait_fraction: Option<f64>,
    /// Accuracy at the best validation, where there are examples for it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub validation_accuracy: Option<f64>,
    /// Accuracy of that model on the test split, of a run that was tested.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_accuracy: Option<f64>,
    /// Mean F1 over the classes there.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_macro_f1: Option<f64>,
    /// F1 of the second class there, of a model that decides between two classes for every frame.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_f1: Option<f64>,
    /// Area under the ROC curve of the second class there, of such a model.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub test_auc: Option<f64>,
    /// Thresholds for the second of two classes that were chosen on validation, and what they give on the test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operating_points: Vec<ChosenPoint>,
    /// Trainable numbers.
    pub parameters: usize,
    /// Multiply-accumulates for a second of audio, where the data is audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs_per_second: Option<u64>,
    /// Size of the model file.
    #[serde(default)]
    pub model_bytes: u64,
    /// Median time of one test utterance, from samples (or frames) to probabilities, on one thread.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub latency_ms: Option<f64>,
    /// Program, machine and settings that results depend on.
    pub versions: Vec<(String, String)>,
}

/// A threshold for the second of two classes that was chosen on validation, and its errors on the test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenPoint {
    /// What it was chosen for: "5 % false positives on validation".
    pub name: String,
    /// Scores from here on are of the class; plus infinity (JSON `"Infinity"`) where no score is.
    #[serde(serialize_with = "number::serialize", deserialize_with = "threshold")]
    pub threshold: f32,
    /// The share of the first class that is taken for the second, on the test.
    #[serde(with = "number")]
    pub false_positive_rate: f64,
    /// The share of the second class that is missed there.
    #[serde(with = "number")]
    pub miss_rate: f64,
}

/// Reads a threshold. Earlier versions wrote plus infinity as `null`, and no other threshold is not finite: one that was
/// chosen by [`Roc`](stapes_eval::Roc) is a probability, or plus infinity.
fn threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(number::deserialize::<Option<f32>, D>(deserializer)?.unwrap_or(f32::INFINITY))
}

impl RunRecord {
    /// Takes in how the model does on the test examples.
    pub(crate) fn set_test(&mut self, evaluation: &Evaluation) {
        let figure = |of: fn(&Detection) -> Option<Estimate>| {
            evaluation.detection.as_ref().and_then(of).map(|estimate| estimate.value)
        };
        self.test_accuracy = Some(evaluation.accuracy);
        self.test_macro_f1 = Some(evaluation.macro_f1);
        self.test_f1 = figure(|detection| detection.f1);
        self.test_auc = figure(|detection| detection.auc);
    }

    /// What is to be known of a training that diverged: a sentence and an advice, without a full stop.
    pub fn divergence(&self) -> Option<String> {
        let loss = self.diverged_loss?;
        Some(format!(
            "training diverged: the loss rose to {loss:.1e}, more than a million times that of the start; lower \
             train.learning_rate or set train.max_grad_norm"
        ))
    }

    /// As the file holds it.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists: nothing that JSON cannot hold, for numbers without a numeral are strings.
        serde_json::to_string_pretty(self).unwrap_or_else(|error| unreachable!("a record: {error}")) + "\n"
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

/// A run that was trained before.
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// The recipe's text.
    pub recipe: String,
    /// What was run and what came out.
    pub record: RunRecord,
    /// The model.
    pub bundle: Model,
}

impl Run {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// [`Error::NoRun`] if a file is missing; [`Error::Damaged`] or [`Error::Infer`] if one cannot be
    /// understood.
    pub fn open(folder: &Path) -> Result<Run, Error> {
        let recipe = Run::read(folder, RECIPE)?;
        let record = Run::record(folder)?;
        let bundle = Run::model(folder)?;
        Ok(Run { folder: folder.into(), recipe, record, bundle })
    }

    /// What was run and what came out, alone.
    ///
    /// # Errors
    /// As [`Run::open`].
    pub fn record(folder: &Path) -> Result<RunRecord, Error> {
        serde_json::from_str(&Run::read(folder, RECORD)?)
            .map_err(|error| Error::Damaged { path: folder.join(RECORD), reason: error.to_string() })
    }

    /// The text of a file of a complete run.
    fn read(folder: &Path, file: &'static str) -> Result<String, Error> {
        stapes_files::read_text(&folder.join(file), MAX_TEXT).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound if matches!(Standing::of(folder), Ok(Standing::Unfinished)) => {
                Error::UnfinishedRun(folder.into())
            }
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Error::NoRun { folder: folder.into(), file }
            }
            _ => Error::File { path: folder.join(file), action: "read a file of the run", source },
        })
    }

    /// The model alone, of a run's folder or a model file: all that is needed to predict.
    ///
    /// # Errors
    /// [`Error::NoRun`] if there is no model; [`Error::Infer`] if it cannot be understood.
    pub fn model(path: &Path) -> Result<Model, Error> {
        if path.exists() && !path.is_dir() {
            return Ok(Model::load(path)?);
        }
        let file = path.join(MODEL);
        if !file.exists() {
            return Err(Error::NoRun { folder: path.into(), file: MODEL });
        }
        Ok(Model::load(&file)?)
    }
}

/// The validations as JSON lines.
pub fn metrics(points: &[Point]) -> String {
    // Numbers and nothing else.
    let line = |point| serde_json::to_string(point).unwrap_or_else(|error| unreachable!("a point: {error}"));
    points.iter().map(|point| line(point) + "\n").collect()
}

#[cfg(test)]
mod tests;
