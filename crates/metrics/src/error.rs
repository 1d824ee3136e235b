//! Errors of metrics.

use thiserror::Error;

/// Error of a metric.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The list of classes is empty.
    #[error("the list of classes is empty; pass at least one class")]
    NoClasses,

    /// Two classes have the same name.
    #[error("classes {first} and {second} have the same name `{label}`; rename one of them")]
    DuplicateClass {
        /// Name of both.
        label: String,
        /// Index of the first.
        first: usize,
        /// Index of the second.
        second: usize,
    },

    /// The list of examples is empty.
    #[error("no examples to evaluate; check that the subset contains recordings")]
    NoExamples,

    /// Labels and predictions have different lengths.
    #[error("labels: {labels}, predictions: {predictions}; pass one prediction per label")]
    UnequalLengths {
        /// Number of labels.
        labels: usize,
        /// Number of predictions.
        predictions: usize,
    },

    /// A class index is out of range.
    #[error(
        "{list}[{example}] = {class} is not a class index below {classes}; check that data and model use the same class list"
    )]
    ClassOutOfRange {
        /// `labels` or `predictions`.
        list: &'static str,
        /// Index of the example.
        example: usize,
        /// Class index.
        class: usize,
        /// Number of classes.
        classes: usize,
    },

    /// A score of a frame is NaN.
    #[error("recording {recording}, frame {frame}: the score is NaN; pass scores that can be ranked")]
    NanScore {
        /// Index of the recording.
        recording: usize,
        /// Index of the frame.
        frame: usize,
    },

    /// A score or threshold is NaN.
    #[error("{place} is NaN; pass numbers that can be ranked")]
    Nan {
        /// Place of the value: `scores[3]`, `threshold`.
        place: String,
    },

    /// All examples are positive, or all are negative.
    #[error(
        "{positives} positive and {negatives} negative examples: error rates are undefined; provide at least one of each"
    )]
    SingleClass {
        /// Number of positive examples.
        positives: usize,
        /// Number of negative examples.
        negatives: usize,
    },

    /// A probability, fraction or rate is outside [0, 1].
    #[error("{place} = {value} is not in [0, 1]; pass a probability or rate")]
    NotInUnitInterval {
        /// Place of the value: `p_values[3]`, `miss rate`.
        place: String,
        /// Value.
        value: f64,
    },

    /// The probabilities of an example do not have the sum 1.
    #[error("probabilities[{example}] have the sum {sum}, not 1; pass probabilities, not scores")]
    ProbabilitySum {
        /// Index of the example.
        example: usize,
        /// Sum of its probabilities.
        sum: f64,
    },

    /// A time is not finite or is too small.
    #[error("{place} = {value} is not a valid time; use a finite number of seconds, {rule}")]
    Time {
        /// Place of the value: `hop_seconds`, `events[2].end_seconds`.
        place: String,
        /// Value.
        value: f64,
        /// Further condition: `greater than 0`.
        rule: &'static str,
    },

    /// One side of a comparison has no runs.
    #[error("the {side} side of the comparison has no runs; pass at least one run per side")]
    NoRuns {
        /// `first` or `second`.
        side: &'static str,
    },

    /// Compared runs were tested on different examples.
    #[error(
        "{side}[{run}] and first[0] were tested on different {kind}, from index {index} on; compare runs of the same test set in the same order"
    )]
    Unpaired {
        /// `first` or `second`.
        side: &'static str,
        /// Index of the run.
        run: usize,
        /// Kind of the units: `examples`, `recordings`.
        kind: &'static str,
        /// Index of the first difference.
        index: usize,
    },
}
