//! A model that runs.

use stapes_audio::Clip;
use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::Network;
use stapes_nn::head::Attention;
use stapes_nn::layer::{Mode, Pass, Shape};

use crate::bundle::{Bundle, Input};
use crate::error::InferError;
use crate::extractor::Extractor;

/// Classifies recordings, or frames, one at a time.
///
/// It owns its buffers; make one a thread. The probabilities of an utterance depend on the model and the
/// utterance alone, bit for bit.
pub struct Classifier<'a> {
    bundle: &'a Bundle,
    extractor: Option<Extractor>,
    network: Network,
}

impl<'a> Classifier<'a> {
    /// A classifier of this model.
    ///
    /// # Errors
    /// [`InferError::Features`] or [`InferError::Model`] if the settings are impossible.
    pub fn new(bundle: &'a Bundle) -> Result<Classifier<'a>, InferError> {
        let extractor = match &bundle.input {
            Input::Recordings(features) => Some(Extractor::new(features)?),
            Input::Frames(_) => None,
        };
        let mut network = bundle.network()?;
        network.prepare(&bundle.parameters);
        Ok(Classifier { bundle, extractor, network })
    }

    /// The probability of each label for a recording of any rate.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the model reads frames; else as [`Extractor::extract`] and
    /// [`Classifier::classify_frames`].
    pub fn classify(&mut self, clip: &Clip) -> Result<Vec<f32>, InferError> {
        let Some(extractor) = &mut self.extractor else {
            let expected = format!("frames {}", self.bundle.shape);
            return Err(InferError::WrongInput { expected, got: "a recording".into() });
        };
        let features = extractor.extract(clip)?;
        self.classify_frames(&features)
    }

    /// The probability of each label for frames [T, F] as the front end or the data set gives them: \[K\], or
    /// [T, K] of a model that decides for every frame.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the frames have another width, there is none, the model reads a fixed number of
    /// frames and these are more or fewer, or they are more than it can take; [`InferError::NotFinite`] if the
    /// probabilities are not finite.
    pub fn classify_frames(&mut self, frames: &Features) -> Result<Vec<f32>, InferError> {
        let shape = self.bundle.shape;
        let wrong = || {
            let got = format!("{} of {} values", frames.frames(), frames.width());
            InferError::WrongInput { expected: format!("frames {shape}"), got }
        };
        let fixed = matches!(shape, Shape::Sequence { frames: Some(fixed), .. } if fixed != frames.frames());
        if frames.width() != shape.features() || fixed {
            return Err(wrong());
        }
        if frames.frames() > self.network.longest() {
            let expected = format!("at most {} frames", self.network.longest());
            return Err(InferError::WrongInput { expected, got: frames.frames().to_string() });
        }
        let sequences = Sequences::new(&[frames.frames()]).map_err(|_| wrong())?;
        let normalised = self.bundle.normalised(frames)?;
        // One sequence packed is the sequence itself.
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let objective = self.network.objective();
        let scores = self.network.forward(&self.bundle.parameters, normalised.values(), pass);
        finite(objective.probabilities(scores, &sequences))
    }
}

/// Probabilities that are finite; else an error.
pub(crate) fn finite(probabilities: Vec<f32>) -> Result<Vec<f32>, InferError> {
    match probabilities.iter().all(|probability| probability.is_finite()) {
        true => Ok(probabilities),
        false => Err(InferError::NotFinite),
    }
}

impl Classifier<'_> {
    /// The weights of attention in the classification that came last, \[T\] with the sum 1, none before the first; `None`
    /// if the model has no attention.
    pub fn attention(&self) -> Option<&[f32]> {
        self.network.layer::<Attention>().map(Attention::weights)
    }
}

impl Bundle {
    /// Frames scaled as the model's normalisation says.
    ///
    /// # Errors
    /// [`InferError::Features`] if the frames have another width.
    pub fn normalised(&self, frames: &Features) -> Result<Features, InferError> {
        let mut normalised = frames.clone();
        if let Input::Frames(config) = &self.input {
            config.normalisation.apply_to_utterance(&mut normalised);
        }
        if let Some(standardiser) = &self.standardiser {
            standardiser.apply(&mut normalised)?;
        }
        Ok(normalised)
    }
}
