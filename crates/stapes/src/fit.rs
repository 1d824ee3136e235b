//! `Trainer`, training on arrays: from frames or clips in memory to a model.
//!
//! Programs call it; it calls `stapes_train::train`, without a recipe, a run folder or an `Experiment`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use stapes_audio::Clip;
use stapes_data::DataError;
use stapes_features::{FeatureConfig, Features, Normalization, StandardScaler};
use stapes_infer::{ClipExtractor, FramesConfig, Input, Model};
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Rng;
use stapes_train::{Event, Examples, LabelsRef, SingleProcess, Start, TrainConfig, TrainingResult, train};

use crate::error::Error;

/// Examples in memory: frames [T, F] of any lengths, with one class per example.
#[derive(Clone, Debug)]
pub struct InMemoryDataset {
    input: Input,
    classes: Vec<String>,
    features: Vec<Features>,
    labels: Vec<usize>,
}

impl InMemoryDataset {
    /// Combines frames with their classes, which are indices into the class names.
    ///
    /// # Errors
    /// [`Error::Dataset`] if the numbers of examples and labels differ, a label has no class, frames have different widths,
    /// or there are fewer than two classes.
    pub fn from_frames(
        features: Vec<Features>,
        labels: Vec<usize>,
        classes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<InMemoryDataset, Error> {
        let classes = classes.into_iter().map(Into::into).collect();
        InMemoryDataset { input: Input::Frames(FramesConfig::default()), classes, features, labels }.checked()
    }

    /// Computes the features of clips of any sample rate, in parallel, and combines them with their classes. A model trained on them
    /// classifies clips.
    ///
    /// # Errors
    /// [`Error::Infer`] if the settings are impossible; [`Error::Dataset`] with the number of the example if a clip is too
    /// short or not finite; otherwise those of [`InMemoryDataset::from_frames`].
    pub fn from_clips(
        clips: &[Clip],
        labels: Vec<usize>,
        classes: impl IntoIterator<Item = impl Into<String>>,
        features: FeatureConfig,
    ) -> Result<InMemoryDataset, Error> {
        InMemoryDataset::from_clips_with(clips, labels, classes, features, &AtomicBool::new(false))
    }

    /// Computes features like [`InMemoryDataset::from_clips`]; stops before the next clip when `stop` becomes true.
    ///
    /// # Errors
    /// Those of [`InMemoryDataset::from_clips`]; when stopped an error for which [`Error::is_stop`] is true.
    pub fn from_clips_with(
        clips: &[Clip],
        labels: Vec<usize>,
        classes: impl IntoIterator<Item = impl Into<String>>,
        features: FeatureConfig,
        stop: &AtomicBool,
    ) -> Result<InMemoryDataset, Error> {
        let extractor = ClipExtractor::new(&features)?;
        let done = AtomicUsize::new(0);
        let extract = |extractor: &mut ClipExtractor, (example, clip): (usize, &Clip)| {
            if stop.load(Ordering::Relaxed) {
                let (done, total) = (done.load(Ordering::Relaxed), clips.len());
                return Err(DataError::Stopped { done, total }.into());
            }
            let frames = extractor.extract(clip);
            done.fetch_add(1, Ordering::Relaxed);
            frames.map_err(|error| Error::Dataset(format!("example {example}: {error}")))
        };
        let indexed = clips.par_iter().enumerate();
        let frames = indexed.map_init(|| extractor.clone(), extract).collect::<Result<_, _>>()?;
        let classes = classes.into_iter().map(Into::into).collect();
        InMemoryDataset { input: Input::Recordings(features), classes, features: frames, labels }.checked()
    }

    fn checked(self) -> Result<InMemoryDataset, Error> {
        let fail = |reason: String| Err(Error::Dataset(reason));
        let (examples, labels, classes) = (self.features.len(), self.labels.len(), self.classes.len());
        if examples != labels {
            return fail(format!(
                "there are {examples} examples and {labels} labels; give one label per example"
            ));
        }
        if classes < 2 {
            return fail(format!("there are {classes} classes; give the names of at least two"));
        }
        if let Some(example) = self.labels.iter().position(|&label| label >= classes) {
            let label = self.labels[example];
            return fail(format!("example {example} has the label {label}; labels must be below {classes}"));
        }
        let width = self.features.first().map_or(0, Features::width);
        if let Some(example) = self.features.iter().position(|frames| frames.width() != width) {
            let other = self.features[example].width();
            return fail(format!(
                "example {example} has {other} values per frame, example 0 has {width}; all need the same number"
            ));
        }
        Ok(self)
    }

    /// Moves a random fraction of each class to a second data set, for example for validation. At least one example of each
    /// class remains, unless the fraction is 1.
    ///
    /// # Panics
    /// If the fraction is not in 0..=1.
    pub fn split(self, fraction: f64, seed: u64) -> (InMemoryDataset, InMemoryDataset) {
        assert!((0.0..=1.0).contains(&fraction), "fraction = {fraction}: must be in 0..=1");
        let mut held_out = vec![false; self.labels.len()];
        for class in 0..self.classes.len() {
            let mut examples: Vec<usize> =
                (0..self.labels.len()).filter(|&example| self.labels[example] == class).collect();
            Rng::numbered(seed, "split", [class as u64, 0]).shuffle(&mut examples);
            let max = examples.len() - usize::from(fraction < 1.0 && !examples.is_empty());
            let count = ((fraction * examples.len() as f64).round() as usize).min(max);
            examples[..count].iter().for_each(|&example| held_out[example] = true);
        }
        self.parts(&held_out)
    }

    /// Moves whole groups, such as speakers, to a second data set until it has about a fraction of the examples. At least one
    /// group remains in each part, if there are two.
    ///
    /// # Errors
    /// [`Error::Dataset`] if there is not one group per example.
    ///
    /// # Panics
    /// If the fraction is not in 0..=1.
    pub fn split_by_group(
        self,
        groups: &[String],
        fraction: f64,
        seed: u64,
    ) -> Result<(InMemoryDataset, InMemoryDataset), Error> {
        assert!((0.0..=1.0).contains(&fraction), "fraction = {fraction}: must be in 0..=1");
        if groups.len() != self.len() {
            let (examples, groups) = (self.len(), groups.len());
            return Err(Error::Dataset(format!(
                "there are {examples} examples and {groups} groups; give one group per example"
            )));
        }
        let mut sizes: BTreeMap<&String, usize> = BTreeMap::new();
        groups.iter().for_each(|group| *sizes.entry(group).or_default() += 1);
        let mut order: Vec<(&String, usize)> = sizes.into_iter().collect();
        Rng::numbered(seed, "split", [0, 0]).shuffle(&mut order);
        let wanted = fraction * self.len() as f64;
        let (mut moved, mut count) = (BTreeSet::new(), 0);
        // The last group stays.
        for (group, size) in &order[..order.len().saturating_sub(1)] {
            if moved.is_empty() && wanted > 0.0 || (count + size) as f64 <= wanted {
                moved.insert(*group);
                count += size;
            }
        }
        let held_out: Vec<bool> = groups.iter().map(|group| moved.contains(group)).collect();
        Ok(self.parts(&held_out))
    }

    /// Returns the examples that are not held out, and those that are.
    fn parts(&self, held_out: &[bool]) -> (InMemoryDataset, InMemoryDataset) {
        let part = |second: bool| InMemoryDataset {
            input: self.input.clone(),
            classes: self.classes.clone(),
            features: self.examples(held_out, second).map(|example| self.features[example].clone()).collect(),
            labels: self.examples(held_out, second).map(|example| self.labels[example]).collect(),
        };
        (part(false), part(true))
    }

    fn examples<'a>(&'a self, held_out: &'a [bool], second: bool) -> impl Iterator<Item = usize> + 'a {
        (0..self.labels.len()).filter(move |&example| held_out[example] == second)
    }

    /// Returns the number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns true if there are no examples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// Trains a model on examples in memory.
///
/// # Example
/// ```
/// use stapes::{InMemoryDataset, Trainer};
/// use stapes::features::{Features, Normalization};
/// use stapes::nn::RecurrentModelConfig;
/// use stapes::train::TrainConfig;
///
/// // Rising and falling sequences of 8 to 12 frames.
/// let slope = |n: usize| if n % 2 == 0 { 0.1 } else { -0.1 };
/// let frames = (0..60).map(|n| Features::new(1, (0..8 + n % 5).map(|t| slope(n) * t as f32).collect()));
/// let labels = (0..60).map(|n| n % 2).collect();
/// let (train, validation) = InMemoryDataset::from_frames(frames.collect(), labels, ["up", "down"])?.split(0.2, 1);
/// let model = RecurrentModelConfig { hidden_size: 8, ..Default::default() };
/// let config = TrainConfig { epochs: 10, learning_rate: 0.01, ..Default::default() };
/// let fitted = Trainer::new(model, config).normalization(Normalization::PerCoefficient).fit(&train, &validation)?;
/// assert_eq!(fitted.result.best.validation.map(|validation| validation.accuracy), Some(1.0));
/// # Ok::<(), stapes::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trainer {
    model: ModelConfig,
    config: TrainConfig,
    normalization: Option<Normalization>,
    seed: u64,
}

/// A trained model with its learning curves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fitted {
    /// The model with the best validation score: configuration, weights, normalizer, labels.
    pub model: Model,
    /// Learning curves, times and the weights of the last step.
    pub result: TrainingResult,
}

