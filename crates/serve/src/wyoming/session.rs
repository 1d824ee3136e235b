//! One connection of the protocol.

use std::sync::Arc;

use serde_json::{Value, json};
use stapes_infer::{InferError, Keyword, ListenerOptions};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::watch;
use tokio::time::timeout;

use super::event::{Event, EventError};
use super::{Service, info};
use crate::app::{App, is_true};
use crate::connection::Connection;
use crate::models::LoadedModel;
use crate::samples::{Encoding, SampleFormat};
use crate::turns::{TurnEvent, TurnOptions, Turns};

/// One connection of the protocol.
pub(super) struct Session {
    stream: BufReader<Connection>,
    service: Arc<Service>,
    stopping: watch::Receiver<bool>,
    /// Names of wake words that the client wants, after `detect`; an empty list for all.
    wanted: Option<Vec<String>>,
    listening: Option<Listening>,
}

/// Sound that arrives.
struct Listening {
    format: Format,
    /// Time of the first sample, ms.
    start_ms: u64,
    /// A wake word was detected.
    is_detected: bool,
    parts: Vec<Part>,
}

/// A model that listens.
struct Part {
    model: Arc<LoadedModel>,
    turns: Turns,
    /// Wake words by class.
    names: Vec<(usize, String)>,
}

/// Format of samples.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Format {
    rate_hz: u32,
    encoding: Encoding,
}

