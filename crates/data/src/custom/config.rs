//! What folders and manifests have in common.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::carve::{VALIDATION_SHARE, check_share, check_validation_share};
use crate::error::DataError;

/// The share of the examples that is tested on, where a recipe says nothing.
const TEST_SHARE: f64 = 0.2;
const FOLDS: usize = 5;

/// The keys that `[data.folders]` and `[data.manifest]` share: classes, split, and what is not tolerated.
///
/// Where validation is not given it is carved from training: a share of each class, or whole speakers where speakers are
/// known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnConfig {
    /// The classes in the order of their indices; where none are given, the labels that occur, sorted.
    pub classes: Option<Vec<String>>,
    /// What the test split is; where it is not said, what the data fits: see [`OwnSplit`].
    pub split: Option<OwnSplit>,
    /// The share that is tested on, with `random` and `by-speaker`: 0.2.
    pub test_share: Option<f64>,
    /// The share carved from training for validation: 0.1; 0 for none. Not where the data names its validation examples.
    pub validation_share: Option<f64>,
    /// Into how many folds the examples are dealt, with `folds`: 5.
    pub folds: Option<usize>,
    /// Which fold is tested, from 0, with `folds`: 0.
    pub fold: Option<usize>,
    /// The speaker who is tested, with `leave-one-out`.
    pub group: Option<String>,
    /// Whether a speaker may be heard in more than one part of the split.
    pub allow_shared_speakers: bool,
    /// The share of the examples of a part that may be unreadable; they are left out and named.
    pub unreadable_share: f64,
}

/// How data of one's own is split.
///
/// Where a recipe does not say: `given` where the data names the parts of examples; else `by-speaker` where all speakers are
/// known and there are at least three; else `random`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnSplit {
    /// As the data says: the manifest's column `split`, or folders `train`, `validation` and `test`.
    Given,
    /// A share of each class, drawn by the seed.
    Random,
    /// Whole speakers, about a share of each class, drawn by the seed: nobody who is tested was heard in training.
    BySpeaker,
    /// One of several folds of about equal size, the same for every seed; of whole speakers where speakers are known.
    Folds,
    /// All examples of one speaker.
    LeaveOneOut,
}

impl fmt::Display for OwnSplit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl OwnSplit {
    /// The name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            OwnSplit::Given => "given",
            OwnSplit::Random => "random",
            OwnSplit::BySpeaker => "by-speaker",
            OwnSplit::Folds => "folds",
            OwnSplit::LeaveOneOut => "leave-one-out",
        }
    }
}

impl OwnConfig {
    pub(super) fn test_share(&self) -> f64 {
        self.test_share.unwrap_or(TEST_SHARE)
    }

    pub(super) fn validation_share(&self) -> f64 {
        self.validation_share.unwrap_or(VALIDATION_SHARE)
    }

    pub(super) fn folds(&self) -> usize {
        self.folds.unwrap_or(FOLDS)
    }

    pub(super) fn fold(&self) -> usize {
        self.fold.unwrap_or(0)
    }

    /// Whether the values are allowed; `set` is the data set's name, with which keys begin.
    pub(super) fn check(&self, set: &str) -> Result<(), DataError> {
        let key = |key: &str| format!("{set}.{key}");
        self.check_classes(&key("classes"))?;
        self.check_belonging(set)?;
        if let Some(share) = self.test_share {
            check_share(&key("test_share"), share)?;
        }
        check_validation_share(&key("validation_share"), self.validation_share())?;
        if self.folds() < 2 {
            return Err(DataError::setting(key("folds"), self.folds(), "must be at least 2"));
        }
        if self.fold() >= self.folds() {
            let rule = format!("must be from 0 to {}, one of the {} folds", self.folds() - 1, self.folds());
            return Err(DataError::setting(key("fold"), self.fold(), rule));
        }
        if !(0.0..1.0).contains(&self.unreadable_share) {
            let rule = "must be at least 0 (every file is needed) and less than 1";
            return Err(DataError::setting(key("unreadable_share"), self.unreadable_share, rule));
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
                return wrong(class, "must stand in the list once");
            }
        }
        Ok(())
    }

    /// Whether keys that go with one kind of split stand beside it.
    fn check_belonging(&self, set: &str) -> Result<(), DataError> {
        use OwnSplit::{BySpeaker, Folds, LeaveOneOut, Random};
        let text = |given: bool, value: String| given.then_some(value);
        let number = |value: Option<usize>| value.map(|value| value.to_string());
        // Without a split, a share to test on goes with the two that it may turn out to be.
        let keys: [(&str, Option<String>, &[OwnSplit], bool); 4] = [
            (
                "test_share",
                text(self.test_share.is_some(), self.test_share().to_string()),
                &[Random, BySpeaker],
                true,
            ),
            ("folds", number(self.folds), &[Folds], false),
            ("fold", number(self.fold), &[Folds], false),
            ("group", self.group.clone(), &[LeaveOneOut], false),
        ];
        for (key, value, splits, unsaid) in keys {
            let Some(value) = value else { continue };
            let belongs = self.split.map_or(unsaid, |split| splits.contains(&split));
            if !belongs {
                let names: Vec<String> = splits.iter().map(|split| format!("\"{}\"", split.name())).collect();
                let rule = format!("goes with split = {} only", names.join(" or "));
                return Err(DataError::setting(format!("{set}.{key}"), value, rule));
            }
        }
        Ok(())
    }
}
