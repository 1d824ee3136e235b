//! Speech segments of a frame-level model against labeled segments.

use serde::Serialize;
use stapes_data::LabeledSegment;
use stapes_features::FrameTimes;
use stapes_metrics::{
    BoundaryErrors, Evaluation, Event, EventMatcher, EventScores, MetricsError, RecordingFrames,
    SpeechErrors, boundary_errors,
};

use super::keywords::event;
use crate::file_classifier::FileSpeech;

/// Labels of speech and of background in files of other programs.
const SPEECH: [&str; 3] = ["speech", "voice", "V"];
const BACKGROUND: [&str; 2] = ["silence", "S"];

/// Returns true if a label of a recording is speech, for a model with these labels, the first of which is the background.
///
/// # Errors
/// A sentence about a label that the model does not have.
pub fn is_speech(label: &str, labels: &[String]) -> Result<bool, String> {
    match labels.iter().position(|known| known == label) {
        Some(class) => Ok(class != 0),
        None if SPEECH.contains(&label) => Ok(true),
        None if BACKGROUND.contains(&label) => Ok(false),
        None => {
            let known = [labels.iter().map(|label| &**label).collect(), SPEECH.to_vec(), BACKGROUND.to_vec()];
            let known = known.concat().join(", ");
            Err(format!("{label:?} is not a label of the model or of speech ({known}); correct its labels"))
        }
    }
}

/// Recording with the segments of speech that were found and those that are labeled.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechRecording {
    /// Labeled speech.
    pub labeled: Vec<Event>,
    /// Detected speech.
    pub detected: Vec<Event>,
    /// Labels, decisions and scores of the frames: 1 for speech.
    pub frames: RecordingFrames,
    /// Duration, s.
    pub seconds: f64,
}

/// Speech of recordings against labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpeechEvaluation {
    /// Precision, recall and F1 of segments.
    pub segments: EventScores,
    /// Largest difference between the boundaries of matched segments, s.
    pub collar_seconds: f64,
    /// (missed + false alarm) / labeled speech. None without labeled speech.
    pub detection_error_rate: Option<f64>,
    /// Times of missed and false speech.
    pub durations: SpeechErrors,
    /// Errors of the boundaries of matched segments. None without a matched segment.
    pub boundary_errors: Option<BoundaryErrors>,
    /// Scores of the frames.
    pub frames: Evaluation,
}

impl SpeechRecording {
    /// Compares the speech of a recording with its labeled segments, which may overlap; frames from `threshold` are speech.
    ///
    /// # Errors
    /// A sentence about a label that is unknown, or a segment that ends more than 0.3 s after the recording.
    pub fn new(
        found: &FileSpeech,
        segments: &[LabeledSegment],
        labels: &[String],
        times: FrameTimes,
        threshold: f64,
    ) -> Result<SpeechRecording, String> {
        let mut labeled: Vec<Event> = Vec::new();
        for segment in segments {
            if !is_speech(&segment.label, labels)? {
                continue;
            }
            let event = event(segment, found.seconds)?;
            match labeled.last_mut() {
                // Segments that touch are one, whatever their labels.
                Some(last) if event.start_seconds <= last.end_seconds + TOUCHING_SECONDS => {
                    last.end_seconds = last.end_seconds.max(event.end_seconds);
                }
                _ => labeled.push(event),
            }
        }
        let detected = found
            .segments
            .iter()
            .map(|segment| Event { start_seconds: segment.start_seconds, end_seconds: segment.end_seconds });
        let class_at = |frame: usize| {
            let center = times.center_seconds(frame);
            let after = labeled.partition_point(|event| event.end_seconds <= center);
            usize::from(labeled.get(after).is_some_and(|event| event.start_seconds <= center))
        };
        let scores = &found.probabilities;
        let frames = RecordingFrames {
            labels: (0..scores.len()).map(class_at).collect(),
            predictions: scores.iter().map(|&score| usize::from(f64::from(score) >= threshold)).collect(),
            scores: scores.clone(),
        };
        Ok(SpeechRecording { detected: detected.collect(), labeled, frames, seconds: found.seconds })
    }
}

/// Labeled speech that was not detected, or detected speech that is not labeled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeechError {
    /// True for speech that was not detected.
    pub is_missed: bool,
    /// Times of the error.
    pub event: Event,
}

impl SpeechRecording {
    /// Returns missed and false speech that lasts longer than `min_seconds`, in the order of time.
    pub fn errors(&self, min_seconds: f64) -> Vec<SpeechError> {
        let error = |is_missed| move |event| SpeechError { is_missed, event };
        let missed = outside(&self.labeled, &self.detected).into_iter().map(error(true));
        let false_alarms = outside(&self.detected, &self.labeled).into_iter().map(error(false));
        let mut errors: Vec<SpeechError> = missed.chain(false_alarms).collect();
        errors.retain(|error| error.event.end_seconds - error.event.start_seconds > min_seconds);
        errors.sort_by(|a, b| a.event.start_seconds.total_cmp(&b.event.start_seconds));
        errors
    }
}