/// Error that the client receives: code and text.
struct Fault(&'static str, String);

impl From<InferError> for Fault {
    fn from(error: InferError) -> Fault {
        Fault("bad-audio", error.to_string())
    }
}

/// End of a session.
enum End {
    /// The client has gone.
    Gone,
    /// The client receives an error.
    Fault(Fault),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> End {
        End::Gone
    }
}

impl Session {
    pub(super) fn new(connection: Connection, service: Arc<Service>) -> Session {
        let stopping = service.app.stopping();
        Session { stream: BufReader::new(connection), service, stopping, wanted: None, listening: None }
    }

    pub(super) async fn run(mut self) {
        if let Err(End::Fault(Fault(code, text))) = self.events().await {
            tracing::debug!(code, text, "wyoming connection ended");
            // The client may have gone.
            let _ = Event::new("error", json!({ "text": text, "code": code })).write(&mut self.stream).await;
        }
        let _ = self.stream.shutdown().await;
    }

    /// Reads and answers events until the client closes the connection or the server stops.
    async fn events(&mut self) -> Result<(), End> {
        let limits = self.service.app.options.limits.clone();
        loop {
            let first = tokio::select! {
                first = timeout(limits.idle_timeout, self.stream.fill_buf()) => first,
                () = is_true(&mut self.stopping) => return Ok(()),
            };
            if first.map_err(|_| End::Gone)??.is_empty() {
                return Ok(());
            }
            let event = timeout(limits.body_timeout, Event::read(&mut self.stream, limits.max_message_bytes));
            let event = match event.await.map_err(|_| End::Gone)? {
                Ok(Some(event)) => event,
                Ok(None) | Err(EventError::Io(_)) => return Ok(()),
                Err(error) => return Err(End::Fault(Fault("bad-event", error.to_string()))),
            };
            self.event(event).await?;
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), End> {
        match &*event.kind {
            "describe" => Ok(self.send("info", info::info(&self.service)).await?),
            "ping" => Ok(self.send("pong", Value::Object(event.data)).await?),
            "detect" => self.detect(&event),
            "audio-start" => self.start(&event).await,
            "audio-chunk" => self.chunk(event).await,
            "audio-stop" => self.stop().await,
            // Events of later versions.
            _ => Ok(()),
        }
    }

    async fn send(&mut self, kind: &str, data: Value) -> std::io::Result<()> {
        Event::new(kind, data).write(&mut self.stream).await
    }

    /// Notes the wake words that the client wants.
    fn detect(&mut self, event: &Event) -> Result<(), End> {
        let names = event.data.get("names").and_then(Value::as_array);
        let names: Vec<String> =
            names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let known = &self.service.wake_words;
        if names.iter().all(|name| known.iter().all(|word| word.name != *name)) && !names.is_empty()
            || known.is_empty()
        {
            let known: Vec<&str> = known.iter().map(|word| &*word.name).collect();
            let text = match known.is_empty() {
                true => "the server has no wake words; start it with a model that has keywords".to_owned(),
                false => {
                    format!("the server has none of these wake words; choose one of: {}", known.join(", "))
                }
            };
            return Err(End::Fault(Fault("unknown-name", text)));
        }
        self.wanted = Some(names);
        Ok(())
    }

    /// Starts the models for sound of a format.
    async fn start(&mut self, event: &Event) -> Result<(), End> {
        let format = Format::of(event).map_err(End::Fault)?;
        let start_ms = event.number("timestamp").unwrap_or(0);
        let parts = self.parts(format).await.map_err(End::Fault)?;
        if parts.is_empty() {
            let text =
                "the server has neither a voice activity model nor wake words; start it with another model";
            return Err(End::Fault(Fault("no-model", text.into())));
        }
        self.listening = Some(Listening { format, start_ms, is_detected: false, parts });
        Ok(())
    }

    /// Returns the models that listen: those of the wake words after `detect`, else that of voice activity, else all wake words.
    async fn parts(&self, format: Format) -> Result<Vec<Part>, Fault> {
        let app = &self.service.app;
        if let (None, Some(voice)) = (&self.wanted, &self.service.voice) {
            let options = TurnOptions::of_model(voice);
            return Ok(vec![Part::start(app, voice, options, format, Vec::new()).await?]);
        }
        let wanted = |name: &String| {
            self.wanted.as_ref().is_none_or(|wanted| wanted.is_empty() || wanted.contains(name))
        };
        let mut parts = Vec::new();
        for model in app.models.iter() {
            let words = self.service.wake_words.iter().filter(|word| Arc::ptr_eq(&word.model, model));
            let names: Vec<(usize, String)> =
                words.filter(|word| wanted(&word.name)).map(|word| (word.class, word.name.clone())).collect();
            if names.is_empty() {
                continue;
            }
            let mut options = TurnOptions::of_model(model);
            if let ListenerOptions::Keywords { options, .. } = &mut options.listener {
                let is_wanted = |keyword: &Keyword| names.iter().any(|(class, _)| *class == keyword.class);
                options.keywords.retain(is_wanted);
            }
            parts.push(Part::start(app, model, options, format, names).await?);
        }
        Ok(parts)
    }

    /// Processes samples and sends the events.
    async fn chunk(&mut self, event: Event) -> Result<(), End> {
        let format = Format::of(&event).map_err(End::Fault)?;
        match &self.listening {
            None => self.start(&event).await?,
            Some(listening) if listening.format != format => {
                let text =
                    "the format of the sound changed; send audio-start before a chunk of another format";
                return Err(End::Fault(Fault("bad-audio", text.into())));
            }
            Some(_) => {}
        }
        let bytes = event.payload;
        Turns::check_message(format.encoding, bytes.len(), format.rate_hz)
            .map_err(|text| End::Fault(Fault("bad-audio", text)))?;
        let piece_seconds = format.encoding.seconds(bytes.len(), format.rate_hz);
        let parts = self.listening.iter().flat_map(|listening| &listening.parts);
        let expected = parts.map(|part| part.turns.expected_seconds(&part.model, piece_seconds)).sum();
        self.call(expected, move |parts| {
            let mut events = Vec::new();
            for part in parts {
                events.extend(part.push(&bytes)?);
            }
            Ok(events)
        })
        .await
    }

    /// Ends the sound and sends the rest of the events.
    async fn stop(&mut self) -> Result<(), End> {
        self.call(f64::INFINITY, |parts| {
            let mut events = Vec::new();
            for part in parts.drain(..) {
                events.extend(part.finish()?);
            }
            Ok(events)
        })
        .await?;
        let listening = self.listening.take();
        if self.wanted.take().is_some() && listening.is_none_or(|listening| !listening.is_detected) {
            self.send("not-detected", json!({})).await?;
        }
        Ok(())
    }

    /// Calls a function with the models, on another thread if it may take long, and sends the events that it returns.
    async fn call(
        &mut self,
        expected_seconds: f64,
        call: impl FnOnce(&mut Vec<Part>) -> Result<Vec<Found>, InferError> + Send + 'static,
    ) -> Result<(), End> {
        let Some(listening) = &mut self.listening else { return Ok(()) };
        let mut parts = std::mem::take(&mut listening.parts);
        let before = seconds(&parts);
        let job = move || {
            let result = call(&mut parts);
            (parts, result)
        };
        let failed = |message| End::Fault(Fault("internal", message));
        let (parts, result) = self
            .service
            .app
            .run_stream(expected_seconds, job)
            .await
            .map_err(|error| failed(error.message))?;
        self.service.app.metrics.audio("wyoming", (seconds(&parts) - before).max(0.0));
        listening.parts = parts;
        let events = result.map_err(|error| End::Fault(error.into()))?;
        let start_ms = listening.start_ms;
        listening.is_detected |= events.iter().any(|event| event.name.is_some());
        for Found { kind, name, seconds } in events {
            self.service.app.metrics.event(kind);
            // The cast saturates.
            let timestamp = start_ms.saturating_add((seconds * 1000.0).round() as u64);
            let mut data = json!({ "timestamp": timestamp });
            if let Some(name) = name {
                data["name"] = name.into();
            }
            self.send(kind, data).await?;
        }
        Ok(())
    }
}

fn seconds(parts: &[Part]) -> f64 {
    parts.first().map_or(0.0, |part| part.turns.seconds())
}

/// Event of a model that listens.
struct Found {
    kind: &'static str,
    /// Name of a wake word.
    name: Option<String>,
    /// Time since the first sample.
    seconds: f64,
}

impl Part {
    async fn start(
        app: &App,
        model: &Arc<LoadedModel>,
        options: TurnOptions,
        format: Format,
        names: Vec<(usize, String)>,
    ) -> Result<Part, Fault> {
        let turns = Turns::start(app, model, options, format.encoding, format.rate_hz).await;
        let turns = turns
            .map_err(|error| Fault(if error.code == "busy" { "busy" } else { "bad-audio" }, error.message))?;
        Ok(Part { model: Arc::clone(model), turns, names })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Found>, InferError> {
        let events = self.model.with_listener(|listener| self.turns.push(listener, bytes))?;
        Ok(found(&self.names, events))
    }

    fn finish(self) -> Result<Vec<Found>, InferError> {
        let Part { model, turns, names } = self;
        Ok(found(&names, model.with_listener(|listener| turns.finish(listener))?))
    }
}

/// Returns the events of the protocol.
fn found(names: &[(usize, String)], events: Vec<TurnEvent>) -> Vec<Found> {
    let event = |event| match event {
        TurnEvent::Started(seconds) => Some(Found { kind: "voice-started", name: None, seconds }),
        TurnEvent::Stopped(seconds) => Some(Found { kind: "voice-stopped", name: None, seconds }),
        TurnEvent::Keyword { seconds, class, .. } => {
            let (_, name) = names.iter().find(|(known, _)| *known == class)?;
            Some(Found { kind: "detection", name: Some(name.clone()), seconds })
        }
        TurnEvent::Scores { .. } => None,
    };
    events.into_iter().filter_map(event).collect()
}

impl Format {
    /// Reads the format of `audio-start` or `audio-chunk`.
    fn of(event: &Event) -> Result<Format, Fault> {
        let number = |name: &str, range: std::ops::RangeInclusive<u64>| match event.number(name) {
            Some(number) if range.contains(&number) => Ok(number),
            _ => {
                let (min, max) = range.into_inner();
                let text = format!("{name} of the sound is missing or out of range; use {min} to {max}");
                Err(Fault("bad-audio", text))
            }
        };
        let format = match number("width", 1..=8)? {
            2 => SampleFormat::S16,
            4 => SampleFormat::S32,
            width => {
                let text = format!("samples of {width} bytes are not supported; send 2 or 4");
                return Err(Fault("bad-audio", text));
            }
        };
        Ok(Format {
            rate_hz: number("rate", 100..=768_000)? as u32,
            encoding: Encoding { format, channels: number("channels", 1..=16)? as usize },
        })
    }
}
