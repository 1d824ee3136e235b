//! Classification of samples as they arrive.

use std::borrow::Cow;

use stapes_features::{FeatureStream, StreamingExtractor};
use stapes_kernels::Sequences;
use stapes_nn::objective::Objective;
use stapes_nn::{LoadedNetwork, Network, NetworkStream};

use crate::classifier::check_finite;
use crate::error::InferError;
use crate::model::{Input, Model};

/// Classifier of a recording whose samples arrive in chunks. After every step of the model (one frame, or several with
/// subsampling) it reports the probabilities of the labels: for the frame if the model is frame-level, else for the
/// recording so far.
///
/// The probabilities are those of [`Classifier`](crate::Classifier) for the frames so far, bit for bit, for any chunk
/// sizes. If recordings have a fixed length, those after the last frame are the probabilities of the recording.
///
/// # Units
/// samples at the model's sample rate
///
/// # Example
/// ```
/// # use stapes_infer::{Model, StreamClassifier};
/// # let features = stapes_features::preset("kaldi-mfcc-39")?;
/// # let config: stapes_nn::ModelConfig = serde_json::from_str(
/// #     r#"{"recurrent": {"cell": "lstm", "hidden_size": 8, "head": "per_frame_binary"}}"#)?;
/// # let model = Model::untrained(features, config, vec!["silence".into(), "voice".into()], 1)?;
/// // `model` is a frame-level model, for example from `Model::load`.
/// let mut stream = StreamClassifier::new(&model)?;
/// let mut voice = Vec::new();
/// for chunk in [0.0; 8000].chunks(160) {
///     stream.push(chunk, |probabilities| voice.push(probabilities[1]))?;
/// }
/// stream.finish(|probabilities| voice.push(probabilities[1]))?;
/// assert_eq!(voice.len(), 48); // frames of 25 ms every 10 ms in 0.5 s at 16 kHz
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamClassifier<'a> {
    network: StreamNetwork<'a>,
    stream: FrameStream,
}

/// Network of a causal model, loaded once for any number of streams.
pub(crate) struct StreamNetwork<'a> {
    network: LoadedNetwork<Network, Cow<'a, Model>>,
    /// A single sequence of one frame.
    one_frame: Sequences,
    /// Probabilities after the last step.
    probabilities: Vec<f32>,
}

/// State of one stream: features, network and votes.
pub(crate) struct FrameStream {
    features: FeatureStream,
    stream: NetworkStream,
    frames: Vec<f32>,
    /// Sum of the votes for each label and the number of votes, for a model with a voting head.
    votes: (Vec<f32>, usize),
}

impl StreamClassifier<'static> {
    /// Creates a classifier for one recording that owns its model.
    ///
    /// # Errors
    /// Those of [`StreamClassifier::new`].
    pub fn from_model(model: Model) -> Result<StreamClassifier<'static>, InferError> {
        StreamClassifier::build(Cow::Owned(model))
    }
}

impl<'a> StreamClassifier<'a> {
    /// Creates a classifier for one recording that borrows its model.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the model reads frames, [`InferError::Features`] if its front end or normalization
    /// needs the end of the recording, [`InferError::NotCausal`] if its layers need future frames.
    pub fn new(model: &'a Model) -> Result<StreamClassifier<'a>, InferError> {
        StreamClassifier::build(Cow::Borrowed(model))
    }

    fn build(model: Cow<'a, Model>) -> Result<StreamClassifier<'a>, InferError> {
        let network = StreamNetwork::new(model)?;
        let stream = network.start()?;
        Ok(StreamClassifier { network, stream })
    }

    /// Processes the next samples, at the model's sample rate. Calls `report` with the probabilities after each step of the
    /// model that they complete.
    ///
    /// # Errors
    /// [`InferError::Features`] if a sample is not finite; then none of these samples is processed.
    /// [`InferError::NotFinite`] if the probabilities are not finite.
    pub fn push(&mut self, samples: &[f32], report: impl FnMut(&[f32])) -> Result<(), InferError> {
        self.stream.push(&mut self.network, samples, report)
    }

    /// Ends the recording, and processes the frames that were waiting for later samples.
    ///
    /// # Errors
    /// [`InferError::Features`] if the front end fails; [`InferError::NotFinite`] if the probabilities are not finite.
    pub fn finish(mut self, report: impl FnMut(&[f32])) -> Result<(), InferError> {
        self.stream.finish(&mut self.network, report)
    }
}

impl<'a> StreamNetwork<'a> {
    /// Loads a network.
    ///
    /// # Errors
    /// [`InferError::Model`] if the model cannot be built.
    pub(crate) fn new(model: Cow<'a, Model>) -> Result<StreamNetwork<'a>, InferError> {
        let one_frame = Sequences::new(&[1]).map_err(|_| wrong_input(&model))?;
        let network = LoadedNetwork::new(model.network()?, model);
        Ok(StreamNetwork { network, one_frame, probabilities: Vec::new() })
    }

    /// Returns the model.
    pub(crate) fn model(&self) -> &Model {
        self.network.parameters()
    }

    /// Starts a stream.
    ///
    /// # Errors
    /// Those of [`StreamClassifier::new`].
    pub(crate) fn start(&self) -> Result<FrameStream, InferError> {
        let model = self.model();
        let Input::Recordings(config) = &model.input else { return Err(wrong_input(model)) };
        Ok(FrameStream {
            features: config.stream(model.normalizer.as_ref())?,
            stream: self.network.stream()?,
            frames: Vec::new(),
            votes: (vec![0.0; model.labels.len()], 0),
        })
    }
}

fn wrong_input(model: &Model) -> InferError {
    let expected = format!("frames {}", model.shape);
    InferError::WrongInput { expected, got: "a stream of samples".into() }
}

impl FrameStream {
    /// Processes the next samples with the network of the stream.
    ///
    /// # Errors
    /// Those of [`StreamClassifier::push`].
    pub(crate) fn push(
        &mut self,
        network: &mut StreamNetwork<'_>,
        samples: &[f32],
        report: impl FnMut(&[f32]),
    ) -> Result<(), InferError> {
        self.frames.clear();
        self.features.push(samples, &mut self.frames)?;
        self.step(network, report)
    }

    /// Ends the recording with the network of the stream.
    ///
    /// # Errors
    /// Those of [`StreamClassifier::finish`].
    pub(crate) fn finish(
        mut self,
        network: &mut StreamNetwork<'_>,
        report: impl FnMut(&[f32]),
    ) -> Result<(), InferError> {
        self.frames.clear();
        self.features.finish(&mut self.frames)?;
        self.step(network, report)
    }

    fn step(
        &mut self,
        network: &mut StreamNetwork<'_>,
        mut report: impl FnMut(&[f32]),
    ) -> Result<(), InferError> {
        let StreamNetwork { network, one_frame, probabilities } = network;
        let objective = network.objective();
        let width = network.parameters().shape.features();
        for frame in self.frames.chunks_exact(width) {
            let Some(scores) = network.step(&mut self.stream, frame) else { continue };
            objective.probabilities_into(scores, one_frame, probabilities);
            check_finite(probabilities)?;
            if objective == Objective::Vote {
                let (votes, frames) = &mut self.votes;
                *frames += 1;
                for (votes, fraction) in votes.iter_mut().zip(&mut *probabilities) {
                    *votes += *fraction;
                    *fraction = *votes / *frames as f32;
                }
            }
            report(probabilities);
        }
        Ok(())
    }
}