impl Trainer {
    /// Creates a trainer of this model with these settings, seed 1 and the normalization of the features.
    pub fn new(model: impl Into<ModelConfig>, config: TrainConfig) -> Trainer {
        Trainer { model: model.into(), config, normalization: None, seed: 1 }
    }

    /// Sets the normalization of features; statistics come from the training examples.
    pub fn normalization(self, normalization: Normalization) -> Trainer {
        Trainer { normalization: Some(normalization), ..self }
    }

    /// Sets the seed of initialization, shuffling and dropout.
    pub fn seed(self, seed: u64) -> Trainer {
        Trainer { seed, ..self }
    }

    /// Trains the model and returns the one with the best validation score; without validation examples, of the last step.
    ///
    /// # Errors
    /// [`Error::Train`] if the settings and the examples do not fit or the training diverges; [`Error::Infer`] if the model
    /// cannot be built.
    pub fn fit(&self, train: &InMemoryDataset, validation: &InMemoryDataset) -> Result<Fitted, Error> {
        self.fit_with(train, validation, &AtomicBool::new(false), |_| {})
    }

    /// Trains the model like [`Trainer::fit`]; reports every event, and stops early when `stop` becomes true.
    ///
    /// # Errors
    /// Those of [`Trainer::fit`].
    pub fn fit_with(
        &self,
        examples: &InMemoryDataset,
        validation: &InMemoryDataset,
        stop: &AtomicBool,
        mut on_event: impl FnMut(&Event<'_>),
    ) -> Result<Fitted, Error> {
        let untrained = self.untrained(examples)?;
        let normalize = |data: &InMemoryDataset| -> Result<Vec<Features>, Error> {
            Ok(data.features.iter().map(|frames| untrained.normalize(frames)).collect::<Result<_, _>>()?)
        };
        let (train_frames, validation_frames) = (normalize(examples)?, normalize(validation)?);
        let inputs = stapes_train::TrainingInputs {
            model: &self.model,
            input: untrained.shape,
            classes: untrained.labels.len(),
            config: &self.config,
            train: Examples::new(&train_frames, LabelsRef::PerExample(&examples.labels))?,
            source: None,
            validation: Examples::new(&validation_frames, LabelsRef::PerExample(&validation.labels))?,
            augment: None,
            start: Start::Random,
            seed: self.seed,
            communicator: &SingleProcess,
        };
        let result = train(&inputs, stop, |event| {
            on_event(&event);
            Ok::<(), Error>(())
        })?;
        Ok(Fitted { model: untrained.with_parameters(&result.parameters), result })
    }

    /// Builds the model without parameters: the input with its normalization, and the normalizer of the training examples.
    fn untrained(&self, examples: &InMemoryDataset) -> Result<Model, Error> {
        let mut input = examples.input.clone();
        if let Some(normalization) = self.normalization {
            match &mut input {
                Input::Recordings(features) => features.normalization = normalization,
                Input::Frames(frames) => frames.normalization = normalization,
            }
        }
        let normalizer = match input.normalization() {
            Normalization::PerCoefficient => Some(StandardScaler::fit(&examples.features)?),
            _ => None,
        };
        // Recordings may have a fixed length; frames in memory have any.
        let frames = Shape::frames(examples.features.first().map_or(0, Features::width));
        let shape = input.shape()?.unwrap_or(frames);
        Ok(Model {
            input,
            config: self.model.clone(),
            labels: examples.classes.clone(),
            shape,
            normalizer,
            parameters: Vec::new(),
            recipe: String::new(),
            keywords: None,
        })
    }
}

#[cfg(test)]
mod tests;
