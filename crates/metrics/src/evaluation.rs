//! The scores of one classifier on one set of examples.

use serde::Serialize;

use crate::{Confusion, Detection, Interval, MetricsError, wilson};

/// How well the examples of one class were found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// The class.
    pub label: String,
    /// Number of examples of this class.
    pub support: u64,
    /// Of what was predicted as this class, the part that is. None (JSON `null`) when nothing was.
    pub precision: Option<f64>,
    /// Of the examples of this class, the part that was found. None when there are none.
    pub recall: Option<f64>,
    /// 2 found / (support + predicted), the harmonic mean of precision and recall where both exist. 0 when
    /// only one of them exists, None when neither does.
    pub f1: Option<f64>,
}

/// The scores of one classifier on one set of examples; as JSON, the results of `stapes eval`.
///
/// # Example
/// ```
/// use stapes_metrics::Evaluation;
///
/// let classes = ["no".to_string(), "yes".to_string()];
/// let evaluation = Evaluation::new(&classes, &[0, 0, 1, 1], &[0, 0, 0, 1])?;
/// assert_eq!(evaluation.accuracy, 0.75);
/// assert_eq!(evaluation.per_class[0].precision, Some(2.0 / 3.0));
/// assert_eq!(evaluation.per_class[1].recall, Some(0.5));
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// correct / total.
    pub accuracy: f64,
    /// Number of examples predicted as what they are.
    pub correct: u64,
    /// Number of examples.
    pub total: u64,
    /// The accuracy's 95 % interval: over examples, by [`wilson`]; of frames over recordings, by bootstrap.
    pub interval: Interval,
    /// How many recordings the examples are frames of, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings: Option<u64>,
    /// How well the second class is detected, where the examples are frames and there are two classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection: Option<Detection>,
    /// Mean F1 over the classes that have one.
    pub macro_f1: f64,
    /// Scores of each class, in the order of the classes.
    pub per_class: Vec<ClassScores>,
    /// What was taken for what.
    pub confusion: Confusion,
}

impl Evaluation {
    /// Scores predictions against the truth.
    ///
    /// # Shapes
    /// classes `[K]`, truths `[N]`, predictions `[N]`, each entry in 0..K
    ///
    /// # Errors
    /// Those of [`Confusion::new`], and [`MetricsError::NoExamples`] if N = 0.
    ///
    /// # Source
    /// Precision, recall, F1 and macro F1 equal those of scikit-learn 1.9.1, where an undefined score is `nan`
    /// with `zero_division=nan` and a class that is neither in the truth nor in the predictions is left out.
    pub fn new(
        classes: &[String],
        truths: &[usize],
        predictions: &[usize],
    ) -> Result<Evaluation, MetricsError> {
        let confusion = Confusion::new(classes, truths, predictions)?;
        if truths.is_empty() {
            return Err(MetricsError::NoExamples);
        }
        let (correct, total) = (confusion.correct(), confusion.total());
        let per_class: Vec<_> = (0..classes.len()).map(|class| score(&confusion, class)).collect();
        let f1: Vec<f64> = per_class.iter().filter_map(|scores| scores.f1).collect();
        Ok(Evaluation {
            accuracy: correct as f64 / total as f64,
            correct,
            total,
            interval: wilson(correct, total),
            recordings: None,
            detection: None,
            // Not empty: some class has an example.
            macro_f1: f1.iter().sum::<f64>() / f1.len() as f64,
            per_class,
            confusion,
        })
    }
}

impl Evaluation {
    /// Unit that [`total`](Evaluation::total) counts: `frames` or `examples`.
    pub fn unit(&self) -> &'static str {
        if self.recordings.is_some() { "frames" } else { "examples" }
    }
}

fn score(confusion: &Confusion, class: usize) -> ClassScores {
    let found = confusion.counts()[class][class];
    let (support, predicted) = (confusion.support(class), confusion.predicted(class));
    let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    ClassScores {
        label: confusion.classes()[class].clone(),
        support,
        precision: ratio(found, predicted),
        recall: ratio(found, support),
        f1: ratio(2 * found, support + predicted),
    }
}
