//! Classification of windows of a stream, for models of clips.

use std::borrow::Cow;

use stapes_features::{FeatureConfig, FeatureStream, Features, Normalization, StreamingExtractor};

use crate::classifier::Classifier;
use crate::error::InferError;
use crate::model::{Input, Model};

/// Classifier of windows of sound that does not end: a model of clips listens.
///
/// If the front end can run on a stream, the features of each frame are computed once, and a window has its frames; their values
/// are those of the whole recording. Else a window is a clip of its own, from its samples to its features.
///
/// # Units
/// samples at the model's sample rate
///
/// # Example
/// ```
/// # use stapes_infer::{Model, WindowStream};
/// # let features = stapes_features::preset("kaldi-mfcc-39")?;
/// # let config: stapes_nn::ModelConfig = serde_json::from_str(
/// #     r#"{"recurrent": {"cell": "gru", "hidden_size": 8, "bidirectional": true}}"#)?;
/// # let model = Model::untrained(features, config, vec!["other".into(), "yes".into()], 1)?;
/// // A second of sound every 100 ms; `model` is of clips, for example from `Model::load`.
/// let mut stream = WindowStream::new(&model, 1.0, 0.1)?;
/// let mut ends = Vec::new();
/// for chunk in [0.0; 24_000].chunks(1000) {
///     stream.push(chunk, |seconds, _probabilities| ends.push(seconds))?;
/// }
/// stream.finish(|seconds, _probabilities| ends.push(seconds))?;
/// assert_eq!(ends.len(), 6);
/// assert!((ends[0] - 1.0).abs() < 0.01 && (ends[5] - 1.5).abs() < 0.01);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WindowStream<'a> {
    classifier: Classifier<'a>,
    windows: Windows,
}

/// Windows of a stream, without the classifier, which many streams can share.
pub(crate) struct Windows {
    kind: Kind,
    sample_rate_hz: u32,
}

enum Kind {
    Frames(Box<FrameWindows>),
    Samples(SampleWindows),
}

/// Windows of frames that are computed once.
struct FrameWindows {
    stream: FeatureStream,
    /// Frames from `start` on, [T, F].
    frames: Vec<f32>,
    width: usize,
    /// First frame in `frames`, and of the next window.
    start: usize,
    next: usize,
    /// Number of frames of a window, and between two.
    length: usize,
    hop: usize,
    /// Time of a frame, s.
    frame_seconds: f64,
    /// Duration of a window, s.
    window_seconds: f64,
}

/// Windows of samples.
struct SampleWindows {
    samples: Vec<f32>,
    /// First sample in `samples`, and of the next window.
    start: usize,
    next: usize,
    length: usize,
    hop: usize,
}

impl WindowStream<'static> {
    /// Creates a classifier of windows that owns its model; times in s.
    ///
    /// # Errors
    /// Those of [`WindowStream::new`].
    pub fn from_model(
        model: Model,
        window_seconds: f64,
        hop_seconds: f64,
    ) -> Result<WindowStream<'static>, InferError> {
        WindowStream::build(Cow::Owned(model), window_seconds, hop_seconds)
    }
}

impl<'a> WindowStream<'a> {
    /// Creates a classifier of windows that borrows its model; times in s.
    ///
    /// # Errors
    /// [`InferError::FrameLevel`] if the model labels frames; [`InferError::WrongInput`] if it reads frames or a window has no
    /// frame; otherwise those of [`Classifier::new`].
    pub fn new(
        model: &'a Model,
        window_seconds: f64,
        hop_seconds: f64,
    ) -> Result<WindowStream<'a>, InferError> {
        WindowStream::build(Cow::Borrowed(model), window_seconds, hop_seconds)
    }

    fn build(
        model: Cow<'a, Model>,
        window_seconds: f64,
        hop_seconds: f64,
    ) -> Result<WindowStream<'a>, InferError> {
        let classifier = Classifier::build(model)?;
        let windows = Windows::new(&classifier, window_seconds, hop_seconds)?;
        Ok(WindowStream { classifier, windows })
    }

    /// Ends the sound, and reports the windows that were waiting for later samples, because deltas look ahead.
    ///
    /// # Errors
    /// Those of [`WindowStream::push`].
    pub fn finish(mut self, report: impl FnMut(f64, &[f32])) -> Result<(), InferError> {
        self.windows.finish(&mut self.classifier, report)
    }

    /// Returns true if the features of each frame are computed once, not once per window.
    pub fn shares_features(&self) -> bool {
        self.windows.shares_features()
    }

    /// Returns the time between the ends of two windows, s.
    pub fn hop_seconds(&self) -> f64 {
        self.windows.hop_seconds()
    }

    /// Adds samples, and calls `report` with the end, in s, and the probabilities \[K\] of each window that they complete.
    ///
    /// # Errors
    /// [`InferError::Features`] if a sample is not finite; errors of [`Classifier::classify_frames`].
    pub fn push(&mut self, samples: &[f32], report: impl FnMut(f64, &[f32])) -> Result<(), InferError> {
        self.windows.push(&mut self.classifier, samples, report)
    }
}

