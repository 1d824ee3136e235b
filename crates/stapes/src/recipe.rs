//! A recipe: one TOML file that says everything about an experiment.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_data::{AugmentConfig, DataConfig, DataError, Fold};
use stapes_features::FeatureConfig;
use stapes_infer::{FramesConfig, Input};
use stapes_nn::layer::Shape;
use stapes_nn::{ModelConfig, Network};
use stapes_train::{TrainConfig, TrainError};

use crate::overrides::{changed, humanize, parse_override};
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

/// Bytes of a recipe, a sweep or a record of a run: they have a few KiB, and a parser takes many times the size of its text.
pub(crate) const MAX_TEXT: u64 = 16 << 20;

fn first_seed() -> u64 {
    1
}

impl Recipe {
    /// Reads and checks a recipe file, which may also be a pipe; `changes` of the form `train.epochs=2` replace or add keys.
    ///
    /// # Errors
    /// [`Error::Recipe`] names the file, the line or key, and what is expected there. A text of more than 16 MiB is refused.
    pub fn read(path: &Path, changes: &[String]) -> Result<Recipe, Error> {
        Recipe::of_text(path, stapes_files::read_text_or_stream(path, MAX_TEXT), changes)
    }

    /// Reads a recipe as [`Recipe::read`] does, but from a regular file alone: for one that another file names.
    pub(crate) fn read_regular(path: &Path, changes: &[String]) -> Result<Recipe, Error> {
        Recipe::of_text(path, stapes_files::read_text(path, MAX_TEXT), changes)
    }

    fn of_text(path: &Path, text: io::Result<String>, changes: &[String]) -> Result<Recipe, Error> {
        let name = path.display().to_string();
        match text {
            Ok(text) => Recipe::from_toml(&name, &text, changes),
            Err(error) => Err(Error::Recipe { name, reason: format!("cannot read the recipe: {error}") }),
        }
    }

    /// Reads and checks the text of a recipe; `name` is for messages.
    ///
    /// # Errors
    /// As [`Recipe::read`].
    pub fn from_toml(name: &str, text: &str, changes: &[String]) -> Result<Recipe, Error> {
        let refuse = |reason: String| Error::Recipe { name: name.into(), reason };
        let unread = |error: toml::de::Error| refuse(humanize(&error.to_string()));
        let started = with_preset(toml::from_str(text).map_err(unread)?).map_err(refuse)?;
        // Read from the text where it is whole: its errors show the line.
        let recipe: Recipe = match started {
            None => toml::from_str(text).map_err(unread)?,
            Some(table) => table.try_into().map_err(unread)?,
        };
        let recipe = changes.iter().try_fold(recipe, with_change).map_err(refuse)?;
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
        self.check_compatible()
    }

    /// Whether data, features, model and training go with each other.
    pub(crate) fn check_compatible(&self) -> Result<(), Error> {
        let of_frames = self.data.has_frame_labels();
        // Classes that only the data knows are two at least; when it is opened this is called again.
        let classes = self.data.class_names().map_or(2, |classes| classes.len());
        let network = self.model.build(self.shape()?, classes)?;
        if network.objective().is_frame_level() != of_frames {
            return Err(Error::Labels { of_frames });
        }
        let fixed = self.features.as_ref().and_then(|features| features.fixed_length_samples);
        if let Some(samples) = fixed.filter(|_| of_frames) {
            return Err(Error::FixedLength { samples });
        }
        let shape = self.shape()?;
        if let Some(augment) = &self.augment {
            augment.check_frames(shape.features(), shape.length(), of_frames).map_err(DataError::from)?;
            if augment.waveform.is_some() && self.data.frame_width().is_some() {
                return Err(Error::NoWaveforms { set: self.data.name() });
            }
        }
        match (self.train.segment_frames, shape.length()) {
            (Some(segment), Some(fixed)) => Err(TrainError::Segments { segment, fixed }.into()),
            _ => Ok(()),
        }
    }

