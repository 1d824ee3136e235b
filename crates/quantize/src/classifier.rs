//! Classification of recordings with integers.

use stapes_audio::Clip;
use stapes_features::Features;
use stapes_infer::{ClipExtractor, InferError, Input, Model};
use stapes_kernels::Sequences;
use stapes_nn::objective::Objective;

use crate::integer::QuantizedNetwork;

/// Classifier of recordings or frames with a [`QuantizedNetwork`]. Front end and normalization are those of the model.
#[derive(Clone)]
pub struct QuantizedClassifier<'a> {
    model: &'a Model,
    network: &'a QuantizedNetwork,
    extractor: Option<ClipExtractor>,
}

impl<'a> QuantizedClassifier<'a> {
    /// Creates a classifier with a network that was quantized from the model.
    ///
    /// # Errors
    /// [`InferError::Features`] if the settings of the front end are impossible.
    pub fn new(
        model: &'a Model,
        network: &'a QuantizedNetwork,
    ) -> Result<QuantizedClassifier<'a>, InferError> {
        let extractor = match &model.input {
            Input::Recordings(features) => Some(ClipExtractor::new(features)?),
            Input::Frames(_) => None,
        };
        Ok(QuantizedClassifier { model, network, extractor })
    }

    /// Returns the probability of each label for a recording of any sample rate, \[K\], or [T, K] for a frame-level model.
    ///
    /// # Errors
    /// [`InferError::WrongInput`] if the model reads frames; otherwise those of [`ClipExtractor::extract`] and of
    /// [`QuantizedClassifier::classify_frames`].
    pub fn classify(&mut self, clip: &Clip) -> Result<Vec<f32>, InferError> {
        let Some(extractor) = &mut self.extractor else {
            let expected = format!("frames {}", self.model.shape);
            return Err(InferError::WrongInput { expected, got: "a recording".into() });
        };
        let frames = extractor.extract(clip)?;
        self.classify_frames(&frames)
    }

    /// Returns the probabilities that a stream of the samples has, one row after the other: per frame for a frame-level model,
    /// otherwise of the recording up to each frame, [T, K].
    ///
    /// # Errors
    /// Those of [`QuantizedClassifier::classify`].
    pub fn classify_stream(&mut self, clip: &Clip) -> Result<Vec<f32>, InferError> {
        let Some(extractor) = &mut self.extractor else { return self.classify(clip) };
        let normalized = self.model.normalize(&extractor.extract(clip)?)?;
        let is_vote = self.network.graph.objective == Objective::Vote;
        let (mut scores, mut probabilities) = (Vec::new(), Vec::new());
        for row in self.network.stream_scores(&self.network.input(normalized.values())) {
            if !is_vote {
                scores.clear();
            }
            scores.extend(row);
            probabilities.extend(self.probabilities(&scores)?);
        }
        Ok(probabilities)
    }

    /// Returns the probability of each label for frames [T, F] before the model's normalization.
    ///
    /// # Errors
    /// [`InferError::Features`] if the width of the frames is wrong; [`InferError::WrongInput`] if there are none.
    pub fn classify_frames(&self, frames: &Features) -> Result<Vec<f32>, InferError> {
        let normalized = self.model.normalize(frames)?;
        let scores = self.network.scores(&self.network.input(normalized.values()));
        self.probabilities(&scores)
    }

    fn probabilities(&self, scores: &[i16]) -> Result<Vec<f32>, InferError> {
        let width = self.network.graph.nodes.last().map_or(1, |node| node.output.features());
        let sequences = Sequences::new(&[scores.len() / width]).map_err(|_| InferError::WrongInput {
            expected: format!("frames {}", self.model.shape),
            got: "0 frames".into(),
        })?;
        let scale = self.network.score_scale();
        let scores: Vec<f32> = scores.iter().map(|&score| f32::from(score) * scale).collect();
        Ok(self.network.graph.objective.probabilities(&scores, &sequences))
    }
}
