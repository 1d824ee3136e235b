//! Streams: the events are those of the library for the whole recording.

use std::time::Duration;

use serde_json::Value;
use stapes_infer::{
    Classifier, Keyword, KeywordOptions, Listener, ListenerEvent, ListenerOptions, SpeechOptions, SpeechTime,
};

use super::support::websocket::{BINARY, Message, Socket, TEXT};
use super::support::{Running, clip, model, wav};

fn of_kind<'e>(events: &'e [Value], kind: &'e str) -> impl Iterator<Item = &'e Value> {
    events.iter().filter(move |event| event["type"] == kind)
}

fn seconds(event: &Value) -> f64 {
    event["seconds"].as_f64().unwrap()
}

#[test]
fn a_stream_has_the_scores_of_the_whole_recording_bit_for_bit() {
    let server = Running::start(|_| {});
    let model = model("vad");
    for (rate_hz, encoding, piece) in
        [(16_000, "s16le", 3201), (8000, "f32le", 999), (44_100, "s16le", 100_000)]
    {
        let (bytes, clip) = wav(&clip(3.0, rate_hz));
        let bytes: Vec<u8> = match encoding {
            "s16le" => bytes[44..].to_vec(),
            _ => clip.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        };
        let target = format!("/v1/stream?model=vad&sample_rate={rate_hz}&encoding={encoding}&scores=true");
        let mut socket = Socket::ready(server.addr, &target);
        bytes.chunks(piece).for_each(|piece| socket.binary(piece));
        let (events, end) = socket.finish();
        assert_eq!(end, Message::Close(1000));
        let found: Vec<f32> = of_kind(&events, "scores")
            .flat_map(|event| {
                ["background", "speech"].map(|label| event["probabilities"][label].as_f64().unwrap() as f32)
            })
            .collect();
        assert_eq!(found, Classifier::new(&model).unwrap().classify(&clip).unwrap(), "{rate_hz} {encoding}");
        let last = events.last().unwrap();
        assert_eq!((&last["type"], seconds(last)), (&"finished".into(), 3.0));
    }
}

#[test]
fn speech_starts_and_stops_as_offline_with_the_options_of_server_vad() {
    let server = Running::start(|_| {});
    let model = model("vad");
    let (bytes, clip) = wav(&clip(7.0, 16_000));
    for (query, threshold, silence_ms, prefix) in [
        ("", 0.5, 500.0, 0.3),
        ("&threshold=0.8&silence_duration_ms=200&prefix_padding_ms=50", 0.8, 200.0, 0.05),
    ] {
        let options = SpeechOptions {
            threshold,
            min_silence_duration_ms: silence_ms,
            speech_pad_ms: 0.0,
            ..SpeechOptions::default()
        };
        let mut expected = Vec::new();
        let mut listener = Listener::new(&model, &ListenerOptions::Speech(options)).unwrap();
        let mut collect = |event: ListenerEvent<'_>| match event {
            ListenerEvent::Speech(SpeechTime::Start(start)) => {
                expected.push(("speech_started", start - prefix))
            }
            ListenerEvent::Speech(SpeechTime::End(end)) => expected.push(("speech_stopped", end)),
            _ => {}
        };
        listener.push(&clip.samples, &mut collect).unwrap();
        listener.finish(&mut collect).unwrap();
        assert!(expected.len() >= 5, "{expected:?}");

        let mut socket = Socket::ready(server.addr, &format!("/v1/stream?model=vad{query}"));
        bytes[44..].chunks(1600).for_each(|piece| socket.binary(piece));
        let (events, _) = socket.finish();
        assert_eq!(events.len(), expected.len() + 1, "{events:?}");
        for (event, (kind, time)) in events.iter().zip(expected) {
            assert_eq!(event["type"], kind);
            assert!((seconds(event) - time).abs() < 1e-5, "{event} {time}");
        }
    }
}

