//! Metrics of classifiers with confidence intervals: numbers only, without plots, models, data sets or files.
//!
//! Start with [`Evaluation::new`]: it takes class names, labels and predictions, and returns the accuracy with its 95 %
//! confidence interval, the scores of each class and the confusion matrix. [`Evaluation::from_frames`] does the same for
//! frame-level models, with F1 and ROC AUC. An [`Evaluation`] serializes to JSON.
//!
//! The 95 % interval depends on what is repeated: [`wilson`] for the accuracy over independent examples, a bootstrap over
//! recordings for values over frames ([`Evaluation::from_frames`]), Garwood's [`poisson_interval`] for false accepts per hour, and
//! Student's t ([`mean_with_interval`]) for a mean over folds or seeds.
//!
//! Beyond a single number:
//!
//! - [`compare_accuracy`], [`compare_frames`] and [`holm`] test differences for statistical significance, by a paired bootstrap
//!   with Holm's correction;
//! - [`Roc`] holds the error rates at every threshold, [`OperatingPoint`] those at one threshold that was chosen on other
//!   scores, and [`Detectors`] the curves of several classes;
//! - [`Calibration`] compares probabilities with accuracy;
//! - [`KeywordMatcher`] and [`KeywordCounts`] score detections of keywords in long recordings, [`EventMatcher`] and
//!   [`SpeechErrors`] segments of speech.
//!
//! A new metric is a file of its own and a field of [`Evaluation`].
//!
//! # Example
//! ```
//! use stapes_metrics::Evaluation;
//!
//! let classes = ["no".to_string(), "yes".to_string()];
//! let evaluation = Evaluation::new(&classes, &[0, 0, 1, 1], &[0, 1, 1, 1])?;
//! assert_eq!(evaluation.accuracy, 0.75);
//! assert!((evaluation.interval.low - 0.301).abs() < 1e-3 && (evaluation.interval.high - 0.954).abs() < 1e-3);
//! # Ok::<(), stapes_metrics::MetricsError>(())
//! ```

mod auc;
mod bootstrap;
mod calibration;
mod confidence_interval;
mod confusion;
mod detectors;
mod error;
mod evaluation;
mod events;
mod frame_metrics;
mod poisson;
mod quantile;
mod roc;
mod significance;
mod student;

pub use auc::roc_auc;
pub use calibration::{Calibration, ReliabilityBin};
pub use confidence_interval::{ConfidenceInterval, wilson};
pub use confusion::{ConfusedPair, ConfusionMatrix};
pub use detectors::{DetectorCurve, Detectors};
pub use error::MetricsError;
pub use evaluation::{ClassScores, Evaluation};
pub use events::{
    BoundaryErrors, Event, EventMatcher, EventScores, KeywordCounts, KeywordMatcher, KeywordMatches,
    KeywordOperatingPoint, KeywordScores, Latency, SpeechErrors, UnmatchedDetection, boundary_errors,
};
pub use frame_metrics::{Detection, Estimate, RecordingFrames};
pub use poisson::poisson_interval;
pub use quantile::{median, quantile};
pub use roc::{OperatingPoint, Roc, RocPoint};
pub use significance::{Difference, FrameDifferences, compare_accuracy, compare_frames, holm};
pub use student::mean_with_interval;
