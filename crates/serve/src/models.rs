//! The models of a server, and what each can do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;
use stapes_audio::{Clip, StreamResampler};
use stapes_infer::{
    Classifier, InferError, Input, KeywordSettings, ListenerModel, ListenerOptions, Model, ModelCard,
    SpeechOptions,
};

use crate::api_error::ApiError;
use crate::error::ServeError;
use crate::served_model::ServedModel;

/// Largest block of the resampler that is converted on a thread of the connections; usual rates have 6,144 samples and less.
pub(crate) const MAX_SHORT_BLOCK: usize = 8192;

/// Longest piece that is resampled on a thread of the connections, s.
const MAX_RESAMPLED_SECONDS: f64 = 1.0;

/// Shortest piece of a stream in estimates of its time, s.
const MIN_PIECE_SECONDS: f64 = 0.1;

/// Number of calls that are timed when a model is loaded.
const MEASUREMENTS: usize = 3;

/// Ability of a model that a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Any model.
    Classify,
    /// A frame-level model.
    Segments,
    /// A model that listens.
    Stream,
}

/// Times for a second of silence, s; infinite if they are not known.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Classification of the recording.
    classify: f64,
    /// Stream of a frame-level model.
    stream: f64,
}

/// A model in memory, with classifiers that are lent to the threads.
pub(crate) struct LoadedModel {
    pub(crate) name: String,
    description: String,
    card: Card,
    pub(crate) model: Model,
    pub(crate) sample_rate_hz: u32,
    pub(crate) is_frame_level: bool,
    /// Windows and keywords of a model of clips.
    pub(crate) keywords: Option<KeywordSettings>,
    /// Why the model does not listen to streams.
    not_streamed: Option<String>,
    /// As measured when the model was loaded.
    times: Times,
    classifiers: Mutex<Vec<Classifier<'static>>>,
    listeners: Mutex<Vec<ListenerModel<'static>>>,
}

impl LoadedModel {
    fn new(served: ServedModel) -> Result<LoadedModel, ServeError> {
        let ServedModel { name, description, license, model } = served;
        let failed = |error| ServeError::Infer { name: name.clone(), source: Box::new(error) };
        let Input::Recordings(features) = &model.input else {
            let reason = "the model reads frames, not recordings; serve a model of recordings".into();
            return Err(ServeError::Model { name, reason });
        };
        let sample_rate_hz = features.sample_rate_hz;
        let is_frame_level = model.network().map_err(failed)?.objective().is_frame_level();
        let classifier = Classifier::from_model(model.clone()).map_err(failed)?;
        let card = Card { facts: ModelCard::new(&model).map_err(failed)?, license };
        let mut loaded = LoadedModel {
            description,
            card,
            sample_rate_hz,
            is_frame_level,
            keywords: KeywordSettings::of_model(&model).filter(|_| !is_frame_level),
            not_streamed: None,
            times: Times { classify: f64::INFINITY, stream: f64::INFINITY },
            classifiers: Mutex::new(vec![classifier]),
            listeners: Mutex::default(),
            name: name.clone(),
            model,
        };
        let started = loaded.with_listener(|listener| listener.start(&loaded.listener_options()).map(|_| ()));
        loaded.not_streamed = started.err().map(|error| error.to_string());
        loaded.times = loaded.measure();
        Ok(loaded)
    }

    /// Measures the model on a second of silence.
    fn measure(&self) -> Times {
        let rate = self.sample_rate_hz;
        let clip = Clip { samples: vec![0.0; rate as usize], sample_rate_hz: rate };
        let classify = || self.with_classifier(|classifier| classifier.classify(&clip)).map(drop);
        let listen = || {
            self.with_listener(|listener| {
                let mut stream = listener.start(&self.listener_options())?;
                stream.push(listener, &clip.samples, |_| {})
            })
        };
        Times { classify: shortest(classify), stream: shortest(listen) }
    }

    /// Returns the expected time to classify a recording, s: at least that of a second, because short recordings may be padded.
    pub(crate) fn expected_seconds(&self, recording_seconds: f64) -> f64 {
        self.times.classify * recording_seconds.max(1.0)
    }

