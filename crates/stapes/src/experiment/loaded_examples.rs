//! Examples that were loaded: their frames and what is true of them.

use std::path::PathBuf;

use stapes_features::Features;
use stapes_train::Labels;

/// The frames of some examples, as the front end or the data set gives them, with the truth about them.
pub struct LoadedExamples {
    /// Indices into the data set's examples.
    pub indices: Vec<usize>,
    /// Their frames.
    pub features: Vec<Features>,
    /// What is true of them.
    pub labels: Labels,
    /// The files that could not be used, as many as the recipe allows, each with what is wrong with it.
    pub skipped: Vec<(PathBuf, String)>,
}

impl LoadedExamples {
    /// The first of them.
    pub(crate) fn first(&self, count: usize) -> LoadedExamples {
        LoadedExamples {
            indices: self.indices[..count].to_vec(),
            features: self.features[..count].to_vec(),
            labels: match &self.labels {
                Labels::PerExample(classes) => Labels::PerExample(classes[..count].to_vec()),
                Labels::PerFrame(classes) => Labels::PerFrame(classes[..count].to_vec()),
            },
            skipped: Vec::new(),
        }
    }
}

/// What is true of examples.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// A class for each example.
    Examples(Vec<usize>),
    /// A class for each frame of each example: that of the interval that holds the centre of the frame's window, as
    /// [`FrameTimes`](stapes_infer::FrameTimes) says; of a frame behind the last interval the last one's.
    Frames(Vec<Vec<usize>>),
}

impl Labels {
    /// The same to learn from.
    pub fn labels(&self) -> Labels<'_> {
        match self {
            Labels::PerExample(classes) => LabelsRef::PerExample(classes),
            Labels::PerFrame(classes) => LabelsRef::PerFrame(classes),
        }
    }

    /// Puts other examples behind these.
    ///
    /// # Panics
    /// If they are of the other kind: examples of one data set never are.
    pub fn append(&mut self, other: Labels) {
        match (self, other) {
            (Labels::PerExample(classes), Labels::PerExample(more)) => classes.extend(more),
            (Labels::PerFrame(classes), Labels::PerFrame(more)) => classes.extend(more),
            _ => panic!("classes of examples and of frames"),
        }
    }
}