#[test]
fn keywords_are_detected_as_offline() {
    let server = Running::start(|_| {});
    let model = model("digits");
    let (bytes, clip) = wav(&clip(6.0, 8000));
    let keywords = (0..10).map(|class| Keyword { class, threshold: 0.3 }).collect();
    let options = KeywordOptions { keywords, smoothing_seconds: 0.2, refractory_seconds: 0.5 };
    let options = ListenerOptions::Keywords { window_seconds: 0.8, hop_seconds: 0.1, options };
    let mut expected = Vec::new();
    Listener::new(&model, &options)
        .unwrap()
        .push(&clip.samples, |event| {
            if let ListenerEvent::Keyword { seconds, class, score } = event {
                expected.push((model.labels[class].clone(), seconds, score));
            }
        })
        .unwrap();
    assert!(!expected.is_empty());
    let names: String = model.labels.iter().map(|label| format!("&keyword={label}")).collect();
    let query = "threshold=0.3&window=0.8&hop=0.1&smoothing=0.2&refractory=0.5";
    let mut socket = Socket::ready(server.addr, &format!("/v1/stream?model=digits&{query}{names}"));
    bytes[44..].chunks(777).for_each(|piece| socket.binary(piece));
    let (events, _) = socket.finish();
    let found: Vec<(String, f64, f32)> = of_kind(&events, "keyword")
        .map(|event| {
            let score = event["score"].as_f64().unwrap() as f32;
            (event["label"].as_str().unwrap().to_owned(), seconds(event), score)
        })
        .collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((&found.0, found.2), (&expected.0, expected.2));
        assert!((found.1 - expected.1).abs() < 1e-5);
    }
}

#[test]
fn fragments_are_joined() {
    let server = Running::start(|_| {});
    let bytes = wav(&clip(2.0, 16_000)).0;
    let sound = &bytes[44..];
    let mut whole = Socket::ready(server.addr, "/v1/stream?model=vad");
    whole.binary(sound);
    let mut fragments = Socket::ready(server.addr, "/v1/stream?model=vad");
    for (at, piece) in sound.chunks(501).enumerate() {
        let is_last = (at + 1) * 501 >= sound.len();
        fragments.frame(is_last, if at == 0 { BINARY } else { 0 }, piece).unwrap();
    }
    assert_eq!(fragments.finish(), whole.finish());
}

#[test]
fn wrong_options_are_errors_before_the_stream_starts() {
    let server = Running::start(|_| {});
    for (query, code) in [
        ("", "model_missing"),
        ("model=vad&encoding=mp3", "bad_option"),
        ("model=vad&sample_rate=99", "bad_option"),
        ("model=vad&sample_rate=16000.5", "bad_option"),
        ("model=vad&scores=yes", "bad_option"),
        ("model=vad&prefix_padding_ms=-1", "bad_option"),
        ("model=vad&keyword=yes", "unknown_option"),
        ("model=digits&silence_duration_ms=1", "unknown_option"),
        ("model=digits&keyword=eleven&threshold=0.5", "bad_option"),
        ("model=digits&keyword=one", "bad_option"),
        ("model=digits&keyword=one&keyword=one&threshold=0.5", "bad_option"),
        ("model=digits&window=0", "bad_option"),
        ("model=digits&window=100", "bad_option"),
        ("model=digits&window=2&hop=0.09", "bad_option"),
    ] {
        let Err(answer) = Socket::open(server.addr, &format!("/v1/stream?{query}"), &[]) else {
            panic!("{query}")
        };
        assert_eq!(answer.code(), (400, code.to_owned()), "{query}");
    }
    let answer = super::support::http::get(server.addr, "/v1/stream?model=vad");
    assert_eq!(answer.code(), (400, "websocket_expected".into()));
}

/// Returns the code of the error event and that of the end.
fn error(mut socket: Socket) -> (Value, Message) {
    let (events, end) = socket.rest();
    let error = events.last().unwrap_or_else(|| panic!("no event before {end:?}"));
    assert_eq!(error["type"], "error");
    (error["error"]["code"].clone(), end)
}

