//! Examples in memory.

use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::objective::{Objective, Targets};

use crate::batches::Cut;
use crate::error::TrainError;

/// The truth about examples.
#[derive(Clone, Copy, Debug)]
pub enum Labels<'a> {
    /// A class for each example.
    Examples(&'a [usize]),
    /// A class for each frame of each example.
    Frames(&'a [Vec<usize>]),
}

impl Labels<'_> {
    /// What a pass over some cuts is to say: a class for each cut in their order, or for each frame, packed.
    ///
    /// # Panics
    /// If a cut is not within its example, or the sequences are not those of the cuts.
    pub fn packed(&self, cuts: &[Cut], sequences: &Sequences) -> Vec<usize> {
        match self {
            Labels::Examples(classes) => cuts.iter().map(|cut| classes[cut.example]).collect(),
            Labels::Frames(classes) => {
                let class = |cut: &Cut, t: usize| classes[cut.example][cut.first + t];
                let running = |t: usize| sequences.order()[..sequences.rows(t)].iter();
                let frame = |t: usize| running(t).map(move |&at| class(&cuts[at], t));
                (0..sequences.longest()).flat_map(frame).collect()
            }
        }
    }

    /// The class of an example.
    ///
    /// # Panics
    /// If the classes are of frames.
    pub(crate) fn class(&self, example: usize) -> usize {
        match self {
            Labels::Examples(classes) => classes[example],
            Labels::Frames(_) => panic!("one class for example {example}, whose frames have classes"),
        }
    }

    /// Packed labels by their kind.
    pub fn targets<'t>(&self, packed: &'t [usize]) -> Targets<'t> {
        match self {
            Labels::Examples(_) => Targets::Sequences(packed),
            Labels::Frames(_) => Targets::Frames(packed),
        }
    }

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

    /// All of an example, as the first pass sees it.
    pub fn whole(&self, example: usize) -> Cut {
        Cut { example, first: 0, frames: self.features(example).frames(), pass: 0 }
    }

    /// The labels of all examples.
    pub fn labels(&self) -> Labels<'a> {
        self.labels
    }

    /// Whether a model with this objective learns from such labels, and takes sequences of these lengths, up to
    /// `most` frames.
    ///
    /// # Errors
    /// [`TrainError::Labels`] if the model decides for frames and the labels are of examples, or the other way
    /// round; [`TrainError::TooLong`] names an example that is too long.
    pub(crate) fn check(&self, objective: Objective, most: usize) -> Result<(), TrainError> {
        let lengths = self.features.iter().map(Features::frames);
        if let Some((index, frames)) = lengths.enumerate().find(|(_, frames)| *frames > most) {
            return Err(TrainError::TooLong { index, frames, most });
        }
        let of_frames = matches!(self.labels, Labels::Frames(_));
        match objective.decides_frames() == of_frames || self.is_empty() {
            true => Ok(()),
            false => Err(TrainError::Labels { of_frames }),
        }
    }

    /// The values of a cut, frame after frame.
    pub(crate) fn values(&self, cut: &Cut) -> &'a [f32] {
        let features = self.features(cut.example);
        let width = features.width();
        &features.values()[cut.first * width..(cut.first + cut.frames) * width]
    }
}
