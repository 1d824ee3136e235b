//! Which data set, and how it is split: what a recipe says.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::arabic_digits::ArabicDigitsConfig;
use crate::consonant_vowel::ConsonantVowelConfig;
use crate::content;
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::fsdd::FsddConfig;
use crate::handwriting::HandwritingConfig;
use crate::japanese_vowels::JapaneseVowelsConfig;
use crate::load::Watch;
use crate::own::{FoldersConfig, ManifestConfig, chosen_split, manifest_in};
use crate::speech_commands::SpeechCommandsConfig;
use crate::split::Split;
use crate::upc_vad::UpcVadConfig;

/// A data set and its split, as the table `data` of a recipe names them.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, JapaneseVowelsConfig};
///
/// let config = DataConfig::JapaneseVowels(JapaneseVowelsConfig { validation_share: 0.2 });
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
    /// Recordings of one's own in a folder a class.
    Folders(FoldersConfig),
    /// Recordings of one's own named by a manifest.
    Manifest(ManifestConfig),
}

/// One fold of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Its name, fit for a folder: `fold-0`, or the speaker who is left out.
    pub name: String,
    /// The configuration that tests this fold.
    pub data: DataConfig,
}

/// What a data set knows how to do. One more data set is a file with this trait, a variant of [`DataConfig`],
/// and its line in `DataConfig::set`.
pub(crate) trait Set {
    /// The data set's name in a recipe.
    fn name(&self) -> &'static str;

    /// The classes, where they are known without the data.
    fn class_names(&self) -> Option<Vec<String>>;

    /// F, where the data set comes as frames.
    fn frame_width(&self) -> Option<usize>;

    /// Whether examples have a class for every moment, and not one for the whole.
    fn labels_moments(&self) -> bool {
        false
    }

    /// The share of examples that may be unreadable.
    fn unreadable_share(&self) -> f64 {
        0.0
    }

    /// Whether the data is the user's own, of which nobody else has made sure that its parts differ.
    fn of_ones_own(&self) -> bool {
        false
    }

    /// Whether the values are allowed.
    fn check(&self) -> Result<(), DataError>;

    /// Finds the examples. Called with a checked configuration.
    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError>;

    /// The folds of the split, by name; none if it has no folds. Called with a checked configuration.
    fn folds(&self, dataset: &DataSet) -> Result<Vec<Fold>, DataError> {
        let _ = dataset;
        Err(DataError::NoFolds { set: self.name(), advice: "it has one official split" })
    }

    /// The key that says which fold is tested; None where the split has no folds.
    fn fold_key(&self) -> Option<&'static str> {
        None
    }

    /// Splits what `open` found. Called with a checked configuration.
    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError>;

    /// The same, even where groups are in several parts that must not be.
    fn split_as_is(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.split(dataset, seed)
    }
}

impl DataConfig {
    /// What a path is, of data of one's own: a manifest, a folder with a manifest, or else a folder a class.
    pub fn guessed(path: &Path) -> DataConfig {
        // What is no folder is no folder of classes; a pipe is then refused as a manifest.
        if (path.exists() && !path.is_dir()) || manifest_in(path).is_some() {
            DataConfig::Manifest(ManifestConfig::default())
        } else {
            DataConfig::Folders(FoldersConfig::default())
        }
    }

    fn set(&self) -> &dyn Set {
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

    /// The data set's name in a recipe: `fsdd`.
    pub fn name(&self) -> &'static str {
        self.set().name()
    }

    /// The classes in the order of their indices, where they are known without the data; [`DataSet::classes`] always
    /// are.
    pub fn class_names(&self) -> Option<Vec<String>> {
        self.set().class_names()
    }

    /// The same configuration with what it left to the data written out: the classes, and how the data is split.
    pub fn resolved(&self, dataset: &DataSet) -> DataConfig {
        let mut resolved = self.clone();
        if let DataConfig::Folders(FoldersConfig { own, .. })
        | DataConfig::Manifest(ManifestConfig { own, .. }) = &mut resolved
        {
            own.split = Some(chosen_split(own, dataset));
            own.classes.get_or_insert_with(|| dataset.classes.clone());
        }
        resolved
    }

