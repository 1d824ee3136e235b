//! How good is the model: metrics with intervals, confusion, and the report page.
//!
//! Start with [`Evaluation::new`]: it takes the class names, the true classes and the predicted classes, and
//! gives accuracy with its 95 % interval, scores for each class, and the confusion matrix; [`Evaluation::of_frames`]
//! does so for decisions about the frames of recordings, with F1 and ROC AUC. From there:
//!
//! - for a program: an [`Evaluation`] serialises to JSON;
//! - for a terminal: [`text::evaluation`] writes tables that fit 80 columns;
//! - for a reader: [`report::render`] makes one HTML file that needs no network.
//!
//! Beyond one figure:
//!
//! - [`compare_accuracy`], [`compare_frames`], [`McNemar`] and [`holm`] say whether a difference is more than chance;
//! - [`Roc`] gives every threshold's errors, and an [`OperatingPoint`] those of one that was chosen on other scores;
//! - [`Calibration`] says whether probabilities are right as often as they claim;
//! - [`EventRules`], [`EventMatch`] and [`KeywordPeaks`] make events of frames and judge them.
//!
//! [`FramePicture`] shows what a model reads.
//!
//! Nothing here knows a model, a data set or a file. A new metric gets a file of its own beside
//! `interval.rs`, and a field in [`Evaluation`]; a new figure of the page a file in `report/`.
//!
//! # Example
//! ```
//! use stapes_eval::{Evaluation, text};
//!
//! let classes = ["no".to_string(), "yes".to_string()];
//! let evaluation = Evaluation::new(&classes, &[0, 0, 1, 1], &[0, 1, 1, 1])?;
//! assert_eq!(evaluation.accuracy, 0.75);
//! assert_eq!(
//!     text::summary(&evaluation),
//!     "accuracy 75.0 % (95 % interval 30.1 to 95.4 %), 3 of 4"
//! );
//! # Ok::<(), stapes_eval::EvalError>(())
//! ```

mod bootstrap;
mod calibration;
mod canvas;
pub mod comparison;
mod confusion;
mod csv;
mod error;
mod evaluation;
mod events;
mod frames;
mod gradients;
mod interval;
mod numbers;
mod operating;
mod recordings;
pub mod report;
mod roc;
mod significance;
mod student;
pub mod text;

pub use calibration::{Calibration, ReliabilityBin};
pub use confusion::{ConfusedPair, Confusion};
pub use crate::csv::{CsvCell, csv_text};
pub use error::EvalError;
pub use evaluation::{ClassScores, Evaluation};
pub use events::{Event, EventMatch, EventRules, EventScores, FalseAccepts, KeywordPeaks, Peak};
pub use frames::{FrameAxis, FramePicture};
pub use gradients::{GradientLine, gradient_picture};
pub use interval::{Interval, wilson};
pub use numbers::counted;
pub use operating::{OperatingPoint, Roc, RocPoint};
pub use recordings::{Detection, Estimate, RecordingFrames};
pub use roc::roc_auc;
pub use significance::{Difference, FrameDifferences, McNemar, compare_accuracy, compare_frames, holm};
pub use student::mean_with_interval;
