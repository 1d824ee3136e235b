//! Configuration that folders and manifests share.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use stapes_audio::Channel;

use super::channel;
use super::manifest::ManifestConfig;
use super::source::CustomSource;
use crate::error::DataError;
use crate::stratified_sampling::{DEFAULT_VALIDATION_FRACTION, check_fraction, check_validation_fraction};

/// Default fraction of the examples used for testing.
const DEFAULT_TEST_FRACTION: f64 = 0.2;
const FOLDS: usize = 5;

/// Keys that `[data.folders]` and `[data.manifest]` share: classes, split and tolerance.
///
/// If no validation examples are given, they are drawn from the training examples: a fraction of each class, or whole
/// speakers if speakers are known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CustomDataConfig {
    /// Class names in the order of the class indices; by default the sorted labels that occur.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// Kind of split; the default depends on the data: see [`CustomSplit`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<CustomSplit>,
    /// Fraction used for testing, with `random` and `by-speaker`: 0.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_fraction: Option<f64>,
    /// Fraction of the training examples used for validation: 0.1; 0 for none. Ignored if the data has validation
    /// examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_fraction: Option<f64>,
    /// Number of folds, with `folds`: that of the column `fold` of a manifest, else 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Test fold, from 0, with `folds`: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
    /// Test speaker, with `leave-one-out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Channel of the recordings that is used; by default their mean.
    #[serde(serialize_with = "channel::serialize", skip_serializing_if = "channel::is_mean")]
    pub channel: Channel,
    /// Permits classes without examples, for the evaluation of a model that exists; not a key of recipes.
    #[serde(skip)]
    pub allow_missing_classes: bool,
    /// Permits speakers in more than one subset.
    #[serde(skip_serializing_if = "is_false")]
    pub allow_shared_speakers: bool,
    /// Maximum fraction of the examples of a subset that may be unreadable; they are skipped and reported.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_unreadable_fraction: f64,
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// Kind of split of custom data.
///
/// Default: `predefined` if the data assigns examples to subsets; else `by-speaker` if all speakers are known and
/// there are at least three; else `random`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomSplit {
    /// Split of the data: the column `split` of the manifest, or folders `train`, `validation` and `test`.
    Predefined,
    /// Fraction of each class, drawn by the seed.
    Random,
    /// Whole speakers, about a fraction of each class, drawn by the seed: test speakers are not in the training
    /// subset.
    BySpeaker,
    /// One of several folds: those of the column `fold` of a manifest, else of about equal size, the same for every seed;
    /// whole speakers if speakers are known.
    Folds,
    /// All examples of one speaker.
    LeaveOneOut,
}

impl fmt::Display for CustomSplit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl CustomSplit {
    /// Returns the name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            CustomSplit::Predefined => "predefined",
            CustomSplit::Random => "random",
            CustomSplit::BySpeaker => "by-speaker",
            CustomSplit::Folds => "folds",
            CustomSplit::LeaveOneOut => "leave-one-out",
        }
    }
}

impl CustomDataConfig {
    pub(super) fn test_fraction(&self) -> f64 {
        self.test_fraction.unwrap_or(DEFAULT_TEST_FRACTION)
    }

    pub(super) fn validation_fraction(&self) -> f64 {
        self.validation_fraction.unwrap_or(DEFAULT_VALIDATION_FRACTION)
    }

    pub(super) fn folds(&self) -> usize {
        self.folds.unwrap_or(FOLDS)
    }

    pub(super) fn fold(&self) -> usize {
        self.fold.unwrap_or(0)
    }

    /// Checks the values; `set` is the name of the data set, the prefix of the keys.
    pub(super) fn check(&self, set: &str) -> Result<(), DataError> {
        let key = |key: &str| format!("{set}.{key}");
        self.check_classes(&key("classes"))?;
        self.check_split_keys(set)?;
        if let Some(fraction) = self.test_fraction {
            check_fraction(&key("test_fraction"), fraction)?;
        }
        check_validation_fraction(&key("validation_fraction"), self.validation_fraction())?;
        if self.folds() < 2 {
            return Err(DataError::setting(key("folds"), self.folds(), "must be at least 2"));
        }
        // The number of folds of a manifest may also be that of its column `fold`.
        let folds = self.folds.or((set != ManifestConfig::NAME).then_some(FOLDS));
        if let Some(folds) = folds.filter(|folds| self.fold() >= *folds) {
            let rule = format!("must be from 0 to {}, one of the {folds} folds", folds - 1);
            return Err(DataError::setting(key("fold"), self.fold(), rule));
        }
        if !(0.0..1.0).contains(&self.max_unreadable_fraction) {
            let rule = "must be at least 0 (every file is required) and less than 1";
            return Err(DataError::setting(
                key("max_unreadable_fraction"),
                self.max_unreadable_fraction,
                rule,
            ));
        }
        Ok(())
    }

    fn check_classes(&self, key: &str) -> Result<(), DataError> {
        let Some(classes) = &self.classes else { return Ok(()) };
        let wrong = |value: &dyn std::fmt::Debug, rule: &str| {
            Err(DataError::setting(key, format_args!("{value:?}"), rule))
        };
        if classes.len() < 2 {
            return wrong(classes, "must name at least two classes");
        }
        let mut seen = BTreeSet::new();
        for class in classes {
            if class.trim().is_empty() {
                return wrong(class, "must be a name");
            }
            if !seen.insert(class) {
                return wrong(class, "must be in the list once");
            }
        }
        Ok(())
    }

    /// Checks that no key is set that is invalid for the kind of split.
    fn check_split_keys(&self, set: &str) -> Result<(), DataError> {
        use CustomSplit::{BySpeaker, Folds, LeaveOneOut, Random};
        let text = |given: bool, value: String| given.then_some(value);
        let number = |value: Option<usize>| value.map(|value| value.to_string());
        // Without a split, the test fraction is valid, because the default split may use it.
        let keys: [(&str, Option<String>, &[CustomSplit], bool); 4] = [
            (
                "test_fraction",
                text(self.test_fraction.is_some(), self.test_fraction().to_string()),
                &[Random, BySpeaker],
                true,
            ),
            ("folds", number(self.folds), &[Folds], false),
            ("fold", number(self.fold), &[Folds], false),
            ("group", self.group.clone(), &[LeaveOneOut], false),
        ];
        for (key, value, splits, by_default) in keys {
            let Some(value) = value else { continue };
            let valid = self.split.map_or(by_default, |split| splits.contains(&split));
            if !valid {
                let names: Vec<String> = splits.iter().map(|split| format!("\"{}\"", split.name())).collect();
                let rule = format!("is only valid with data.{set}.split = {}", names.join(" or "));
                return Err(DataError::setting(format!("{set}.{key}"), value, rule));
            }
        }
        Ok(())
    }
}
