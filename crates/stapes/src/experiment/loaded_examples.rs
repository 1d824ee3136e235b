//! Loaded examples: features and labels.

use std::path::PathBuf;

use stapes_features::Features;
use stapes_train::Labels;

/// Features of examples, as returned by the front end or the data set, with their labels.
pub struct LoadedExamples {
    /// Indices into the examples of the data set.
    pub indices: Vec<usize>,
    /// Features of the examples.
    pub features: Vec<Features>,
    /// Labels of the examples. The label of a frame is the class of the segment that contains the center of its window
    /// ([`FrameTimes`](stapes_features::FrameTimes)), or of the last segment after its end.
    pub labels: Labels,
    /// Files that were skipped, as permitted by the recipe, each with the reason.
    pub skipped: Vec<(PathBuf, String)>,
}

impl LoadedExamples {
    /// Returns the first `count` examples.
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

/// Appends the labels of further examples.
///
/// # Panics
/// If one has frame-level labels and the other does not; within a data set all labels are of one kind.
pub(crate) fn append_labels(labels: &mut Labels, more: Labels) {
    match (labels, more) {
        (Labels::PerExample(classes), Labels::PerExample(more)) => classes.extend(more),
        (Labels::PerFrame(classes), Labels::PerFrame(more)) => classes.extend(more),
        _ => panic!("labels per example and per frame"),
    }
}
