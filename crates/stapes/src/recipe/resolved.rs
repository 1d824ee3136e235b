//! Recipe whose settings are resolved from the data and checked.

use std::ops::Deref;
use std::path::Path;

use stapes_augment::AugmentError;
use stapes_data::DataSet;
use stapes_features::{FeatureConfig, Normalization, StandardScaler};
use stapes_infer::{Input, Model};
use stapes_nn::Network;
use stapes_nn::layer::Shape;
use stapes_train::TrainError;

use super::Recipe;
use crate::error::Error;

impl Recipe {
    /// Checks the parts of the recipe, and that they are compatible, for a number of classes. Returns the input of the model
    /// and its shape.
    pub(super) fn check(&self, classes: usize) -> Result<(Input, Shape), Error> {
        self.data.check()?;
        self.train.check()?;
        if let Some(augment) = &self.augment {
            augment.check()?;
        }
        let front_end = self.features.as_ref().map(FeatureConfig::init).transpose()?;
        let input = self.input()?;
        let shape = match (self.data.frame_width(), front_end) {
            (Some(width), _) => Shape::frames(width),
            (None, Some(front_end)) => {
                let fixed = front_end.config().fixed_length_samples;
                let frames = fixed.map(|samples| front_end.frames_for(samples));
                Shape::Sequence { features: front_end.width(), frames }
            }
            (None, None) => return Err(self.input_error("features", "is missing")),
        };
        self.check_compatible(shape, classes)?;
        Ok((input, shape))
    }

    /// Checks that data, features, model and training are compatible.
    fn check_compatible(&self, shape: Shape, classes: usize) -> Result<(), Error> {
        let per_frame = self.data.has_frame_labels();
        let network = self.model.build(shape, classes)?;
        self.train.check_freeze(network.tensors())?;
        if network.objective().is_frame_level() != per_frame {
            return Err(Error::Labels { per_frame });
        }
        let fixed = self.features.as_ref().and_then(|features| features.fixed_length_samples);
        if let Some(samples) = fixed.filter(|_| per_frame) {
            return Err(Error::FixedLength { samples });
        }
        if let Some(augment) = &self.augment {
            augment.check_frames(shape.features(), shape.length(), per_frame).map_err(AugmentError::from)?;
            if augment.waveform.is_some() && self.data.frame_width().is_some() {
                return Err(Error::NoWaveforms { set: self.data.name() });
            }
        }
        match (self.train.segment_frames, shape.length()) {
            (Some(segment), Some(fixed)) => Err(TrainError::Segments { segment, fixed }.into()),
            _ => Ok(()),
        }
    }

    /// Returns the input of the model, from the input section that the data set needs.
    fn input(&self) -> Result<Input, Error> {
        let recordings = self.data.frame_width().is_none();
        match (&self.features, &self.frames) {
            (Some(features), None) if recordings => Ok(Input::Recordings(features.clone())),
            (None, frames) if !recordings => Ok(Input::Frames(frames.clone().unwrap_or_default())),
            (None, _) => Err(self.input_error("features", "is missing")),
            (Some(_), _) if !recordings => Err(self.input_error("features", "does not belong here")),
            (Some(_), _) => Err(self.input_error("frames", "does not belong here")),
        }
    }

    fn input_error(&self, section: &'static str, rule: &'static str) -> Error {
        Error::Input { set: self.data.name(), section, rule }
    }

    /// Fills in settings that come from the data, such as the classes, and checks the result; `folder` is the folder of the
    /// data set. The data is not opened if all classes are known.
    ///
    /// # Errors
    /// [`Error::UnknownClasses`] if the classes come from the data and there is no folder; [`Error::Data`] if the data set
    /// is missing; otherwise those of [`Recipe::resolve_with`].
    pub fn resolve(self, folder: Option<&Path>) -> Result<ResolvedRecipe, Error> {
        if self.data.class_names().is_some() {
            return self.checked();
        }
        let folder = self.data_folder(folder);
        let dataset = self.data.open(folder).map_err(|error| match folder {
            Some(_) => Error::from(error),
            None => Error::UnknownClasses { set: self.data.name() },
        })?;
        self.resolve_with(&dataset)
    }

