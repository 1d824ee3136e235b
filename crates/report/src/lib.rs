//! Report pages, figures, pictures and tables of metrics.
//!
//! - [`render`] writes the page of a run as one HTML file that loads nothing from the network, [`render_comparison`] the
//!   page of many runs, [`render_inspection`] the page of a recording, and [`render_stream`] that of an evaluation on long
//!   recordings;
//! - [`comparison_pictures`], [`gradient_picture`], [`SpeechPicture`] and [`FrameView::png`] draw figures as SVG and PNG files;
//! - [`terminal`] writes evaluations as tables that fit 80 columns;
//! - [`table::Table`] holds a comparison and writes it as text, CSV and Markdown;
//! - [`visible`] escapes control characters in text from outside.
//!
//! A new section of a page is a file in `pages/` and a part of a template; a new kind of drawing is a file in `chart/`.
//!
//! # Example
//! ```
//! use stapes_metrics::Evaluation;
//! use stapes_report::terminal;
//!
//! let classes = ["no".to_string(), "yes".to_string()];
//! let evaluation = Evaluation::new(&classes, &[0, 0, 1, 1], &[0, 1, 1, 1])?;
//! assert_eq!(
//!     terminal::summary(&evaluation),
//!     "accuracy 75.0 % (95 % CI 30.1 to 95.4 %), 3 of 4"
//! );
//! # Ok::<(), stapes_metrics::MetricsError>(())
//! ```

mod chart;
mod csv;
mod error;
mod frames;
mod gradients;
mod inline;
mod learning_curve;
mod numbers;
mod pages;
mod shell_word;
mod speech_picture;
pub mod table;
pub mod terminal;
mod visible;

pub use crate::csv::{CsvCell, csv_text};
pub use chart::figure::Picture;
pub use error::ReportError;
pub use frames::{FrameAxis, FrameTiming, FrameView, Sound};
pub use gradients::{GradientLine, gradient_picture};
pub use learning_curve::Point;
pub use numbers::pluralize;
pub use pages::{
    AttentionExample, Candidate, CandidateRun, Comparison, Cost, Example, ExamplePrediction, Excerpt, Group,
    Groups, Inspection, InspectionScores, KeywordCurve, Mark, MarkedCell, MarkedTable, NextStep, Predictions,
    RecordingPrediction, Report, StreamError, StreamReport, comparison_pictures, render, render_comparison,
    render_inspection, render_stream,
};
pub use shell_word::shell_word;
pub use speech_picture::SpeechPicture;
pub use visible::{quoted, visible, visible_lines};
