//! Report pages: one run, a comparison of many runs, one recording, or an evaluation on long recordings, each as one HTML
//! file that loads nothing from the network.
//!
//! [`Report`], [`Comparison`], [`Inspection`] and [`StreamReport`] hold the contents. The texts and their order are in
//! `templates/report.html`, `templates/comparison.html`, `templates/inspection.html` and `templates/stream.html`, the common
//! parts in `templates/shell.html` and the style in `templates/report.css`, after the one of all pages in `stapes-web`. The only
//! script consists of `templates/report.js`, which shows values below a pointer, `predictions.js`, which lists the predictions of
//! all examples, `tables.js`, which sorts tables, and `sound.js`, which follows sounds in their pictures; without it the rest of the
//! page remains readable. The content security policy of a page forbids every request and every other script; it names the script by
//! its hash.

mod calibration;
mod comparison;
mod curves;
mod examples;
mod groups;
mod inspection;
mod matrix;
mod overlaps;
mod predictions;
mod run;
mod shell;
mod stream;
mod thresholds;

use serde::Serialize;

pub use comparison::{
    Candidate, CandidateRun, Comparison, Cost, Mark, MarkedCell, MarkedTable, comparison_pictures,
    render_comparison,
};
pub use examples::{AttentionExample, Example};
pub use groups::{Group, Groups};
pub use inspection::{Inspection, InspectionScores, render_inspection};
pub use predictions::{ExamplePrediction, Predictions, RecordingPrediction};
pub use stream::{Excerpt, KeywordCurve, StreamError, StreamReport, render_stream};

use crate::{GradientLine, Point, ReportError};
use stapes_metrics::{Calibration, Detectors, Evaluation};

/// A run on its report page.
///
/// # Units
/// `training_seconds` in s, `latency_ms` in ms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Title of the page: the name of the experiment.
    pub title: String,
    /// One sentence about model, features and data.
    pub summary: String,
    /// Command that made the run, as typed.
    pub command: String,
    /// Time of creation.
    pub created_at: String,
    /// Evaluated subset: "test".
    pub subset: String,
    /// Scores on that subset.
    pub evaluation: Evaluation,
    /// Loss with its unit: "cross-entropy, nats".
    pub loss: String,
    /// Learning curves, in order of steps.
    pub curves: Vec<Point>,
    /// Step of the evaluated checkpoint.
    pub best_step: u64,
    /// Number of trainable parameters.
    pub parameters: u64,
    /// Time from the first step to the end.
    pub training_seconds: f64,
    /// Time to classify one utterance, if it was measured.
    pub latency_ms: Option<f64>,
    /// Complete recipe with all defaults.
    pub recipe_toml: String,
    /// Names and values of the environment: program, compiler target, processor, threads.
    pub versions: Vec<(String, String)>,
    /// Names and values about the data: examples of each subset, fingerprint.
    pub data: Vec<(String, String)>,
    /// Important notes, for example early stopping or skipped files.
    pub notes: Vec<String>,
    /// ROC curves, if there are scores.
    pub detectors: Option<Detectors>,
    /// Calibration, if it was measured.
    pub calibration: Option<Calibration>,
    /// Accuracy by speaker or another group, if examples have one.
    pub groups: Option<Groups>,
    /// Gradient norms through time, one line per layer and direction; empty if not measured.
    pub gradients: Vec<GradientLine>,
    /// Confused examples, ordered by pair of classes.
    pub errors: Vec<Example>,
    /// Examples with attention weights; empty for a model without attention.
    pub attention: Vec<AttentionExample>,
    /// Predictions of all examples.
    pub predictions: Option<Predictions>,
    /// Commands that use the run; empty for none.
    pub next_steps: Vec<NextStep>,
}

/// A command or program that uses a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NextStep {
    /// Purpose, as a heading: "Classify a recording".
    pub title: String,
    /// Command or program.
    pub code: String,
}

/// Renders the page of a run as one HTML file.
///
/// Text from outside (labels, recipe, command) is escaped. Values that are not finite are not drawn, and the page
/// reports their number.
///
/// # Errors
/// [`ReportError::Figure`] if a figure cannot be drawn (for example because of a gradient that is not finite) or an
/// example does not match the classes, [`ReportError::Page`] if the template cannot be filled in.
///
/// # Example
/// ```
/// use stapes_metrics::Evaluation;
/// use stapes_report::{Report, render};
///
/// let classes = ["no".to_string(), "yes".to_string()];
/// let html = render(&Report {
///     title: "A first run".into(),
///     summary: "An LSTM of 8 units over 12 coefficients.".into(),
///     command: "stapes quickstart".into(),
///     created_at: "2026-01-31 12:00 UTC".into(),
///     subset: "test".into(),
///     evaluation: Evaluation::new(&classes, &[0, 1, 1], &[0, 1, 0])?,
///     loss: "cross-entropy, nats".into(),
///     curves: Vec::new(),
///     best_step: 100,
///     parameters: 690,
///     training_seconds: 1.5,
///     latency_ms: None,
///     recipe_toml: "seed = 1\n".into(),
///     versions: vec![("stapes".into(), "0.1.0".into())],
///     data: vec![("training".into(), "6 utterances".into())],
///     notes: Vec::new(),
///     detectors: None,
///     calibration: None,
///     groups: None,
///     gradients: Vec::new(),
///     errors: Vec::new(),
///     attention: Vec::new(),
///     predictions: None,
///     next_steps: Vec::new(),
/// })?;
/// assert_eq!(html.matches("<h1>A first run</h1>").count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn render(report: &Report) -> Result<String, ReportError> {
    run::render(report)
}
