//! Experiment: from a recipe and its data to a trained model and its evaluation.
//!
//! `training.rs` calls it for each run and writes the files; it calls `stapes_train::train`.

mod evaluate;
mod labeled;
mod load;
mod loaded_examples;
mod quantize;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use stapes_augment::WaveformAugmenter;
use stapes_data::{DataError, DataSet, FrameCache, Note, Split, Subset};
use stapes_features::{Features, Normalization, StandardScaler};
use stapes_infer::{Classifier, InferError, Input, Model};
use stapes_train::{Communicator, Event, Examples, LoaderOptions, Start, TrainingInputs, TrainingResult};

use crate::error::Error;
use crate::recipe::{Recipe, ResolvedRecipe};
use crate::waveforms::{ClipCache, MAX_CACHE_BYTES, WaveformSource};

pub(crate) use evaluate::recording_frames;
pub use evaluate::{argmax_frames, classify, classify_quantized, evaluate};
pub use labeled::open_labeled;
pub use load::{OnExample, load, statistics};
pub(crate) use loaded_examples::append_labels;
pub use loaded_examples::{CutRecordings, LoadedExamples};
pub use quantize::{calibration_indices, quantize};

/// Recipe with its data set, split into training, validation and test.
pub struct Experiment {
    /// Recipe.
    pub recipe: ResolvedRecipe,
    /// Data set.
    pub dataset: DataSet,
    /// Examples of the training, validation and test subsets.
    pub split: Split,
    /// Folder of the data set, if it has one.
    pub(crate) folder: Option<PathBuf>,
    cache: Option<FrameCache>,
    augmenter: OnceLock<WaveformAugmenter>,
}

/// Inputs of [`Experiment::train`].
#[derive(Clone, Copy)]
pub struct ExperimentInputs<'a> {
    /// Model of [`Experiment::untrained_model`].
    pub model: &'a Model,
    /// Training examples.
    pub train: &'a LoadedExamples,
    /// Validation examples.
    pub validation: &'a LoadedExamples,
    /// Initial parameters, or the checkpoint to resume.
    pub start: Start<'a>,
    /// Communicator of the processes that train together.
    pub communicator: &'a dyn Communicator,
    /// When this becomes true, training ends with the result so far.
    pub stop: &'a AtomicBool,
}

impl Experiment {
    /// Opens and splits the data of a recipe; `folder` is the folder of the data set.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is missing or cannot be split; otherwise those of [`Recipe::resolve_with`].
    pub fn open(recipe: Recipe, folder: Option<&Path>) -> Result<Experiment, Error> {
        let folder = recipe.data_folder(folder).map(Path::to_owned);
        let dataset = recipe.data.open(folder.as_deref())?;
        let recipe = recipe.resolve_with(&dataset)?;
        let split = recipe.data.split(&dataset, recipe.seed)?;
        Ok(Experiment { recipe, dataset, split, folder, cache: None, augmenter: OnceLock::new() })
    }

    /// Returns notes about data that is not used and about classes without validation or test examples.
    pub fn notes(&self) -> Vec<Note> {
        self.dataset.notes.iter().cloned().chain(self.split.notes(&self.dataset)).collect()
    }

    /// Returns the waveform augmenter of the recipe, if it has one; the first call reads its recordings.
    ///
    /// Relative paths of noise and room recordings start at the folder of the data set.
    ///
    /// # Errors
    /// [`Error::Augment`] if a folder or a recording in it cannot be read, or a setting does not fit the sample rate.
    pub fn waveform_augmenter(&self) -> Result<Option<&WaveformAugmenter>, Error> {
        let config = self.recipe.augment.as_ref().and_then(|augment| augment.waveform.as_ref());
        let (Some(config), Input::Recordings(features)) = (config, self.recipe.input()) else {
            return Ok(None);
        };
        if self.augmenter.get().is_none() {
            let folder = self.folder.as_deref().unwrap_or(Path::new("."));
            let augmenter = WaveformAugmenter::new(config, folder, features.sample_rate_hz)?;
            // If another thread was faster, its augmenter is equal.
            let _ = self.augmenter.set(augmenter);
        }
        Ok(self.augmenter.get())
    }

    /// Returns the model before training, without parameters. Its normalization is fitted to the training examples only.
    ///
    /// # Errors
    /// [`Error::Features`] if the normalization cannot be fitted; [`Error::Data`] if all files of a class were skipped.
    pub fn untrained_model(&self, train: &LoadedExamples) -> Result<Model, Error> {
        self.check_classes(train)?;
        let normalizer = match self.recipe.input().normalization() {
            Normalization::PerCoefficient => Some(StandardScaler::fit(train.features.iter())?),
            _ => None,
        };
        Ok(Model {
            input: self.recipe.input().clone(),
            config: self.recipe.model.clone(),
            labels: self.dataset.classes.clone(),
            shape: self.recipe.shape(),
            normalizer,
            parameters: Vec::new(),
            recipe: self.recipe.to_toml(),
            keywords: None,
        })
    }

