//! Training on arrays.

use std::sync::atomic::AtomicBool;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::json;
use stapes::audio::Clip;
use stapes::features::{FeatureConfig, Features, Normalization, preset_at};
use stapes::nn::ModelConfig;
use stapes::train::TrainConfig;
use stapes::{Error, Event, InMemoryDataset, Trainer, config_from_table, feature_config};

use crate::arrays::frames;
use crate::error::{exception, parse, value_error};
use crate::events::{interruptible, number};
use crate::model::{Model, clip};

/// Settings of a training on arrays, as they are given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    model: toml::Table,
    train: toml::Table,
    /// `normalization`.
    input: toml::Table,
    /// Front end, if the examples are clips.
    features: Option<toml::Table>,
    /// Name of a front end, in place of `features`.
    preset: Option<String>,
    /// Rate of the clips, Hz.
    sample_rate: u32,
    seed: u64,
    classes: Vec<String>,
    /// Fraction of the examples for validation, if no others are given.
    validation_fraction: f64,
    /// Group of each example; a group is in one part only.
    groups: Option<Vec<String>>,
}

/// Settings of the input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputSettings {
    normalization: Normalization,
}

/// Examples of a training.
enum Examples {
    Clips(Vec<Clip>),
    Frames(Vec<Features>),
}

/// Settings of a training on arrays.
struct FitSettings {
    model: ModelConfig,
    train: TrainConfig,
    normalization: Normalization,
    features: Option<FeatureConfig>,
    given: Given,
}

impl FitSettings {
    fn parse(json: &str) -> PyResult<FitSettings> {
        let mut given: Given = parse(json)?;
        let take = std::mem::take::<toml::Table>;
        let model = config_from_table("model", take(&mut given.model)).map_err(value_error)?;
        let train: TrainConfig = config_from_table("train", take(&mut given.train)).map_err(value_error)?;
        let input: InputSettings = config_from_table("input", take(&mut given.input)).map_err(value_error)?;
        train.check().map_err(exception)?;
        let preset = |name: &String| {
            let config = preset_at(name, given.sample_rate);
            config.map_err(|error| value_error(error.to_string().replacen("preset", "features", 1)))
        };
        let features = match (&given.preset, given.features.take()) {
            (Some(name), _) => Some(preset(name)?),
            (None, Some(keys)) => Some(feature_config(keys).map_err(value_error)?),
            (None, None) => None,
        };
        Ok(FitSettings { model, train, normalization: input.normalization, features, given })
    }

    fn read(&self, arrays: &[Bound<'_, PyAny>]) -> PyResult<Examples> {
        let numbered = |index: usize| {
            move |error: PyErr| value_error(format!("example {index}: {}", error_text(&error)))
        };
        Ok(match &self.features {
            Some(_) => Examples::Clips(
                arrays
                    .iter()
                    .enumerate()
                    .map(|(index, array)| clip(array, self.given.sample_rate).map_err(numbered(index)))
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

    fn dataset(
        &self,
        examples: Examples,
        labels: Vec<usize>,
        stop: &AtomicBool,
    ) -> Result<InMemoryDataset, Error> {
        match (examples, &self.features) {
            (Examples::Clips(clips), Some(features)) => {
                let classes = self.given.classes.clone();
                InMemoryDataset::from_clips_with(&clips, labels, classes, features.clone(), stop)
            }
            (Examples::Frames(frames), _) => {
                InMemoryDataset::from_frames(frames, labels, self.given.classes.clone())
            }
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
    callback: Py<PyAny>,
) -> PyResult<(Model, String, bool)> {
    let settings = FitSettings::parse(settings)?;
    let examples = settings.read(&examples)?;
    let validation = match validation {
        Some((arrays, labels)) => Some((settings.read(&arrays)?, labels)),
        None => None,
    };
    let stop = AtomicBool::new(false);
    let given = &settings.given;
    let (fitted, interrupted) = interruptible(py, &stop, Some(&callback), |on_event| {
        let all = settings.dataset(examples, labels, &stop)?;
        let (train, validation) = match (validation, &given.groups) {
            (Some((examples, labels)), _) => (all, settings.dataset(examples, labels, &stop)?),
            (None, Some(groups)) => all.split_by_group(groups, given.validation_fraction, given.seed)?,
            (None, None) => all.split(given.validation_fraction, given.seed),
        };
        let trainer = Trainer::new(settings.model.clone(), settings.train.clone())
            .normalization(settings.normalization)
            .seed(given.seed);
        trainer.fit_with(&train, &validation, &stop, |event| on_event(Event::Training(event)))
    })?;
    let fitted = match fitted {
        // Nothing was trained yet.
        Err(error) if interrupted && error.is_stop() => {
            return Err(PyKeyboardInterrupt::new_err(format!("while computing the features: {error}")));
        }
        fitted => fitted.map_err(exception)?,
    };
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
