//! What can go wrong when results are measured or shown.

use thiserror::Error;

/// Why an evaluation or a report could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The list of classes is empty.
    #[error("the list of classes is empty: an evaluation needs at least one class")]
    NoClasses,

    /// Two classes have the same name, so a table could not tell them apart.
    #[error("classes {first} and {second} are both called `{label}`: names must differ")]
    DuplicateClass {
        /// The name.
        label: String,
        /// Index of the first class of this name.
        first: usize,
        /// Index of the second.
        second: usize,
    },

    /// There is nothing to evaluate.
    #[error("there are no examples to evaluate: check that the split names a partition with recordings")]
    NoExamples,

    /// Truths and predictions are not about the same examples.
    #[error("labels: {truths}, predictions: {predictions}; give one prediction per label")]
    UnequalLengths {
        /// Number of true classes.
        truths: usize,
        /// Number of predictions.
        predictions: usize,
    },

    /// A class index points past the list of classes.
    #[error(
        "{list}[{example}] = {class}: must be below {classes}, the number of classes; check that data and model use the same class list"
    )]
    ClassOutOfRange {
        /// `truths` or `predictions`.
        list: &'static str,
        /// Index of the example.
        example: usize,
        /// The class found there.
        class: usize,
        /// Number of classes.
        classes: usize,
    },

    /// A score that cannot be ranked.
    #[error("recording {recording}, frame {frame}: the score is NaN, and NaN has no place in an order")]
    NoScore {
        /// Index of the recording.
        recording: usize,
        /// Index of the frame.
        frame: usize,
    },

    /// A score or threshold without a place in an order.
    #[error("{place} is NaN, and NaN has no place in an order")]
    Nan {
        /// Where it stands: `scores[3]`, `threshold`.
        place: String,
    },

    /// Scores cannot tell two kinds apart where all examples are of one.
    #[error(
        "{positives} positive and {negatives} negative examples: rates of errors need at least one of each kind"
    )]
    OneKind {
        /// Number of positive examples.
        positives: usize,
        /// Number of negative examples.
        negatives: usize,
    },

    /// A probability, share or rate outside [0, 1].
    #[error("{place} = {value}: must be in [0, 1]")]
    NotAShare {
        /// Where it stands: `p_values[3]`, `miss rate`.
        place: String,
        /// The value.
        value: f64,
    },

    /// The probabilities of an example's classes do not add up to 1.
    #[error("probabilities[{example}] add up to {sum}: must add up to 1; give probabilities, not scores")]
    NotOne {
        /// Index of the example.
        example: usize,
        /// Their sum.
        sum: f64,
    },

    /// A time that must be a finite number of seconds, and is not, or is less than it may be.
    #[error("{place} = {value}: must be a finite number of seconds, {rule}")]
    Seconds {
        /// Where it stands: `hop_seconds`, `events[2].end_seconds`.
        place: String,
        /// The value.
        value: f64,
        /// What else it must be: `above 0`.
        rule: &'static str,
    },

    /// One side of a comparison has no run.
    #[error("the {side} side of the comparison has no runs: give at least one a side")]
    NoRuns {
        /// `first` or `second`.
        side: &'static str,
    },

    /// Runs that are compared were not tested on the same examples.
    #[error(
        "{side}[{run}] was tested on other {of} than first[0], from number {at} on: compare runs of the same test set, in the same order"
    )]
    Unpaired {
        /// `first` or `second`.
        side: &'static str,
        /// Index of the run.
        run: usize,
        /// What differs: `examples`, `recordings`.
        of: &'static str,
        /// Index of the first that differs.
        at: usize,
    },
}
