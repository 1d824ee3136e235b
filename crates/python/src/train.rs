//! Training: recipes to run folders, and arrays to models.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use stapes::audio::Clip;
use stapes::features::{FeatureConfig, Features, Normalization, preset_at};
use stapes::nn::ModelConfig;
use stapes::run::{IfExists, RunFolder, free_name};
use stapes::train::{Event as Training, SingleProcess, TrainConfig};
use stapes::{BUILT_IN_RECIPES, Error, Event, InMemoryDataset, OnEvent, Recipe, Trainer, TrainingJob};

use crate::arrays::frames;
use crate::error::{exception, value_error};
use crate::model::{Model, clip};
use crate::threads;

/// Minimum time between two events of the same kind that replace each other, such as steps.
const INTERVAL: Duration = Duration::from_millis(100);

/// How often the interpreter is asked for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// Runs `work` on a thread, with the interpreter's lock released, and calls `callback` on this one with each event as JSON.
///
/// Ctrl-C sets `stop`, at which the work ends with what it has; so does an exception of the callback, which is raised when the
/// work has ended. Returns the result of the work, and whether Ctrl-C was pressed.
pub(crate) fn interruptible<R: Send>(
    py: Python<'_>,
    stop: &AtomicBool,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(OnEvent<'_>) -> R + Send,
) -> PyResult<(R, bool)> {
    let (sender, receiver) = channel::<String>();
    let wanted = callback.is_some();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let last = Mutex::new(None);
            let send = |event: Event<'_>| {
                if !wanted {
                    return;
                }
                if let Some(event) = event_json(&event, &last) {
                    // The receiver lives until the work ends.
                    let _ = sender.send(event.to_string());
                }
            };
            threads::run(|| work(&send))
        });
        let (interrupted, raised) = report(py, stop, callback.as_ref(), receiver);
        let result = py.detach(|| worker.join());
        // A panic of the work is a panic here.
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        match raised {
            Some(error) => Err(error),
            None => Ok((result, interrupted)),
        }
    })
}

/// Calls the callback with the events until the work ends.
fn report(
    py: Python<'_>,
    stop: &AtomicBool,
    callback: Option<&Py<PyAny>>,
    events: Receiver<String>,
) -> (bool, Option<PyErr>) {
    let (mut interrupted, mut raised) = (false, None);
    // The lock is released while waiting; a receiver may move to the waiting closure, but not be shared with it.
    let events = Mutex::new(events);
    loop {
        let event = py.detach(|| events.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(SIGNALS));
        match (event, callback) {
            (Err(RecvTimeoutError::Disconnected), _) => return (interrupted, raised),
            (Ok(event), Some(callback)) if raised.is_none() => {
                if let Err(error) = callback.call1(py, (event,)) {
                    stop.store(true, Ordering::Relaxed);
                    raised = Some(error);
                }
            }
            _ => {}
        }
        if py.check_signals().is_err() {
            interrupted = true;
            stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns an event as JSON; `None` for one that is not for people, or that follows another one of its kind too soon.
fn event_json(event: &Event<'_>, last: &Mutex<Option<Instant>>) -> Option<Value> {
    let is_due = |done: bool| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = done || last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if due {
            *last = Some(Instant::now());
        }
        due
    };
    let progress = |name: &str, done: usize, total: usize| {
        is_due(done == total).then(|| json!({ "event": name, "done": done, "total": total }))
    };
    match event {
        Event::Checked { done, total } => progress("checking", *done, *total),
        Event::Loaded { done, total } => progress("loading", *done, *total),
        Event::Training(Training::Step { step, steps, loss }) => is_due(step == steps)
            .then(|| json!({ "event": "step", "step": step, "steps": steps, "loss": number(*loss) })),
        Event::Training(Training::Validated { point, .. }) => {
            Some(json!({ "event": "validation", "point": point }))
        }
        Event::Warning(text) => Some(json!({ "event": "warning", "text": text })),
        Event::Message(text) => Some(json!({ "event": "message", "text": text })),
        Event::Skipped(files) if !files.is_empty() => {
            let files: Vec<Value> = files
                .iter()
                .map(|(path, reason)| json!({ "path": path.display().to_string(), "reason": reason }))
                .collect();
            Some(json!({ "event": "skipped", "files": files }))
        }
        Event::RunEnded { done, total, .. } => {
            Some(json!({ "event": "run_ended", "done": done, "total": total }))
        }
        _ => None,
    }
}

/// Returns a number as JSON; infinities and NaN as text, like the records.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}

/// Recipe of a training.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// File, or name of a built-in recipe.
    File(PathBuf),
    /// Sections and keys.
    Keys(toml::Table),
}

impl Source {
    fn recipe(&self, overrides: &[String]) -> Result<Recipe, Error> {
        match self {
            Source::File(path) => {
                let built_in = BUILT_IN_RECIPES.iter().find(|recipe| path.as_os_str() == recipe.name);
                match built_in.filter(|_| !path.exists()) {
                    Some(recipe) => Recipe::from_toml(recipe.name, recipe.text, overrides),
                    None => Recipe::read(path, overrides),
                }
            }
            Source::Keys(table) => Recipe::from_toml("recipe", &table.to_string(), overrides),
        }
    }

    fn name(&self) -> &Path {
        match self {
            Source::File(path) => path.file_stem().map_or("recipe".as_ref(), AsRef::as_ref),
            Source::Keys(_) => "recipe".as_ref(),
        }
    }
}

/// Trains a recipe, `{"file": path}` or `{"keys": {…}}`, and returns the run folder and whether it was interrupted.
#[pyfunction]
#[pyo3(signature = (recipe, data, out, overrides, existing, callback))]
pub(crate) fn train(
    py: Python<'_>,
    recipe: &str,
    data: Option<PathBuf>,
    out: Option<PathBuf>,
    overrides: Vec<String>,
    existing: &str,
    callback: Option<Py<PyAny>>,
) -> PyResult<(PathBuf, bool)> {
    let source: Source = serde_json::from_str(recipe).map_err(|error| value_error(error.to_string()))?;
    let existing = match existing {
        "error" => IfExists::Refuse,
        "replace" => IfExists::Replace,
        "resume" => IfExists::Resume,
        _ => return Err(value_error(format!("exists = {existing:?}: must be error, replace or resume"))),
    };
    let recipe = source.recipe(&overrides).map_err(exception)?;
    let out = out.unwrap_or_else(|| free_name(&Path::new("runs").join(source.name())));
    let data = data.map(std::path::absolute).transpose()?;
    let stop = AtomicBool::new(false);
    let (result, interrupted) = interruptible(py, &stop, callback, |on_event| {
        let folder = RunFolder::open(&out, existing)?;
        let job = TrainingJob {
            recipe,
            data,
            cache: None,
            start: None,
            command: "stapes.train".into(),
            checkpoint_every: Duration::from_secs(30),
            stop: &stop,
            communicator: &SingleProcess,
        };
        Ok::<_, Error>(job.run(folder, on_event)?.folder)
    })?;
    Ok((result.map_err(exception)?, interrupted))
}

/// Settings of a training on arrays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FitSettings {
    model: ModelConfig,
    train: TrainConfig,
    /// Front end, if the examples are clips.
    features: Option<FeatureConfig>,
    /// Name of a front end, in place of `features`.
    preset: Option<String>,
    /// Rate of the clips, Hz.
    sample_rate: u32,
    normalization: Normalization,
    seed: u64,
    classes: Vec<String>,
    /// Fraction of the examples for validation, if no others are given.
    validation_fraction: f64,
    /// Group of each example; a group is in one part only.
    groups: Option<Vec<String>>,
}

