//! The scores of a classifier of frames: figures over frames, intervals over recordings.

use serde::Serialize;

use crate::bootstrap::over_recordings;
use crate::roc::Ranking;
use crate::{Evaluation, Interval, MetricsError, Roc};

/// What was said of the frames of one recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordingFrames {
    /// The class of each frame: \[T\].
    pub truths: Vec<usize>,
    /// The class that was predicted for it: \[T\].
    pub predictions: Vec<usize>,
    /// The score of class 1 against class 0, where there are two classes: \[T\]; empty otherwise.
    pub scores: Vec<f32>,
}

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure over all frames.
    pub value: f64,
    /// Its interval over recordings.
    pub interval: Interval,
}

/// How well the second of two classes is detected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detection {
    /// The class.
    pub label: String,
    /// Its F1 over all frames. None when no frame is of the class and none was predicted as it.
    pub f1: Option<Estimate>,
    /// The area under the ROC curve of its scores over all frames, by [`roc_auc`](crate::roc_auc). None when all
    /// frames are of one class.
    pub auc: Option<Estimate>,
    /// The rate at which as many frames of the class are missed as others are taken for it, by
    /// [`Roc::equal_error_rate`](crate::Roc::equal_error_rate). None when all frames are of one class.
    pub equal_error_rate: Option<f64>,
    /// The share of the class's frames that is found where at most 5 % of the others are taken for it, by
    /// [`Roc::true_positive_rate_at`](crate::Roc::true_positive_rate_at). None when all frames are of one class.
    pub true_positive_rate_at_5_percent: Option<f64>,
    /// The same where at most 1 % of the others are.
    pub true_positive_rate_at_1_percent: Option<f64>,
}

impl Evaluation {
    /// Scores predictions for the frames of recordings against the truth.
    ///
    /// All figures are over the frames of all recordings together. The frames of a recording are not independent, so
    /// no interval counts them: intervals are percentile bootstraps over recordings, 1,000 resamples drawn from a
    /// fixed seed.
    ///
    /// # Shapes
    /// classes `[K]`, recordings `[R]`, each with its own T
    ///
    /// # Errors
    /// Those of [`Evaluation::new`] over all frames in their order; [`MetricsError::UnequalLengths`] also for scores of
    /// two classes that are not one a frame, and [`MetricsError::NoScore`] for one that is NaN.
    ///
    /// # Example
    /// ```
    /// use stapes_metrics::{Evaluation, RecordingFrames};
    ///
    /// let classes = ["silence".to_string(), "voice".to_string()];
    /// let one = RecordingFrames {
    ///     truths: vec![0, 1, 1, 0],
    ///     predictions: vec![0, 1, 0, 0],
    ///     scores: vec![0.1, 0.9, 0.4, 0.2],
    /// };
    /// let other = RecordingFrames { truths: vec![1, 0], predictions: vec![1, 1], scores: vec![0.8, 0.6] };
    /// let evaluation = Evaluation::of_frames(&classes, &[one, other])?;
    /// assert_eq!((evaluation.accuracy, evaluation.recordings), (4.0 / 6.0, Some(2)));
    /// let voice = evaluation.detection.unwrap();
    /// assert_eq!(voice.f1.unwrap().value, 4.0 / 6.0);
    /// // Of nine pairs only 0.4 against 0.6 is in the wrong order.
    /// assert_eq!(voice.auc.unwrap().value, 8.0 / 9.0);
    /// # Ok::<(), stapes_metrics::MetricsError>(())
    /// ```
    pub fn of_frames(classes: &[String], recordings: &[RecordingFrames]) -> Result<Evaluation, MetricsError> {
        let counts: Vec<Counts> = recordings.iter().map(Counts::of).collect::<Result<_, _>>()?;
        let all = |of: fn(&RecordingFrames) -> &[usize]| -> Vec<usize> {
            recordings.iter().flat_map(|recording| of(recording).iter().copied()).collect()
        };
        let mut evaluation =
            Evaluation::new(classes, &all(|frames| &frames.truths), &all(|frames| &frames.predictions))?;
        evaluation.interval = over_recordings(recordings.len(), |times| Counts::accuracy(&counts, times));
        evaluation.recordings = Some(recordings.len() as u64);
        if let [_, label] = classes {
            evaluation.detection = Some(detection(label, recordings, &counts)?);
        }
        Ok(evaluation)
    }
}

/// What the figures of one recording add up from.
pub(crate) struct Counts {
    frames: u64,
    right: u64,
    /// Frames of class 1, predicted as it, and both.
    support: u64,
    predicted: u64,
    found: u64,
}

impl Counts {
    /// Those of one recording; an error if predictions are not one a frame.
    pub(crate) fn of(recording: &RecordingFrames) -> Result<Counts, MetricsError> {
        let (truths, predictions) = (recording.truths.len(), recording.predictions.len());
        if truths != predictions {
            return Err(MetricsError::UnequalLengths { truths, predictions });
        }
        let count = |holds: fn(usize, usize) -> bool| {
            let pairs = recording.truths.iter().zip(&recording.predictions);
            pairs.filter(|(truth, prediction)| holds(**truth, **prediction)).count() as u64
        };
        Ok(Counts {
            frames: recording.truths.len() as u64,
            right: count(|truth, prediction| truth == prediction),
            support: count(|truth, _| truth == 1),
            predicted: count(|_, prediction| prediction == 1),
            found: count(|truth, prediction| truth == 1 && prediction == 1),
        })
    }

    /// The share of frames that is right, where each recording counts so many times.
    pub(crate) fn accuracy(counts: &[Counts], times: &[u64]) -> Option<f64> {
        let right = weighted(counts, times, |counts| counts.right);
        ratio(right, weighted(counts, times, |counts| counts.frames))
    }
}

/// The scores of all frames in their order, each with the number of its recording.
pub(crate) fn ranking(recordings: &[RecordingFrames]) -> Result<Ranking, MetricsError> {
    for (index, recording) in recordings.iter().enumerate() {
        let (truths, predictions) = (recording.truths.len(), recording.scores.len());
        if truths != predictions {
            return Err(MetricsError::UnequalLengths { truths, predictions });
        }
        if let Some(frame) = recording.scores.iter().position(|score| score.is_nan()) {
            return Err(MetricsError::NoScore { recording: index, frame });
        }
    }
    let examples = recordings.iter().enumerate().flat_map(|(index, recording)| {
        let pairs = recording.scores.iter().zip(&recording.truths);
        pairs.map(move |(&score, &truth)| (score, truth == 1, index as u32))
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
    let estimate = |figure: &dyn Fn(&[u64]) -> Option<f64>| {
        let value = figure(&vec![1; recordings.len()])?;
        Some(Estimate { value, interval: over_recordings(recordings.len(), figure) })
    };
    let f1 = |times: &[u64]| {
        let found = weighted(counts, times, |counts| counts.found);
        ratio(2 * found, weighted(counts, times, |counts| counts.support + counts.predicted))
    };
    let auc = |times: &[u64]| ranking.auc(|recording| times[recording as usize]);
    let roc = Roc::of_ranking(&ranking).ok();
    let found_at = |rate| roc.as_ref().and_then(|roc| roc.true_positive_rate_at(rate).ok());
    Ok(Detection {
        label: label.to_string(),
        f1: estimate(&f1),
        auc: estimate(&auc),
        equal_error_rate: roc.as_ref().map(Roc::equal_error_rate),
        true_positive_rate_at_5_percent: found_at(0.05),
        true_positive_rate_at_1_percent: found_at(0.01),
    })
}