    /// Fills in settings that come from an open data set, and checks the result.
    ///
    /// # Errors
    /// [`Error::Model`] if the model cannot be built; [`Error::Input`], [`Error::Labels`], [`Error::FixedLength`],
    /// [`Error::NoWaveforms`] or [`Error::Train`] if the parts of the recipe are incompatible; the errors of the parts.
    pub fn resolve_with(self, dataset: &DataSet) -> Result<ResolvedRecipe, Error> {
        Recipe { data: self.data.resolve(dataset), ..self }.checked()
    }

    /// Checks a recipe with known classes.
    fn checked(self) -> Result<ResolvedRecipe, Error> {
        let unknown = || Error::UnknownClasses { set: self.data.name() };
        let classes = self.data.class_names().ok_or_else(unknown)?.len();
        let (input, shape) = self.check(classes)?;
        Ok(ResolvedRecipe { input, shape, classes, recipe: Recipe { data_folder: None, ..self } })
    }
}

/// Recipe whose settings are known and compatible: made by [`Recipe::resolve`], and read like a [`Recipe`]. Only this type
/// can build a network or run as an [`Experiment`](crate::Experiment).
#[derive(Clone, Debug)]
pub struct ResolvedRecipe {
    recipe: Recipe,
    input: Input,
    shape: Shape,
    classes: usize,
}

impl Deref for ResolvedRecipe {
    type Target = Recipe;

    fn deref(&self) -> &Recipe {
        &self.recipe
    }
}

impl ResolvedRecipe {
    /// Returns the input of the model.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Returns the shape of the frames, with their number if all recordings have one fixed length.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Builds the network.
    ///
    /// # Errors
    /// [`Error::Model`], as [`Recipe::resolve_with`].
    pub fn network(&self) -> Result<Network, Error> {
        Ok(self.model.build(self.shape, self.classes)?)
    }

    /// Returns a model with initial parameters, to measure speed and size or to try an export before a training.
    ///
    /// Normalization per coefficient leaves the values unchanged.
    ///
    /// # Errors
    /// [`Error::Model`], as [`ResolvedRecipe::network`].
    pub fn untrained_model(&self, seed: u64) -> Result<Model, Error> {
        let width = self.shape.features();
        let normalizer = StandardScaler { mean: vec![0.0; width], scale: vec![1.0; width] };
        let per_coefficient = self.input.normalization() == Normalization::PerCoefficient;
        Ok(Model {
            input: self.input.clone(),
            config: self.model.clone(),
            labels: self.data.class_names().unwrap_or_default(),
            shape: self.shape,
            normalizer: per_coefficient.then_some(normalizer),
            parameters: self.network()?.initial_parameters(seed),
            recipe: self.recipe.to_toml(),
            keywords: None,
        })
    }

    /// Returns the names of the tensors whose shape depends on the number of classes.
    ///
    /// # Errors
    /// [`Error::Model`], as [`ResolvedRecipe::network`]; also if the model is only for this number of classes.
    pub fn head_tensors(&self) -> Result<Vec<String>, Error> {
        let (network, wider) = (self.network()?, self.model.build(self.shape, self.classes + 1)?);
        let pairs = network.tensors().iter().zip(wider.tensors());
        let depends = pairs.filter(|(tensor, wider)| tensor.shape != wider.shape);
        Ok(depends.map(|(tensor, _)| tensor.name.clone()).collect())
    }

    /// Changes the number of steps of the training, at least 1.
    pub(crate) fn set_max_steps(&mut self, max_steps: usize) {
        self.recipe.train.max_steps = Some(max_steps.max(1));
    }
}
