//! From probabilities to decisions: the class of a recording, and the segments of a frame-level model.

use stapes_audio::Clip;
use stapes_features::{Features, FrameTimes, Segment};
use stapes_nn::loss::argmax;

use crate::classifier::Classifier;
use crate::error::InferError;

/// The class of a recording, with all probabilities.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// Label of the most probable class.
    pub label: String,
    /// Index of that class.
    pub class: usize,
    /// Probability of that class.
    pub probability: f32,
    /// Probabilities of all classes, in the order of the model's labels.
    pub probabilities: Vec<f32>,
}

/// Returns the segments of a recording of `seconds` from the probabilities of its frames: successive frames with the same
/// most probable class, from 0 to the end. `times` are the times of the frames, see [`FrameTimes::segments`].
///
/// # Shapes
/// probabilities `[T, K]`
///
/// # Panics
/// If `classes`, K, is 0.
pub fn frame_segments(
    probabilities: &[f32],
    classes: usize,
    times: &FrameTimes,
    seconds: f64,
) -> Vec<Segment> {
    let classes: Vec<usize> = probabilities.chunks_exact(classes).map(argmax).collect();
    times.segments(&classes, seconds)
}

impl Classifier<'_> {
    /// Predicts the class of a recording of any sample rate.
    ///
    /// # Errors
    /// [`InferError::FrameLevel`] if the model predicts a class per frame; otherwise those of [`Classifier::classify`].
    pub fn predict(&mut self, clip: &Clip) -> Result<Prediction, InferError> {
        self.check_frame_level(false)?;
        let probabilities = self.classify(clip)?;
        Ok(self.prediction(probabilities))
    }

    /// Predicts the class of frames from the front end or the data set.
    ///
    /// # Errors
    /// [`InferError::FrameLevel`] if the model predicts a class per frame; otherwise those of
    /// [`Classifier::classify_frames`].
    pub fn predict_frames(&mut self, frames: &Features) -> Result<Prediction, InferError> {
        self.check_frame_level(false)?;
        let probabilities = self.classify_frames(frames)?;
        Ok(self.prediction(probabilities))
    }

    /// Returns the segments of a recording: successive frames with the same most probable class, from 0 to the end.
    ///
    /// # Errors
    /// [`InferError::FrameLevel`] if the model predicts one class per recording; [`InferError::WrongInput`] if it reads
    /// frames; otherwise those of [`Classifier::classify`].
    pub fn segments(&mut self, clip: &Clip) -> Result<Vec<Segment>, InferError> {
        self.check_frame_level(true)?;
        let probabilities = self.classify(clip)?;
        let Some(extractor) = &self.extractor else {
            return Err(InferError::WrongInput { expected: "frames".into(), got: "a recording".into() });
        };
        let times = extractor.front_end().frame_times();
        Ok(frame_segments(&probabilities, self.model().labels.len(), &times, clip.seconds()))
    }

    fn check_frame_level(&self, wanted: bool) -> Result<(), InferError> {
        let frame_level = self.network.objective().is_frame_level();
        if frame_level == wanted { Ok(()) } else { Err(InferError::FrameLevel { frame_level }) }
    }

    fn prediction(&self, probabilities: Vec<f32>) -> Prediction {
        let class = argmax(&probabilities);
        let label = self.model().labels[class].clone();
        Prediction { label, class, probability: probabilities[class], probabilities }
    }
}
