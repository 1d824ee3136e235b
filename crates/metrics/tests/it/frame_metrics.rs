//! Frame metrics against formulas, and their confidence intervals against the standard error over recordings.

use stapes_metrics::{Evaluation, MetricsError, RecordingFrames, wilson};

fn classes() -> Vec<String> {
    ["silence", "voice"].map(String::from).to_vec()
}

fn recording(labels: &[usize], scores: &[f32]) -> RecordingFrames {
    RecordingFrames {
        labels: labels.to_vec(),
        predictions: scores.iter().map(|&score| usize::from(score > 0.5)).collect(),
        scores: scores.to_vec(),
    }
}

/// Recordings of 40 frames in two segments; half of the frames of every fourth recording are wrong.
fn uneven(recordings: usize) -> Vec<RecordingFrames> {
    let frames = |index: usize| {
        let labels: Vec<usize> = (0..40).map(|t| usize::from(t >= 15)).collect();
        let wrong = if index.is_multiple_of(4) { 20 } else { 0 };
        let score = |t: usize| match (t < wrong) != (labels[t] == 1) {
            true => 0.7 + 0.01 * (t % 7) as f32,
            false => 0.2 + 0.02 * (t % 5) as f32,
        };
        recording(&labels, &(0..40).map(score).collect::<Vec<_>>())
    };
    (0..recordings).map(frames).collect()
}

#[test]
fn metrics_are_over_all_frames() {
    let recordings =
        [recording(&[0, 0, 1, 1, 1], &[0.1, 0.6, 0.7, 0.4, 0.6]), recording(&[1, 0, 0], &[0.9, 0.4, 0.2])];
    let evaluation = Evaluation::from_frames(&classes(), &recordings).unwrap();
    // Correct: 0, 2 and 4 of the first, all of the second.
    assert_eq!((evaluation.correct, evaluation.total, evaluation.accuracy), (6, 8, 0.75));
    assert_eq!(evaluation.confusion.counts(), [[3, 1], [1, 3]]);
    let voice = evaluation.detection.as_ref().unwrap();
    assert_eq!(voice.label, "voice");
    // 2 * 3 / (4 + 4).
    assert_eq!(voice.f1.unwrap().value, 0.75);
    assert_eq!(evaluation.per_class[1].f1, Some(0.75));
    // Voice .7 .4 .6 .9 against silence .1 .6 .4 .2: .7 and .9 win 4, .6 wins 3 and ties, .4 wins 2 and ties.
    assert_eq!(voice.auc.unwrap().value, (4.0 + 4.0 + 3.5 + 2.5) / 16.0);
    // Below .9 the curve is (0, 1/4), (0, 2/4), (1/4, 3/4) for .6: there misses and false positives are equal.
    assert_eq!(voice.equal_error_rate, Some(0.25));
    assert_eq!(
        (voice.true_positive_rate_at_5_percent, voice.true_positive_rate_at_1_percent),
        (Some(0.5), Some(0.5))
    );
}

#[test]
fn intervals_count_recordings_and_not_frames() {
    let evaluation = Evaluation::from_frames(&classes(), &uneven(40)).unwrap();
    assert_eq!(evaluation.accuracy, 0.875);
    let width = |interval: stapes_metrics::ConfidenceInterval| interval.high - interval.low;
    // The fraction of correct frames is 1/2 in a quarter of the recordings and 1 in the others: its standard deviation
    // is 0.2165, and that of the mean of 40 recordings 0.0342.
    let expected = 2.0 * 1.96 * 0.0342;
    assert!((width(evaluation.interval) / expected - 1.0).abs() < 0.1, "{:?}", evaluation.interval);
    assert!(width(evaluation.interval) > 2.0 * width(wilson(evaluation.correct, evaluation.total)));
    let voice = evaluation.detection.as_ref().unwrap();
    for estimate in [voice.f1.unwrap(), voice.auc.unwrap()] {
        let (low, high) = (estimate.interval.low, estimate.interval.high);
        assert!(low < estimate.value && estimate.value < high && high < 1.0, "{estimate:?}");
    }
    assert_eq!(evaluation, Evaluation::from_frames(&classes(), &uneven(40)).unwrap());
    let more = Evaluation::from_frames(&classes(), &uneven(160)).unwrap();
    assert!((width(evaluation.interval) / width(more.interval) - 2.0).abs() < 0.3, "{:?}", more.interval);
}

#[test]
fn undefined_metrics_are_none_and_mismatched_inputs_are_rejected() {
    let silent = Evaluation::from_frames(&classes(), &[recording(&[0, 0], &[0.1, 0.2])]).unwrap();
    let voice = silent.detection.unwrap();
    assert_eq!((voice.f1, voice.auc), (None, None));
    assert_eq!((voice.equal_error_rate, voice.true_positive_rate_at_5_percent), (None, None));
    assert_eq!((silent.interval.low, silent.interval.high), (0.0, 1.0));
    let three: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
    let frames = RecordingFrames { labels: vec![0, 2], predictions: vec![0, 1], scores: Vec::new() };
    let evaluation = Evaluation::from_frames(&three, std::slice::from_ref(&frames)).unwrap();
    assert_eq!((evaluation.detection, evaluation.recordings), (None, Some(1)));
    // Two classes need scores.
    let error =
        Evaluation::from_frames(&classes(), &[RecordingFrames { labels: vec![0, 1], ..frames.clone() }]);
    assert!(matches!(error, Err(MetricsError::UnequalLengths { labels: 2, predictions: 0 })), "{error:?}");
    let short = RecordingFrames { predictions: vec![0], ..frames };
    assert!(matches!(Evaluation::from_frames(&three, &[short]), Err(MetricsError::UnequalLengths { .. })));
    let error = Evaluation::from_frames(&classes(), &[recording(&[0, 1], &[0.1, f32::NAN])]).unwrap_err();
    assert_eq!(error.to_string(), "recording 0, frame 1: the score is NaN; pass scores that can be ranked");
    assert!(matches!(Evaluation::from_frames(&classes(), &[]), Err(MetricsError::NoExamples)));
}