    /// The recipes that test each part of the data in turn, each with the name of its fold; `folder` is where the
    /// data set lies.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is not there or its split has no folds.
    pub fn folds(&self, folder: Option<&Path>) -> Result<Vec<(String, Recipe)>, Error> {
        let dataset = self.data.open(folder)?;
        let folds = self.data.folds(&dataset).map_err(within_data)?;
        let recipe = |Fold { name, data }| (name, Recipe { data, ..self.clone() });
        Ok(folds.into_iter().map(recipe).collect())
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
    /// [`Error::Model`] if the model's settings are impossible; [`Error::UnknownClasses`] where only the data knows the
    /// classes: [`Recipe::resolved`] asks it.
    pub fn network(&self) -> Result<Network, Error> {
        let unknown = || Error::UnknownClasses { set: self.data.name() };
        let classes = self.data.class_names().ok_or_else(unknown)?;
        Ok(self.model.build(self.shape()?, classes.len())?)
    }

    /// The recipe with what it leaves to its data written out, such as the classes; `folder` is where the data set lies. Where
    /// all classes are known, the data is not looked at.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is not there.
    pub fn resolved(self, folder: Option<&Path>) -> Result<Recipe, Error> {
        if self.data.class_names().is_some() {
            return Ok(self);
        }
        let dataset = self.data.open(folder).map_err(within_data)?;
        Ok(Recipe { data: self.data.resolved(&dataset), ..self })
    }
}

/// The data set's keys count from its own section; in a recipe that stands within `[data]`.
pub(crate) fn within_data(error: DataError) -> DataError {
    match error {
        DataError::Setting { key, value, rule } => {
            DataError::Setting { key: format!("data.{key}"), value, rule }
        }
        error => error,
    }
}

/// A change to a recipe; `features.preset` replaces all of `[features]`.
fn with_change(recipe: Recipe, change: &String) -> Result<Recipe, String> {
    match parse_override(change)? {
        ("features.preset", name) => {
            let preset = preset(name.trim_matches('"')).map_err(|reason| format!("--set {reason}"))?;
            Ok(Recipe { features: Some(preset), ..recipe })
        }
        _ => changed(recipe, std::slice::from_ref(change)),
    }
}

/// A recipe whose `[features]` start from a preset, with the keys that the preset gives; none if they do not.
fn with_preset(mut recipe: toml::Table) -> Result<Option<toml::Table>, String> {
    let features = recipe.get_mut("features").and_then(toml::Value::as_table_mut);
    let Some((features, name)) = features.and_then(|table| table.remove("preset").map(|name| (table, name)))
    else {
        return Ok(None);
    };
    let Some(name) = name.as_str() else {
        return Err(format!("features.preset = {name}: must be a name in quotes, such as \"log-mel\""));
    };
    let preset = preset(name)?;
    let front_end = preset.front_end.name();
    let given = features.get("front_end").and_then(toml::Value::as_table);
    if let Some(other) = given.and_then(|given| given.keys().find(|key| *key != front_end)) {
        return Err(format!(
            "features.front_end.{other}: the preset {name} is {front_end}: set keys of \
             [features.front_end.{front_end}], or leave preset out"
        ));
    }
    let mut whole = toml::Table::try_from(&preset).map_err(|error| error.to_string())?;
    overlay(&mut whole, std::mem::take(features));
    *features = whole;
    Ok(Some(recipe))
}

fn preset(name: &str) -> Result<FeatureConfig, String> {
    stapes_features::preset(name).map_err(|error| format!("features.{error}"))
}

/// Puts keys over those of a table, table by table.
fn overlay(table: &mut toml::Table, keys: toml::Table) {
    for (key, value) in keys {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(keys)) => overlay(inner, keys),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recipe with this `[features]`.
    fn recipe(features: &str, changes: &[&str]) -> Result<Recipe, String> {
        let text = format!(
            "title = \"t\"\n[data.fsdd]\nsplit = \"official\"\n{features}\n[model.recurrent]\ncell = \"lstm\"\n\
             hidden_size = 4\n[train]\nbatch_size = 2\nepochs = 1\nlearning_rate = 1e-3\n"
        );
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        Recipe::from_toml("r.toml", &text, &changes).map_err(|error| error.to_string())
    }

    #[test]
    fn a_preset_is_a_start_that_other_keys_override() {
        let features = recipe(
            "[features]\npreset = \"log-mel\"\nsample_rate_hz = 8000\nnormalization = \"per-coefficient\"\n\
             [features.front_end.librosa-mel-db]\nn_mels = 24\nfmax = 3800.0",
            &[],
        )
        .unwrap()
        .features
        .unwrap();
        let mut expected = stapes_features::preset("log-mel").unwrap();
        expected.sample_rate_hz = 8000;
        expected.normalization = stapes_features::Normalization::PerCoefficient;
        let stapes_features::FrontEndConfig::LibrosaMelDb(mel) = &mut expected.front_end else { panic!() };
        (mel.n_mels, mel.fmax) = (24, Some(3800.0));
        assert_eq!(features, expected);
        // hop_length is the preset's and not the front end's own default.
        assert_eq!(features.frames_per_second(), 50.0);
    }

    #[test]
    fn what_is_written_has_all_values_and_no_preset() {
        let recipe = recipe("[features]\npreset = \"kaldi-mfcc-39\"", &[]).unwrap();
        let text = recipe.to_toml();
        assert!(!text.contains("preset") && text.contains("deltas = 2") && text.contains("num_bins = 23"));
        assert_eq!(Recipe::from_toml("r.toml", &text, &[]).unwrap(), recipe);
    }

    #[test]
    fn waveforms_are_changed_where_there_are_some_and_where_no_label_is_left_behind() {
        let gain = "[augment.waveform.gain]\ndb = [-6.0, 6.0]";
        assert!(recipe(&format!("[features]\npreset = \"log-mel\"\n{gain}"), &[]).is_ok());
        let read =
            |text: &str| Recipe::from_toml("r.toml", text, &[]).map(drop).map_err(|error| error.to_string());
        let rest = "[train]\nbatch_size = 2\nepochs = 1\n[model.recurrent]\ncell = \"lstm\"\nhidden_size = 4\n";
        let error = read(&format!("title = \"t\"\n[data.japanese-vowels]\n{gain}\n{rest}")).unwrap_err();
        assert!(error.starts_with("r.toml: [augment.waveform]: japanese-vowels comes as frames"), "{error}");
        let of_moments = |entry: &str| {
            read(&format!(
                "title = \"t\"\n[data.upc-vad]\nfolds = 5\nfold = 0\n[features]\npreset = \"log-mel\"\n{entry}\n{rest}\
                 head = \"per_frame_binary\"\n"
            ))
        };
        assert_eq!(of_moments(gain), Ok(()));
        let error = of_moments("[augment.waveform.speed]\nfactor = [0.9, 1.1]").unwrap_err();
        assert!(
            error.starts_with("r.toml: augment.waveform.speed.factor = [0.9, 1.1]: moves moments"),
            "{error}"
        );
        let error = of_moments("[augment.waveform.gain]\ndb = [6.0, -6.0]").unwrap_err();
        assert!(error.starts_with("r.toml: augment.waveform.gain.db = [6, -6]: "), "{error}");
    }

    #[test]
    fn a_change_may_start_from_another_preset() {
        let changes = ["features.preset=log-mel", "features.front_end.librosa-mel-db.n_mels=30"];
        let features = recipe("[features]\npreset = \"psf-mfcc\"", &changes).unwrap().features.unwrap();
        assert_eq!(features.init().unwrap().width(), 30);
        let error = recipe("[features]", &["features.preset=mel"]).unwrap_err();
        assert!(error.contains("features.preset = mel: must be one of librosa-mfcc, "), "{error}");
    }

    #[test]
    fn mistakes_beside_a_preset_are_named() {
        for (features, parts) in [
            ("preset = \"mel\"", &["features.preset = mel", "log-mel"][..]),
            ("preset = 3", &["features.preset = 3"]),
            ("preset = \"log-mel\"\nscales = \"unit\"", &["scales", "features"]),
            ("preset = \"log-mel\"\nsample_rate_hz = \"fast\"", &["features", "sample_rate_hz"]),
            (
                "preset = \"log-mel\"\n[features.front_end.psf-mfcc]\nnumcep = 4",
                &["features.front_end.psf-mfcc", "librosa-mel-db"],
            ),
        ] {
            let error = recipe(&format!("[features]\n{features}"), &[]).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
