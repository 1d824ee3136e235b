//! An experiment: from a recipe and its data to a trained model and its evaluation.

mod judged;
mod load;
mod loaded;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use stapes_data::{DataSet, FrameCache, Subset, Split, WaveformAugmenter};
use stapes_features::{Features, Normalization, StandardScaler};
use stapes_infer::{Model, Classifier, InferError, Input};
use stapes_train::{Event, Examples, Loading, Start, Communicator, TrainingResult, Trainer};

use crate::error::Error;
use crate::recipe::{Recipe, within_data};
use crate::waveforms::{CLIPS_BYTES, Clips, Waveforms};

pub(crate) use judged::recording_frames;
pub use judged::{classify, evaluate, argmax_frames};
pub use load::{Progress, load};
pub use loaded::{LoadedExamples, Labels};

/// A recipe with its data: found, split, and turned into frames.
pub struct Experiment {
    /// The recipe.
    pub recipe: Recipe,
    /// The data set.
    pub dataset: DataSet,
    /// Who trains, validates and tests.
    pub split: Split,
    input: Input,
    /// The folder of the data set, where it has one.
    folder: Option<PathBuf>,
    cache: Option<FrameCache>,
    augmenter: OnceLock<WaveformAugmenter>,
}

impl Experiment {
    /// Finds and splits the data of a recipe; `folder` is where the data set lies.
    ///
    /// # Errors
    /// [`Error::Model`] if the model cannot be built, [`Error::Labels`], [`Error::FixedLength`] or [`Error::Train`]
    /// if the recipe's parts do not go together, [`Error::Data`] if the data set is not there or cannot be split.
    pub fn open(recipe: Recipe, folder: Option<&Path>) -> Result<Experiment, Error> {
        recipe.check_compatible()?;
        let dataset = recipe.data.open(folder)?;
        let recipe = Recipe { data: recipe.data.resolved(&dataset), ..recipe };
        recipe.check_compatible()?;
        let split = recipe.data.split(&dataset, recipe.seed).map_err(within_data)?;
        let input = recipe.input()?;
        let folder = folder.map(Path::to_owned);
        Ok(Experiment { recipe, dataset, split, input, folder, cache: None, augmenter: OnceLock::new() })
    }

    /// What changes the samples of training examples, if the recipe asks for it; read and computed at the first call.
    ///
    /// Folders of recordings count from the folder of the data set.
    ///
    /// # Errors
    /// [`Error::Data`] if a folder or a recording in it cannot be read, or a setting does not go with the sample rate.
    pub fn waveform_augmenter(&self) -> Result<Option<&WaveformAugmenter>, Error> {
        let config = self.recipe.augment.as_ref().and_then(|augment| augment.waveform.as_ref());
        let (Some(config), Input::Recordings(features)) = (config, &self.input) else { return Ok(None) };
        if self.augmenter.get().is_none() {
            let folder = self.folder.as_deref().unwrap_or(Path::new("."));
            let prepared = WaveformAugmenter::new(config, folder, features.sample_rate_hz)?;
            // Where another thread was faster, it made the same.
            let _ = self.augmenter.set(prepared);
        }
        Ok(self.augmenter.get())
    }

    /// The model before it is trained: it has no parameters yet. Its normalization is fitted on these training frames
    /// alone.
    ///
    /// # Errors
    /// [`Error::Features`] if the normalization cannot be fitted; [`Error::Data`] if of a class only unusable files are left.
    pub fn untrained(&self, train: &LoadedExamples) -> Result<Model, Error> {
        self.check_classes(train)?;
        let standardiser = match self.input.normalization() {
            Normalization::PerCoefficient => Some(StandardScaler::fit(train.features.iter())?),
            _ => None,
        };
        Ok(Model {
            input: self.input.clone(),
            model: self.recipe.model.clone(),
            labels: self.dataset.classes.clone(),
            shape: self.recipe.shape()?,
            standardiser,
            parameters: Vec::new(),
            recipe: self.recipe.to_toml(),
        })
    }