    /// Returns the expected time to process a piece of a stream, s; infinite if it has to be resampled in large blocks.
    pub(crate) fn expected_stream_seconds(
        &self,
        listener: &ListenerOptions,
        sample_rate_hz: u32,
        piece_seconds: f64,
    ) -> f64 {
        let is_resampled = sample_rate_hz != self.sample_rate_hz;
        let block = StreamResampler::block_samples(sample_rate_hz, self.sample_rate_hz);
        if is_resampled && (block > MAX_SHORT_BLOCK || piece_seconds > MAX_RESAMPLED_SECONDS) {
            return f64::INFINITY;
        }
        match listener {
            ListenerOptions::Keywords { window_seconds, hop_seconds, .. } => {
                let windows = (piece_seconds / hop_seconds).floor() + 1.0;
                windows * self.expected_seconds(*window_seconds)
            }
            // A short piece may complete a frame.
            ListenerOptions::Speech(_) | ListenerOptions::Scores => {
                self.times.stream * piece_seconds.max(MIN_PIECE_SECONDS)
            }
        }
    }

    /// Returns the options of streams without options; the windows of a model of clips are of a second if the model does not say.
    pub(crate) fn listener_options(&self) -> ListenerOptions {
        if self.is_frame_level {
            return ListenerOptions::Speech(SpeechOptions::default());
        }
        let settings = self.keywords.clone().unwrap_or_else(|| KeywordSettings::with_window(1.0));
        let KeywordSettings { window_seconds, hop_seconds, .. } = settings;
        let options = settings.options(&self.model.labels);
        ListenerOptions::Keywords { window_seconds, hop_seconds, options }
    }

