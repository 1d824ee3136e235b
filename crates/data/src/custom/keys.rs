//! The keys of `[data.folders]` and `[data.manifest]` as they stand in a recipe: side by side in one table.

use serde::{Deserialize, Serialize};

use super::config::{OwnConfig, OwnSplit};
use super::folders::FoldersConfig;
use super::manifest::ManifestConfig;
use super::speaker::SpeakerRule;

fn is_no(value: &bool) -> bool {
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
    #[serde(skip_serializing_if = "is_no")]
    moments: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<SpeakerRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<OwnSplit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folds: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "is_no")]
    allow_shared_speakers: bool,
    #[serde(skip_serializing_if = "is_zero")]
    unreadable_share: f64,
}

impl Keys {
    fn of(own: OwnConfig) -> Keys {
        let OwnConfig {
            classes,
            split,
            test_share,
            validation_share,
            folds,
            fold,
            group,
            allow_shared_speakers,
            unreadable_share,
        } = own;
        Keys {
            classes,
            split,
            test_share,
            validation_share,
            folds,
            fold,
            group,
            allow_shared_speakers,
            unreadable_share,
            ..Keys::default()
        }
    }

    fn own(self) -> OwnConfig {
        OwnConfig {
            classes: self.classes,
            split: self.split,
            test_share: self.test_share,
            validation_share: self.validation_share,
            folds: self.folds,
            fold: self.fold,
            group: self.group,
            allow_shared_speakers: self.allow_shared_speakers,
            unreadable_share: self.unreadable_share,
        }
    }
}

impl TryFrom<Keys> for FoldersConfig {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<FoldersConfig, &'static str> {
        if keys.file.is_some() {
            return Err("data.folders.file: goes with [data.manifest] only");
        }
        if keys.moments {
            return Err("data.folders.moments: goes with [data.manifest] only");
        }
        Ok(FoldersConfig { speaker: keys.speaker.clone(), own: keys.own() })
    }
}

impl From<FoldersConfig> for Keys {
    fn from(config: FoldersConfig) -> Keys {
        Keys { speaker: config.speaker, ..Keys::of(config.own) }
    }
}

impl TryFrom<Keys> for ManifestConfig {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<ManifestConfig, &'static str> {
        if keys.speaker.is_some() {
            return Err(
                "data.manifest.speaker: goes with [data.folders] only; a manifest has a column speaker",
            );
        }
        Ok(ManifestConfig { file: keys.file.clone(), moments: keys.moments, own: keys.own() })
    }
}

impl From<ManifestConfig> for Keys {
    fn from(config: ManifestConfig) -> Keys {
        Keys { file: config.file, moments: config.moments, ..Keys::of(config.own) }
    }
}