    /// The share of the examples of a part that may be unreadable, for [`load_usable`](crate::load_usable).
    pub fn unreadable_share(&self) -> f64 {
        self.set().unreadable_share()
    }

    /// F of a data set that comes as frames of features; `None` for recordings, of which a front end makes frames.
    pub fn frame_width(&self) -> Option<usize> {
        self.set().frame_width()
    }

    /// Whether the examples have a class for every moment ([`Truth::Intervals`](crate::Truth)), and not one for the
    /// whole.
    pub fn labels_moments(&self) -> bool {
        self.set().labels_moments()
    }

    /// Whether the values are allowed; the data is not looked at.
    ///
    /// # Errors
    /// [`DataError::Setting`] names the key from the data set's name on: `fsdd.test_share`.
    pub fn check(&self) -> Result<(), DataError> {
        self.set().check()
    }

    /// Finds the examples in a folder, in the order of their names; no sound file is opened.
    ///
    /// Only data sets embedded in the program need no folder.
    ///
    /// # Errors
    /// Those of [`check`](DataConfig::check); a folder that is absent, is another data set's or cannot be read;
    /// a class without examples, or that the data does not have.
    pub fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        self.check()?;
        self.set().open(folder)
    }

    /// The configurations that test each part of the data in turn: over all of them every example is tested once.
    ///
    /// # Errors
    /// Those of [`check`](DataConfig::check); [`DataError::NoFolds`] where the split is not by folds;
    /// [`DataError::Setting`] where a key holds for one fold only.
    pub fn folds(&self, dataset: &DataSet) -> Result<Vec<Fold>, DataError> {
        self.check()?;
        self.set().folds(dataset)
    }

    /// The key that says which fold of the split is tested, from the data set's name on: `fsdd.speaker`. None where the split
    /// has no folds.
    ///
    /// # Example
    /// ```
    /// use stapes_data::{DataConfig, UpcVadConfig};
    ///
    /// assert_eq!(DataConfig::UpcVad(UpcVadConfig::default()).fold_key(), Some("upc-vad.fold".into()));
    /// ```
    pub fn fold_key(&self) -> Option<String> {
        let set = self.set();
        set.fold_key().map(|key| format!("{}.{key}", set.name()))
    }

    /// Looks at the files of data of one's own before any is used: each can be opened, and no recording is in two parts of the
    /// split. Of other data sets nothing is looked at. Damage further in is left to [`load`](crate::load) to find.
    ///
    /// # Errors
    /// [`DataError::Files`] names all files that cannot be opened, if they are more than the recipe allows;
    /// [`DataError::SharedContent`] names files of the same content; [`DataError::Stopped`].
    pub fn check_files(&self, dataset: &DataSet, split: &Split, watch: &Watch<'_>) -> Result<(), DataError> {
        if !self.set().of_ones_own() {
            return Ok(());
        }
        content::check((self.name(), self.unreadable_share()), dataset, split, watch)
    }

    /// Splits the data set that [`open`](DataConfig::open) returned.
    ///
    /// The parts are disjoint, and together they are the whole data set. What is drawn by chance depends on the
    /// seed and on the examples' names, nothing else.
    ///
    /// # Errors
    /// Those of [`check`](DataConfig::check); a speaker that the data does not have; a class without an example
    /// in one of the parts; a data set that another configuration opened.
    pub fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.check_opened(dataset)?;
        self.set().split(dataset, seed)
    }

    /// The same split to look at, even where speakers are in several parts of it and the configuration does not allow that:
    /// [`Split::shared_groups`] tells them.
    ///
    /// # Errors
    /// The others of [`split`](DataConfig::split).
    pub fn split_as_is(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        self.check_opened(dataset)?;
        self.set().split_as_is(dataset, seed)
    }

    fn check_opened(&self, dataset: &DataSet) -> Result<(), DataError> {
        self.check()?;
        if dataset.name != self.name() {
            return Err(DataError::OtherSet { expected: self.name(), found: dataset.name.clone() });
        }
        Ok(())
    }
}
