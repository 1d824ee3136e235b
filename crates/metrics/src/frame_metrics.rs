//! Scores of frame-level classifiers: values over frames, confidence intervals over recordings.

use serde::Serialize;

use crate::auc::Ranking;
use crate::bootstrap::over_recordings;
use crate::{ConfidenceInterval, Evaluation, MetricsError, Roc};

/// Labels, predictions and scores of the frames of one recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordingFrames {
    /// Class of each frame: \[T\].
    pub labels: Vec<usize>,
    /// Predicted class of each frame: \[T\].
    pub predictions: Vec<usize>,
    /// Score of class 1 against class 0 if there are two classes: \[T\]; empty otherwise.
    pub scores: Vec<f32>,
}

/// A value with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Value.
    pub value: f64,
    /// 95 % confidence interval.
    pub interval: ConfidenceInterval,
}

/// Detection of the second of two classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detection {
    /// Class name.
    pub label: String,
    /// F1 over all frames. None if no frame has the class and none was predicted as it.
    pub f1: Option<Estimate>,
    /// Area under the ROC curve of the scores over all frames, by [`roc_auc`](crate::roc_auc). None if all frames have
    /// the same class.
    pub auc: Option<Estimate>,
    /// Rate at which the miss rate equals the false positive rate, by
    /// [`Roc::equal_error_rate`](crate::Roc::equal_error_rate). None if all frames have the same class.
    pub equal_error_rate: Option<f64>,
    /// True positive rate at a false positive rate of at most 5 %, by
    /// [`Roc::true_positive_rate_at`](crate::Roc::true_positive_rate_at). None if all frames have the same class.
    pub true_positive_rate_at_5_percent: Option<f64>,
    /// True positive rate at a false positive rate of at most 1 %.
    pub true_positive_rate_at_1_percent: Option<f64>,
}

impl Evaluation {
    /// Scores predictions for the frames of recordings against labels.
    ///
    /// All values are over the frames of all recordings together. The frames of a recording are not independent, so the
    /// confidence intervals are percentile bootstraps over recordings: 1,000 resamples with a fixed seed.
    ///
    /// # Shapes
    /// classes `[K]`, recordings `[R]`, each with its own T
    ///
    /// # Errors
    /// Errors of [`Evaluation::new`] over all frames in order; [`MetricsError::UnequalLengths`] also if the scores of
    /// two classes are not one per frame, and [`MetricsError::NanScore`] for a score that is NaN.
    ///
    /// # Example
    /// ```
    /// use stapes_metrics::{Evaluation, RecordingFrames};
    ///
    /// let classes = ["silence".to_string(), "voice".to_string()];
    /// let one = RecordingFrames {
    ///     labels: vec![0, 1, 1, 0],
    ///     predictions: vec![0, 1, 0, 0],
    ///     scores: vec![0.1, 0.9, 0.4, 0.2],
    /// };
    /// let other = RecordingFrames { labels: vec![1, 0], predictions: vec![1, 1], scores: vec![0.8, 0.6] };
    /// let evaluation = Evaluation::from_frames(&classes, &[one, other])?;
    /// assert_eq!((evaluation.accuracy, evaluation.recordings), (4.0 / 6.0, Some(2)));
    /// let voice = evaluation.detection.unwrap();
    /// assert_eq!(voice.f1.unwrap().value, 4.0 / 6.0);
    /// // Only one of nine pairs, 0.4 against 0.6, is in the wrong order.
    /// assert_eq!(voice.auc.unwrap().value, 8.0 / 9.0);
    /// # Ok::<(), stapes_metrics::MetricsError>(())
    /// ```
    pub fn from_frames(
        classes: &[String],
        recordings: &[RecordingFrames],
    ) -> Result<Evaluation, MetricsError> {
        let counts: Vec<Counts> = recordings.iter().map(Counts::of).collect::<Result<_, _>>()?;
        let all = |of: fn(&RecordingFrames) -> &[usize]| -> Vec<usize> {
            recordings.iter().flat_map(|recording| of(recording).iter().copied()).collect()
        };
        let mut evaluation =
            Evaluation::new(classes, &all(|frames| &frames.labels), &all(|frames| &frames.predictions))?;
        evaluation.interval = over_recordings(recordings.len(), |times| Counts::accuracy(&counts, times));
        evaluation.recordings = Some(recordings.len() as u64);
        if let [_, label] = classes {
            evaluation.detection = Some(detection(label, recordings, &counts)?);
        }
        Ok(evaluation)
    }
}