/// Returns the parts of events that are outside of others; both are in order and do not overlap.
fn outside(events: &[Event], others: &[Event]) -> Vec<Event> {
    let mut parts = Vec::new();
    for event in events {
        let mut start_seconds = event.start_seconds;
        let first = others.partition_point(|other| other.end_seconds <= event.start_seconds);
        for other in others[first..].iter().take_while(|other| other.start_seconds < event.end_seconds) {
            parts.push(Event { start_seconds, end_seconds: other.start_seconds });
            start_seconds = other.end_seconds;
        }
        parts.push(Event { start_seconds, end_seconds: event.end_seconds });
    }
    parts.retain(|part| part.end_seconds > part.start_seconds);
    parts
}

/// Segments that are closer are one; times are often rounded.
const TOUCHING_SECONDS: f64 = 1e-3;

impl SpeechEvaluation {
    /// Evaluates recordings; `classes` are the names of background and speech.
    ///
    /// # Errors
    /// [`MetricsError::NoExamples`] without frames; [`MetricsError::Time`] for a segment with invalid times.
    pub fn new(
        recordings: &[SpeechRecording],
        classes: &[String; 2],
        matcher: &EventMatcher,
    ) -> Result<SpeechEvaluation, MetricsError> {
        let (mut durations, mut pairs) = (SpeechErrors::default(), Vec::new());
        for SpeechRecording { labeled, detected, seconds, .. } in recordings {
            durations.add(&SpeechErrors::new(labeled, detected, *seconds)?);
            let matched = matcher.pairs(labeled, detected)?;
            pairs.extend(matched.into_iter().map(|(label, found)| (labeled[label], detected[found])));
        }
        let events: Vec<_> =
            recordings.iter().map(|one| (one.labeled.clone(), one.detected.clone())).collect();
        let frames: Vec<RecordingFrames> = recordings.iter().map(|one| one.frames.clone()).collect();
        Ok(SpeechEvaluation {
            segments: matcher.scores(&events)?,
            collar_seconds: matcher.collar_seconds,
            detection_error_rate: durations.detection_error_rate(),
            durations,
            boundary_errors: boundary_errors(&pairs),
            frames: Evaluation::from_frames(classes, &frames)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_other_programs_are_known() {
        let labels = ["noise".to_owned(), "male".into(), "female".into()];
        for (label, expected) in
            [("noise", false), ("male", true), ("V", true), ("speech", true), ("S", false)]
        {
            assert_eq!(is_speech(label, &labels), Ok(expected), "{label}");
        }
        assert!(is_speech("music", &labels).unwrap_err().contains("\"music\" is not a label"));
    }

    #[test]
    fn labeled_speech_is_joined_and_compared_in_frames_and_segments() {
        let segment = |start_seconds, end_seconds, label: &str| LabeledSegment {
            start_seconds,
            end_seconds,
            label: label.into(),
        };
        let times = stapes_features::preset("kaldi-mfcc-39").unwrap().frame_times().unwrap();
        let found = FileSpeech {
            segments: vec![stapes_features::Segment { start_seconds: 0.5, end_seconds: 1.5, class: 1 }],
            probabilities: (0..198).map(|frame| if (50..150).contains(&frame) { 0.9 } else { 0.1 }).collect(),
            seconds: 2.0,
        };
        let labels = ["silence".to_owned(), "voice".into()];
        let segments = [segment(0.25, 0.75, "voice"), segment(0.75, 1.0, "speech"), segment(1.0, 2.0, "S")];
        let recording = SpeechRecording::new(&found, &segments, &labels, times, 0.5).unwrap();
        assert_eq!(recording.labeled, [Event { start_seconds: 0.25, end_seconds: 1.0 }]);
        // The center of frame t is at 12.5 + 10 t ms.
        let voiced: Vec<usize> = (0..198).filter(|&frame| recording.frames.labels[frame] == 1).collect();
        assert_eq!((voiced[0], voiced[voiced.len() - 1]), (24, 98));
        let errors: Vec<_> = recording
            .errors(0.1)
            .iter()
            .map(|error| (error.is_missed, error.event.start_seconds, error.event.end_seconds))
            .collect();
        assert_eq!(errors, [(true, 0.25, 0.5), (false, 1.0, 1.5)]);
        assert!(recording.errors(0.3).iter().all(|error| !error.is_missed));
        let evaluation =
            SpeechEvaluation::new(&[recording], &labels, &EventMatcher { collar_seconds: 0.5 }).unwrap();
        assert_eq!(evaluation.detection_error_rate, Some(1.0));
        assert_eq!(evaluation.boundary_errors.unwrap().end_ms, 500.0);
        let beyond = [segment(0.0, 2.5, "voice")];
        let fault = SpeechRecording::new(&found, &beyond, &labels, times, 0.5).unwrap_err();
        assert!(fault.contains("2.5 s, but the recording has 2.000 s"), "{fault}");
    }
}