#[test]
fn bad_messages_end_a_stream_with_an_error() {
    let server = Running::start(|options| options.limits.max_message_bytes = 10_000);
    let open = |query: &str| Socket::ready(server.addr, &format!("/v1/stream?model=vad{query}"));
    let mut socket = open("");
    socket.binary(&[0; 10_001]);
    assert_eq!(error(socket), ("too_large".into(), Message::Close(1009)));
    let mut socket = open("");
    for at in 0..20 {
        // The server may have closed the connection.
        let _ = socket.frame(false, if at == 0 { BINARY } else { 0 }, &[0; 1000]);
    }
    assert_eq!(error(socket), ("too_large".into(), Message::Close(1009)));
    let mut socket = open("&encoding=f32le");
    socket.binary(&f32::NAN.to_le_bytes());
    assert_eq!(error(socket), ("unreadable_recording".into(), Message::Close(1007)));
    for text in ["hello", "{}", "{\"type\":\"stop\"}"] {
        let mut socket = open("");
        socket.frame(true, TEXT, text.as_bytes()).unwrap();
        assert_eq!(error(socket), ("unknown_message".into(), Message::Close(1003)), "{text}");
    }
    // Not a frame of the protocol.
    let mut socket = open("");
    socket.frame(true, 7, b"x").unwrap();
    assert_eq!(socket.rest().0.len(), 0);
    assert!(socket_is_served(&server));
}

#[test]
fn a_message_has_at_most_a_minute_of_sound() {
    let server = Running::start(|_| {});
    let mut socket = Socket::ready(server.addr, "/v1/stream?model=vad&sample_rate=100");
    socket.binary(&[0; 2 * 6000]);
    assert_eq!(socket.finish().1, Message::Close(1000));
    let mut socket = Socket::ready(server.addr, "/v1/stream?model=vad&sample_rate=100");
    socket.binary(&[0; 2 * 6001]);
    assert_eq!(error(socket), ("too_large".into(), Message::Close(1009)));
}

#[test]
fn a_stream_that_is_shorter_than_a_frame_has_no_events() {
    let server = Running::start(|_| {});
    for bytes in [0, 100] {
        for model in ["vad", "digits&keyword=one&threshold=0.5"] {
            let mut socket = Socket::ready(server.addr, &format!("/v1/stream?model={model}"));
            socket.binary(&vec![0; bytes]);
            let (events, end) = socket.finish();
            assert_eq!((events.len(), end), (1, Message::Close(1000)), "{model} {bytes}: {events:?}");
            assert_eq!(events[0]["type"], "finished");
        }
    }
}

fn socket_is_served(server: &Running) -> bool {
    let mut socket = Socket::ready(server.addr, "/v1/stream?model=vad");
    socket.binary(&[0; 640]);
    socket.finish().1 == Message::Close(1000)
}

#[test]
fn idle_and_half_open_streams_end() {
    let server = Running::start(|options| {
        options.limits.idle_timeout = Duration::from_millis(600);
        options.limits.ping_interval = Duration::from_millis(50);
    });
    let idle = Socket::ready(server.addr, "/v1/stream?model=vad");
    assert_eq!(error(idle), ("idle".into(), Message::Close(1008)));
    let mut silent = Socket::ready(server.addr, "/v1/stream?model=vad");
    silent.answers = false;
    assert_eq!(silent.rest(), (vec![], Message::Gone));
}

#[test]
fn the_number_of_streams_is_limited() {
    let server = Running::start(|options| options.limits.max_streams = 2);
    let first = Socket::ready(server.addr, "/v1/stream?model=vad");
    let _second = Socket::ready(server.addr, "/v1/stream?model=vad");
    let Err(answer) = Socket::open(server.addr, "/v1/stream?model=vad", &[]) else {
        panic!("a third stream")
    };
    assert_eq!((answer.code(), &*answer.headers["retry-after"]), ((503, "busy".into()), "1"));
    drop(first);
    for _ in 0..500 {
        if Socket::open(server.addr, "/v1/stream?model=vad", &[]).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the place of a stream that has ended is not free");
}

#[test]
fn a_model_of_clips_needs_keywords_or_scores() {
    let server = Running::start(|_| {});
    let Err(answer) = Socket::open(server.addr, "/v1/stream?model=digits", &[]) else {
        panic!("a stream that would report nothing")
    };
    assert_eq!(answer.code(), (400, "bad_option".into()));
    for query in ["scores=true", "keyword=one&threshold=0.5"] {
        assert!(
            Socket::open(server.addr, &format!("/v1/stream?model=digits&{query}"), &[]).is_ok(),
            "{query}"
        );
    }
}
