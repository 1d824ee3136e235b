//! Report pages: one run, or many side by side, as one HTML file that needs no network.
//!
//! [`Report`] and [`Comparison`] hold what is said, [`render`] and [`render_comparison`] say it. A page's text and order
//! stand in `templates/report.html` and `templates/comparison.html`, what both have around it in `templates/frame.html`,
//! their looks in `templates/report.css`; figures are drawn in `curves.rs` and its neighbours over the charts of
//! `chart.rs`. The one script, `templates/report.js`, shows the values below a pointer and sorts tables;
//! without it everything can be read. The page forbids itself every request and every other script by its content
//! security policy, which names the script by its hash.

mod calibration;
mod comparison;
mod curves;
mod examples;
mod frame_view;
mod gradients;
mod groups;
mod inspection;
mod matrix;
mod run;
mod shell;
mod thresholds;

use serde::Serialize;

pub use comparison::{
    Candidate, CandidateRun, Comparison, Cost, Mark, MarkedCell, MarkedTable, comparison_pictures,
    render_comparison,
};
pub use examples::{Attended, Example};
pub use frame_view::{FrameTiming, ShownFrames, Sound};
pub use groups::{Group, Groups};
pub use inspection::{Inspection, InspectionScores, render_inspection};

use crate::{GradientLine, Point, ReportError};
use stapes_metrics::{Calibration, Detectors, Evaluation};

/// A run as the report page shows it.
///
/// # Units
/// `training_seconds` in s, `latency_ms` in ms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The page's title: the experiment's name.
    pub title: String,
    /// What was trained, in a sentence: model, features, data.
    pub summary: String,
    /// The command that made the run, as typed.
    pub command: String,
    /// When it was made.
    pub made_at: String,
    /// The partition that was evaluated: "test".
    pub partition: String,
    /// The scores on that partition.
    pub evaluation: Evaluation,
    /// What the loss measures, with its unit: "cross-entropy, nats".
    pub loss: String,
    /// What was measured while training, in the order of the steps.
    pub curves: Vec<Point>,
    /// The step whose weights were kept and evaluated.
    pub best_step: u64,
    /// Number of trained numbers in the model.
    pub parameters: u64,
    /// Time from the first step to the end.
    pub training_seconds: f64,
    /// Time to classify one utterance, where it was measured.
    pub latency_ms: Option<f64>,
    /// The complete recipe, with every default written out.
    pub recipe_toml: String,
    /// Names and values of what the run depended on: program, compiler target, processor, threads.
    pub versions: Vec<(String, String)>,
    /// Names and values about the data: examples of each partition, fingerprint.
    pub data: Vec<(String, String)>,
    /// What a reader must know before the numbers: stopped early, files skipped.
    pub notes: Vec<String>,
    /// How scores tell classes apart at every threshold, where there are scores.
    pub detectors: Option<Detectors>,
    /// Whether probabilities are right as often as they say, where it was measured.
    pub calibration: Option<Calibration>,
    /// Accuracy by speaker or another group, where examples have one.
    pub groups: Option<Groups>,
    /// The gradient's norm over time steps, a line for each layer and direction; empty if it was not measured.
    pub gradients: Vec<GradientLine>,
    /// Examples that were taken for another class, to be heard and seen: those of one pair of classes after the other.
    pub mistakes: Vec<Example>,
    /// Examples with what the model's attention was on; empty of a model without attention.
    pub attention: Vec<Attended>,
}

/// The report as one HTML file.
///
/// Text from outside (labels, recipe, command) is escaped. Values that are not finite are left out of the
/// curves, and the page says how many.
///
/// # Errors
/// [`ReportError::Figure`] if a figure cannot be drawn (a gradient that is not finite is one) or an example does not fit the
/// classes, [`ReportError::Page`] if the template cannot be filled in.
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
///     made_at: "2026-01-31 12:00 UTC".into(),
///     partition: "test".into(),
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
///     mistakes: Vec::new(),
///     attention: Vec::new(),
/// })?;
/// assert_eq!(html.matches("<h1>A first run</h1>").count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn render(report: &Report) -> Result<String, ReportError> {
    run::render(report)
}
