//! The models of a server, and what each can do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;
use stapes_audio::Clip;
use stapes_infer::{
    Classifier, InferError, Input, KeywordSettings, ListenerModel, ListenerOptions, Model, ModelCard,
    SpeechOptions,
};

use crate::api_error::ApiError;
use crate::error::ServeError;

/// A model with the name under which it is served.
///
/// # Example
/// ```no_run
/// use stapes_infer::Model;
/// use stapes_serve::ServedModel;
///
/// let model = Model::load("runs/vad/model.safetensors".as_ref())?;
/// let served = ServedModel::new("vad", model).with_description("Voice activity");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServedModel {
    name: String,
    description: String,
    license: Option<String>,
    model: Model,
}

impl ServedModel {
    /// Gives a model its name.
    pub fn new(name: impl Into<String>, model: Model) -> ServedModel {
        ServedModel { name: name.into(), description: String::new(), license: None, model }
    }

    /// Sets the text that describes the model in lists.
    pub fn with_description(self, description: impl Into<String>) -> ServedModel {
        ServedModel { description: description.into(), ..self }
    }

    /// Sets the license of the model, such as `CC BY 4.0`.
    pub fn with_license(self, license: impl Into<String>) -> ServedModel {
        ServedModel { license: Some(license.into()), ..self }
    }
}

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

/// Processor time per second of sound, s; infinite if it is not known.
#[derive(Clone, Copy, Debug)]
struct Speed {
    recording: f64,
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
    /// Times as measured when the model was loaded.
    speed: Speed,
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
            speed: Speed { recording: f64::INFINITY, stream: f64::INFINITY },
            classifiers: Mutex::new(vec![classifier]),
            listeners: Mutex::default(),
            name: name.clone(),
            model,
        };
        let started = loaded.with_listener(|listener| listener.start(&loaded.listener_options()).map(|_| ()));
        loaded.not_streamed = started.err().map(|error| error.to_string());
        loaded.speed = loaded.measure();
        Ok(loaded)
    }

    /// Measures the model on a second of silence.
    fn measure(&self) -> Speed {
        let rate = self.sample_rate_hz;
        let clip = Clip { samples: vec![0.0; rate as usize], sample_rate_hz: rate };
        let classify = || self.with_classifier(|classifier| classifier.classify(&clip)).map(drop);
        let listen = || {
            self.with_listener(|listener| {
                let mut stream = listener.start(&self.listener_options())?;
                stream.push(listener, &clip.samples, |_| {})
            })
        };
        Speed { recording: shortest(classify), stream: shortest(listen) }
    }

    /// Returns the expected time to classify a recording, s.
    pub(crate) fn expected_seconds(&self, recording_seconds: f64) -> f64 {
        self.speed.recording * recording_seconds
    }

    /// Returns the expected time to process a piece of a stream, s.
    pub(crate) fn expected_stream_seconds(&self, piece_seconds: f64) -> f64 {
        self.speed.stream * piece_seconds
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
