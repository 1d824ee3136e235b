//! Streams that share the weights of a model.

use std::borrow::Cow;

use stapes_audio::StreamResampler;
use stapes_features::FrameTimes;

use crate::classifier::Classifier;
use crate::decisions::{Detection, KeywordDetector, KeywordOptions};
use crate::error::InferError;
use crate::keyword_settings::KeywordSettings;
use crate::listener::{ListenerEvent, ListenerOptions};
use crate::model::{Input, Model};
use crate::speech_stream::SpeechStream;
use crate::stream::{FrameStream, StreamNetwork};
use crate::window_stream::Windows;

/// A model loaded once for many streams, each a [`ListenerStream`]: its weights stay in the processor's cache, and are in memory
/// once.
///
/// # Example
/// ```
/// # use stapes_infer::{ListenerEvent, ListenerModel, ListenerOptions, Model, SpeechOptions};
/// # let features = stapes_features::preset("kaldi-mfcc-39")?;
/// # let config: stapes_nn::ModelConfig = serde_json::from_str(
/// #     r#"{"recurrent": {"cell": "lstm", "hidden_size": 8, "head": "per_frame_binary"}}"#)?;
/// # let model = Model::untrained(features, config, vec!["silence".into(), "voice".into()], 1)?;
/// let options = ListenerOptions::Speech(SpeechOptions::default());
/// let mut loaded = ListenerModel::from_model(model, &options)?;
/// let mut streams = vec![loaded.start(&options)?, loaded.start(&options)?];
/// let mut frames = 0;
/// for stream in &mut streams {
///     stream.push(&mut loaded, &[0.0; 1600], |event| {
///         frames += usize::from(matches!(event, ListenerEvent::Scores { .. }));
///     })?;
/// }
/// // Two streams of eight frames, of which the last four wait for the deltas of later ones.
/// assert_eq!(frames, 2 * 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ListenerModel<'a>(Loaded<'a>);

/// How a model listens.
enum Loaded<'a> {
    /// Frame by frame: a causal model.
    Frames(Box<StreamNetwork<'a>>),
    /// Window by window: a model of clips.
    Windows(Box<Classifier<'a>>),
}

/// One stream of a [`ListenerModel`]: everything of a [`Listener`](crate::Listener) but the model.
pub struct ListenerStream {
    steps: Steps,
    decision: Decision,
    resampler: StreamResampler,
    model_rate_hz: u32,
    rate_hz: u32,
    /// Number of samples so far, at `rate_hz`.
    count: u64,
    resampled: Vec<f32>,
}

/// State of a model that listens.
enum Steps {
    Frames { stream: Box<FrameStream>, times: FrameTimes, frame: usize },
    Windows(Windows),
}

/// Decision from the probabilities over time.
enum Decision {
    None,
    Speech(SpeechStream),
    Keywords(KeywordDetector),
}

impl ListenerModel<'static> {
    /// Loads a model that is owned, for streams with options of this kind.
    ///
    /// # Errors
    /// Those of [`ListenerModel::new`].
    pub fn from_model(model: Model, options: &ListenerOptions) -> Result<ListenerModel<'static>, InferError> {
        ListenerModel::build(Cow::Owned(model), options)
    }
}

