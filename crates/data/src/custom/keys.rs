//! Keys of `[data.folders]` and `[data.manifest]`, in one table.

use serde::Deserialize;
use stapes_audio::Channel;

use super::channel;
use super::columns::{ManifestColumns, ManifestLayout};
use super::config::{CustomDataConfig, CustomSplit};
use super::folders::FoldersConfig;
use super::manifest::ManifestConfig;
use super::speaker_rule::SpeakerRule;

/// A flattened [`CustomDataConfig`] would lose the lines of errors and the list of expected keys.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keys {
    file: Option<String>,
    layout: Option<ManifestLayout>,
    columns: ManifestColumns,
    frame_labels: bool,
    frame_width: Option<usize>,
    speaker: Option<SpeakerRule>,
    classes: Option<Vec<String>>,
    split: Option<CustomSplit>,
    test_fraction: Option<f64>,
    validation_fraction: Option<f64>,
    folds: Option<usize>,
    fold: Option<usize>,
    group: Option<String>,
    #[serde(deserialize_with = "channel::deserialize")]
    channel: Channel,
    allow_shared_speakers: bool,
    max_unreadable_fraction: f64,
}

impl Keys {
    fn into_custom(self) -> CustomDataConfig {
        CustomDataConfig {
            classes: self.classes,
            split: self.split,
            test_fraction: self.test_fraction,
            validation_fraction: self.validation_fraction,
            folds: self.folds,
            fold: self.fold,
            group: self.group,
            channel: self.channel,
            allow_missing_classes: false,
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
        if keys.layout.is_some() {
            return Err("data.folders.layout: is only valid in [data.manifest]");
        }
        if !keys.columns.is_empty() {
            return Err("data.folders.columns: is only valid in [data.manifest]");
        }
        if keys.frame_labels {
            return Err("data.folders.frame_labels: is only valid in [data.manifest]");
        }
        Ok(FoldersConfig {
            speaker: keys.speaker.clone(),
            frame_width: keys.frame_width,
            custom: keys.into_custom(),
        })
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
        if keys.frame_width.is_some() {
            return Err("data.manifest.frame_width: is only valid in [data.folders]");
        }
        Ok(ManifestConfig {
            file: keys.file.clone(),
            layout: keys.layout,
            columns: keys.columns.clone(),
            frame_labels: keys.frame_labels,
            custom: keys.into_custom(),
        })
    }
}
