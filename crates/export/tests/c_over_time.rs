//! Decisions over time in exported C code are those of stapes.

#[path = "support/c.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod c;
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use c::{compile, has_compiler, run, write_files};
use stapes_export::{COptions, c_files};
use stapes_infer::{
    Keyword, KeywordDetector, KeywordOptions, KeywordSettings, Model, SpeechOptions, SpeechStream, SpeechTime,
};
use support::{cases::SMALL, model};

/// Exports a model, compiles a program with its code, and returns it with its folder.
fn program(model: &Model, name: &str, flags: &[&str]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let options = COptions { max_seconds: model.keywords.is_some().then_some(0.5), ..COptions::default() };
    write_files(folder.path(), &c_files(model, &options).unwrap());
    let source = stapes_testkit::fixture::workspace_root().join("crates/export/tests/c").join(name);
    let sanitized = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let flags = [&sanitized[..], flags].concat();
    let program = compile(folder.path(), &[&folder.path().join("model.c"), &source], &flags);
    (folder, program)
}

/// Numbers in [0, 1) that change slowly for a while and then jump, so that all durations of speech and silence occur.
fn probabilities(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let (mut level, mut left) = (0.0, 0);
    let next = |_| {
        if left == 0 {
            (level, left) = (random(), 1 + (random() * random() * 60.0) as usize);
        }
        left -= 1;
        (level + 0.2 * (random() - 0.5)).clamp(0.0, 1.0)
    };
    (0..count).map(next).collect()
}

fn bytes(rows: &[f32]) -> Vec<u8> {
    rows.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn speech_starts_and_ends_where_stapes_has_it() {
    if !has_compiler() {
        return;
    }
    let lstm = "[recurrent]\ncell = 'lstm'\nhidden_size = 5\nhead = 'per_frame'";
    let model = model(SMALL, lstm, 2);
    let cases = [
        (SpeechOptions::default(), vec![]),
        (
            SpeechOptions {
                threshold: 0.6,
                neg_threshold: Some(0.3),
                min_speech_duration_ms: 0.0,
                min_silence_duration_ms: 35.0,
                speech_pad_ms: 33.0,
                ..SpeechOptions::default()
            },
            vec![
                "-DMODEL_SPEECH_THRESHOLD=0.6f",
                "-DMODEL_SPEECH_END_THRESHOLD=0.3f",
                "-DMODEL_MIN_SPEECH_MS=0",
                "-DMODEL_MIN_SILENCE_MS=35",
                "-DMODEL_SPEECH_PAD_MS=33",
            ],
        ),
        (
            SpeechOptions { min_silence_duration_ms: 0.0, speech_pad_ms: 200.0, ..SpeechOptions::default() },
            vec!["-DMODEL_MIN_SPEECH_MS=250", "-DMODEL_MIN_SILENCE_MS=0", "-DMODEL_SPEECH_PAD_MS=200"],
        ),
    ];
    for (options, flags) in cases {
        let (_folder, program) = program(&model, "speech.c", &flags);
        let mut total = 0;
        for (seed, count) in [(1, 3000), (2, 3000), (3, 500), (4, 47), (5, 1), (6, 0)] {
            let speech = probabilities(count, seed);
            let rows: Vec<f32> = speech.iter().flat_map(|&speech| [1.0 - speech, speech]).collect();
            let samples = count * 80 + 137;
            let mut expected = Vec::new();
            let event = |time| match time {
                SpeechTime::Start(seconds) => (0, (seconds * 8000.0).round() as u64),
                SpeechTime::End(seconds) => (1, (seconds * 8000.0).round() as u64),
            };
            let mut stream = SpeechStream::new(&model, &options).unwrap();
            rows.chunks_exact(2).for_each(|row| stream.push(row, |time| expected.push(event(time))));
            stream.finish(samples as f64 / 8000.0, |time| expected.push(event(time)));
            let output = String::from_utf8(run(&program, samples, bytes(&rows))).unwrap();
            let line = |line: &str| {
                let (is_end, sample) = line.split_once(' ').unwrap();
                (is_end.parse().unwrap(), sample.parse().unwrap())
            };
            let got: Vec<(i32, u64)> = output.lines().map(line).collect();
            assert_eq!(got, expected, "{options:?}, {count} frames");
            total += got.len();
        }
        assert!(total > 50, "{total} events");
    }
}

#[test]
fn keywords_are_detected_where_stapes_detects_them() {
    if !has_compiler() {
        return;
    }
    let gru = "[recurrent]\ncell = 'gru'\nhidden_size = 5\nbidirectional = true";
    let mut model = model(SMALL, gru, 4);
    let [yes, no] = [&model.labels[3], &model.labels[1]].map(String::clone);
    let settings = KeywordSettings {
        hop_seconds: 0.05,
        smoothing_seconds: 0.2,
        thresholds: [(yes, 0.55), (no, 0.6)].into(),
        ..KeywordSettings::with_window(0.5)
    };
    model.keywords = Some(settings.clone());
    let (_folder, program) = program(&model, "keywords.c", &[]);
    let class = |label: &String| model.labels.iter().position(|other| other == label).unwrap();
    let keywords =
        settings.thresholds.iter().map(|(label, &threshold)| Keyword { class: class(label), threshold });
    let options = KeywordOptions {
        keywords: keywords.collect(),
        smoothing_seconds: settings.smoothing_seconds,
        refractory_seconds: settings.refractory_seconds,
    };
    let mut detector = KeywordDetector::new(&options, settings.hop_seconds);
    let rows = probabilities(8000, 9);
    let expected: Vec<i32> = rows
        .chunks_exact(4)
        .map(|row| detector.push(row).map_or(-1, |detection| detection.class as i32))
        .collect();
    let output = String::from_utf8(run(&program, 0, bytes(&rows))).unwrap();
    let got: Vec<i32> = output.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(got, expected);
    assert!([1, 3].iter().all(|class| got.iter().filter(|got| *got == class).count() > 5));
}
