//! Recipe: one TOML file that describes an experiment completely.

mod built_in;
mod find;
mod resolved;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_augment::AugmentConfig;
use stapes_data::{DataConfig, Fold};
use stapes_features::{FeatureConfig, FrontEndConfig, Normalization};
use stapes_infer::FramesConfig;
use stapes_nn::ModelConfig;
use stapes_train::TrainConfig;

use crate::error::Error;
use crate::overrides::{apply_overrides, config_from_table, humanize, parse_override};
use crate::renamed::renamed_key;
pub use built_in::{BUILT_IN_RECIPES, BuiltInRecipe};
pub use resolved::ResolvedRecipe;

/// Experiment configuration: data, features, model and training, each checked by its own crate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Title for people; the name of the file if the recipe has none.
    #[serde(default)]
    pub title: String,
    /// Seed of all random choices.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// Folder of the data set, or a manifest; relative to the recipe in its file, and absolute after reading. A folder that a
    /// command or a function receives takes its place, and a [`ResolvedRecipe`] has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_folder: Option<PathBuf>,
    /// Data set and split.
    pub data: DataConfig,
    /// Conversion of recordings to frames, for data sets of recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureConfig>,
    /// Processing of frames, for data sets that come as frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<FramesConfig>,
    /// Augmentation of training examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentConfig>,
    /// Model.
    pub model: ModelConfig,
    /// Training.
    pub train: TrainConfig,
}

/// Maximum number of bytes of a recipe, a sweep or a run record. They have a few KiB; a parser takes a multiple of the size
/// of its text.
pub(crate) const MAX_TEXT: u64 = 16 << 20;

fn first_seed() -> u64 {
    1
}

impl Recipe {
    /// Reads and checks a recipe file, which may also be a pipe; `overrides` such as `train.epochs=2` replace or add keys.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the file, the line or key, and the expected content; [`Error::File`] if the file cannot be read,
    /// also for more than 16 MiB of text.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Recipe, Error> {
        Recipe::from_text(path, stapes_files::read_text_or_stream(path, MAX_TEXT), overrides)
    }

    /// Reads a recipe like [`Recipe::read`], but only from a regular file: for a path that another file contains.
    pub(crate) fn read_regular(path: &Path, overrides: &[String]) -> Result<Recipe, Error> {
        Recipe::from_text(path, stapes_files::read_text(path, MAX_TEXT), overrides)
    }

    fn from_text(path: &Path, text: io::Result<String>, overrides: &[String]) -> Result<Recipe, Error> {
        let name = path.display().to_string();
        match text {
            Ok(text) => Recipe::from_toml(&name, &text, overrides),
            Err(source) => Err(Error::File { path: path.into(), action: "read the recipe", source }),
        }
    }

    /// Parses and checks the text of a recipe; `name` is used in messages.
    ///
    /// # Errors
    /// Errors of [`Recipe::read`].
    pub fn from_toml(name: &str, text: &str, overrides: &[String]) -> Result<Recipe, Error> {
        let invalid = |reason: String| Error::Recipe { name: name.into(), reason };
        let syntax = |error: toml::de::Error| invalid(humanize(&error.to_string()));
        let table: toml::Table = toml::from_str(text).map_err(syntax)?;
        if let Some(message) = renamed_key(&table) {
            return Err(invalid(message));
        }
        // Without a preset the recipe is parsed from the text, so that errors show the line.
        let recipe: Recipe = match with_preset(table, overrides).map_err(invalid)? {
            None => toml::from_str(text).map_err(syntax)?,
            Some(table) => table.try_into().map_err(syntax)?,
        };
        let mut recipe = overrides.iter().try_fold(recipe, with_override).map_err(invalid)?;
        if recipe.title.is_empty() {
            recipe.title = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        if let Some(folder) = &recipe.data_folder {
            let parent = Path::new(name).parent().unwrap_or(Path::new(""));
            let absolute = std::path::absolute(parent.join(folder));
            recipe.data_folder = Some(absolute.map_err(|error| invalid(format!("data_folder: {error}")))?);
        }
        // If the classes come from the data, there are at least two; resolution repeats the check with their number.
        let classes = recipe.data.class_names().map_or(2, |classes| classes.len());
        recipe.check(classes).map_err(|error| invalid(error.to_string()))?;
        Ok(recipe)
    }

    /// Returns the recipe as TOML with all defaults.
    pub fn to_toml(&self) -> String {
        // All keys are strings, and TOML can represent all values.
        toml::to_string(self).unwrap_or_else(|error| unreachable!("a recipe as TOML: {error}"))
    }

    /// Returns one recipe per cross-validation fold, each with the name of the fold; `folder` is the folder of the data
    /// set.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is missing or its split has no folds.
    pub fn folds(&self, folder: Option<&Path>) -> Result<Vec<(String, Recipe)>, Error> {
        let dataset = self.data.open(self.data_folder(folder))?;
        let folds = self.data.folds(&dataset)?;
        let recipe = |Fold { name, data }| (name, Recipe { data, ..self.clone() });
        Ok(folds.into_iter().map(recipe).collect())
    }

    /// Returns the folder of the data set: the given one, or that of the recipe.
    pub fn data_folder<'a>(&'a self, given: Option<&'a Path>) -> Option<&'a Path> {
        given.or(self.data_folder.as_deref())
    }

    /// Returns the warning of the reference toolkit about the settings of the features, if it has one.
    pub fn feature_warning(&self) -> Option<String> {
        self.features.as_ref().and_then(FeatureConfig::warning)
    }
}

