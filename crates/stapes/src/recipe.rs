//! A recipe: one TOML file that says everything about an experiment.

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_data::{AugmentConfig, DataConfig, DataError};
use stapes_features::FeatureConfig;
use stapes_infer::{FramesConfig, Input};
use stapes_nn::layer::Shape;
use stapes_nn::{ModelConfig, Network};
use stapes_train::TrainConfig;

use crate::error::Error;

/// An experiment: data, features, model and training, each checked by the crate it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// A line for people.
    pub title: String,
    /// Determines every random choice.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// The data set and its split.
    pub data: DataConfig,
    /// How recordings become frames; for data sets of recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureConfig>,
    /// What is done to frames; for data sets that come as frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<FramesConfig>,
    /// How training examples are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentConfig>,
    /// The model.
    pub model: ModelConfig,
    /// The training.
    pub train: TrainConfig,
}

fn first_seed() -> u64 {
    1
}

impl Recipe {
    /// Reads and checks a recipe file; `changes` of the form `train.epochs=2` replace or add keys.
    ///
    /// # Errors
    /// [`Error::Recipe`] names the file, the line or key, and what is expected there.
    pub fn read(path: &Path, changes: &[String]) -> Result<Recipe, Error> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Error::Recipe {
            name: name.clone(),
            reason: format!("cannot read the recipe: {error}"),
        })?;
        Recipe::from_toml(&name, &text, changes)
    }

    /// Reads and checks the text of a recipe; `name` is for messages.
    ///
    /// # Errors
    /// As [`Recipe::read`].
    pub fn from_toml(name: &str, text: &str, changes: &[String]) -> Result<Recipe, Error> {
        let refuse = |reason: String| Error::Recipe { name: name.into(), reason };
        let recipe: Recipe = toml::from_str(text).map_err(|error| refuse(in_words(&error.to_string())))?;
        let recipe = changed(recipe, changes).map_err(refuse)?;
        recipe.check().map_err(|error| refuse(error.to_string()))?;
        Ok(recipe)
    }

    /// The recipe as TOML, with every default written out.
    pub fn to_toml(&self) -> String {
        // All keys are strings and no value is of a kind that TOML lacks.
        toml::to_string(self).unwrap_or_else(|error| unreachable!("a recipe as TOML: {error}"))
    }

    fn check(&self) -> Result<(), Error> {
        self.data.check().map_err(within_data)?;
        self.train.check()?;
        if let Some(augment) = &self.augment {
            augment.check()?;
        }
        if let Some(features) = &self.features {
            features.check()?;
        }
        self.input()?;
        self.network().map(drop)
    }

    /// What the model reads.
    ///
    /// # Errors
    /// [`Error::Input`] if the recipe has not exactly the section that its data set needs.
    pub fn input(&self) -> Result<Input, Error> {
        let set = self.data.name();
        let recordings = self.data.frame_width().is_none();
        let missing = |section| Error::Input { set, section, rule: "is missing" };
        let needless = |section| Error::Input { set, section, rule: "does not belong here" };
        match (&self.features, &self.frames) {
            (Some(features), None) if recordings => Ok(Input::Recordings(features.clone())),
            (None, frames) if !recordings => Ok(Input::Frames(frames.clone().unwrap_or_default())),
            (None, _) => Err(missing("features")),
            (Some(_), _) if !recordings => Err(needless("features")),
            (Some(_), _) => Err(needless("frames")),
        }
    }

    /// The shape of the frames: where all recordings are brought to one length, their number is known.
    ///
    /// # Errors
    /// [`Error::Features`] if the front end's settings are impossible.
    pub fn shape(&self) -> Result<Shape, Error> {
        match (self.data.frame_width(), self.input()?) {
            (Some(width), _) => Ok(Shape::frames(width)),
            (None, Input::Recordings(features)) => {
                let front_end = features.init()?;
                let frames = features.fixed_length_samples.map(|samples| front_end.frames_for(samples));
                Ok(Shape::Sequence { features: front_end.width(), frames })
            }
            (None, Input::Frames(_)) => {
                Err(Error::Input { set: self.data.name(), section: "features", rule: "is missing" })
            }
        }
    }

    /// The network.
    ///
    /// # Errors
    /// [`Error::Model`] if the model's settings are impossible.
    pub fn network(&self) -> Result<Network, Error> {
        Ok(self.model.build(self.shape()?, self.data.class_names().len())?)
    }
}

/// A message of the TOML reader in a user's words.
fn in_words(message: &str) -> String {
    let mut text =
        message.trim_end().replace("wanted exactly 1 element", "expected exactly one of the choices");
    for name in ["usize", "u64", "u32"] {
        text = text.replace(&format!("expected {name}"), "expected a whole number, 0 or more");
    }
    for name in ["f64", "f32"] {
        text = text.replace(&format!("expected {name}"), "expected a number");
    }
    text
}

/// The data set's keys count from its own section; in a recipe that stands within `[data]`.
fn within_data(error: DataError) -> DataError {
    match error {
        DataError::Setting { key, value, rule } => {
            DataError::Setting { key: format!("data.{key}"), value, rule }
        }
        error => error,
    }
}

/// The recipe with changes of the form `path.to.key=value`.
fn changed(recipe: Recipe, changes: &[String]) -> Result<Recipe, String> {
    let mut recipe = recipe;
    for change in changes {
        let mut table = toml::Table::try_from(&recipe).map_err(|error| error.to_string())?;
        set(&mut table, change)?;
        recipe = table
            .try_into()
            .map_err(|error: toml::de::Error| format!("--set {change}: {}", in_words(error.message())))?;
    }
    Ok(recipe)
}

/// Applies `path.to.key=value` to a table; a value that is no TOML is a string.
fn set(table: &mut toml::Table, change: &str) -> Result<(), String> {
    let Some((path, value)) = change.split_once('=') else {
        return Err(format!("--set {change}: expected key=value, such as train.epochs=2"));
    };
    let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.into()));
    let mut keys: Vec<&str> = path.trim().split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut at = table;
    for key in keys {
        let inner = at.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let Some(inner) = inner.as_table_mut() else {
            return Err(format!("--set {change}: {key} is a value and has no keys"));
        };
        at = inner;
    }
    at.insert(last.into(), value);
    Ok(())
}
