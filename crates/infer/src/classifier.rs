//! Classification of whole recordings.

use std::borrow::Cow;
use std::path::Path;

use stapes_audio::Clip;
use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::head::Attention;
use stapes_nn::layer::{Mode, Pass, Shape};
use stapes_nn::{LoadedNetwork, Network};

use crate::clip_extractor::ClipExtractor;
use crate::error::InferError;
use crate::model::{Input, Model};

/// Classifier of recordings, or of frames, one at a time.
///
/// It owns its buffers; create one per thread. The probabilities of an utterance depend only on the model and the
/// utterance, bit for bit. A `Classifier<'static>` owns its model and can be stored in a struct or sent to a thread.
pub struct Classifier<'a> {
    pub(crate) extractor: Option<ClipExtractor>,
    pub(crate) network: LoadedNetwork<Network, Cow<'a, Model>>,
}

impl Classifier<'static> {
    /// Reads a model file and creates a classifier that owns the model.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn load(path: &Path) -> Result<Classifier<'static>, InferError> {
        Classifier::from_model(Model::load(path)?)
    }

    /// Creates a classifier that owns its model.
    ///
    /// # Errors
    /// Those of [`Classifier::new`].
    pub fn from_model(model: Model) -> Result<Classifier<'static>, InferError> {
        Classifier::build(Cow::Owned(model))
    }
}

impl<'a> Classifier<'a> {
    /// Creates a classifier that borrows its model.
    ///
    /// # Errors
    /// [`InferError::Features`] or [`InferError::Model`] if the settings are impossible.
    pub fn new(model: &'a Model) -> Result<Classifier<'a>, InferError> {
        Classifier::build(Cow::Borrowed(model))
    }

    pub(crate) fn build(model: Cow<'a, Model>) -> Result<Classifier<'a>, InferError> {
        let extractor = match &model.input {
            Input::Recordings(features) => Some(ClipExtractor::new(features)?),
            Input::Frames(_) => None,
        };
        let network = LoadedNetwork::new(model.network()?, model);
        Ok(Classifier { extractor, network })
    }

    /// Returns the model.
    pub fn model(&self) -> &Model {
        self.network.parameters()
    }

    /// Returns the probability of each label for a recording of any sample rate.
    ///
    /// # Shapes
    /// \[K\], or [T, K] for a frame-level model.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the model reads frames; otherwise the errors of [`ClipExtractor::extract`] and of
    /// [`Classifier::classify_frames`].
    pub fn classify(&mut self, clip: &Clip) -> Result<Vec<f32>, InferError> {
        let Some(extractor) = &mut self.extractor else {
            let expected = format!("frames {}", self.model().shape);
            return Err(InferError::WrongInput { expected, got: "a recording".into() });
        };
        let features = extractor.extract(clip)?;
        self.classify_frames(&features)
    }

    /// Returns the probability of each label for frames from the front end or the data set, before the model's
    /// normalization.
    ///
    /// # Shapes
    /// frames [T, F]; probabilities \[K\], or [T, K] for a frame-level model
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the frames are empty, their width is wrong, or the model cannot take their number;
    /// [`InferError::NotFinite`] if the probabilities are not finite.
    pub fn classify_frames(&mut self, frames: &Features) -> Result<Vec<f32>, InferError> {
        let shape = self.model().shape;
        let wrong_input = || {
            let got = format!("{} of {} values", frames.frames(), frames.width());
            InferError::WrongInput { expected: format!("frames {shape}"), got }
        };
        let wrong_length =
            matches!(shape, Shape::Sequence { frames: Some(fixed), .. } if fixed != frames.frames());
        if frames.width() != shape.features() || wrong_length {
            return Err(wrong_input());
        }
        if frames.frames() > self.network.max_length() {
            let expected = format!("at most {} frames", self.network.max_length());
            return Err(InferError::WrongInput { expected, got: frames.frames().to_string() });
        }
        let sequences = Sequences::new(&[frames.frames()]).map_err(|_| wrong_input())?;
        let normalized = self.model().normalize(frames)?;
        // A single packed sequence is the sequence itself.
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let objective = self.network.objective();
        let scores = self.network.forward(normalized.values(), pass);
        let probabilities = objective.probabilities(scores, &sequences);
        check_finite(&probabilities)?;
        Ok(probabilities)
    }
}

/// Returns an error if a probability is not finite.
pub(crate) fn check_finite(probabilities: &[f32]) -> Result<(), InferError> {
    match probabilities.iter().all(|probability| probability.is_finite()) {
        true => Ok(()),
        false => Err(InferError::NotFinite),
    }
}

impl Classifier<'_> {
    /// Returns the attention weights of the last classification, \[T\] with sum 1, empty before the first; `None` if the
    /// model has no attention.
    pub fn attention(&self) -> Option<&[f32]> {
        self.network.layer::<Attention>().map(Attention::weights)
    }
}

impl Model {
    /// Returns the frames after the model's normalization.
    ///
    /// # Errors
    /// [`InferError::Features`] if the width of the frames is wrong.
    pub fn normalize(&self, frames: &Features) -> Result<Features, InferError> {
        let mut normalized = frames.clone();
        if let Input::Frames(config) = &self.input {
            config.normalization.apply_to_utterance(&mut normalized);
        }
        if let Some(normalizer) = &self.normalizer {
            normalizer.apply(&mut normalized)?;
        }
        Ok(normalized)
    }
}
