//! `GET /v1/stream`: samples in, events out, over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use futures_util::SinkExt;
use serde::Deserialize;
use serde_json::{Value, json};
use stapes_files::number::rounded_seconds;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::api_error::ApiError;
use crate::app::{App, OpenStream, is_true};
use crate::models::{LoadedModel, Need};
use crate::parameters::Parameters;
use crate::samples::{Encoding, SampleFormat};
use crate::turns::{TurnEvent, TurnOptions, Turns};

/// Protocol that the server selects where a client offers it.
const PROTOCOL: &str = "stapes";

/// Bytes of the buffers of a stream.
const BUFFER: usize = 1 << 13;

/// Time for a client to answer the end of a stream.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Text message of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    /// The sound has ended.
    Finish,
}

/// Checks the options and answers with the WebSocket.
pub(crate) async fn stream(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let mut parameters = Parameters::of_query(request.uri().query())?;
    let model = app.models.find(parameters.text("model")?.as_deref(), Need::Stream)?;
    let format = parameters.value("encoding", "s16le or f32le", |_| true)?.unwrap_or(SampleFormat::S16);
    let rates = 100..=768_000;
    let rate = parameters
        .value("sample_rate", "a whole number from 100 to 768000, in Hz", |rate| rates.contains(rate))?;
    let sample_rate_hz = rate.unwrap_or(model.sample_rate_hz);
    let options = TurnOptions::take(&mut parameters, &model)?;
    parameters.finish()?;
    options.check()?;
    let encoding = Encoding { format, channels: 1 };
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|rejection| {
        let message = format!("{}; connect with a WebSocket client", rejection.body_text());
        ApiError::new(rejection.status(), "websocket_expected", message)
    })?;
    if app.is_stopping() {
        return Err(ApiError::busy("the server stops; use another one"));
    }
    let open = app.open_stream()?;
    let turns = Turns::start(&app, &model, options, encoding, sample_rate_hz).await?;
    let max = app.options.limits.max_message_bytes;
    let upgrade = upgrade.max_message_size(max).max_frame_size(max).protocols([PROTOCOL]);
    let upgrade = upgrade.read_buffer_size(BUFFER).write_buffer_size(BUFFER);
    let format = (encoding, sample_rate_hz);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let stopping = app.stopping();
        let session = Session { app, model, turns: Some(turns), format, socket, stopping, _open: open };
        session.run().await;
    }))
}

/// End of a stream: an error event if there was one, and the code and reason of the WebSocket.
struct End {
    error: Option<ApiError>,
    code: u16,
    reason: &'static str,
}

impl End {
    fn error(error: ApiError, code: u16) -> End {
        End { reason: error.code, error: Some(error), code }
    }
}

/// A stream that is open.
struct Session {
    app: Arc<App>,
    model: Arc<LoadedModel>,
    /// `None` while a thread has it.
    turns: Option<Turns>,
    /// Encoding and sample rate.
    format: (Encoding, u32),
    socket: WebSocket,
    stopping: watch::Receiver<bool>,
    _open: OpenStream,
}

