//! Loading of examples as features with labels.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use stapes_audio::Clip;
use stapes_data::{
    DataSet, DataStatistics, FrameCache, Label, LoadOptions, LoadedFeatures, Progress, Split,
    check_unreadable,
};
use stapes_features::{FeatureConfig, Features, Normalization};
use stapes_infer::{ClipExtractor, InferError, Input};
use stapes_train::{Communicator, Labels};

use super::{CutRecordings, Experiment, LoadedExamples};
use crate::distributed::all_gather_features;
use crate::error::Error;

/// Callback with the number of finished examples; called from any thread.
pub type OnExample<'a> = &'a (dyn Fn(usize) + Sync);

impl Experiment {
    /// Returns the experiment with a cache folder for the features of recordings. Cached features are not computed again.
    /// Several processes may share a folder.
    ///
    /// # Errors
    /// [`Error::Data`] if the folder cannot be created or written to.
    pub fn with_cache(self, folder: &Path) -> Result<Experiment, Error> {
        let Input::Recordings(config) = self.recipe.input() else { return Ok(self) };
        // The cache holds features before normalization. Their last digits depend on the instruction set.
        let config = FeatureConfig { normalization: Normalization::None, ..config.clone() };
        let instructions = stapes_kernels::InstructionSet::best();
        let front_end = format!("stapes {} {instructions} {config:?}", env!("CARGO_PKG_VERSION"));
        let cache = Some(FrameCache::open(folder, front_end)?);
        Ok(Experiment { cache, ..self })
    }

    /// Returns the reason why features could not be cached, if there is one.
    pub fn cache_error(&self) -> Option<&str> {
        self.cache.as_ref()?.write_error()
    }

    fn load_options(&self, max_unreadable_fraction: f64) -> LoadOptions<'_> {
        LoadOptions { max_unreadable_fraction, cache: self.cache.as_ref() }
    }

    /// Checks the files of a custom data set before training: no content is in two of the training, validation and test
    /// subsets. Skipped files are not checked.
    ///
    /// # Errors
    /// [`Error::Data`] with the files; also when stopped.
    pub fn check_files(
        &self,
        subsets: [&LoadedExamples; 3],
        stop: &AtomicBool,
        on_example: OnExample<'_>,
    ) -> Result<(), Error> {
        let [train, validation, test] = subsets.map(|loaded| loaded.indices.clone());
        let split = Split { train, validation, test };
        Ok(self.recipe.data.check_files(&self.dataset, &split, &Progress { on_example, stop })?)
    }

    /// Loads examples and computes their features on all threads. Files that cannot be read or are unusable are skipped;
    /// [`Experiment::check_unreadable`] decides whether the recipe permits that.
    ///
    /// # Errors
    /// [`Error::Data`] when stopped.
    pub fn load(
        &self,
        indices: &[usize],
        stop: &AtomicBool,
        on_example: OnExample<'_>,
    ) -> Result<LoadedExamples, Error> {
        load(
            &self.dataset,
            self.load_options(1.0),
            self.recipe.input(),
            indices,
            &Progress { on_example, stop },
        )
    }

    /// Checks that the recipe permits the skipped files of these subsets.
    ///
    /// # Errors
    /// [`Error::Data`] with all skipped files of all subsets.
    pub fn check_unreadable(&self, subsets: &[&LoadedExamples]) -> Result<(), Error> {
        let subsets: Vec<_> =
            subsets.iter().map(|loaded| (loaded.indices.len(), &loaded.skipped[..])).collect();
        Ok(check_unreadable(&self.dataset.name, self.recipe.data.max_unreadable_fraction(), &subsets)?)
    }

    /// Describes the recordings of these subsets that are longer than the fixed length, for a warning.
    pub fn cut_warning(&self, subsets: &[&LoadedExamples]) -> Option<String> {
        let Input::Recordings(features) = self.recipe.input() else { return None };
        let mut cut = CutRecordings::default();
        subsets.iter().for_each(|loaded| cut.add(loaded.cut));
        cut.warning(features, subsets.iter().map(|loaded| loaded.indices.len()).sum())
    }

    /// Loads examples like [`Experiment::load`] with several processes: each computes the features of some examples, and all
    /// receive all of them.
    ///
    /// # Errors
    /// Errors of [`Experiment::load`], for the examples of this process.
    pub fn load_distributed(
        &self,
        indices: &[usize],
        communicator: &dyn Communicator,
        stop: &AtomicBool,
        on_example: OnExample<'_>,
    ) -> Result<LoadedExamples, Error> {
        if communicator.size() == 1 {
            return self.load(indices, stop, on_example);
        }
        let (rank, size) = (communicator.rank(), communicator.size());
        let own: Vec<usize> = indices.iter().copied().skip(rank).step_by(size).collect();
        let progress = Progress { on_example, stop };
        let features =
            load_features(&self.dataset, self.load_options(1.0), self.recipe.input(), &own, &progress)?;
        with_labels(&self.dataset, self.recipe.input(), all_gather_features(communicator, indices, features))
    }
}