/// Reads the keys of a section `[features]`: those of its preset, if it has one, and those that replace them.
///
/// # Errors
/// A message with the key and the expected content.
pub fn feature_config(keys: toml::Table) -> Result<FeatureConfig, String> {
    let mut recipe = toml::Table::from_iter([("features".to_owned(), toml::Value::Table(keys))]);
    recipe = with_preset(recipe.clone(), &[])?.unwrap_or(recipe);
    match recipe.remove("features") {
        Some(toml::Value::Table(keys)) => config_from_table("features", keys),
        _ => unreachable!("the section is a table"),
    }
}

/// Applies an override to a recipe; `features.preset` replaces all of `[features]`.
fn with_override(recipe: Recipe, text: &String) -> Result<Recipe, String> {
    match parse_override(text)? {
        ("features.preset", name) => {
            let preset = preset(name.trim_matches('"'), DEFAULT_RATE_HZ)
                .map_err(|reason| format!("--set {reason}"))?;
            Ok(Recipe { features: Some(preset), ..recipe })
        }
        _ => apply_overrides(recipe, std::slice::from_ref(text)),
    }
}

/// Returns the recipe with the keys of its feature preset filled in; `None` if it has no preset. `overrides` may change the
/// sample rate.
fn with_preset(mut recipe: toml::Table, overrides: &[String]) -> Result<Option<toml::Table>, String> {
    let features = recipe.get_mut("features").and_then(toml::Value::as_table_mut);
    let Some((features, name)) = features.and_then(|table| table.remove("preset").map(|name| (table, name)))
    else {
        return Ok(None);
    };
    let Some(name) = name.as_str() else {
        return Err(format!("features.preset = {name}: must be a name in quotes, such as \"log-mel\""));
    };
    let mut rate_hz = overrides.iter().filter_map(|text| match parse_override(text) {
        Ok(("features.sample_rate_hz", rate_hz)) => rate_hz.parse().ok(),
        _ => None,
    });
    let given_hz = || features.get("sample_rate_hz")?.as_integer()?.try_into().ok();
    let preset = preset(name, rate_hz.next_back().or_else(given_hz).unwrap_or(DEFAULT_RATE_HZ))?;
    let front_end = preset.front_end.name();
    let given = features.get("front_end").and_then(toml::Value::as_table);
    if let Some(other) = given.and_then(|given| given.keys().find(|key| *key != front_end)) {
        return Err(format!(
            "features.front_end.{other}: the preset {name} uses {front_end}; set keys of \
             [features.front_end.{front_end}], or remove preset"
        ));
    }
    let mut merged = toml::Table::try_from(&preset).map_err(|error| error.to_string())?;
    merge(&mut merged, std::mem::take(features));
    *features = merged;
    Ok(Some(recipe))
}

