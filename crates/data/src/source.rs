//! `DataSource`, the trait to implement for a new data set.
//!
//! A new data set needs, besides its file with this trait: `mod` and `pub use` in `lib.rs`; in `config.rs` a variant of
//! `DataConfig`, its line in `DataConfig::source`, and with folds its line in `DataConfig::with_fold`; rows of the tables in
//! `docs/recipes.md` and `docs/data.md`.

use std::path::Path;

use crate::dataset::DataSet;
use crate::error::DataError;
use crate::predefined_split;
use crate::split::Split;
use crate::stratified_sampling::check_validation_fraction;

/// Properties of a data set that are known without its files.
#[derive(Clone, Debug)]
pub(crate) struct SourceInfo {
    /// Name in a recipe.
    pub(crate) name: &'static str,
    /// Expected content of the folder, for messages.
    pub(crate) layout: &'static str,
    /// Class names in the order of the class indices.
    pub(crate) classes: Option<Vec<String>>,
    /// Number of features F, for data sets of frames.
    pub(crate) frame_width: Option<usize>,
    /// True if the labels are per frame, not per example.
    pub(crate) has_frame_labels: bool,
    /// Fraction of the training examples for validation, for the default methods of [`DataSource`].
    pub(crate) validation_fraction: f64,
    /// Maximum fraction of examples that may be unreadable.
    pub(crate) max_unreadable_fraction: f64,
    /// True for custom data, whose files are checked before use.
    pub(crate) is_custom: bool,
    /// Key of the tested fold; `None` for a split without folds.
    pub(crate) fold_key: Option<&'static str>,
}

impl SourceInfo {
    /// Returns the properties of recordings with one label per example and without folds.
    pub(crate) const fn new(name: &'static str, layout: &'static str) -> SourceInfo {
        SourceInfo {
            name,
            layout,
            classes: None,
            frame_width: None,
            has_frame_labels: false,
            validation_fraction: 0.0,
            max_unreadable_fraction: 0.0,
            is_custom: false,
            fold_key: None,
        }
    }

    /// Returns the key of the validation fraction, relative to `data`.
    pub(crate) fn validation_key(&self) -> String {
        format!("{}.validation_fraction", self.name)
    }
}

/// Value of the key that selects the tested fold.
#[derive(Clone, Debug)]
pub(crate) enum FoldValue {
    /// Number of the fold.
    Index(usize),
    /// Name of the test group.
    Group(String),
}

/// Operations of a data set.
///
/// All methods except `info` and `check` require a checked configuration.
pub(crate) trait DataSource {
    /// Returns the properties of the data set.
    fn info(&self) -> SourceInfo;

    /// Checks the values.
    fn check(&self) -> Result<(), DataError> {
        let info = self.info();
        check_validation_fraction(&info.validation_key(), info.validation_fraction)
    }

    /// Finds the examples.
    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError>;

    /// Returns the name and the value of each fold.
    fn folds(&self, dataset: &DataSet) -> Result<Vec<(String, FoldValue)>, DataError> {
        let _ = dataset;
        Err(DataError::NoFolds { set: self.info().name, advice: "it has one predefined split".to_owned() })
    }

    /// Splits the data set that `open` returned.
    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        predefined_split::split(dataset, &self.info(), seed)
    }

    /// Splits the data set even if groups are in several subsets against the rules.
    fn split_unchecked(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.split(dataset, seed)
    }
}