/// Loads examples of a data set and computes their features as `input` specifies.
///
/// # Errors
/// Errors of [`stapes_data::load_with_options`].
pub fn load(
    dataset: &DataSet,
    options: LoadOptions<'_>,
    input: &Input,
    indices: &[usize],
    progress: &Progress<'_>,
) -> Result<LoadedExamples, Error> {
    with_labels(dataset, input, load_features(dataset, options, input, indices, progress)?)
}

/// Computes the statistics of a data set. Examples that training cannot use with these features are unreadable.
///
/// # Errors
/// [`Error::Features`] if the settings are impossible; [`Error::Data`] when stopped.
pub fn statistics(
    dataset: &DataSet,
    features: &FeatureConfig,
    progress: &Progress<'_>,
) -> Result<DataStatistics, Error> {
    let extractor = ClipExtractor::new(features)?;
    let extract = || {
        let mut extractor = extractor.clone();
        move |clip: &Clip| extractor.extract(clip)
    };
    Ok(DataStatistics::with_features(dataset, extract, progress)?)
}

fn load_features(
    dataset: &DataSet,
    options: LoadOptions<'_>,
    input: &Input,
    indices: &[usize],
    progress: &Progress<'_>,
) -> Result<LoadedFeatures, Error> {
    let extractor = match input {
        Input::Recordings(config) => Some(ClipExtractor::new(config)?),
        Input::Frames(_) => None,
    };
    let extract = || {
        let mut extractor = extractor.clone();
        move |clip: &Clip| match &mut extractor {
            Some(extractor) => extractor.extract(clip),
            // Without an extractor the data set comes as frames, and no clip is read.
            None => Err(InferError::WrongInput { expected: "frames".into(), got: "a recording".into() }),
        }
    };
    Ok(stapes_data::load_with_options(dataset, indices, options, extract, progress)?)
}

fn with_labels(dataset: &DataSet, input: &Input, loaded: LoadedFeatures) -> Result<LoadedExamples, Error> {
    let labels = labels(dataset, input, &loaded.indices, &loaded.features)?;
    let LoadedFeatures { indices, features, seconds, skipped } = loaded;
    let cut = match input {
        Input::Recordings(config) => CutRecordings::new(config, seconds),
        Input::Frames(_) => CutRecordings::default(),
    };
    Ok(LoadedExamples { indices, features, labels, cut, skipped })
}

/// Returns the labels of examples with these features. All labels of a data set are of one kind.
fn labels(
    dataset: &DataSet,
    input: &Input,
    indices: &[usize],
    features: &[Features],
) -> Result<Labels, Error> {
    let times = match input {
        Input::Recordings(config) => Some(config.frame_times()?),
        Input::Frames(_) => None,
    };
    let (mut examples, mut frames) = (Vec::new(), Vec::new());
    for (&index, features) in indices.iter().zip(features) {
        match (&dataset.examples[index].label, &times) {
            (Label::Class(class), _) => examples.push(*class),
            (Label::Segments(segments), Some(times)) => {
                let class = |frame| segments.class_at(times.center_seconds(frame));
                frames.push((0..features.frames()).map(class).collect());
            }
            (Label::Segments(_), None) => {
                let expected = "recordings, because the data has frame-level labels".into();
                return Err(InferError::WrongInput { expected, got: "frames".into() }.into());
            }
        }
    }
    Ok(if frames.is_empty() { Labels::PerExample(examples) } else { Labels::PerFrame(frames) })
}
