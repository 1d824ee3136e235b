//! Common interface of folders and manifests as data sources.

use std::path::Path;

use super::config::CustomDataConfig;
use super::{folds, split};
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::source::{DataSource, FoldValue, SourceInfo};
use crate::split::Split;

/// Form of custom data; every form is a [`DataSource`].
pub(super) trait CustomSource {
    /// Name in a recipe.
    const NAME: &str;
    /// Expected content of the folder, for messages.
    const LAYOUT: &str;

    /// Returns the configuration that all forms share.
    fn custom(&self) -> &CustomDataConfig;

    /// Returns true if the labels are per frame, not per example.
    fn has_frame_labels(&self) -> bool {
        false
    }

    /// Returns the number of features F, if the files are frames.
    fn frame_width(&self) -> Option<usize> {
        None
    }

    /// Checks the keys that only this form has.
    fn check_form(&self) -> Result<(), DataError> {
        Ok(())
    }

    /// Finds the examples.
    fn read(&self, folder: Option<&Path>) -> Result<DataSet, DataError>;
}

impl<T: CustomSource> DataSource for T {
    fn info(&self) -> SourceInfo {
        let custom = self.custom();
        SourceInfo {
            classes: custom.classes.clone(),
            has_frame_labels: self.has_frame_labels(),
            frame_width: self.frame_width(),
            max_unreadable_fraction: custom.max_unreadable_fraction,
            is_custom: true,
            fold_key: folds::key(custom),
            ..SourceInfo::new(T::NAME, T::LAYOUT)
        }
    }

    fn check(&self) -> Result<(), DataError> {
        self.check_form()?;
        self.custom().check(T::NAME)
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        self.read(folder)
    }

    fn folds(&self, dataset: &DataSet) -> Result<Vec<(String, FoldValue)>, DataError> {
        folds::folds(T::NAME, self.custom(), dataset)
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        split::split(T::NAME, self.custom(), dataset, seed)
    }

    fn split_unchecked(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        split::split_unchecked(T::NAME, self.custom(), dataset, seed)
    }
}
