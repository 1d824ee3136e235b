//! Table of all settings with their values and descriptions.

use serde_json::Value;

use crate::config::FeatureConfig;
use crate::settings_macro::{Row, Settings, Table};

/// One setting of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Key in a recipe, below `features`: `front_end.librosa-mfcc.n_mfcc`.
    pub key: String,
    /// Value as written in a recipe; `absent` if the key is not set.
    pub value: String,
    /// Unit of the value; empty if it has none.
    pub unit: &'static str,
    /// Description in one line.
    pub description: &'static str,
}

impl FeatureConfig {
    /// Returns all settings with their values, those of the front end last.
    ///
    /// # Example
    /// ```
    /// let settings = stapes_features::preset("librosa-mfcc")?.settings();
    /// let n_mfcc = settings.iter().find(|setting| setting.key == "front_end.librosa-mfcc.n_mfcc");
    /// assert_eq!(n_mfcc.map(|setting| setting.value.as_str()), Some("20"));
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn settings(&self) -> Vec<Setting> {
        let deltas = self.deltas.clone().unwrap_or_default();
        let mut shown = to_tree(&FeatureConfig { deltas: Some(deltas), ..self.clone() });
        if self.deltas.is_none() {
            // Deltas without an order are off.
            shown["deltas"]["order"] = Value::Null;
        }
        // Not serialized where it has no effect.
        shown["stacking"] = serde_json::to_value(self.stacking).unwrap_or_default();
        let mut rows = Vec::new();
        flatten("", FeatureConfig::TABLE, &mut rows);
        flatten(&format!("front_end.{}.", self.front_end.name()), self.front_end.table(), &mut rows);
        let setting = |(key, row): (String, &Row)| Setting {
            value: value_text(&shown, &key),
            key,
            unit: row.unit,
            description: row.description.trim().trim_end_matches('.'),
        };
        rows.into_iter().map(setting).collect()
    }
}

/// Appends the rows of a table and its sub-tables, with their full keys.
fn flatten(prefix: &str, table: Table, rows: &mut Vec<(String, &'static Row)>) {
    for row in table {
        let key = format!("{prefix}{}", row.key);
        match row.nested {
            Some(nested) => flatten(&format!("{key}."), nested, rows),
            None => rows.push((key, row)),
        }
    }
}

/// Serializes the configuration to a tree of keys.
fn to_tree(config: &FeatureConfig) -> Value {
    // Cannot fail: every key is a string and infinite numbers are words.
    serde_json::to_value(config).unwrap_or_default()
}

/// Returns the value of a dotted key as text.
fn value_text(tree: &Value, key: &str) -> String {
    match key.split('.').try_fold(tree, |tree, part| tree.get(part)) {
        None | Some(Value::Null) => "absent".to_owned(),
        Some(Value::String(word)) => word.clone(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DeltaMode, DeltasConfig, FrontEndConfig, KaldiFbankConfig, LibrosaMelDbConfig, PRESETS,
        PsfFbankConfig, PsfLogFbankConfig, StackingConfig, TorchaudioMelDbConfig, TorchaudioMfccConfig,
    };

    /// Collects the dotted keys of a tree's leaves.
    fn keys(prefix: &str, tree: &Value, found: &mut Vec<String>) {
        match tree {
            Value::Object(children) => {
                for (key, child) in children {
                    let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    keys(&key, child, found);
                }
            }
            _ => found.push(prefix.to_owned()),
        }
    }

    /// Parses a recipe with a single key.
    fn recipe(key: &str, value: Value) -> Result<FeatureConfig, String> {
        let tree = key
            .rsplit('.')
            .fold(value, |value, part| Value::Object([(part.to_owned(), value)].into_iter().collect()));
        serde_json::from_value(tree).map_err(|error| error.to_string())
    }

    fn every_front_end() -> Vec<FrontEndConfig> {
        let mut all: Vec<_> = PRESETS.iter().map(|preset| preset.config().front_end).collect();
        all.extend([
            FrontEndConfig::LibrosaMelDb(LibrosaMelDbConfig::default()),
            FrontEndConfig::PsfLogFbank(PsfLogFbankConfig::default()),
            FrontEndConfig::PsfFbank(PsfFbankConfig::default()),
            FrontEndConfig::KaldiFbank(KaldiFbankConfig::default()),
            FrontEndConfig::TorchaudioMelDb(TorchaudioMelDbConfig::default()),
        ]);
        all
    }

    #[test]
    fn every_recipe_key_is_listed_exactly_once() {
        for front_end in every_front_end() {
            let stacking = StackingConfig { left: 1, right: 1, every: 1 };
            let deltas =
                DeltasConfig { width: Some(5), mode: Some(DeltaMode::Nearest), ..Default::default() };
            let config = FeatureConfig { front_end, deltas: Some(deltas), stacking, ..Default::default() };
            let listed: Vec<String> = config.settings().into_iter().map(|setting| setting.key).collect();
            let mut possible = Vec::new();
            keys("", &to_tree(&config), &mut possible);
            for key in &possible {
                assert_eq!(listed.iter().filter(|listed| *listed == key).count(), 1, "{key}");
            }
            for key in listed.iter().filter(|key| !possible.contains(key)) {
                // Not serialized where it has no value, but a recipe must accept it.
                assert_eq!(recipe(key, Value::Null).err(), None, "{key}");
            }
        }
        assert!(recipe("front_end.librosa-mfcc.hop", Value::Null).is_err());
    }

    #[test]
    fn listed_values_equal_recipe_values() {
        let value = |config: &FeatureConfig, key: &str| {
            let settings = config.settings();
            let setting =
                settings.iter().find(|setting| setting.key == key).unwrap_or_else(|| panic!("{key}"));
            (setting.value.clone(), setting.unit)
        };
        let config = FeatureConfig {
            front_end: FrontEndConfig::TorchaudioMfcc(TorchaudioMfccConfig::default()),
            ..Default::default()
        };
        let of = |key: &str| value(&config, key);
        assert_eq!(of("sample_rate_hz"), ("16000".to_owned(), "Hz"));
        assert_eq!(of("fixed_length_samples"), ("absent".to_owned(), "samples"));
        assert_eq!(of("deltas.order"), ("absent".to_owned(), ""));
        assert_eq!(of("deltas.kind"), ("librosa".to_owned(), ""));
        assert_eq!(of("deltas.width"), ("absent".to_owned(), "frames"));
        assert_eq!(of("stacking.every"), ("1".to_owned(), "frames"));
        assert_eq!(of("front_end.torchaudio-mfcc.top_db"), ("80.0".to_owned(), "dB"));
        assert_eq!(of("front_end.torchaudio-mfcc.melkwargs.n_fft"), ("400".to_owned(), "samples"));
        assert_eq!(of("front_end.torchaudio-mfcc.melkwargs.norm"), ("none".to_owned(), ""));
        let with_deltas = FeatureConfig { deltas: Some(DeltasConfig::default()), ..Default::default() };
        assert_eq!(value(&with_deltas, "deltas.order").0, "1");
        assert_eq!(value(&with_deltas, "front_end.librosa-mfcc.amin").0, "1e-10");
    }

    #[test]
    fn every_description_is_one_line_of_plain_text() {
        for front_end in every_front_end() {
            for setting in (FeatureConfig { front_end, ..Default::default() }).settings() {
                let length = setting.description.chars().count();
                assert!((10..=100).contains(&length) && !setting.description.ends_with('.'), "{setting:?}");
                assert!(
                    ["", "Hz", "dB", "samples", "frames", "s", "ms"].contains(&setting.unit),
                    "{setting:?}"
                );
            }
        }
    }
}