    /// Calls a function with a classifier that is free, or a new one.
    pub(crate) fn with_classifier<T>(
        &self,
        call: impl FnOnce(&mut Classifier<'static>) -> Result<T, InferError>,
    ) -> Result<T, InferError> {
        let create = || Classifier::from_model(self.model.clone());
        lend(&self.classifiers, create, call)
    }

    /// Calls a function with a model that listens and is free, or a new one.
    pub(crate) fn with_listener<T>(
        &self,
        call: impl FnOnce(&mut ListenerModel<'static>) -> Result<T, InferError>,
    ) -> Result<T, InferError> {
        let create = || ListenerModel::from_model(self.model.clone(), &self.listener_options());
        lend(&self.listeners, create, call)
    }

    /// Returns true if the model listens to streams.
    pub(crate) fn is_streamed(&self) -> bool {
        self.not_streamed.is_none()
    }

    fn suits(&self, need: Need) -> Result<(), String> {
        match need {
            Need::Segments if !self.is_frame_level => {
                Err("the model labels recordings, not frames; choose a voice activity model".into())
            }
            Need::Stream => match &self.not_streamed {
                Some(reason) => Err(format!("{reason}; choose another model")),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Returns the entry of `/v1/models`.
    fn entry(&self) -> ModelEntry<'_> {
        let endpoints = [
            (Need::Classify, "/v1/classify"),
            (Need::Segments, "/v1/segments"),
            (Need::Stream, "/v1/stream"),
        ];
        let able = endpoints.into_iter().filter(|(need, _)| self.suits(*need).is_ok());
        ModelEntry {
            name: &self.name,
            description: &self.description,
            labels: &self.model.labels,
            predicts: if self.is_frame_level { "frames" } else { "recordings" },
            sample_rate: self.sample_rate_hz,
            keywords: self.keywords.as_ref().map(|settings| settings.thresholds.clone()).unwrap_or_default(),
            endpoints: able.map(|(_, endpoint)| endpoint).collect(),
            card: &self.card,
        }
    }
}

/// Entry of `/v1/models`.
#[derive(Serialize)]
struct ModelEntry<'a> {
    name: &'a str,
    description: &'a str,
    labels: &'a [String],
    predicts: &'static str,
    sample_rate: u32,
    keywords: BTreeMap<String, f32>,
    endpoints: Vec<&'static str>,
    card: &'a Card,
}

/// Facts about a model, in its entry.
#[derive(Serialize)]
struct Card {
    #[serde(flatten)]
    facts: ModelCard,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<String>,
}

/// Answer of `/v1/models`.
#[derive(Serialize)]
pub(crate) struct ModelList<'a> {
    models: Vec<ModelEntry<'a>>,
}

/// Returns the time of the fastest of a few calls, s; infinite if one fails.
fn shortest(call: impl Fn() -> Result<(), InferError>) -> f64 {
    let time = || {
        let started = Instant::now();
        call().map_or(f64::INFINITY, |()| started.elapsed().as_secs_f64())
    };
    (0..MEASUREMENTS).map(|_| time()).fold(f64::INFINITY, f64::min)
}

/// Lends a value that is free, or creates one. After a panic the value is not used again.
fn lend<V, T>(
    free: &Mutex<Vec<V>>,
    create: impl FnOnce() -> Result<V, InferError>,
    call: impl FnOnce(&mut V) -> Result<T, InferError>,
) -> Result<T, InferError> {
    let found = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut value = match found {
        Some(value) => value,
        None => create()?,
    };
    let result = call(&mut value);
    free.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    result
}

/// The models of a server, in the order of the command line.
pub(crate) struct Models(Vec<Arc<LoadedModel>>);

impl Models {
    pub(crate) fn new(models: Vec<ServedModel>) -> Result<Models, ServeError> {
        if models.is_empty() {
            return Err(ServeError::NoModels);
        }
        for (at, model) in models.iter().enumerate() {
            if models[..at].iter().any(|other| other.name == model.name) {
                return Err(ServeError::SameName(model.name.clone()));
            }
        }
        let load = |model| Ok(Arc::new(LoadedModel::new(model)?));
        Ok(Models(models.into_iter().map(load).collect::<Result<_, ServeError>>()?))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<LoadedModel>> {
        self.0.iter()
    }

    /// Finds the model of a request: the named one, or without a name the only one that can do it.
    ///
    /// # Errors
    /// An error with the names of the models.
    pub(crate) fn find(&self, name: Option<&str>, need: Need) -> Result<Arc<LoadedModel>, ApiError> {
        let able = || self.0.iter().filter(|model| model.suits(need).is_ok());
        let names = || able().map(|model| &*model.name).collect::<Vec<_>>().join(", ");
        let Some(name) = name else {
            let (mut models, count) = (able(), able().count());
            return match (models.next(), count) {
                (Some(model), 1) => Ok(model.clone()),
                (None, _) => Err(ApiError::bad_request(
                    "wrong_model",
                    "the server has no model for this; start it with another model",
                )),
                _ => Err(ApiError::bad_request(
                    "model_missing",
                    format!("the server has several models; choose one with `model`: {}", names()),
                )),
            };
        };
        let Some(model) = self.0.iter().find(|model| model.name == name) else {
            return Err(ApiError::bad_request(
                "unknown_model",
                format!("the server has no model {name:?}; choose one of: {}", names()),
            ));
        };
        match model.suits(need) {
            Ok(()) => Ok(model.clone()),
            Err(reason) => Err(ApiError::bad_request("wrong_model", format!("{name:?}: {reason}"))),
        }
    }

    /// Returns the list of `/v1/models`.
    pub(crate) fn list(&self) -> ModelList<'_> {
        ModelList { models: self.0.iter().map(|model| model.entry()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::app;

    #[test]
    fn expected_times_are_at_least_those_of_one_call() {
        let app = app();
        let digits = app.models.find(Some("digits"), Need::Stream).unwrap();
        let vad = app.models.find(Some("vad"), Need::Stream).unwrap();
        // A short recording may be padded.
        assert_eq!(digits.expected_seconds(0.01), digits.expected_seconds(1.0));
        assert_eq!(digits.expected_seconds(3.0), 3.0 * digits.times.classify);
        let windows = |window_seconds, hop_seconds, piece| {
            let options = KeywordSettings::with_window(window_seconds).options(&digits.model.labels);
            let listener = ListenerOptions::Keywords { window_seconds, hop_seconds, options };
            digits.expected_stream_seconds(&listener, digits.sample_rate_hz, piece)
        };
        // Any piece may complete a window.
        assert_eq!(windows(1.0, 0.1, 0.001), digits.times.classify);
        assert_eq!(windows(1.0, 0.25, 1.0), 5.0 * digits.times.classify);
        assert_eq!(windows(10.0, 0.5, 0.02), 10.0 * digits.times.classify);
        let speech = |rate_hz, piece| vad.expected_stream_seconds(&vad.listener_options(), rate_hz, piece);
        assert_eq!(speech(16_000, 0.001), 0.1 * vad.times.stream);
        assert_eq!(speech(16_000, 5.0), 5.0 * vad.times.stream);
    }

    #[test]
    fn resampling_in_large_blocks_is_long_work() {
        let app = app();
        let vad = app.models.find(Some("vad"), Need::Stream).unwrap();
        let expected = |rate_hz, piece| vad.expected_stream_seconds(&vad.listener_options(), rate_hz, piece);
        for rate_hz in [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000] {
            assert_eq!(expected(rate_hz, 0.1), 0.1 * vad.times.stream, "{rate_hz}");
        }
        for rate_hz in [44_101, 192_000, 767_957] {
            assert_eq!(expected(rate_hz, 0.1), f64::INFINITY, "{rate_hz}");
        }
        assert_eq!(expected(48_000, 1.5), f64::INFINITY);
    }
}