    /// Whether each class still has an example, where a share of the files may be unusable.
    fn check_classes(&self, train: &LoadedExamples) -> Result<(), Error> {
        if train.skipped.is_empty() {
            return Ok(());
        }
        let examples = train.indices.iter().map(|&index| &self.dataset.examples[index]);
        let there: BTreeSet<usize> = examples.flat_map(|example| example.truth.classes()).collect();
        let Some(lost) = (0..self.dataset.classes.len()).find(|class| !there.contains(class)) else {
            return Ok(());
        };
        Err(Error::Data(stapes_data::DataError::EmptySubset {
            set: self.dataset.name.clone(),
            class: self.dataset.classes[lost].clone(),
            subset: Subset::Train,
            advice: "none of its files can be used, as is said above: repair some, or leave the class out"
                .into(),
        }))
    }

    /// Trains the model of [`Experiment::untrained`] on frames; where the recipe changes waveforms, on the frames of the
    /// training examples' changed samples, which threads make in the background.
    ///
    /// # Errors
    /// [`Error::Train`] if there is nothing to train on, a recording is gone or the loss is no number; [`Error::Data`] as
    /// [`Experiment::waveform_augmenter`]; what `report` gives.
    pub fn train(
        &self,
        untrained: &Model,
        [train, validation]: [&LoadedExamples; 2],
        (start, communicator): (Start<'_>, &dyn Communicator),
        stop: &AtomicBool,
        report: impl FnMut(Event<'_>) -> Result<(), Error>,
    ) -> Result<TrainingResult, Error> {
        let normalised = |loaded: &LoadedExamples| -> Result<Vec<Features>, InferError> {
            loaded.features.iter().map(|frames| untrained.normalize(frames)).collect()
        };
        let (train_frames, validation_frames) = (normalize(train)?, normalize(validation)?);
        let waveforms = self.waveforms(untrained, train)?;
        let threads = rayon::current_num_threads();
        let trainer = Trainer {
            model: &self.recipe.model,
            input: untrained.shape,
            classes: self.dataset.classes.len(),
            config: &self.recipe.train,
            train: Examples::new(&train_frames, train.labels.labels())?,
            source: waveforms.as_ref().map(|source| Loading { source, threads }),
            validation: Examples::new(&validation_frames, validation.labels.labels())?,
            augment: self.recipe.augment.as_ref(),
            start,
            seed: self.recipe.seed,
            communicator,
        };
        stapes_train::train(&trainer, stop, report)
    }

    /// The training examples as samples, where the recipe changes these.
    fn waveforms<'a>(
        &'a self,
        model: &'a Model,
        train: &'a LoadedExamples,
    ) -> Result<Option<Waveforms<'a>>, Error> {
        let (Some(augmenter), Input::Recordings(config)) = (self.waveform_augmenter()?, &self.input) else {
            return Ok(None);
        };
        Ok(Some(Waveforms {
            dataset: &self.dataset,
            indices: &train.indices,
            frames: train.features.iter().map(Features::frames).collect(),
            config,
            augmenter,
            model,
            seed: self.recipe.seed,
            clips: Clips::new(train.indices.len(), CLIPS_BYTES),
        }))
    }

    /// The median time from samples (or frames) to probabilities for a test utterance of median length, on one
    /// thread: of those whose recording can still be read the nearest to it, None if there is none left.
    ///
    /// # Units
    /// ms
    ///
    /// # Errors
    /// [`Error::Infer`] if it cannot be classified.
    ///
    /// # Panics
    /// If nothing was loaded.
    pub fn latency_ms(&self, model: &Model, test: &LoadedExamples) -> Result<Option<f64>, Error> {
        let mut classifier = Classifier::new(model)?;
        let mut by_length: Vec<usize> = (0..test.features.len()).collect();
        by_length.sort_by_key(|&at| test.features[at].frames());
        let middle = by_length.len() / 2;
        let mut nearest: Vec<usize> = (0..by_length.len()).collect();
        nearest.sort_by_key(|at| at.abs_diff(middle));
        let read = |at: usize| {
            let clip = self.dataset.examples[test.indices[by_length[at]]].source.read();
            clip.transpose().ok().map(|clip| (by_length[at], clip))
        };
        let Some((at, clip)) = nearest.into_iter().find_map(read) else { return Ok(None) };
        let mut times = Vec::new();
        for _ in 0..LATENCY_RUNS {
            let began = Instant::now();
            match &clip {
                Some(clip) => classifier.classify(clip)?,
                None => classifier.classify_frames(&test.features[at])?,
            };
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(Some(times[times.len() / 2]))
    }
}

/// Enough for a steady median, few enough not to be noticed.
const LATENCY_RUNS: usize = 31;
