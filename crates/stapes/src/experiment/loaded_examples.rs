//! Loaded examples: features and labels.

use std::path::PathBuf;

use stapes_features::{FeatureConfig, Features};
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
    /// Recordings of which only the beginning is used.
    pub cut: CutRecordings,
    /// Files that were skipped, as permitted by the recipe, each with the reason.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Recordings that are longer than `features.fixed_length_samples`: only their beginning is used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CutRecordings {
    /// Number of recordings.
    pub count: usize,
    /// Sum of the durations that are not used.
    pub seconds: f64,
}

impl CutRecordings {
    /// Counts the recordings, given the durations in seconds of all recordings.
    pub fn new(features: &FeatureConfig, durations: impl IntoIterator<Item = f64>) -> CutRecordings {
        let mut cut = CutRecordings::default();
        let Some(samples) = features.fixed_length_samples else { return cut };
        let rate_hz = f64::from(features.sample_rate_hz);
        let used = samples as f64 / rate_hz;
        for seconds in durations {
            // Resampling rounds to whole samples.
            if (seconds - used) * rate_hz >= 1.0 {
                cut.add(CutRecordings { count: 1, seconds: seconds - used });
            }
        }
        cut
    }

    /// Adds further recordings.
    pub fn add(&mut self, other: CutRecordings) {
        self.count += other.count;
        self.seconds += other.seconds;
    }

    /// Describes the recordings out of `total`, for a warning; `None` if none is cut.
    pub fn warning(&self, features: &FeatureConfig, total: usize) -> Option<String> {
        let samples = features.fixed_length_samples?;
        (self.count > 0).then(|| {
            format!(
                "{} of {total} recordings are longer than features.fixed_length_samples = {samples} ({:.3} s): {:.3} s after that \
                 are not used; increase it, or cut the recordings into examples",
                self.count,
                samples as f64 / f64::from(features.sample_rate_hz),
                self.seconds
            )
        })
    }
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
            cut: CutRecordings::default(),
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
