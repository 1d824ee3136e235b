//! The Wyoming protocol; `tests/py` has its own client.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use stapes_infer::KeywordSettings;
use stapes_serve::ServedModel;

use super::support::http::connect;
use super::support::{Running, clip, model, wav};

/// Starts a server with `vad` and with digits as wake words that any sound triggers.
fn start() -> Running {
    let mut digits = model("digits");
    let thresholds: BTreeMap<String, f32> = [("six".into(), 0.0), ("seven".into(), 1.0)].into();
    digits.keywords = Some(KeywordSettings { thresholds, ..KeywordSettings::with_window(1.0) });
    let models = vec![ServedModel::new("vad", model("vad")), ServedModel::new("digits", digits)];
    Running::with_models(models, |options| {
        options.wyoming = Some(([127, 0, 0, 1], 0).into());
        options.limits.max_message_bytes = 100_000;
    })
}

/// Connection of a client.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: &Running) -> Client {
        Client(BufReader::new(connect(server.wyoming_addr())))
    }

    fn send(&mut self, kind: &str, data: Value, payload: &[u8]) {
        let line = json!({ "type": kind, "data": data, "payload_length": payload.len() });
        let mut bytes = line.to_string().into_bytes();
        bytes.push(b'\n');
        bytes.extend(payload);
        self.0.get_mut().write_all(&bytes).unwrap();
    }

    /// Returns the kind and the data of the next event; `None` at the end.
    fn next(&mut self) -> Option<(String, Value)> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let event: Value = serde_json::from_str(&line).unwrap();
        Some((event["type"].as_str().unwrap().to_owned(), event["data"].clone()))
    }

    /// Sends sound.
    fn sound(&mut self, rate: u32, bytes: &[u8]) {
        let format = json!({ "rate": rate, "width": 2, "channels": 1 });
        let mut start = format.clone();
        start["timestamp"] = 1000.into();
        self.send("audio-start", start, b"");
        bytes.chunks(2048).for_each(|piece| self.send("audio-chunk", format.clone(), piece));
        self.send("audio-stop", json!({}), b"");
    }
}

#[test]
fn voice_and_wake_words_are_found_by_two_clients_at_a_time() {
    let server = start();
    let bytes = wav(&clip(2.4, 16_000)).0;
    let (mut voice, mut wake) = (Client::connect(&server), Client::connect(&server));
    wake.send("detect", json!({ "names": ["six"] }), b"");
    voice.sound(16_000, &bytes[44..]);
    wake.sound(16_000, &bytes[44..]);
    let (kind, data) = voice.next().unwrap();
    let started = data["timestamp"].as_u64().unwrap();
    // The loud part is from 0.8 to 1.6 s, the padding 0.3 s, and the sound starts at 1 s.
    assert!(kind == "voice-started" && (1300..1700).contains(&started), "{kind} {started}");
    let (kind, data) = voice.next().unwrap();
    let stopped = data["timestamp"].as_u64().unwrap();
    assert!(kind == "voice-stopped" && (2500..2900).contains(&stopped), "{kind} {stopped}");
    let (kind, data) = wake.next().unwrap();
    assert_eq!((&*kind, &data["name"]), ("detection", &"six".into()));
    // After a detection there is no `not-detected`.
    wake.send("ping", json!({ "text": "a" }), b"");
    let kinds: Vec<(String, Value)> =
        (0..3).map_while(|_| wake.next().filter(|(kind, _)| kind != "pong")).collect();
    assert!(kinds.iter().all(|(kind, _)| kind == "detection"), "{kinds:?}");
}

#[test]
fn a_wake_word_that_is_not_said_is_not_detected() {
    let server = start();
    let bytes = wav(&clip(1.5, 16_000)).0;
    let mut client = Client::connect(&server);
    client.send("detect", json!({ "names": ["seven"] }), b"");
    client.sound(16_000, &bytes[44..]);
    assert_eq!(client.next().unwrap().0, "not-detected");
}

#[test]
fn describe_lists_the_wake_words() {
    let server = start();
    let mut client = Client::connect(&server);
    client.send("describe", json!({}), b"");
    let (kind, data) = client.next().unwrap();
    let names: Vec<&Value> =
        data["wake"][0]["models"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
    assert_eq!((&*kind, names), ("info", vec![&json!("six"), &json!("seven")]));
}

#[test]
fn garbage_ends_a_connection_with_an_error_and_others_are_served() {
    let server = start();
    let long = "x".repeat(70_000);
    for (bytes, code) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "bad-event"),
        (long, "bad-event"),
        ("{\"type\":\"audio-chunk\",\"payload_length\":100001}\n".into(), "bad-event"),
        ("{\"type\":\"audio-chunk\",\"data_length\":99999999}\n".into(), "bad-event"),
        ("{\"type\":\"audio-start\",\"data\":{\"rate\":0,\"width\":2,\"channels\":1}}\n".into(), "bad-audio"),
        (
            "{\"type\":\"audio-start\",\"data\":{\"rate\":16000,\"width\":3,\"channels\":1}}\n".into(),
            "bad-audio",
        ),
        ("{\"type\":\"audio-start\",\"data\":{\"rate\":16000,\"width\":2}}\n".into(), "bad-audio"),
        ("{\"type\":\"detect\",\"data\":{\"names\":[\"eight\"]}}\n".into(), "unknown-name"),
    ] {
        let mut client = Client::connect(&server);
        client.0.get_mut().write_all(bytes.as_bytes()).unwrap();
        let (kind, data) = client.next().unwrap_or_else(|| panic!("{}", &bytes[..40]));
        assert_eq!((&*kind, &data["code"]), ("error", &code.into()), "{}", &bytes[..30]);
        let mut rest = Vec::new();
        let _ = client.0.read_to_end(&mut rest);
        assert!(rest.is_empty());
    }
    let mut client = Client::connect(&server);
    client.send("some-later-event", json!({ "a": 1 }), b"xyz");
    client.send("ping", json!({ "text": "b" }), b"");
    assert_eq!(client.next().unwrap(), ("pong".into(), json!({ "text": "b" })));
}
