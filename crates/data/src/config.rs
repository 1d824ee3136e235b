//! Configuration of the data: data set and split.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::arabic_digits::ArabicDigitsConfig;
use crate::consonant_vowel::ConsonantVowelConfig;
use crate::custom::{FoldersConfig, ManifestConfig, ManifestLayout, frame_width_in, manifest_in, split_kind};
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::fsdd::FsddConfig;
use crate::handwriting::HandwritingConfig;
use crate::japanese_vowels::JapaneseVowelsConfig;
use crate::leakage;
use crate::load::Progress;
use crate::source::{DataSource, FoldValue};
use crate::speech_commands::SpeechCommandsConfig;
use crate::split::Split;
use crate::upc_vad::UpcVadConfig;

/// Data set and split: the table `data` of a recipe.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, JapaneseVowelsConfig};
///
/// let config = DataConfig::JapaneseVowels(JapaneseVowelsConfig { validation_fraction: 0.2 });
/// let vowels = config.open(None)?;
/// let split = config.split(&vowels, 1)?;
/// assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (216, 54, 370));
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataConfig {
    /// Free Spoken Digit Dataset.
    Fsdd(FsddConfig),
    /// Google Speech Commands.
    SpeechCommands(SpeechCommandsConfig),
    /// UCI Japanese Vowels.
    JapaneseVowels(JapaneseVowelsConfig),
    /// UPC voice activity.
    UpcVad(UpcVadConfig),
    /// CS671 handwriting.
    Handwriting(HandwritingConfig),
    /// CS671 consonant-vowel segments.
    ConsonantVowel(ConsonantVowelConfig),
    /// UCI Spoken Arabic Digit.
    ArabicDigits(ArabicDigitsConfig),
    /// Custom recordings, or arrays of frames, with one folder per class.
    Folders(FoldersConfig),
    /// Custom recordings listed in a manifest.
    Manifest(ManifestConfig),
}

/// Fold of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Name, valid as a folder name: `fold-0`, or the test speaker.
    pub name: String,
    /// Configuration that tests this fold.
    pub data: DataConfig,
}

impl DataConfig {
    /// Detects the kind of custom data at a path: a manifest, also in the layout of another toolkit, a folder with a manifest,
    /// or one folder per class, with recordings, or else with files of frames.
    pub fn detect(path: &Path) -> DataConfig {
        // Only a folder can contain classes; a pipe is later rejected as a manifest.
        let found = if (path.exists() && !path.is_dir()) || manifest_in(path).is_some() {
            DataConfig::Manifest(ManifestConfig::default())
        } else {
            DataConfig::Folders(FoldersConfig::default())
        };
        if found.open(Some(path)).is_ok() {
            return found;
        }
        let of_toolkit = |layout| {
            DataConfig::Manifest(ManifestConfig { layout: Some(layout), ..ManifestConfig::default() })
        };
        let layouts = [ManifestLayout::Nemo, ManifestLayout::HuggingFace].map(of_toolkit);
        if let Some(config) = layouts.into_iter().find(|config| config.open(Some(path)).is_ok()) {
            return config;
        }
        match (&found, found.open(Some(path))) {
            (DataConfig::Folders(_), Err(error)) if error.finds_no_recordings() => {
                let frame_width = frame_width_in(path);
                DataConfig::Folders(FoldersConfig { frame_width, ..FoldersConfig::default() })
            }
            // The error of the first form is the clearest if none can be read.
            _ => found,
        }
    }

    fn source(&self) -> &dyn DataSource {
        match self {
            DataConfig::Fsdd(config) => config,
            DataConfig::SpeechCommands(config) => config,
            DataConfig::JapaneseVowels(config) => config,
            DataConfig::UpcVad(config) => config,
            DataConfig::Handwriting(config) => config,
            DataConfig::ConsonantVowel(config) => config,
            DataConfig::ArabicDigits(config) => config,
            DataConfig::Folders(config) => config,
            DataConfig::Manifest(config) => config,
        }
    }

