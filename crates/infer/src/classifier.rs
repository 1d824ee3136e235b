//! A model that runs.

use stapes_audio::Clip;
use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::Network;
use stapes_nn::layer::{Mode, Pass};
use stapes_nn::loss::softmax;

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
        let network = bundle.model.build(bundle.features, bundle.labels.len())?;
        Ok(Classifier { bundle, extractor, network })
    }

    /// The probability of each label for a recording of any rate.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the model reads frames; else as [`Extractor::extract`].
    pub fn classify(&mut self, clip: &Clip) -> Result<Vec<f32>, InferError> {
        let Some(extractor) = &mut self.extractor else {
            let expected = format!("frames of {} values", self.bundle.features);
            return Err(InferError::WrongInput { expected, got: "a recording".into() });
        };
        let features = extractor.extract(clip)?;
        self.classify_frames(&features)
    }

    /// The probability of each label for frames [T, F] as the front end or the data set gives them.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the frames have another width or there is none.
    pub fn classify_frames(&mut self, frames: &Features) -> Result<Vec<f32>, InferError> {
        let expected = || format!("at least one frame of {} values", self.bundle.features);
        let got = || format!("{} frames of {} values", frames.frames(), frames.width());
        if frames.width() != self.bundle.features {
            return Err(InferError::WrongInput { expected: expected(), got: got() });
        }
        let lengths = Sequences::new(&[frames.frames()]);
        let sequences = lengths.map_err(|_| InferError::WrongInput { expected: expected(), got: got() })?;
        let normalised = self.bundle.normalised(frames)?;
        // One sequence packed is the sequence itself.
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let scores = self.network.forward(&self.bundle.parameters, normalised.values(), pass);
        let mut probabilities = scores.to_vec();
        softmax(&mut probabilities);
        Ok(probabilities)
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
