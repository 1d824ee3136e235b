//! Keys of `[data.folders]` and `[data.manifest]`, in one table.

use serde::{Deserialize, Serialize};

use super::config::{CustomDataConfig, CustomSplit};
use super::folders::FoldersConfig;
use super::manifest::ManifestConfig;
use super::speaker_rule::SpeakerRule;

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keys {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    frame_labels: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<SpeakerRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<CustomSplit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_fraction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_fraction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folds: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    allow_shared_speakers: bool,
    #[serde(skip_serializing_if = "is_zero")]
    max_unreadable_fraction: f64,
}

impl Keys {
    fn of(custom: CustomDataConfig) -> Keys {
        let CustomDataConfig {
            classes,
            split,
            test_fraction,
            validation_fraction,
            folds,
            fold,
            group,
            allow_shared_speakers,
            max_unreadable_fraction,
        } = custom;
        Keys {
            classes,
            split,
            test_fraction,
            validation_fraction,
            folds,
            fold,
            group,
            allow_shared_speakers,
            max_unreadable_fraction,
            ..Keys::default()
        }
    }

    fn into_custom(self) -> CustomDataConfig {
        CustomDataConfig {
            classes: self.classes,
            split: self.split,
            test_fraction: self.test_fraction,
            validation_fraction: self.validation_fraction,
            folds: self.folds,
            fold: self.fold,
            group: self.group,
            allow_shared_speakers: self.allow_shared_speakers,
            max_unreadable_fraction: self.max_unreadable_fraction,
        }
    }
}

impl TryFrom<Keys> for FoldersConfig {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<FoldersConfig, &'static str> {
        if keys.file.is_some() {
            return Err("data.folders.file: is only valid in [data.manifest]");
        }
        if keys.frame_labels {
            return Err("data.folders.frame_labels: is only valid in [data.manifest]");
        }
        Ok(FoldersConfig { speaker: keys.speaker.clone(), custom: keys.into_custom() })
    }
}

impl From<FoldersConfig> for Keys {
    fn from(config: FoldersConfig) -> Keys {
        Keys { speaker: config.speaker, ..Keys::of(config.custom) }
    }
}

impl TryFrom<Keys> for ManifestConfig {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<ManifestConfig, &'static str> {
        if keys.speaker.is_some() {
            return Err(
                "data.manifest.speaker: is only valid in [data.folders]; a manifest has a column speaker",
            );
        }
        Ok(ManifestConfig {
            file: keys.file.clone(),
            frame_labels: keys.frame_labels,
            custom: keys.into_custom(),
        })
    }
}

impl From<ManifestConfig> for Keys {
    fn from(config: ManifestConfig) -> Keys {
        Keys { file: config.file, frame_labels: config.frame_labels, ..Keys::of(config.custom) }
    }
}