/// Examples of a training.
enum Examples {
    Clips(Vec<Clip>),
    Frames(Vec<Features>),
}

impl FitSettings {
    fn read(&self, arrays: &[Bound<'_, PyAny>]) -> PyResult<Examples> {
        let numbered = |index: usize| {
            move |error: PyErr| value_error(format!("example {index}: {}", error_text(&error)))
        };
        Ok(match &self.features {
            Some(_) => Examples::Clips(
                arrays
                    .iter()
                    .enumerate()
                    .map(|(index, array)| clip(array, self.sample_rate).map_err(numbered(index)))
                    .collect::<PyResult<_>>()?,
            ),
            None => Examples::Frames(
                arrays
                    .iter()
                    .enumerate()
                    .map(|(index, array)| frames(array).map_err(numbered(index)))
                    .collect::<PyResult<_>>()?,
            ),
        })
    }

    fn dataset(&self, examples: Examples, labels: Vec<usize>) -> Result<InMemoryDataset, Error> {
        match (examples, &self.features) {
            (Examples::Clips(clips), Some(features)) => {
                InMemoryDataset::from_clips(&clips, labels, self.classes.clone(), features.clone())
            }
            (Examples::Frames(frames), _) => InMemoryDataset::from_frames(frames, labels, self.classes.clone()),
            (Examples::Clips(_), None) => unreachable!("clips are read with a front end"),
        }
    }
}

fn error_text(error: &PyErr) -> String {
    Python::attach(|py| error.value(py).to_string())
}

/// Trains a model on arrays, and returns it with the learning curves as JSON, and whether it was interrupted.
#[pyfunction]
#[pyo3(signature = (examples, labels, validation, settings, callback))]
pub(crate) fn fit(
    py: Python<'_>,
    examples: Vec<Bound<'_, PyAny>>,
    labels: Vec<usize>,
    validation: Option<(Vec<Bound<'_, PyAny>>, Vec<usize>)>,
    settings: &str,
    callback: Option<Py<PyAny>>,
) -> PyResult<(Model, String, bool)> {
    let mut settings: FitSettings =
        serde_json::from_str(settings).map_err(|error| value_error(error.to_string()))?;
    if let Some(preset) = settings.preset.take() {
        settings.features = Some(preset_at(&preset, settings.sample_rate).map_err(exception)?);
    }
    let examples = settings.read(&examples)?;
    let validation = match validation {
        Some((arrays, labels)) => Some((settings.read(&arrays)?, labels)),
        None => None,
    };
    let stop = AtomicBool::new(false);
    settings.train.check().map_err(exception)?;
    let (fitted, interrupted) = interruptible(py, &stop, callback, |on_event| {
        let all = settings.dataset(examples, labels)?;
        let (train, validation) = match (validation, &settings.groups) {
            (Some((examples, labels)), _) => (all, settings.dataset(examples, labels)?),
            (None, Some(groups)) => all.split_by_group(groups, settings.validation_fraction, settings.seed)?,
            (None, None) => all.split(settings.validation_fraction, settings.seed),
        };
        let trainer = Trainer::new(settings.model.clone(), settings.train.clone())
            .normalization(settings.normalization)
            .seed(settings.seed);
        trainer.fit_with(&train, &validation, &stop, |event| on_event(Event::Training(event)))
    })?;
    let fitted = fitted.map_err(exception)?;
    let result = &fitted.result;
    let curves = json!({
        "history": result.points,
        "best": result.best,
        "steps": result.steps,
        "seconds": result.seconds,
        "examples_per_second": number(result.examples_per_second),
        "stopped": result.stopped,
        "diverged_loss": result.diverged_loss.map(number),
    });
    Ok((Model::new(fitted.model)?, curves.to_string(), interrupted))
}