/// Sample rate of recipes that set none.
const DEFAULT_RATE_HZ: u32 = 16_000;

/// Returns a preset for recipes: values per band or coefficient are normalized over the training frames, samples are not.
fn preset(name: &str, sample_rate_hz: u32) -> Result<FeatureConfig, String> {
    let preset =
        stapes_features::preset_at(name, sample_rate_hz).map_err(|error| format!("features.{error}"))?;
    let normalization = match preset.front_end {
        FrontEndConfig::Waveform(_) => Normalization::None,
        _ => Normalization::PerCoefficient,
    };
    Ok(FeatureConfig { normalization, ..preset })
}

/// Merges keys into a table, recursively; new values replace old ones.
fn merge(table: &mut toml::Table, keys: toml::Table) {
    for (key, value) in keys {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(keys)) => merge(inner, keys),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a recipe with this `[features]`.
    fn recipe(features: &str, overrides: &[&str]) -> Result<Recipe, String> {
        let text = format!(
            "title = \"t\"\n[data.fsdd]\nsplit = \"official\"\n{features}\n[model.recurrent]\ncell = \"lstm\"\n\
             hidden_size = 4\n[train]\nbatch_size = 2\nepochs = 1\nlearning_rate = 1e-3\n"
        );
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        Recipe::from_toml("r.toml", &text, &overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_override_those_of_the_preset() {
        let features = recipe(
            "[features]\npreset = \"log-mel\"\nsample_rate_hz = 8000\nnormalization = \"per-coefficient\"\n\
             [features.front_end.librosa-mel-db]\nn_mels = 24\nfmax = 3800.0",
            &[],
        )
        .unwrap()
        .features
        .unwrap();
        let mut expected = stapes_features::preset_at("log-mel", 8000).unwrap();
        expected.normalization = stapes_features::Normalization::PerCoefficient;
        let stapes_features::FrontEndConfig::LibrosaMelDb(mel) = &mut expected.front_end else { panic!() };
        (mel.n_mels, mel.fmax) = (24, Some(3800.0));
        assert_eq!(features, expected);
        // hop_length is that of the preset at this rate, not the default of the front end.
        assert_eq!(features.frames_per_second(), 100.0);
    }

    #[test]
    fn a_preset_has_windows_at_the_rate_of_the_recipe_and_normalizes_bands_and_coefficients() {
        for preset in stapes_features::PRESETS {
            let text = format!("[features]\npreset = \"{}\"", preset.name);
            let features = recipe(&text, &["features.sample_rate_hz=8000"]).unwrap().features.unwrap();
            let mut expected = preset.at(8000);
            if preset.name != "waveform" {
                expected.normalization = Normalization::PerCoefficient;
            }
            assert_eq!(features, expected);
            let text = text + "\nnormalization = \"none\"";
            assert_eq!(recipe(&text, &[]).unwrap().features.unwrap(), preset.config());
        }
    }

    #[test]
    fn the_folder_of_the_data_is_relative_to_the_recipe_and_not_kept_in_runs() {
        let text = "data_folder = \"../sounds\"\n[data.japanese-vowels]\n[model.recurrent]\ncell = \"gru\"\n\
                    hidden_size = 4\n[train]\nbatch_size = 2\nepochs = 1\nlearning_rate = 1e-3\n";
        let recipe = Recipe::from_toml("my/words.toml", text, &[]).unwrap();
        let expected = std::path::absolute("my/../sounds").unwrap();
        assert_eq!(recipe.data_folder(None), Some(&*expected));
        assert_eq!(recipe.data_folder(Some(Path::new("other"))), Some(Path::new("other")));
        assert!(!recipe.resolve(None).unwrap().to_toml().contains("sounds"));
    }

    #[test]
    fn a_recipe_without_title_has_the_name_of_its_file() {
        let text = "[data.japanese-vowels]\n[model.recurrent]\ncell = \"gru\"\nhidden_size = 4\n\
                    [train]\nbatch_size = 2\nepochs = 1\nlearning_rate = 1e-3\n";
        assert_eq!(Recipe::from_toml("my/words.toml", text, &[]).unwrap().title, "words");
    }

    #[test]
    fn written_recipe_has_all_values_and_no_preset() {
        let recipe = recipe("[features]\npreset = \"kaldi-mfcc-39\"", &[]).unwrap();
        let text = recipe.to_toml();
        assert!(!text.contains("preset") && text.contains("deltas = 2") && text.contains("num_bins = 23"));
        assert_eq!(Recipe::from_toml("r.toml", &text, &[]).unwrap(), recipe);
    }

    #[test]
    fn waveform_augmentation_needs_samples_and_must_not_move_frame_labels() {
        let gain = "[augment.waveform.gain]\ndb = [-6.0, 6.0]";
        assert!(recipe(&format!("[features]\npreset = \"log-mel\"\n{gain}"), &[]).is_ok());
        let read =
            |text: &str| Recipe::from_toml("r.toml", text, &[]).map(drop).map_err(|error| error.to_string());
        let rest =
            "[train]\nbatch_size = 2\nepochs = 1\n[model.recurrent]\ncell = \"lstm\"\nhidden_size = 4\n";
        let error = read(&format!("title = \"t\"\n[data.japanese-vowels]\n{gain}\n{rest}")).unwrap_err();
        assert!(error.starts_with("r.toml: [augment.waveform]: japanese-vowels comes as frames"), "{error}");
        let frame_labels = |entry: &str| {
            read(&format!(
                "title = \"t\"\n[data.upc-vad]\nfolds = 5\nfold = 0\n[features]\npreset = \"log-mel\"\n{entry}\n{rest}\
                 head = \"per_frame_binary\"\n"
            ))
        };
        assert_eq!(frame_labels(gain), Ok(()));
        let error = frame_labels("[augment.waveform.speed]\nfactor = [0.9, 1.1]").unwrap_err();
        assert!(
            error.starts_with("r.toml: augment.waveform.speed.factor = [0.9, 1.1]: moves the audio"),
            "{error}"
        );
        let error = frame_labels("[augment.waveform.gain]\ndb = [6.0, -6.0]").unwrap_err();
        assert!(error.starts_with("r.toml: augment.waveform.gain.db = [6, -6]: "), "{error}");
    }

    #[test]
    fn an_override_may_replace_the_preset() {
        let overrides = ["features.preset=log-mel", "features.front_end.librosa-mel-db.n_mels=30"];
        let features = recipe("[features]\npreset = \"psf-mfcc\"", &overrides).unwrap().features.unwrap();
        assert_eq!(features.init().unwrap().width(), 30);
        let error = recipe("[features]", &["features.preset=mel"]).unwrap_err();
        assert!(error.contains("features.preset = mel: must be one of librosa-mfcc, "), "{error}");
    }

    #[test]
    fn errors_next_to_a_preset_name_the_key() {
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

    #[test]
    fn a_renamed_key_is_reported_with_its_new_name() {
        let features = "[features]\npreset = \"log-mel\"";
        let error = recipe(&format!("{features}\nnormalisation = \"none\""), &[]).unwrap_err();
        assert_eq!(error, "r.toml: features.normalisation was renamed: write features.normalization");
        let error = recipe(features, &["train.clip_norm=1.0"]).unwrap_err();
        assert_eq!(
            error,
            "r.toml: --set train.clip_norm=1.0: train.clip_norm was renamed: write train.max_grad_norm"
        );
    }
}
