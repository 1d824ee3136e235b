//! A model that runs while samples arrive.

use stapes_features::{FeatureStream, Stream};
use stapes_kernels::Sequences;
use stapes_nn::objective::Objective;
use stapes_nn::{Network, NetworkStream};

use crate::bundle::{Bundle, Input};
use crate::classifier::finite;
use crate::error::InferError;

/// Classifies a recording while it is made: after every frame (or every other, where the model's steps are longer) the
/// probabilities of the labels, of this frame if the model decides frames, and else of the recording as if it ended here.
///
/// The probabilities are, bit for bit, those that [`Classifier`](crate::Classifier) gives for the frames so far, however
/// the samples are cut into pieces. Where recordings are brought to a fixed length, those after the last frame are those of
/// the recording.
///
/// # Units
/// samples at the model's own rate
///
/// # Example
/// ```
/// # use stapes_infer::{Bundle, Input, StreamClassifier};
/// # use stapes_nn::{ModelConfig, layer::Shape};
/// # let features = stapes_features::preset("kaldi-mfcc-39")?;
/// # let mut model: ModelConfig = serde_json::from_str(
/// #     r#"{"recurrent": {"cell": "lstm", "hidden": 8, "head": "per_frame_binary"}}"#)?;
/// # let shape = Shape::frames(features.init()?.width());
/// # let network = model.build(shape, 2)?;
/// # let bundle = Bundle {
/// #     input: Input::Recordings(features), model, labels: vec!["silence".into(), "voice".into()], shape,
/// #     standardiser: None, parameters: network.initial_parameters(1), recipe: String::new(),
/// # };
/// // `bundle` is a model that decides for every frame, such as `Bundle::load` reads.
/// let mut stream = StreamClassifier::new(&bundle)?;
/// let mut voice = Vec::new();
/// for chunk in [0.0; 8000].chunks(160) {
///     stream.push(chunk, |probabilities| voice.push(probabilities[1]))?;
/// }
/// stream.finish(|probabilities| voice.push(probabilities[1]))?;
/// assert_eq!(voice.len(), 48); // 25 ms every 10 ms of half a second at 16 kHz
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamClassifier<'a> {
    bundle: &'a Bundle,
    features: FeatureStream,
    network: Network,
    stream: NetworkStream,
    /// One sequence of one frame.
    one: Sequences,
    frames: Vec<f32>,
    /// Of a model that votes: the votes for each label, and how many there were.
    votes: (Vec<f32>, usize),
}

impl<'a> StreamClassifier<'a> {
    /// A classifier for one recording.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the model reads frames, [`InferError::Features`] if its front end or
    /// normalisation looks at the end of the recording, [`InferError::NotCausal`] if its layers do.
    pub fn new(bundle: &'a Bundle) -> Result<StreamClassifier<'a>, InferError> {
        let wrong = || {
            let expected = format!("frames {}", bundle.shape);
            InferError::WrongInput { expected, got: "a stream of samples".into() }
        };
        let Input::Recordings(config) = &bundle.input else { return Err(wrong()) };
        let features = config.stream(bundle.standardiser.as_ref())?;
        let mut network = bundle.network()?;
        network.prepare(&bundle.parameters);
        let stream = network.stream()?;
        let one = Sequences::new(&[1]).map_err(|_| wrong())?;
        let votes = (vec![0.0; bundle.labels.len()], 0);
        Ok(StreamClassifier { bundle, features, network, stream, one, frames: Vec::new(), votes })
    }

    /// Takes the next samples, of the model's own rate, and calls `report` with the probabilities after each
    /// frame that they complete.
    ///
    /// # Errors
    /// [`InferError::Features`] if a sample is NaN or infinite; then none of these samples are taken.
    /// [`InferError::NotFinite`] if the probabilities are not finite.
    pub fn push(&mut self, samples: &[f32], report: impl FnMut(&[f32])) -> Result<(), InferError> {
        self.frames.clear();
        self.features.push(samples, &mut self.frames)?;
        self.step(report)
    }

    /// Ends the recording: the frames that waited for more.
    ///
    /// # Errors
    /// [`InferError::Features`] if the front end cannot make them; [`InferError::NotFinite`] as [`StreamClassifier::push`].
    pub fn finish(mut self, report: impl FnMut(&[f32])) -> Result<(), InferError> {
        self.frames.clear();
        self.features.finish(&mut self.frames)?;
        self.step(report)
    }

    fn step(&mut self, mut report: impl FnMut(&[f32])) -> Result<(), InferError> {
        let objective = self.network.objective();
        for frame in self.frames.chunks_exact(self.bundle.shape.features()) {
            let scores = self.network.step(&mut self.stream, &self.bundle.parameters, frame);
            let Some(scores) = scores else { continue };
            let probabilities = finite(objective.probabilities(scores, &self.one))?;
            if objective != Objective::Vote {
                report(&probabilities);
                continue;
            }
            let (votes, frames) = &mut self.votes;
            *frames += 1;
            votes.iter_mut().zip(probabilities).for_each(|(votes, vote)| *votes += vote);
            report(&votes.iter().map(|votes| votes / *frames as f32).collect::<Vec<f32>>());
        }
        Ok(())
    }
}