    /// Checks that each class still has a training example if files were skipped.
    fn check_classes(&self, train: &LoadedExamples) -> Result<(), Error> {
        if train.skipped.is_empty() {
            return Ok(());
        }
        let examples = train.indices.iter().map(|&index| &self.dataset.examples[index]);
        let present: BTreeSet<usize> = examples.flat_map(|example| example.label.classes()).collect();
        let Some(missing) = (0..self.dataset.classes.len()).find(|class| !present.contains(class)) else {
            return Ok(());
        };
        Err(Error::Data(DataError::EmptySubset {
            set: self.dataset.name.clone(),
            class: self.dataset.classes[missing].clone(),
            subset: Subset::Train,
            advice: "all its files were skipped for the reasons above; repair some, or remove the class"
                .into(),
        }))
    }

    /// Trains the model of [`Experiment::untrained_model`]. If the recipe augments waveforms, background threads compute
    /// the features of the augmented training examples.
    ///
    /// # Errors
    /// [`Error::Train`] if there are no training examples, a recording is missing or the loss is not finite;
    /// [`Error::Augment`] as [`Experiment::waveform_augmenter`]; errors of `report`.
    pub fn train(
        &self,
        inputs: &ExperimentInputs<'_>,
        report: impl FnMut(Event<'_>) -> Result<(), Error>,
    ) -> Result<TrainingResult, Error> {
        let ExperimentInputs { model, train, validation, start, communicator, stop } = *inputs;
        let normalize = |loaded: &LoadedExamples| -> Result<Vec<Features>, InferError> {
            loaded.features.iter().map(|frames| model.normalize(frames)).collect()
        };
        let (train_frames, validation_frames) = (normalize(train)?, normalize(validation)?);
        let waveforms = self.waveform_source(model, train)?;
        let threads = rayon::current_num_threads();
        let inputs = TrainingInputs {
            model: &self.recipe.model,
            input: model.shape,
            classes: self.dataset.classes.len(),
            config: &self.recipe.train,
            train: Examples::new(&train_frames, train.labels.as_ref())?,
            source: waveforms.as_ref().map(|source| LoaderOptions { source, threads }),
            validation: Examples::new(&validation_frames, validation.labels.as_ref())?,
            augment: self.recipe.augment.as_ref(),
            start,
            seed: self.recipe.seed,
            communicator,
        };
        stapes_train::train(&inputs, stop, report)
    }

    /// Returns the source of augmented training examples, if the recipe augments waveforms.
    fn waveform_source<'a>(
        &'a self,
        model: &'a Model,
        train: &'a LoadedExamples,
    ) -> Result<Option<WaveformSource<'a>>, Error> {
        let (Some(augmenter), Input::Recordings(config)) = (self.waveform_augmenter()?, self.recipe.input())
        else {
            return Ok(None);
        };
        Ok(Some(WaveformSource {
            dataset: &self.dataset,
            indices: &train.indices,
            frames: train.features.iter().map(Features::frames).collect(),
            config,
            augmenter,
            model,
            seed: self.recipe.seed,
            clips: ClipCache::new(train.indices.len(), MAX_CACHE_BYTES),
        }))
    }

    /// Measures the median time from samples (or frames) to probabilities for a test utterance of median length, on one
    /// thread. If the recording cannot be read any more, the readable one closest in length is used; `None` if there is
    /// none.
    ///
    /// # Units
    /// ms
    ///
    /// # Errors
    /// [`Error::Infer`] if the utterance cannot be classified.
    ///
    /// # Panics
    /// If there are no test examples.
    pub fn latency_ms(&self, model: &Model, test: &LoadedExamples) -> Result<Option<f64>, Error> {
        let mut classifier = Classifier::new(model)?;
        let mut by_length: Vec<usize> = (0..test.features.len()).collect();
        by_length.sort_by_key(|&index| test.features[index].frames());
        let middle = by_length.len() / 2;
        let mut closest: Vec<usize> = (0..by_length.len()).collect();
        closest.sort_by_key(|rank| rank.abs_diff(middle));
        let read = |rank: usize| {
            let clip = self.dataset.examples[test.indices[by_length[rank]]].read();
            clip.transpose().ok().map(|clip| (by_length[rank], clip))
        };
        let Some((index, clip)) = closest.into_iter().find_map(read) else { return Ok(None) };
        let mut times = Vec::new();
        for _ in 0..LATENCY_RUNS {
            let start = Instant::now();
            match &clip {
                Some(clip) => classifier.classify(clip)?,
                None => classifier.classify_frames(&test.features[index])?,
            };
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(Some(times[times.len() / 2]))
    }
}

/// Number of runs of a latency measurement; enough for a stable median, and fast.
const LATENCY_RUNS: usize = 31;