impl<'a> ListenerModel<'a> {
    /// Loads a model for streams with options of this kind.
    ///
    /// # Errors
    /// [`InferError::Model`] or [`InferError::Features`] if the settings are impossible.
    pub fn new(model: &'a Model, options: &ListenerOptions) -> Result<ListenerModel<'a>, InferError> {
        ListenerModel::build(Cow::Borrowed(model), options)
    }

    fn build(model: Cow<'a, Model>, options: &ListenerOptions) -> Result<ListenerModel<'a>, InferError> {
        Ok(ListenerModel(match options {
            ListenerOptions::Keywords { .. } => Loaded::Windows(Box::new(Classifier::build(model)?)),
            ListenerOptions::Speech(_) | ListenerOptions::Scores => {
                Loaded::Frames(Box::new(StreamNetwork::new(model)?))
            }
        }))
    }

    /// Returns the model.
    pub fn model(&self) -> &Model {
        match &self.0 {
            Loaded::Frames(network) => network.model(),
            Loaded::Windows(classifier) => classifier.model(),
        }
    }

    /// Starts a stream of samples at the model's rate.
    ///
    /// # Errors
    /// Those of [`Listener::new`](crate::Listener::new); [`InferError::FrameLevel`] if the options are not of the kind for which the model was loaded.
    pub fn start(&self, options: &ListenerOptions) -> Result<ListenerStream, InferError> {
        let model = self.model();
        let Input::Recordings(features) = &model.input else {
            let expected = format!("frames {}", model.shape);
            return Err(InferError::WrongInput { expected, got: "a stream of samples".into() });
        };
        let (steps, decision) = match (options, &self.0) {
            (ListenerOptions::Speech(options), Loaded::Frames(network)) => {
                options.check().map_err(|(name, fault)| InferError::SpeechOptions { name, fault })?;
                let speech = SpeechStream::new(model, options)?;
                (Steps::frames(network, features.frame_times()?)?, Decision::Speech(speech))
            }
            (ListenerOptions::Scores, Loaded::Frames(network)) => {
                (Steps::frames(network, features.frame_times()?)?, Decision::None)
            }
            (
                ListenerOptions::Keywords { window_seconds, hop_seconds, options },
                Loaded::Windows(classifier),
            ) => {
                check_keywords(&model.labels, *window_seconds, *hop_seconds, options)?;
                let windows = Windows::new(classifier, *window_seconds, *hop_seconds)?;
                let detector = KeywordDetector::new(options, windows.hop_seconds());
                (Steps::Windows(windows), Decision::Keywords(detector))
            }
            (_, loaded) => {
                return Err(InferError::FrameLevel { frame_level: matches!(loaded, Loaded::Frames(_)) });
            }
        };
        let model_rate_hz = features.sample_rate_hz;
        Ok(ListenerStream {
            steps,
            decision,
            resampler: StreamResampler::new(model_rate_hz, model_rate_hz)?,
            model_rate_hz,
            rate_hz: model_rate_hz,
            count: 0,
            resampled: Vec::new(),
        })
    }
}

impl ListenerStream {
    /// Returns the stream for samples at another rate, before the first of them.
    ///
    /// # Errors
    /// Those of [`Listener::with_sample_rate`](crate::Listener::with_sample_rate).
    pub fn with_sample_rate(self, rate_hz: u32) -> Result<ListenerStream, InferError> {
        let resampler = StreamResampler::new(rate_hz, self.model_rate_hz)?;
        Ok(ListenerStream { resampler, rate_hz, ..self })
    }

    /// Returns the time between two windows, s, and true if the features of each frame are computed once; `None` for a model that
    /// listens frame by frame.
    pub(crate) fn windows(&self) -> Option<(f64, bool)> {
        match &self.steps {
            Steps::Frames { .. } => None,
            Steps::Windows(windows) => Some((windows.hop_seconds(), windows.shares_features())),
        }
    }

    /// Returns the duration of the samples so far, s.
    pub fn seconds(&self) -> f64 {
        self.count as f64 / f64::from(self.rate_hz)
    }

    /// Adds samples, with the model that started the stream, or another one loaded from the same model.
    ///
    /// # Errors
    /// Those of [`Listener::push`](crate::Listener::push); [`InferError::FrameLevel`] for a model of the other kind.
    ///
    /// # Panics
    /// For a model with other layers.
    pub fn push(
        &mut self,
        model: &mut ListenerModel<'_>,
        samples: &[f32],
        mut report: impl FnMut(ListenerEvent<'_>),
    ) -> Result<(), InferError> {
        self.count += samples.len() as u64;
        self.resampled.clear();
        self.resampler.push(samples, &mut self.resampled)?;
        self.steps.push(model, &self.resampled, |seconds, probabilities| {
            self.decision.push(seconds, probabilities, &mut report);
        })
    }

    /// Ends the sound, with a model as in [`ListenerStream::push`], and reports the rest.
    ///
    /// # Errors
    /// Those of [`ListenerStream::push`]; [`InferError::Features`] if all samples are too few for one frame.
    ///
    /// # Panics
    /// For a model with other layers.
    pub fn finish(
        self,
        model: &mut ListenerModel<'_>,
        mut report: impl FnMut(ListenerEvent<'_>),
    ) -> Result<(), InferError> {
        let seconds = self.seconds();
        let ListenerStream { mut steps, mut decision, resampler, mut resampled, .. } = self;
        resampled.clear();
        resampler.finish(&mut resampled)?;
        let mut decide = |seconds: f64, probabilities: &[f32]| {
            decision.push(seconds, probabilities, &mut report);
        };
        steps.push(model, &resampled, &mut decide)?;
        steps.finish(model, &mut decide)?;
        if let Decision::Speech(speech) = decision {
            speech.finish(seconds, |time| report(ListenerEvent::Speech(time)));
        }
        Ok(())
    }
}

impl Steps {
    fn frames(network: &StreamNetwork<'_>, times: FrameTimes) -> Result<Steps, InferError> {
        Ok(Steps::Frames { stream: Box::new(network.start()?), times, frame: 0 })
    }

    fn push(
        &mut self,
        model: &mut ListenerModel<'_>,
        samples: &[f32],
        mut report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        match (self, &mut model.0) {
            (Steps::Frames { stream, times, frame }, Loaded::Frames(network)) => {
                stream.push(network, samples, |probabilities| {
                    report(times.center_seconds(*frame), probabilities);
                    *frame += 1;
                })
            }
            (Steps::Windows(windows), Loaded::Windows(classifier)) => {
                windows.push(classifier, samples, report)
            }
            (_, loaded) => Err(InferError::FrameLevel { frame_level: matches!(loaded, Loaded::Frames(_)) }),
        }
    }

    fn finish(
        self,
        model: &mut ListenerModel<'_>,
        mut report: impl FnMut(f64, &[f32]),
    ) -> Result<(), InferError> {
        match (self, &mut model.0) {
            (Steps::Frames { stream, times, mut frame }, Loaded::Frames(network)) => {
                stream.finish(network, |probabilities| {
                    report(times.center_seconds(frame), probabilities);
                    frame += 1;
                })
            }
            (Steps::Windows(windows), Loaded::Windows(classifier)) => windows.finish(classifier, report),
            (_, loaded) => Err(InferError::FrameLevel { frame_level: matches!(loaded, Loaded::Frames(_)) }),
        }
    }
}

impl Decision {
    /// Reports the probabilities at a time, and the events that follow from them.
    fn push(&mut self, seconds: f64, probabilities: &[f32], report: &mut impl FnMut(ListenerEvent<'_>)) {
        let (detection, keyword_scores) = match self {
            Decision::Keywords(detector) => (detector.push(probabilities), detector.scores()),
            Decision::None | Decision::Speech(_) => (None, &[][..]),
        };
        report(ListenerEvent::Scores { seconds, probabilities, keyword_scores });
        if let Some(Detection { class, score, .. }) = detection {
            report(ListenerEvent::Keyword { seconds, class, score });
        }
        if let Decision::Speech(speech) = self {
            speech.push(probabilities, |time| report(ListenerEvent::Speech(time)));
        }
    }
}

/// Returns an error for a time out of range, a threshold that is negative or NaN, and for a class without a label.
fn check_keywords(
    labels: &[String],
    window_seconds: f64,
    hop_seconds: f64,
    options: &KeywordOptions,
) -> Result<(), InferError> {
    let mut settings = KeywordSettings {
        hop_seconds,
        smoothing_seconds: options.smoothing_seconds,
        refractory_seconds: options.refractory_seconds,
        ..KeywordSettings::with_window(window_seconds)
    };
    for keyword in &options.keywords {
        let Some(label) = labels.get(keyword.class) else {
            let fault = format!("the keyword is class {}, and the model has {}", keyword.class, labels.len());
            return Err(InferError::Keywords(fault));
        };
        // Above 1, the keyword is never detected.
        let threshold = if keyword.threshold > 1.0 { 1.0 } else { keyword.threshold };
        settings.thresholds.insert(label.clone(), threshold);
    }
    settings.check(labels).map_err(InferError::Keywords)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::Keyword;

    #[test]
    fn thresholds_and_classes_of_keywords_are_checked() {
        let labels = ["no".to_owned(), "yes".to_owned()];
        let check = |class, threshold| {
            let keywords = vec![Keyword { class, threshold }];
            let options = KeywordOptions { keywords, ..KeywordOptions::default() };
            check_keywords(&labels, 1.0, 0.1, &options).map_err(|error| error.to_string())
        };
        for threshold in [0.0, 1.0, 1.5, f32::INFINITY] {
            assert_eq!(check(1, threshold), Ok(()), "{threshold}");
        }
        for (class, threshold, part) in [
            (1, f32::NAN, "\"yes\" is NaN"),
            (0, -0.1, "\"no\" is -0.1"),
            (2, 0.5, "the keyword is class 2, and the model has 2"),
        ] {
            let message = check(class, threshold).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }
}
