//! Speech in seconds, from the probabilities of a frame-level model.

use stapes_features::FrameTimes;

use crate::decisions::{SpeechEvent, SpeechOptions, SpeechSegmenter};
use crate::error::InferError;
use crate::model::{Input, Model};

/// Start or end of speech.
///
/// # Units
/// s
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SpeechTime {
    /// Speech starts.
    Start(f64),
    /// Speech ends.
    End(f64),
}

/// Speech of a recording while the probabilities of its frames arrive, from a [`StreamClassifier`](crate::StreamClassifier) or a
/// [`Classifier`](crate::Classifier): [`SpeechSegmenter`] with the frame times of a model.
///
/// A frame lasts from half a hop before the center of its window to half a hop after it. The speech probability is that of all
/// classes but the first, the background.
pub struct SpeechStream {
    segmenter: SpeechSegmenter,
    sample_rate_hz: u32,
    /// Start of the first frame, s.
    offset_seconds: f64,
    times: FrameTimes,
    /// K, the number of classes.
    classes: usize,
}

impl SpeechStream {
    /// Creates a stream for one recording.
    ///
    /// # Errors
    /// [`InferError::FrameLevel`] if the model predicts one class per recording; [`InferError::WrongInput`] if it reads frames.
    pub fn new(model: &Model, options: &SpeechOptions) -> Result<SpeechStream, InferError> {
        let frame_level = model.network()?.objective().is_frame_level();
        if !frame_level {
            return Err(InferError::FrameLevel { frame_level });
        }
        let Input::Recordings(features) = &model.input else {
            return Err(InferError::WrongInput { expected: "frames".into(), got: "a recording".into() });
        };
        let times = features.frame_times()?;
        let rate_hz = features.sample_rate_hz;
        let hop = (times.hop_seconds() * f64::from(rate_hz)).round().max(1.0) as u64;
        Ok(SpeechStream {
            segmenter: SpeechSegmenter::new(options, rate_hz, hop),
            sample_rate_hz: rate_hz,
            offset_seconds: (times.center_seconds(0) - times.hop_seconds() / 2.0).max(0.0),
            times,
            classes: model.labels.len(),
        })
    }

    /// Returns the times of the frames.
    pub fn times(&self) -> FrameTimes {
        self.times
    }

    /// Returns the speech probability of a frame, from the probabilities of all classes.
    ///
    /// # Shapes
    /// \[K\]
    pub fn probability(probabilities: &[f32]) -> f32 {
        match probabilities {
            [_, speech] => *speech,
            [background, ..] => 1.0 - background,
            [] => 0.0,
        }
    }

    /// Adds the probabilities of the next frame, and reports what is certain now.
    ///
    /// # Shapes
    /// \[K\]
    pub fn push(&mut self, probabilities: &[f32], mut report: impl FnMut(SpeechTime)) {
        let time = seconds(self.sample_rate_hz, self.offset_seconds);
        self.segmenter.push(SpeechStream::probability(probabilities), |event| report(time(event)));
    }

    /// Ends the recording, which lasts `duration_seconds`, and reports the rest.
    pub fn finish(self, duration_seconds: f64, mut report: impl FnMut(SpeechTime)) {
        let time = seconds(self.sample_rate_hz, self.offset_seconds);
        let samples = (duration_seconds - self.offset_seconds).max(0.0) * f64::from(self.sample_rate_hz);
        self.segmenter.finish(samples.round() as u64, |event| {
            report(match time(event) {
                SpeechTime::Start(seconds) => SpeechTime::Start(seconds.min(duration_seconds)),
                SpeechTime::End(seconds) => SpeechTime::End(seconds.min(duration_seconds)),
            });
        });
    }
}

impl SpeechStream {
    /// Returns the start and the end of each segment of speech, s, from the probabilities of a whole recording.
    ///
    /// # Shapes
    /// probabilities [T, K]
    pub fn segments(mut self, probabilities: &[f32], duration_seconds: f64) -> Vec<[f64; 2]> {
        let (mut segments, mut start) = (Vec::new(), 0.0);
        let mut collect = |time| match time {
            SpeechTime::Start(seconds) => start = seconds,
            SpeechTime::End(end) => segments.push([start, end]),
        };
        for row in probabilities.chunks_exact(self.classes) {
            self.push(row, &mut collect);
        }
        self.finish(duration_seconds, collect);
        segments
    }
}

/// Returns the conversion of events to seconds.
fn seconds(sample_rate_hz: u32, offset_seconds: f64) -> impl Fn(SpeechEvent) -> SpeechTime {
    let time = move |sample: u64| offset_seconds + sample as f64 / f64::from(sample_rate_hz);
    move |event| match event {
        // Speech from the first frame on starts with the recording.
        SpeechEvent::Start(0) => SpeechTime::Start(0.0),
        SpeechEvent::Start(sample) => SpeechTime::Start(time(sample)),
        SpeechEvent::End(sample) => SpeechTime::End(time(sample)),
    }
}