    /// Returns the name of the data set in a recipe: `fsdd`.
    pub fn name(&self) -> &'static str {
        self.source().info().name
    }

    /// Returns the class names in the order of the class indices, if they are known without the data;
    /// [`DataSet::classes`] is always known.
    pub fn class_names(&self) -> Option<Vec<String>> {
        self.source().info().classes
    }

    /// Returns the configuration with all settings that depend on the data: classes and kind of split.
    pub fn resolve(&self, dataset: &DataSet) -> DataConfig {
        let mut resolve = self.clone();
        if let DataConfig::Folders(FoldersConfig { custom, .. })
        | DataConfig::Manifest(ManifestConfig { custom, .. }) = &mut resolve
        {
            custom.split = Some(split_kind(custom, dataset));
            custom.classes.get_or_insert_with(|| dataset.classes.clone());
        }
        resolve
    }

    /// Returns the maximum fraction of the examples of a subset that may be unreadable, for
    /// [`load_with_options`](crate::load_with_options).
    pub fn max_unreadable_fraction(&self) -> f64 {
        self.source().info().max_unreadable_fraction
    }

    /// Returns the number of features F of a data set of frames; `None` for recordings, which a front end converts
    /// into frames.
    pub fn frame_width(&self) -> Option<usize> {
        self.source().info().frame_width
    }

    /// Returns true if the labels are per frame ([`Label::Segments`](crate::Label)), not per example.
    pub fn has_frame_labels(&self) -> bool {
        self.source().info().has_frame_labels
    }

    /// Checks the values without reading the data.
    ///
    /// # Errors
    /// [`DataError::Setting`] with the key relative to `data`: `fsdd.test_fraction`.
    pub fn check(&self) -> Result<(), DataError> {
        self.source().check()
    }

    /// Finds the examples in a folder, sorted by name; audio files are not opened.
    ///
    /// Data sets that are embedded in the program do not need a folder.
    ///
    /// # Errors
    /// Errors of [`check`](DataConfig::check); a folder that is missing, unreadable or contains another data set; a
    /// class without examples or unknown to the data.
    pub fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        self.check()?;
        self.source().open(folder)
    }

    /// Returns the configurations of all folds; together they test every example once.
    ///
    /// # Errors
    /// Errors of [`check`](DataConfig::check); [`DataError::NoFolds`] if the split has no folds;
    /// [`DataError::Setting`] if a key is only valid for one fold.
    pub fn folds(&self, dataset: &DataSet) -> Result<Vec<Fold>, DataError> {
        self.check()?;
        let folds = self.source().folds(dataset)?;
        Ok(folds.into_iter().map(|(name, value)| Fold { name, data: self.with_fold(value) }).collect())
    }

    fn with_fold(&self, value: FoldValue) -> DataConfig {
        let mut data = self.clone();
        match (&mut data, value) {
            (DataConfig::Fsdd(config), FoldValue::Group(speaker)) => config.speaker = Some(speaker),
            (DataConfig::UpcVad(config), FoldValue::Index(fold)) => config.fold = fold,
            (
                DataConfig::Folders(FoldersConfig { custom, .. })
                | DataConfig::Manifest(ManifestConfig { custom, .. }),
                value,
            ) => match value {
                FoldValue::Index(fold) => custom.fold = Some(fold),
                FoldValue::Group(group) => custom.group = Some(group),
            },
            _ => unreachable!("{} has no folds of this kind", self.name()),
        }
        data
    }

    /// Returns the key of the tested fold, relative to `data`: `fsdd.speaker`; `None` if the split has no folds.
    ///
    /// # Example
    /// ```
    /// use stapes_data::{DataConfig, UpcVadConfig};
    ///
    /// assert_eq!(DataConfig::UpcVad(UpcVadConfig::default()).fold_key(), Some("upc-vad.fold".into()));
    /// ```
    pub fn fold_key(&self) -> Option<String> {
        let info = self.source().info();
        info.fold_key.map(|key| format!("{}.{key}", info.name))
    }

    /// Checks that no recording of custom data is in two subsets. Other data sets are not checked. Files that cannot be read
    /// are found by [`load`](crate::load); they and silent recordings are equal to no other.
    ///
    /// # Errors
    /// [`DataError::SharedContent`] with files of equal content; [`DataError::Stopped`].
    pub fn check_files(
        &self,
        dataset: &DataSet,
        split: &Split,
        progress: &Progress<'_>,
    ) -> Result<(), DataError> {
        let info = self.source().info();
        if !info.is_custom {
            return Ok(());
        }
        leakage::check(info.name, dataset, split, progress)
    }

    /// Splits the data set that [`open`](DataConfig::open) returned.
    ///
    /// The subsets are disjoint, and together they are the data set. Random draws depend only on the seed and on the
    /// names of the examples.
    ///
    /// # Errors
    /// Errors of [`check`](DataConfig::check); a speaker that the data does not have; a class without an example in a
    /// subset; a data set opened by another configuration.
    pub fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.check_opened(dataset)?;
        self.source().split(dataset, seed)
    }

    /// Splits the data set even if speakers are in several subsets and the configuration does not allow that;
    /// [`Split::shared_groups`] returns them.
    ///
    /// # Errors
    /// All other errors of [`split`](DataConfig::split).
    pub fn split_unchecked(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.check_opened(dataset)?;
        self.source().split_unchecked(dataset, seed)
    }

    fn check_opened(&self, dataset: &DataSet) -> Result<(), DataError> {
        self.check()?;
        if dataset.name != self.name() {
            return Err(DataError::OtherSet { expected: self.name(), found: dataset.name.clone() });
        }
        Ok(())
    }
}
