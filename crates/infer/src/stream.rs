//! A model that runs while samples arrive.

use stapes_features::{FeatureStream, Stream};
use stapes_kernels::Sequences;
use stapes_nn::{Network, NetworkStream};

use crate::bundle::{Bundle, Input};
use crate::error::InferError;

/// Classifies a recording while it is made: after every frame the probabilities of the labels, of this frame if the
/// model decides frames, and else of the recording as if it ended here (of a model that votes, of this frame alone).
///
/// The probabilities are, bit for bit, those that [`Classifier`](crate::Classifier) gives for the samples so far,
/// however they are cut into pieces.
pub struct StreamClassifier<'a> {
    bundle: &'a Bundle,
    features: FeatureStream,
    network: Network,
    stream: NetworkStream,
    /// One sequence of one frame.
    one: Sequences,
    frames: Vec<f32>,
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
        Ok(StreamClassifier { bundle, features, network, stream, one, frames: Vec::new() })
    }

    /// Takes the next samples, of the model's own rate, and calls `report` with the probabilities after each
    /// frame that they complete.
    ///
    /// # Errors
    /// [`InferError::Features`] if a sample is NaN or infinite; then none of these samples are taken.
    pub fn push(&mut self, samples: &[f32], report: impl FnMut(&[f32])) -> Result<(), InferError> {
        self.frames.clear();
        self.features.push(samples, &mut self.frames)?;
        self.step(report);
        Ok(())
    }

    /// Ends the recording: the frames that waited for more.
    ///
    /// # Errors
    /// [`InferError::Features`] if the front end cannot make them.
    pub fn finish(mut self, report: impl FnMut(&[f32])) -> Result<(), InferError> {
        self.frames.clear();
        self.features.finish(&mut self.frames)?;
        self.step(report);
        Ok(())
    }

    fn step(&mut self, mut report: impl FnMut(&[f32])) {
        let objective = self.network.objective();
        for frame in self.frames.chunks_exact(self.bundle.shape.features()) {
            let scores = self.network.step(&mut self.stream, &self.bundle.parameters, frame);
            if let Some(scores) = scores {
                report(&objective.probabilities(scores, &self.one));
            }
        }
    }
}
