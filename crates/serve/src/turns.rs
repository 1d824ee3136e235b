//! Turns of a speaker: the options of OpenAI's `server_vad`, and the events that follow from a model that listens.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use stapes_features::FeatureError;
use stapes_files::number::rounded_seconds;
use stapes_infer::{
    InferError, Keyword, KeywordOptions, KeywordSettings, ListenerEvent, ListenerModel, ListenerOptions,
    ListenerStream, SpeechOptions, SpeechTime,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::api_error::ApiError;
use crate::app::App;
use crate::models::LoadedModel;
use crate::parameters::{Parameters, bad_option};
use crate::samples::{Encoding, Samples};

/// Defaults of OpenAI's `server_vad`.
const PREFIX_PADDING_MS: f64 = 300.0;
const SILENCE_DURATION_MS: f64 = 500.0;

/// Longest time in options, ms.
const MAX_MS: f64 = 60_000.0;

/// Longest window of a model of clips, s, and most windows that contain an instant: they bound the work per second of sound.
const MAX_WINDOW_SECONDS: f64 = 10.0;
const MAX_OVERLAP: f64 = 20.0;

/// Longest sound of a message, s: it bounds the time on a thread, and the events in memory.
const MAX_MESSAGE_SECONDS: f64 = 60.0;

/// How a model listens to a stream.
#[derive(Clone, Debug)]
pub(crate) struct TurnOptions {
    pub(crate) listener: ListenerOptions,
    /// Time by which a start of speech is earlier, s.
    pub(crate) prefix_seconds: f64,
    /// Report the probabilities of every frame or window.
    pub(crate) scores: bool,
}

impl TurnOptions {
    /// Returns the defaults of a model.
    pub(crate) fn of_model(model: &LoadedModel) -> TurnOptions {
        let listener = match model.listener_options() {
            ListenerOptions::Speech(_) => ListenerOptions::Speech(speech_options()),
            listener => listener,
        };
        TurnOptions { listener, prefix_seconds: PREFIX_PADDING_MS / 1000.0, scores: false }
    }

    /// Takes the options of a stream.
    ///
    /// # Errors
    /// An error for a value that is invalid. Options for the other kind of models are not taken.
    pub(crate) fn take(parameters: &mut Parameters, model: &LoadedModel) -> Result<TurnOptions, ApiError> {
        let mut options = TurnOptions::of_model(model);
        options.scores = parameters.switch("scores")?;
        let threshold = parameters.number("threshold", 0.0, 1.0)?;
        match &mut options.listener {
            ListenerOptions::Speech(speech) => {
                speech.threshold = threshold.unwrap_or(speech.threshold);
                for (name, value) in [
                    ("silence_duration_ms", &mut speech.min_silence_duration_ms),
                    ("min_speech_duration_ms", &mut speech.min_speech_duration_ms),
                ] {
                    *value = parameters.number(name, 0.0, MAX_MS)?.unwrap_or(*value);
                }
                if let Some(padding) = parameters.number("prefix_padding_ms", 0.0, MAX_MS)? {
                    options.prefix_seconds = padding / 1000.0;
                }
            }
            ListenerOptions::Keywords { window_seconds, hop_seconds, options } => {
                take_keywords(parameters, model, options, threshold)?;
                if let Some(seconds) = parameters.number("window", 0.1, MAX_WINDOW_SECONDS)? {
                    *window_seconds = seconds;
                    *hop_seconds = hop_seconds.max(seconds / MAX_OVERLAP);
                }
                let min_hop = *window_seconds / MAX_OVERLAP;
                if let Some(seconds) = parameters.number("hop", min_hop, MAX_WINDOW_SECONDS)? {
                    *hop_seconds = seconds;
                }
                for (name, value) in [
                    ("smoothing", &mut options.smoothing_seconds),
                    ("refractory", &mut options.refractory_seconds),
                ] {
                    *value = parameters.number(name, 0.0, MAX_MS / 1000.0)?.unwrap_or(*value);
                }
            }
            ListenerOptions::Scores => {}
        }
        Ok(options)
    }

    /// Checks that the stream has something to report.
    ///
    /// # Errors
    /// An error for a model of clips without keywords, unless scores are wanted.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match &self.listener {
            ListenerOptions::Keywords { options, .. } if options.keywords.is_empty() && !self.scores => {
                let fault = "is missing, and the model has no stored keywords; name labels, with `threshold`, or set `scores`";
                Err(bad_option("keyword", fault))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the options of speech: a start is padded here, and an end is not.
fn speech_options() -> SpeechOptions {
    SpeechOptions {
        min_silence_duration_ms: SILENCE_DURATION_MS,
        speech_pad_ms: 0.0,
        ..SpeechOptions::default()
    }
}

/// Takes the keywords: the named ones, else those of the model; with one threshold for all, else those of the model.
fn take_keywords(
    parameters: &mut Parameters,
    model: &LoadedModel,
    options: &mut KeywordOptions,
    threshold: Option<f64>,
) -> Result<(), ApiError> {
    let names = parameters.texts("keyword");
    let labels = &model.model.labels;
    let stored = model.keywords.as_ref().map(|settings: &KeywordSettings| &settings.thresholds);
    if !names.is_empty() {
        options.keywords.clear();
    }
    for name in &names {
        let Some(class) = labels.iter().position(|label| label == name) else {
            let fault = format!("{name:?} is not a label of the model; use one of: {}", labels.join(", "));
            return Err(bad_option("keyword", &fault));
        };
        if options.keywords.iter().any(|keyword| keyword.class == class) {
            return Err(bad_option("keyword", &format!("{name:?} is given more than once; give it once")));
        }
        let stored = stored.and_then(|thresholds| thresholds.get(name)).copied();
        let Some(threshold) = threshold.map(|threshold| threshold as f32).or(stored) else {
            let fault = format!("{name:?} has no threshold in the model file; give `threshold`");
            return Err(bad_option("keyword", &fault));
        };
        options.keywords.push(Keyword { class, threshold });
    }
    if let Some(threshold) = threshold {
        options.keywords.iter_mut().for_each(|keyword| keyword.threshold = threshold as f32);
    }
    Ok(())
}

/// Event of a stream.
///
/// # Units
/// s since the first sample
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TurnEvent {
    /// Speech starts, with the padding.
    Started(f64),
    /// Speech ended.
    Stopped(f64),
    /// A keyword was detected.
    Keyword { seconds: f64, class: usize, score: f32 },
    /// Probabilities of all labels.
    Scores { seconds: f64, probabilities: Vec<f32> },
}

impl TurnEvent {
    /// Name of the kind, as in JSON.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            TurnEvent::Started(_) => "speech_started",
            TurnEvent::Stopped(_) => "speech_stopped",
            TurnEvent::Keyword { .. } => "keyword",
            TurnEvent::Scores { .. } => "scores",
        }
    }

    /// Returns the message of a stream.
    pub(crate) fn json(&self, labels: &[String]) -> Value {
        let kind = self.kind();
        match self {
            TurnEvent::Started(seconds) | TurnEvent::Stopped(seconds) => {
                json!({ "type": kind, "seconds": rounded_seconds(*seconds) })
            }
            TurnEvent::Keyword { seconds, class, score } => json!({
                "type": kind, "seconds": rounded_seconds(*seconds), "label": labels[*class], "score": score,
            }),
            TurnEvent::Scores { seconds, probabilities } => {
                let values = probabilities.iter().map(|value| json!(value));
                let all: Map<String, Value> = labels.iter().cloned().zip(values).collect();
                json!({ "type": kind, "seconds": rounded_seconds(*seconds), "probabilities": all })
            }
        }
    }
}

/// A stream of samples with its events; it moves between the connection and the threads.
pub(crate) struct Turns {
    listener: ListenerStream,
    samples: Samples,
    padding: Padding,
    options: TurnOptions,
    sample_rate_hz: u32,
    /// The part of the budget for the resampler.
    _memory: Option<OwnedSemaphorePermit>,
}

/// Padding of the starts of speech.
struct Padding {
    prefix_seconds: f64,
    /// End of the last speech: a start is not earlier.
    last_seconds: f64,
}

impl Turns {
    /// Starts a stream on another thread: a resampler may take half a second to create.
    ///
    /// # Errors
    /// An error for a rate whose resampler needs more memory than there is, and those of [`ListenerModel::start`] and
    /// [`ListenerStream::with_sample_rate`].
    pub(crate) async fn start(
        app: &App,
        model: &Arc<LoadedModel>,
        options: TurnOptions,
        encoding: Encoding,
        sample_rate_hz: u32,
    ) -> Result<Turns, ApiError> {
        let refused = |fault: &str| bad_option("sample_rate", fault);
        let memory = app.budget.reserve_resampler(sample_rate_hz, model.sample_rate_hz, refused)?;
        let model = Arc::clone(model);
        let start = move || {
            let start = |listener: &mut ListenerModel<'static>| {
                listener.start(&options.listener)?.with_sample_rate(sample_rate_hz)
            };
            let listener = model.with_listener(start)?;
            let padding = Padding { prefix_seconds: options.prefix_seconds, last_seconds: 0.0 };
            let samples = Samples::new(encoding);
            Ok(Turns { listener, samples, padding, options, sample_rate_hz, _memory: memory })
        };
        app.run_stream(f64::INFINITY, start).await?.map_err(|error: InferError| error.into())
    }

    /// Returns the expected time to process a piece, s.
    pub(crate) fn expected_seconds(&self, model: &LoadedModel, piece_seconds: f64) -> f64 {
        model.expected_stream_seconds(&self.options.listener, self.sample_rate_hz, piece_seconds)
    }

    /// Duration of the samples so far, s.
    pub(crate) fn seconds(&self) -> f64 {
        self.listener.seconds()
    }

    /// Checks the duration of a message.
    ///
    /// # Errors
    /// A sentence about a message that is too long.
    pub(crate) fn check_message(encoding: Encoding, bytes: usize, sample_rate_hz: u32) -> Result<(), String> {
        match encoding.seconds(bytes, sample_rate_hz) > MAX_MESSAGE_SECONDS {
            true => {
                Err(format!("a message has more than {MAX_MESSAGE_SECONDS} s of sound; send shorter ones"))
            }
            false => Ok(()),
        }
    }

    /// Adds bytes of samples, and returns the events that are certain.
    ///
    /// # Errors
    /// Those of [`ListenerStream::push`].
    pub(crate) fn push(
        &mut self,
        model: &mut ListenerModel<'_>,
        bytes: &[u8],
    ) -> Result<Vec<TurnEvent>, InferError> {
        let mut events = Vec::new();
        let (padding, scores) = (&mut self.padding, self.options.scores);
        let samples = self.samples.decode(bytes);
        self.listener.push(model, samples, |event| events.extend(padding.event(event, scores)))?;
        Ok(events)
    }

    /// Ends the stream, and returns the rest.
    ///
    /// # Errors
    /// Those of [`ListenerStream::finish`].
    pub(crate) fn finish(mut self, model: &mut ListenerModel<'_>) -> Result<Vec<TurnEvent>, InferError> {
        let mut events = Vec::new();
        match self
            .listener
            .finish(model, |event| events.extend(self.padding.event(event, self.options.scores)))
        {
            // Sound that is shorter than a frame has no events.
            Ok(()) | Err(InferError::Features(FeatureError::TooShort { .. })) => Ok(events),
            Err(error) => Err(error),
        }
    }
}

impl Padding {
    fn event(&mut self, event: ListenerEvent<'_>, scores: bool) -> Option<TurnEvent> {
        match event {
            ListenerEvent::Scores { seconds, probabilities, .. } => {
                scores.then(|| TurnEvent::Scores { seconds, probabilities: probabilities.to_vec() })
            }
            ListenerEvent::Speech(SpeechTime::Start(seconds)) => {
                Some(TurnEvent::Started((seconds - self.prefix_seconds).max(self.last_seconds)))
            }
            ListenerEvent::Speech(SpeechTime::End(seconds)) => {
                self.last_seconds = seconds;
                Some(TurnEvent::Stopped(seconds))
            }
            ListenerEvent::Keyword { seconds, class, score } => {
                Some(TurnEvent::Keyword { seconds, class, score })
            }
        }
    }
}
