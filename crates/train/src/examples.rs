//! Examples in memory and their labels.

use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::objective::{Objective, Targets};

use crate::batches::Crop;
use crate::error::TrainError;

/// Borrowed labels of examples.
#[derive(Clone, Copy, Debug)]
pub enum LabelsRef<'a> {
    /// One class per example.
    PerExample(&'a [usize]),
    /// One class per frame of each example.
    PerFrame(&'a [Vec<usize>]),
}

/// Labels of examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// One class per example.
    PerExample(Vec<usize>),
    /// One class per frame of each example.
    PerFrame(Vec<Vec<usize>>),
}

/// Labels of a batch in the packed order of its [`Sequences`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackedLabels {
    /// One class per sequence.
    PerSequence(Vec<usize>),
    /// One class per packed frame.
    PerFrame(Vec<usize>),
}

impl Labels {
    /// Borrows the labels.
    pub fn as_ref(&self) -> LabelsRef<'_> {
        match self {
            Labels::PerExample(classes) => LabelsRef::PerExample(classes),
            Labels::PerFrame(classes) => LabelsRef::PerFrame(classes),
        }
    }
}

impl PackedLabels {
    /// Borrows the labels as targets of a loss.
    pub fn targets(&self) -> Targets<'_> {
        match self {
            PackedLabels::PerSequence(classes) => Targets::Sequences(classes),
            PackedLabels::PerFrame(classes) => Targets::Frames(classes),
        }
    }
}

impl LabelsRef<'_> {
    /// Returns the labels of some crops, packed like their `sequences`.
    ///
    /// # Panics
    /// If a crop exceeds its example, or the lengths of `sequences` are not those of the crops.
    pub fn pack(&self, crops: &[Crop], sequences: &Sequences) -> PackedLabels {
        match self {
            LabelsRef::PerExample(classes) => {
                PackedLabels::PerSequence(crops.iter().map(|crop| classes[crop.example]).collect())
            }
            LabelsRef::PerFrame(classes) => {
                let class = |crop: &Crop, t: usize| classes[crop.example][crop.start_frame + t];
                let running = |t: usize| sequences.order()[..sequences.rows(t)].iter();
                let frame = |t: usize| running(t).map(move |&index| class(&crops[index], t));
                PackedLabels::PerFrame((0..sequences.max_length()).flat_map(frame).collect())
            }
        }
    }

    /// Returns the labels of some crops.
    pub(crate) fn select(&self, crops: &[Crop]) -> Labels {
        match self {
            LabelsRef::PerExample(classes) => {
                Labels::PerExample(crops.iter().map(|crop| classes[crop.example]).collect())
            }
            LabelsRef::PerFrame(classes) => {
                let frames = |crop: &Crop| classes[crop.example][crop.range()].to_vec();
                Labels::PerFrame(crops.iter().map(frames).collect())
            }
        }
    }

    /// Returns the class of an example.
    ///
    /// # Panics
    /// If the labels are per frame.
    pub(crate) fn class(&self, example: usize) -> usize {
        match self {
            LabelsRef::PerExample(classes) => classes[example],
            LabelsRef::PerFrame(_) => panic!("example {example} has one class per frame"),
        }
    }

    fn len(&self) -> usize {
        match self {
            LabelsRef::PerExample(classes) => classes.len(),
            LabelsRef::PerFrame(classes) => classes.len(),
        }
    }
}

/// Features and labels of training or validation examples.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    features: &'a [Features],
    labels: LabelsRef<'a>,
}

impl<'a> Examples<'a> {
    /// Combines features with their labels.
    ///
    /// # Errors
    /// [`TrainError::NoFrames`] for an example without frames, [`TrainError::FrameLabels`] for an example whose numbers
    /// of frames and of frame-level labels differ.
    ///
    /// # Panics
    /// If the numbers of features and of labels differ.
    pub fn new(features: &'a [Features], labels: LabelsRef<'a>) -> Result<Examples<'a>, TrainError> {
        assert_eq!(features.len(), labels.len(), "features and labels");
        if let Some(index) = features.iter().position(|features| features.frames() == 0) {
            return Err(TrainError::NoFrames { index });
        }
        if let LabelsRef::PerFrame(classes) = labels {
            for (index, (features, classes)) in features.iter().zip(classes).enumerate() {
                let (frames, labels) = (features.frames(), classes.len());
                if frames != labels {
                    return Err(TrainError::FrameLabels { index, frames, labels });
                }
            }
        }
        Ok(Examples { features, labels })
    }

    /// Returns the number of examples.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Returns `true` if the set is empty.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Returns the features of an example.
    pub fn features(&self, index: usize) -> &'a Features {
        &self.features[index]
    }

    /// Returns the crop of all frames of an example, in repetition 0.
    pub fn full(&self, example: usize) -> Crop {
        Crop { example, start_frame: 0, frames: self.features(example).frames(), repetition: 0 }
    }

    /// Returns the labels of all examples.
    pub fn labels(&self) -> LabelsRef<'a> {
        self.labels
    }

    /// Checks that a model with this objective can train on the labels, and that no example exceeds `max_frames`.
    ///
    /// # Errors
    /// [`TrainError::Labels`] if only one of the model and the labels is frame-level; [`TrainError::TooLong`] for an
    /// example that is too long.
    pub(crate) fn check(&self, objective: Objective, max_frames: usize) -> Result<(), TrainError> {
        let lengths = self.features.iter().map(Features::frames);
        if let Some((index, frames)) = lengths.enumerate().find(|(_, frames)| *frames > max_frames) {
            return Err(TrainError::TooLong { index, frames, max_frames });
        }
        let per_frame = matches!(self.labels, LabelsRef::PerFrame(_));
        match objective.is_frame_level() == per_frame || self.is_empty() {
            true => Ok(()),
            false => Err(TrainError::Labels { per_frame }),
        }
    }

    /// Returns the values of a crop, frame after frame.
    pub(crate) fn values(&self, crop: &Crop) -> &'a [f32] {
        let features = self.features(crop.example);
        let (width, range) = (features.width(), crop.range());
        &features.values()[range.start * width..range.end * width]
    }
}
