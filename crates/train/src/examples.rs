//! Examples in memory.

use stapes_features::Features;
use stapes_nn::objective::Objective;

use crate::config::TrainError;

/// The truth about examples.
#[derive(Clone, Copy, Debug)]
pub enum Labels<'a> {
    /// A class for each example.
    Examples(&'a [usize]),
    /// A class for each frame of each example.
    Frames(&'a [Vec<usize>]),
}

impl Labels<'_> {
    fn len(&self) -> usize {
        match self {
            Labels::Examples(classes) => classes.len(),
            Labels::Frames(classes) => classes.len(),
        }
    }
}

/// Features and labels of the examples to train or validate on.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    features: &'a [Features],
    labels: Labels<'a>,
}

impl<'a> Examples<'a> {
    /// Pairs features with their labels.
    ///
    /// # Errors
    /// [`TrainError::NoFrames`] names an example without a frame, [`TrainError::FrameLabels`] one that has
    /// not as many labels as frames.
    ///
    /// # Panics
    /// If there are labels for more or fewer examples.
    pub fn new(features: &'a [Features], labels: Labels<'a>) -> Result<Examples<'a>, TrainError> {
        assert_eq!(features.len(), labels.len(), "features and labels");
        if let Some(index) = features.iter().position(|features| features.frames() == 0) {
            return Err(TrainError::NoFrames { index });
        }
        if let Labels::Frames(classes) = labels {
            for (index, (features, classes)) in features.iter().zip(classes).enumerate() {
                let (frames, labels) = (features.frames(), classes.len());
                if frames != labels {
                    return Err(TrainError::FrameLabels { index, frames, labels });
                }
            }
        }
        Ok(Examples { features, labels })
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// The features of an example.
    pub fn features(&self, index: usize) -> &'a Features {
        &self.features[index]
    }

    /// The labels of all examples.
    pub fn labels(&self) -> Labels<'a> {
        self.labels
    }

    /// Whether the labels are what a model with this objective learns from.
    ///
    /// # Errors
    /// [`TrainError::Labels`] if the model decides for frames and the labels are of examples, or the other way
    /// round.
    pub(crate) fn check(&self, objective: Objective) -> Result<(), TrainError> {
        let of_frames = matches!(self.labels, Labels::Frames(_));
        match objective.decides_frames() == of_frames {
            true => Ok(()),
            false => Err(TrainError::Labels { of_frames }),
        }
    }

    /// How many decisions these examples ask for.
    pub(crate) fn decisions(&self, objective: Objective, examples: &[usize]) -> usize {
        match objective.decides_frames() {
            true => examples.iter().map(|&index| self.features(index).frames()).sum(),
            false => examples.len(),
        }
    }
}