/// Counts of the frames of one recording.
pub(crate) struct Counts {
    frames: u64,
    correct: u64,
    /// Frames of class 1, frames predicted as class 1, and frames that are both.
    support: u64,
    predicted: u64,
    true_positives: u64,
}

impl Counts {
    /// Counts the frames of a recording; an error unless there is one prediction per frame.
    pub(crate) fn of(recording: &RecordingFrames) -> Result<Counts, MetricsError> {
        let (labels, predictions) = (recording.labels.len(), recording.predictions.len());
        if labels != predictions {
            return Err(MetricsError::UnequalLengths { labels, predictions });
        }
        let count = |holds: fn(usize, usize) -> bool| {
            let pairs = recording.labels.iter().zip(&recording.predictions);
            pairs.filter(|(label, prediction)| holds(**label, **prediction)).count() as u64
        };
        Ok(Counts {
            frames: recording.labels.len() as u64,
            correct: count(|label, prediction| label == prediction),
            support: count(|label, _| label == 1),
            predicted: count(|_, prediction| prediction == 1),
            true_positives: count(|label, prediction| label == 1 && prediction == 1),
        })
    }

    /// Returns the fraction of correct frames, each recording weighted with the number of times it was drawn.
    pub(crate) fn accuracy(counts: &[Counts], times: &[u64]) -> Option<f64> {
        let correct = weighted(counts, times, |counts| counts.correct);
        ratio(correct, weighted(counts, times, |counts| counts.frames))
    }
}

/// Ranks the scores of all frames, grouped by recording.
pub(crate) fn ranking(recordings: &[RecordingFrames]) -> Result<Ranking, MetricsError> {
    for (index, recording) in recordings.iter().enumerate() {
        let (labels, predictions) = (recording.labels.len(), recording.scores.len());
        if labels != predictions {
            return Err(MetricsError::UnequalLengths { labels, predictions });
        }
        if let Some(frame) = recording.scores.iter().position(|score| score.is_nan()) {
            return Err(MetricsError::NanScore { recording: index, frame });
        }
    }
    let examples = recordings.iter().enumerate().flat_map(|(index, recording)| {
        let pairs = recording.scores.iter().zip(&recording.labels);
        pairs.map(move |(&score, &label)| (score, label == 1, index as u32))
    });
    Ok(Ranking::new(examples))
}

fn weighted(counts: &[Counts], times: &[u64], of: impl Fn(&Counts) -> u64) -> u64 {
    counts.iter().zip(times).map(|(counts, times)| of(counts) * times).sum()
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn detection(
    label: &str,
    recordings: &[RecordingFrames],
    counts: &[Counts],
) -> Result<Detection, MetricsError> {
    let ranking = ranking(recordings)?;
    let estimate = |statistic: &dyn Fn(&[u64]) -> Option<f64>| {
        let value = statistic(&vec![1; recordings.len()])?;
        Some(Estimate { value, interval: over_recordings(recordings.len(), statistic) })
    };
    let f1 = |times: &[u64]| {
        let true_positives = weighted(counts, times, |counts| counts.true_positives);
        ratio(2 * true_positives, weighted(counts, times, |counts| counts.support + counts.predicted))
    };
    let auc = |times: &[u64]| ranking.auc(|recording| times[recording as usize]);
    let roc = Roc::from_ranking(&ranking).ok();
    let rate_at = |rate| roc.as_ref().and_then(|roc| roc.true_positive_rate_at(rate).ok());
    Ok(Detection {
        label: label.to_string(),
        f1: estimate(&f1),
        auc: estimate(&auc),
        equal_error_rate: roc.as_ref().map(Roc::equal_error_rate),
        true_positive_rate_at_5_percent: rate_at(0.05),
        true_positive_rate_at_1_percent: rate_at(0.01),
    })
}