impl Windows {
    /// Creates the windows of a stream; times in s.
    ///
    /// # Errors
    /// Those of [`WindowStream::new`].
    pub(crate) fn new(
        classifier: &Classifier<'_>,
        window_seconds: f64,
        hop_seconds: f64,
    ) -> Result<Windows, InferError> {
        if classifier.network.objective().is_frame_level() {
            return Err(InferError::FrameLevel { frame_level: true });
        }
        let Input::Recordings(config) = &classifier.model().input else {
            return Err(InferError::WrongInput {
                expected: "frames".into(),
                got: "a stream of samples".into(),
            });
        };
        let samples = |seconds: f64| (seconds * f64::from(config.sample_rate_hz)).round().max(1.0) as usize;
        let (length, hop) = (samples(window_seconds), samples(hop_seconds));
        let kind = match FrameWindows::new(config, length, hop)? {
            Some(frames) => Kind::Frames(Box::new(frames)),
            None => Kind::Samples(SampleWindows { samples: Vec::new(), start: 0, next: 0, length, hop }),
        };
        Ok(Windows { kind, sample_rate_hz: config.sample_rate_hz })
    }

    /// Returns true if the features of each frame are computed once, not once per window.
    pub(crate) fn shares_features(&self) -> bool {
        matches!(self.kind, Kind::Frames(_))
    }

    /// Returns the time between the ends of two windows, s.
    pub(crate) fn hop_seconds(&self) -> f64 {
        match &self.kind {
            Kind::Frames(frames) => frames.hop as f64 * frames.frame_seconds,
            Kind::Samples(samples) => samples.hop as f64 / f64::from(self.sample_rate_hz),
        }
    }

    /// Adds samples, with the classifier of the stream.
    ///
    /// # Errors
    /// Those of [`WindowStream::push`].
    pub(crate) fn push(
        &mut self,
        classifier: &mut Classifier<'_>,
        samples: &[f32],
        report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        match &mut self.kind {
            Kind::Frames(frames) => frames.push(classifier, samples, report),
            Kind::Samples(windows) => windows.push(classifier, self.sample_rate_hz, samples, report),
        }
    }

    /// Ends the sound, with the classifier of the stream.
    ///
    /// # Errors
    /// Those of [`WindowStream::push`].
    pub(crate) fn finish(
        self,
        classifier: &mut Classifier<'_>,
        report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        match self.kind {
            Kind::Frames(frames) => frames.finish(classifier, report),
            Kind::Samples(_) => Ok(()),
        }
    }
}

impl FrameWindows {
    /// Returns `None` if the front end needs whole clips.
    fn new(config: &FeatureConfig, length: usize, hop: usize) -> Result<Option<FrameWindows>, InferError> {
        if !matches!(config.normalization, Normalization::None | Normalization::PerCoefficient) {
            return Ok(None);
        }
        // The model normalizes; a window has the fixed length.
        let endless = FeatureConfig {
            normalization: Normalization::None,
            fixed_length_samples: None,
            ..config.clone()
        };
        let Ok(stream) = endless.stream(None) else { return Ok(None) };
        let front_end = endless.init()?;
        let frames = front_end.frames_for(length);
        if frames == 0 {
            let got = format!("a window of {length} samples, which has no frame");
            return Err(InferError::WrongInput { expected: "at least one frame".into(), got });
        }
        let frame_seconds = front_end.frame_times().hop_seconds();
        let hop_seconds = hop as f64 / f64::from(config.sample_rate_hz);
        Ok(Some(FrameWindows {
            stream,
            frames: Vec::new(),
            width: front_end.width(),
            start: 0,
            next: 0,
            length: frames,
            hop: (hop_seconds / frame_seconds).round().max(1.0) as usize,
            frame_seconds,
            window_seconds: length as f64 / f64::from(config.sample_rate_hz),
        }))
    }

    fn push(
        &mut self,
        classifier: &mut Classifier<'_>,
        samples: &[f32],
        report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        self.stream.push(samples, &mut self.frames)?;
        self.classify(classifier, report)
    }

    fn finish(
        mut self,
        classifier: &mut Classifier<'_>,
        report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        self.stream.clone().finish(&mut self.frames)?;
        self.classify(classifier, report)
    }

    /// Classifies the windows that are complete.
    fn classify(
        &mut self,
        classifier: &mut Classifier<'_>,
        mut report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        while self.start + self.frames.len() / self.width >= self.next + self.length {
            // With a hop longer than the window, `start` may lie before the next window.
            let first = (self.next - self.start) * self.width;
            let window = self.frames[first..first + self.length * self.width].to_vec();
            let probabilities = classifier.classify_frames(&Features::new(self.width, window))?;
            report(self.next as f64 * self.frame_seconds + self.window_seconds, &probabilities);
            self.next += self.hop;
        }
        let passed = (self.next - self.start).min(self.frames.len() / self.width);
        self.frames.drain(..passed * self.width);
        self.start += passed;
        Ok(())
    }
}