impl Session {
    async fn run(mut self) {
        let ready = json!({ "type": "ready", "model": self.model.name, "sample_rate": self.format.1 });
        let end = match self.send(&[ready]).await {
            Ok(()) => self.listen().await,
            Err(()) => None,
        };
        let seconds = self.turns.as_ref().map_or(0.0, Turns::seconds);
        tracing::debug!(model = %self.model.name, seconds, "stream ended");
        let Some(End { error, code, reason }) = end else { return };
        if let Some(error) = error {
            let mut event = error.json();
            event["type"] = "error".into();
            // The client may have gone.
            let _ = self.send(&[event]).await;
        }
        let _ = self.socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        let answer = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, answer).await;
    }

    /// Processes messages until the stream ends; `None` if the client has gone.
    async fn listen(&mut self) -> Option<End> {
        let limits = self.app.options.limits.clone();
        let (mut last_sound, mut last_message) = (Instant::now(), Instant::now());
        let mut next_ping = Instant::now() + limits.ping_interval;
        loop {
            let idle = last_sound + limits.idle_timeout;
            let message = tokio::select! {
                message = self.socket.recv() => message,
                () = is_true(&mut self.stopping) => {
                    return Some(End { error: None, code: close_code::AWAY, reason: "the server stops" });
                }
                () = sleep_until(next_ping) => {
                    if last_message.elapsed() > 2 * limits.ping_interval {
                        return None;
                    }
                    next_ping = Instant::now() + limits.ping_interval;
                    self.socket.send(Message::Ping(Default::default())).await.ok()?;
                    continue;
                }
                () = sleep_until(idle) => {
                    let seconds = limits.idle_timeout.as_secs();
                    let message = format!("no sound arrived in {seconds} s; connect again");
                    let error = ApiError::new(axum::http::StatusCode::REQUEST_TIMEOUT, "idle", message);
                    return Some(End::error(error, close_code::POLICY));
                }
            };
            last_message = Instant::now();
            match message? {
                Ok(Message::Binary(bytes)) => {
                    last_sound = last_message;
                    if let Err(end) = self.push(bytes).await {
                        return end;
                    }
                }
                Ok(Message::Text(text)) => return self.command(&text).await,
                Ok(Message::Close(_)) => return None,
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Err(error) => return broken(&error, limits.max_message_bytes),
            }
        }
    }

    /// Processes samples and sends the events.
    async fn push(&mut self, bytes: axum::body::Bytes) -> Result<(), Option<End>> {
        let (encoding, sample_rate_hz) = self.format;
        Turns::check_message(encoding, bytes.len(), sample_rate_hz)
            .map_err(|text| Some(End::error(ApiError::too_large(text), close_code::SIZE)))?;
        let before = self.turns.as_ref().map_or(0.0, Turns::seconds);
        let piece_seconds = encoding.seconds(bytes.len(), sample_rate_hz);
        let expected =
            self.turns.as_ref().map_or(0.0, |turns| turns.expected_seconds(&self.model, piece_seconds));
        let events = self
            .call(expected, move |turns, listener| {
                turns.as_mut().map_or(Ok(Vec::new()), |turns| turns.push(listener, &bytes))
            })
            .await?;
        let seconds = self.turns.as_ref().map_or(0.0, Turns::seconds);
        self.app.metrics.audio("stream", seconds - before);
        self.send_events(&events).await
    }

    /// Calls a function with the stream and a model, on another thread if it may take long.
    async fn call(
        &mut self,
        expected_seconds: f64,
        call: impl FnOnce(
            &mut Option<Turns>,
            &mut stapes_infer::ListenerModel<'static>,
        ) -> Result<Vec<TurnEvent>, stapes_infer::InferError>
        + Send
        + 'static,
    ) -> Result<Vec<TurnEvent>, Option<End>> {
        let (mut turns, model) = (self.turns.take(), Arc::clone(&self.model));
        let job = move || {
            let result = model.with_listener(|listener| call(&mut turns, listener));
            (turns, result)
        };
        let failed = |error| Some(End::error(error, close_code::ERROR));
        let (turns, result) = self.app.run_stream(expected_seconds, job).await.map_err(failed)?;
        self.turns = turns;
        result.map_err(|error| Some(End::error(error.into(), close_code::INVALID)))
    }

    /// Processes a text message: the end of the sound.
    async fn command(&mut self, text: &str) -> Option<End> {
        if serde_json::from_str::<Command>(text).is_err() {
            let message = "the text message is not known; send samples as binary messages and {\"type\": \"finish\"} at the end";
            let error = ApiError::bad_request("unknown_message", message);
            return Some(End::error(error, close_code::UNSUPPORTED));
        }
        let seconds = self.turns.as_ref().map_or(0.0, Turns::seconds);
        let finish = self.call(f64::INFINITY, |turns, listener| match turns.take() {
            Some(turns) => turns.finish(listener),
            None => Ok(Vec::new()),
        });
        let events = match finish.await {
            Ok(events) => events,
            Err(end) => return end,
        };
        if let Err(end) = self.send_events(&events).await {
            return end;
        }
        let finished = json!({ "type": "finished", "seconds": rounded_seconds(seconds) });
        self.send(&[finished]).await.ok()?;
        Some(End { error: None, code: close_code::NORMAL, reason: "" })
    }

    async fn send_events(&mut self, events: &[TurnEvent]) -> Result<(), Option<End>> {
        for event in events.iter().filter(|event| !matches!(event, TurnEvent::Scores { .. })) {
            self.app.metrics.event(event.kind());
        }
        let messages: Vec<Value> = events.iter().map(|event| event.json(&self.model.model.labels)).collect();
        self.send(&messages).await.map_err(|()| None)
    }

    /// Sends messages with one write.
    async fn send(&mut self, messages: &[Value]) -> Result<(), ()> {
        for message in messages {
            self.socket.feed(Message::text(message.to_string())).await.map_err(|_| ())?;
        }
        self.socket.flush().await.map_err(|_| ())
    }
}

/// Returns the end after an error of the WebSocket: a message that is too long, or a client that has gone or does not know the
/// protocol.
fn broken(error: &axum::Error, max: usize) -> Option<End> {
    let text = error.to_string();
    if !text.to_lowercase().contains("too long") && !text.to_lowercase().contains("too large") {
        tracing::debug!(error = %text, "stream broke");
        return None;
    }
    let message = format!("a message has more than {max} bytes; send shorter ones");
    Some(End::error(ApiError::too_large(message), close_code::SIZE))
}
