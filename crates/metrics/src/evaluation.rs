//! Scores of a classifier on a set of examples.

use serde::Serialize;

use crate::{ConfidenceInterval, ConfusionMatrix, Detection, MetricsError, wilson};

/// Scores of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// Class name.
    pub label: String,
    /// Number of examples of this class.
    pub support: u64,
    /// Fraction of the predictions of this class that are correct. None (JSON `null`) if the class was never predicted.
    pub precision: Option<f64>,
    /// Fraction of the examples of this class that were predicted as it. None if the class has no examples.
    pub recall: Option<f64>,
    /// 2 true positives / (support + predicted): the harmonic mean of precision and recall where both exist. 0 if only
    /// one of them exists, None if neither does.
    pub f1: Option<f64>,
}

/// Scores of a classifier on a set of examples; its JSON is the result of `stapes eval`.
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
    /// Number of correct predictions.
    pub correct: u64,
    /// Number of examples.
    pub total: u64,
    /// 95 % confidence interval of the accuracy: over examples by [`wilson`], or for frames over recordings by
    /// bootstrap.
    pub interval: ConfidenceInterval,
    /// Number of recordings, if the examples are frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings: Option<u64>,
    /// Detection of the second class, if the examples are frames and there are two classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection: Option<Detection>,
    /// Mean F1 over the classes that have one.
    pub macro_f1: f64,
    /// Scores of each class, in the order of the classes.
    pub per_class: Vec<ClassScores>,
    /// Confusion matrix.
    pub confusion: ConfusionMatrix,
}

impl Evaluation {
    /// Scores predictions against labels.
    ///
    /// # Shapes
    /// classes `[K]`, labels `[N]`, predictions `[N]`, each entry in 0..K
    ///
    /// # Errors
    /// Errors of [`ConfusionMatrix::new`], and [`MetricsError::NoExamples`] if N = 0.
    ///
    /// # Source
    /// Precision, recall, F1 and macro F1 equal those of scikit-learn 1.9.1, where an undefined score is `nan` with
    /// `zero_division=nan` and a class that is in neither the labels nor the predictions is skipped.
    pub fn new(
        classes: &[String],
        labels: &[usize],
        predictions: &[usize],
    ) -> Result<Evaluation, MetricsError> {
        let confusion = ConfusionMatrix::new(classes, labels, predictions)?;
        if labels.is_empty() {
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

    /// Unit that [`total`](Evaluation::total) counts: `frames` or `examples`.
    pub fn unit(&self) -> &'static str {
        if self.recordings.is_some() { "frames" } else { "examples" }
    }
}

fn score(confusion: &ConfusionMatrix, class: usize) -> ClassScores {
    let true_positives = confusion.counts()[class][class];
    let (support, predicted) = (confusion.support(class), confusion.predicted(class));
    let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    ClassScores {
        label: confusion.classes()[class].clone(),
        support,
        precision: ratio(true_positives, predicted),
        recall: ratio(true_positives, support),
        f1: ratio(2 * true_positives, support + predicted),
    }
}