impl SampleWindows {
    fn push(
        &mut self,
        classifier: &mut Classifier<'_>,
        sample_rate_hz: u32,
        samples: &[f32],
        mut report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        self.samples.extend_from_slice(samples);
        while self.start + self.samples.len() >= self.next + self.length {
            let first = self.next - self.start;
            let samples = self.samples[first..first + self.length].to_vec();
            let probabilities = classifier.classify(&stapes_audio::Clip { samples, sample_rate_hz })?;
            report((self.next + self.length) as f64 / f64::from(sample_rate_hz), &probabilities);
            self.next += self.hop;
        }
        let passed = (self.next - self.start).min(self.samples.len());
        self.samples.drain(..passed);
        self.start += passed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use stapes_audio::Clip;
    use stapes_nn::ModelConfig;

    use super::*;

    /// Model with random weights.
    fn model(preset: &str, change: impl Fn(&mut FeatureConfig)) -> Model {
        let mut features = stapes_features::preset(preset).unwrap();
        change(&mut features);
        let config: ModelConfig =
            toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 4\nbidirectional = true").unwrap();
        Model::untrained(features, config, ["a", "b", "c"].map(str::to_owned).to_vec(), 1).unwrap()
    }

    fn samples(count: usize) -> Vec<f32> {
        (0..count).map(|n| f32::from((n * n % 30_011) as i16 - 15_000) / 32_768.0).collect()
    }

    /// Returns ends and probabilities of all windows.
    fn windows(model: &Model, hop: f64, samples: &[f32], chunk: usize) -> Vec<(f64, Vec<f32>)> {
        let mut stream = WindowStream::new(model, 1.0, hop).unwrap();
        let mut found = Vec::new();
        for chunk in samples.chunks(chunk) {
            stream.push(chunk, |end, probabilities| found.push((end, probabilities.to_vec()))).unwrap();
        }
        stream.finish(|end, probabilities| found.push((end, probabilities.to_vec()))).unwrap();
        found
    }

    #[test]
    fn a_window_has_the_probabilities_of_its_clip_for_any_chunks() {
        let samples = samples(40_000);
        for (model, is_shared) in [
            (model("kaldi-mfcc-39", |_| {}), true),
            (model("log-mel", |_| {}), false),
            (model("log-mel", |features| features.fixed_length_samples = Some(16_000)), false),
            (model("kaldi-mfcc-39", |features| features.normalization = Normalization::PerUtterance), false),
        ] {
            assert_eq!(WindowStream::new(&model, 1.0, 0.1).unwrap().shares_features(), is_shared);
            for hop in [0.1, 0.5, 1.2] {
                let expected = windows(&model, hop, &samples, 40_000);
                assert_eq!(expected.len(), ((40_000.0 - 16_000.0) / (16_000.0 * hop)) as usize + 1);
                for chunk in [160, 1111] {
                    assert!(windows(&model, hop, &samples, chunk) == expected, "{hop} {chunk}");
                }
                // Deltas at the edges of a window know the frames beside it; the next test has none.
                let mut classifier = Classifier::new(&model).unwrap();
                for (end, probabilities) in expected.into_iter().filter(|_| !is_shared) {
                    let end = (end * 16_000.0).round() as usize;
                    let clip = Clip { samples: samples[end - 16_000..end].to_vec(), sample_rate_hz: 16_000 };
                    assert_eq!(probabilities, classifier.classify(&clip).unwrap(), "{hop}");
                }
            }
        }
    }

    #[test]
    fn without_deltas_shared_features_give_the_bits_of_the_clip() {
        let samples = samples(30_000);
        let mut features = stapes_features::preset("kaldi-mfcc-39").unwrap();
        let stapes_features::FrontEndConfig::KaldiMfcc(mfcc) = &mut features.front_end else { panic!() };
        mfcc.deltas = 0;
        let front_end = features.front_end;
        let model = model("kaldi-mfcc-39", |features| features.front_end = front_end.clone());
        let mut classifier = Classifier::new(&model).unwrap();
        for (end, probabilities) in windows(&model, 0.1, &samples, 500) {
            let end = (end * 16_000.0).round() as usize;
            let clip = Clip { samples: samples[end - 16_000..end].to_vec(), sample_rate_hz: 16_000 };
            assert_eq!(probabilities, classifier.classify(&clip).unwrap());
        }
    }

    #[test]
    fn frame_level_models_have_no_windows() {
        let mut model = model("kaldi-mfcc-39", |_| {});
        model.config =
            toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 4\nhead = 'per_frame'").unwrap();
        model.parameters = model.config.build(model.shape, 3).unwrap().initial_parameters(1);
        assert!(matches!(WindowStream::new(&model, 1.0, 0.1), Err(InferError::FrameLevel { .. })));
    }
}
