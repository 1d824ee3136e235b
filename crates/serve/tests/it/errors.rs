//! Bad requests: a status, a code, a fact and advice.

use super::support::http::{get, post, post_form, send};
use super::support::{Running, clip, fixture, wav};

#[test]
fn wrong_options_are_named() {
    let server = Running::start(|_| {});
    let bytes = wav(&clip(0.5, 16_000)).0;
    for (target, code, part) in [
        ("/v1/classify", "model_missing", "choose one with `model`: vad, digits"),
        ("/v1/classify?model=cats", "unknown_model", "\"cats\""),
        ("/v1/segments?model=digits", "wrong_model", "choose a voice activity model"),
        ("/v1/classify?model=vad&top=2", "bad_option", "top and threshold"),
        ("/v1/classify?model=digits&top=0", "bad_option", "top is \"0\""),
        ("/v1/classify?model=digits&threshold=2", "bad_option", "from 0 to 1"),
        ("/v1/classify?model=digits&threshold=NaN", "bad_option", "from 0 to 1"),
        ("/v1/classify?model=digits&treshold=1", "unknown_option", "\"treshold\" is not an option"),
        ("/v1/classify?model=digits&model=vad", "bad_option", "more than once"),
        ("/v1/classify?model=digits&channel=left", "bad_option", "mean, or the number"),
        ("/v1/segments?preset=loud", "bad_option", "silero or faster-whisper"),
        ("/v1/segments?threshold=1.5", "bad_option", "threshold is 1.5: must be from 0 to 1"),
        ("/v1/segments?speech_pad_ms=-1", "bad_option", "speech_pad_ms"),
        ("/v1/segments?speech_pad_ms=NaN", "bad_option", "speech_pad_ms"),
    ] {
        let answer = post(server.addr, target, &bytes);
        assert_eq!(answer.code(), (400, code.to_owned()), "{target}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{target}: {message}");
    }
    let fields: Vec<(&str, &str)> = (0..70).map(|_| ("keyword", "yes")).collect();
    assert_eq!(post_form(server.addr, "/v1/classify", Some(&bytes), &fields).code().1, "bad_option");
}

#[test]
fn damaged_recordings_are_refused_and_later_ones_are_classified() {
    let server = Running::start(|_| {});
    for name in
        ["mono_8k.flac", "lame_mono_16k.mp3", "ffmpeg_44k.mp3", "mu_law.wav", "alac.m4a", "mono_16k.opus"]
    {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for length in [5, 40, bytes.len() / 2] {
            let answer = post(server.addr, "/v1/segments", &bytes[..length]);
            // A stream of MP3 frames may end after any of them.
            assert!([200, 422].contains(&answer.status), "{name} {length}: {answer:?}");
            if answer.status == 422 {
                assert_eq!(answer.code().1, "unreadable_recording", "{name} {length}");
            }
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            let answer = post(server.addr, "/v1/segments", &damaged);
            assert!([200, 422].contains(&answer.status), "{name} at {at}: {answer:?}");
        }
        assert_eq!(post(server.addr, "/v1/segments", &bytes).status, 200, "{name}");
    }
    let answer = post(server.addr, "/v1/segments", b"not a recording");
    assert_eq!(answer.code(), (422, "unreadable_recording".into()));
    assert!(answer.json()["error"]["message"].as_str().unwrap().starts_with("recording: not a WAV"));
}

#[test]
fn recordings_that_a_model_cannot_use_are_refused() {
    let server = Running::start(|_| {});
    let mut clip = clip(0.5, 16_000);
    clip.samples.truncate(100);
    let answer = post(server.addr, "/v1/segments", &wav(&clip).0);
    assert_eq!(answer.code(), (422, "unusable_recording".into()));
}

#[test]
fn bodies_without_a_recording_are_refused() {
    let server = Running::start(|_| {});
    let addr = server.addr;
    assert_eq!(post(addr, "/v1/segments", b"").code(), (400, "no_recording".into()));
    assert_eq!(post_form(addr, "/v1/segments", None, &[("model", "vad")]).code(), (400, "bad_form".into()));
    assert_eq!(post_form(addr, "/v1/segments", Some(b""), &[]).code(), (400, "no_recording".into()));
    let long = "x".repeat(5000);
    assert_eq!(post_form(addr, "/v1/segments", Some(b"x"), &[("model", &long)]).code().1, "bad_form");
    for kind in ["multipart/form-data", "multipart/form-data; boundary=other", "multipart/"] {
        let answer = send(addr, "POST", "/v1/segments", &[("content-type", kind)], b"--border\r\n");
        assert_eq!(answer.code(), (400, "bad_form".into()), "{kind}");
    }
}

#[test]
fn unknown_paths_and_methods_are_errors_with_json() {
    let server = Running::start(|_| {});
    assert_eq!(get(server.addr, "/v2/models").code(), (404, "not_found".into()));
    let answer = get(server.addr, "/v1/classify");
    assert_eq!((answer.code(), &*answer.headers["allow"]), ((405, "wrong_method".into()), "POST"));
}
