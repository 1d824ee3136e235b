//! Recordings: the answers are those of the library, bit for bit.

use serde_json::Value;
use stapes_audio::Clip;
use stapes_infer::{Classifier, SpeechOptions, SpeechStream, SpeechTime};

use super::support::http::{post, post_form};
use super::support::{Running, clip, fixture, model, wav};

/// Returns numbers as f32, exactly as they were written.
fn numbers(values: &Value) -> Vec<f32> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

/// Returns the probabilities of `digits` in an answer, [K].
fn label_probabilities(row: &Value, labels: &[String]) -> Vec<f32> {
    labels.iter().map(|label| row["probabilities"][label].as_f64().unwrap() as f32).collect()
}

/// Returns the probabilities of `vad` in an answer, [T, K].
fn frame_probabilities(row: &Value) -> Vec<f32> {
    let [background, speech] = ["background", "speech"].map(|label| numbers(&row["probabilities"][label]));
    background.into_iter().zip(speech).flat_map(|(background, speech)| [background, speech]).collect()
}

#[test]
fn probabilities_are_those_of_the_classifier_bit_for_bit() {
    let server = Running::start(|_| {});
    let (vad, digits) = (model("vad"), model("digits"));
    let mut vad_classifier = Classifier::new(&vad).unwrap();
    let mut digit_classifier = Classifier::new(&digits).unwrap();
    let mut recordings: Vec<(Vec<u8>, Clip)> =
        [8000, 16_000, 22_050, 44_100, 48_000].map(|rate_hz| wav(&clip(1.3, rate_hz))).into();
    for name in ["mono_8k.flac", "lame_mono_16k.mp3", "mono_16k.ogg", "stereo.au", "itunes_mono_16k.m4a"] {
        let path = fixture(name);
        recordings.push((std::fs::read(&path).unwrap(), stapes_audio::read(&path).unwrap()));
    }
    for (bytes, clip) in recordings {
        let row = post(server.addr, "/v1/classify?model=digits&top=3", &bytes).json();
        let expected = digit_classifier.classify(&clip).unwrap();
        assert_eq!(label_probabilities(&row, &digits.labels), expected);
        let best = digit_classifier.predict(&clip).unwrap();
        assert_eq!((&row["label"], &row["top"][0]["label"]), (&Value::from(&*best.label), &row["label"]));
        assert_eq!(row["top"].as_array().unwrap().len(), 3);

        let row = post_form(server.addr, "/v1/classify", Some(&bytes), &[("model", "vad")]).json();
        let expected = vad_classifier.classify(&clip).unwrap();
        assert_eq!(frame_probabilities(&row), expected);
        assert_eq!((&row["file"], &row["frames"]), (&"one.wav".into(), &(expected.len() / 2).into()));
    }
}

#[test]
fn a_long_recording_has_the_probabilities_of_the_classifier() {
    let server = Running::start(|_| {});
    let (bytes, clip) = wav(&clip(90.0, 16_000));
    let row = post(server.addr, "/v1/classify?model=vad", &bytes).json();
    let expected = Classifier::new(&model("vad")).unwrap().classify(&clip).unwrap();
    assert!(frame_probabilities(&row) == expected, "{} frames", row["frames"]);
}

#[test]
fn a_threshold_makes_a_label_unknown() {
    let server = Running::start(|_| {});
    let bytes = wav(&clip(1.0, 8000)).0;
    let row = post(server.addr, "/v1/classify?model=digits&threshold=1", &bytes).json();
    assert_eq!(row["label"], "unknown");
    let row = post_form(server.addr, "/v1/classify?model=digits", Some(&bytes), &[("threshold", "0")]).json();
    assert_ne!(row["label"], "unknown");
}

/// Returns the segments that the library finds.
fn segments(clip: &Clip, options: &SpeechOptions) -> Vec<(f64, f64)> {
    let model = model("vad");
    let probabilities = Classifier::new(&model).unwrap().classify(clip).unwrap();
    let mut stream = SpeechStream::new(&model, options).unwrap();
    let (mut start, mut found) = (0.0, Vec::new());
    let round = |seconds: f64| (seconds * 1e6).round() / 1e6;
    let mut collect = |time| match time {
        SpeechTime::Start(seconds) => start = round(seconds),
        SpeechTime::End(seconds) => found.push((start, round(seconds))),
    };
    probabilities.chunks_exact(2).for_each(|row| stream.push(row, &mut collect));
    stream.finish(clip.seconds(), &mut collect);
    found
}

#[test]
fn segments_are_those_of_the_command_line() {
    let server = Running::start(|_| {});
    let (bytes, clip) = wav(&clip(7.0, 16_000));
    let found = |query: &str| -> Vec<(f64, f64)> {
        let row = post(server.addr, &format!("/v1/segments?{query}"), &bytes).json();
        assert_eq!(row["seconds"], 7.0);
        let segments = row["segments"].as_array().unwrap().iter();
        segments
            .map(|segment| (segment["start"].as_f64().unwrap(), segment["end"].as_f64().unwrap()))
            .collect()
    };
    let expected = segments(&clip, &SpeechOptions::default());
    assert_eq!(expected.len(), 3, "{expected:?}");
    assert_eq!(found(""), expected);
    let options = SpeechOptions {
        threshold: 0.7,
        neg_threshold: Some(0.3),
        min_speech_duration_ms: 100.0,
        max_speech_duration_s: 0.5,
        min_silence_duration_ms: 50.0,
        speech_pad_ms: 10.0,
        min_silence_at_max_speech_ms: 30.0,
        ..SpeechOptions::default()
    };
    let query = "model=vad&threshold=0.7&neg_threshold=0.3&min_speech_duration_ms=100&max_speech_duration_s=0.5&\
                 min_silence_duration_ms=50&speech_pad_ms=10&min_silence_at_max_speech=30";
    assert_eq!(found(query), segments(&clip, &options));
    let preset = SpeechOptions::preset("faster-whisper").unwrap();
    assert_eq!(found("preset=faster-whisper"), segments(&clip, &preset));
}

#[test]
fn one_channel_can_be_chosen() {
    let server = Running::start(|_| {});
    let path = fixture("stereo.au");
    let bytes = std::fs::read(&path).unwrap();
    let options = stapes_audio::ReadOptions { channel: stapes_audio::Channel::Index(1), segment: None };
    let clip = stapes_audio::read_with(&path, &options).unwrap();
    let row = post(server.addr, "/v1/classify?model=vad&channel=1", &bytes).json();
    assert_eq!(frame_probabilities(&row), Classifier::new(&model("vad")).unwrap().classify(&clip).unwrap());
    assert_eq!(post(server.addr, "/v1/classify?model=vad&channel=2", &bytes).code().1, "bad_option");
}
