//! The Wyoming protocol of Home Assistant: wake words and voice activity over TCP.
//!
//! A client sends `detect` and sound, and receives `detection` for each wake word, or `not-detected` at the end of sound without one. A
//! client that sends sound without `detect` receives `voice-started` and `voice-stopped`. `describe` is answered with the wake words.
//!
//! # Source
//! <https://github.com/OHF-Voice/wyoming>, version 1.10

mod event;
mod info;
mod session;

use std::sync::Arc;

use crate::app::App;
use crate::connection::Connection;
use crate::models::LoadedModel;

/// Answer to a connection beyond the limit.
pub(crate) const REFUSAL: &[u8] =
    b"{\"type\":\"error\",\"data\":{\"text\":\"the server has as many connections as it takes; try again \
    later\",\"code\":\"busy\"}}\n";

/// Models of the protocol.
pub(crate) struct Service {
    app: Arc<App>,
    wake_words: Vec<WakeWord>,
    /// Model of voice activity.
    voice: Option<Arc<LoadedModel>>,
}

/// Wake word that the server detects: a keyword with a threshold.
pub(crate) struct WakeWord {
    /// The label; with the name of its model if two models have the label.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) class: usize,
    pub(crate) model: Arc<LoadedModel>,
}

impl Service {
    pub(crate) fn new(app: Arc<App>) -> Service {
        let streamed = || app.models.iter().filter(|model| model.is_streamed());
        let mut wake_words: Vec<WakeWord> = streamed().flat_map(wake_words).collect();
        let labels: Vec<String> = wake_words.iter().map(|word| word.label.clone()).collect();
        for word in &mut wake_words {
            if labels.iter().filter(|label| **label == word.label).count() > 1 {
                word.name = format!("{}/{}", word.model.name, word.label);
            }
        }
        let voice = streamed().find(|model| model.is_frame_level).cloned();
        Service { app, wake_words, voice }
    }
}

fn wake_words(model: &Arc<LoadedModel>) -> Vec<WakeWord> {
    let Some(settings) = &model.keywords else { return Vec::new() };
    let labels = model.model.labels.iter().enumerate();
    let words = labels.filter(|(_, label)| settings.thresholds.contains_key(*label));
    words
        .map(|(class, label)| WakeWord {
            name: label.clone(),
            label: label.clone(),
            class,
            model: Arc::clone(model),
        })
        .collect()
}

/// Serves a connection until it is closed, or the server stops.
pub(crate) async fn serve(connection: Connection, service: Arc<Service>) {
    session::Session::new(connection, service).run().await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_refusal_is_an_event() {
        let event: serde_json::Value = serde_json::from_slice(super::REFUSAL).unwrap();
        assert_eq!((&event["type"], &event["data"]["code"]), (&"error".into(), &"busy".into()));
    }
}
