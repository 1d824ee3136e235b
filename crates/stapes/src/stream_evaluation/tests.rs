//! Events of a stream are those of the file, for all models, chunks and windows.

use std::path::PathBuf;

use proptest::prelude::*;
use stapes_audio::{Channel, Clip, StreamResampler};
use stapes_features::{FeatureConfig, Normalization};
use stapes_infer::{
    Keyword, KeywordDetector, KeywordOptions, KeywordSettings, Model, SpeechOptions, SpeechStream,
    SpeechTime, StreamClassifier, WindowStream,
};

use super::{FileKeywords, KeywordTime};
use crate::FileClassifier;

/// Model with random weights.
fn model(preset: &str, recurrent: &str, change: impl Fn(&mut FeatureConfig)) -> Model {
    let mut features = stapes_features::preset(preset).unwrap();
    change(&mut features);
    let text = format!("[recurrent]\ncell = 'gru'\nhidden_size = 4\n{recurrent}");
    Model::untrained(features, toml::from_str(&text).unwrap(), vec!["other".into(), "yes".into()], 1).unwrap()
}

/// Models of clips: shared features with and without later frames, whole clips, two directions.
fn models_of_clips() -> Vec<Model> {
    vec![
        model("kaldi-mfcc-39", "bidirectional = true", |_| {}),
        model("kaldi-mfcc-39", "head = 'mean'", |features| {
            features.normalization = Normalization::PerUtterance;
        }),
        model("log-mel", "head = 'max'", |features| features.fixed_length_samples = Some(8000)),
    ]
}

/// Recording of noise with a slow rhythm, so that scores change.
fn recording(folder: &tempfile::TempDir, samples: usize, sample_rate_hz: u32) -> (PathBuf, Clip) {
    let path = folder.path().join("a.wav");
    let sample = |n: usize| {
        let noise = f32::from((n * n % 30_011) as i16 - 15_000) / 32_768.0;
        noise * (0.5 + 0.5 * (n as f32 / (0.11 * sample_rate_hz as f32)).sin())
    };
    let clip = Clip { samples: (0..samples).map(sample).collect(), sample_rate_hz };
    stapes_audio::write_wav(&path, &clip).unwrap();
    let clip = stapes_audio::read(&path).unwrap();
    (path, clip)
}

/// Passes chunks of a clip, resampled as they arrive.
fn resampled(clip: &Clip, chunk: usize, mut push: impl FnMut(&[f32])) {
    let mut resampler = StreamResampler::new(clip.sample_rate_hz, 16_000).unwrap();
    let mut samples = Vec::new();
    for chunk in clip.samples.chunks(chunk) {
        samples.clear();
        resampler.push(chunk, &mut samples).unwrap();
        push(&samples);
    }
    samples.clear();
    resampler.finish(&mut samples).unwrap();
    push(&samples);
}

/// Detections of keywords while the samples arrive.
fn streamed(
    model: &Model,
    settings: &KeywordSettings,
    options: &KeywordOptions,
    clip: &Clip,
    chunk: usize,
) -> Vec<KeywordTime> {
    let mut windows = WindowStream::new(model, settings.window_seconds, settings.hop_seconds).unwrap();
    let mut detector = KeywordDetector::new(options, windows.hop_seconds());
    let mut found = Vec::new();
    let mut report = |seconds: f64, row: &[f32]| {
        if let Some(detection) = detector.push(row) {
            found.push(KeywordTime { keyword: 0, seconds, score: detection.score });
        }
    };
    resampled(clip, chunk, |samples| windows.push(samples, &mut report).unwrap());
    windows.finish(&mut report).unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn keywords_of_a_stream_are_those_of_the_file(
        at in 0usize..3,
        length in 4000usize..30_000,
        rate_hz in prop_oneof![Just(16_000u32), Just(8000), Just(44_100)],
        chunk in prop_oneof![Just(1usize), 2usize..400, 400usize..20_000],
        window in prop_oneof![Just(0.25), Just(0.5)],
        hop in prop_oneof![Just(0.02), Just(0.1), Just(0.7)],
        smoothing in prop_oneof![Just(0.0), Just(0.3)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (path, clip) = recording(&folder, length, rate_hz);
        let model = &models_of_clips()[at];
        let settings = KeywordSettings {
            hop_seconds: hop,
            smoothing_seconds: smoothing,
            refractory_seconds: 0.2,
            ..KeywordSettings::with_window(window)
        };
        let options = |threshold| KeywordOptions {
            keywords: vec![Keyword { class: 1, threshold }],
            smoothing_seconds: smoothing,
            refractory_seconds: settings.refractory_seconds,
        };
        // A threshold in the middle of the scores, so that there are detections and gaps.
        let all = FileKeywords::new(model, &path, Channel::Mean, &settings, &options(f32::INFINITY)).unwrap();
        prop_assert!(all.detections.is_empty());
        let mut scores = all.scores[0].clone();
        scores.sort_by(f32::total_cmp);
        let threshold = scores.get(scores.len() / 2).copied().unwrap_or(0.5);
        let found = FileKeywords::new(model, &path, Channel::Mean, &settings, &options(threshold)).unwrap();
        prop_assert_eq!(&found.detections, &streamed(model, &settings, &options(threshold), &clip, chunk));
        prop_assert_eq!(found.detections.is_empty(), scores.is_empty());
        prop_assert_eq!(found.seconds, clip.seconds());
        // Repeated decisions on the stored scores are those of the stream.
        let times: Vec<f64> = found.detections.iter().map(|one| one.seconds).collect();
        prop_assert_eq!(all.detections_at(0, threshold, settings.refractory_seconds), times);
    }

    #[test]
    fn speech_of_a_stream_is_that_of_the_file(
        length in 4000usize..30_000,
        rate_hz in prop_oneof![Just(16_000u32), Just(8000)],
        chunk in prop_oneof![Just(1usize), 2usize..400, 400usize..20_000],
        min_silence_duration_ms in prop_oneof![Just(0.0), Just(50.0)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (path, clip) = recording(&folder, length, rate_hz);
        let model = model("kaldi-mfcc-39", "head = 'per_frame_binary'", |_| {});
        let mut classifier = FileClassifier::new(&model).unwrap();
        let mut scores = classifier.speech(&path, &SpeechOptions::default()).unwrap().probabilities;
        scores.sort_by(f32::total_cmp);
        let threshold = f64::from(scores[scores.len() / 2]);
        let options = SpeechOptions {
            threshold,
            neg_threshold: Some(threshold),
            min_speech_duration_ms: 0.0,
            min_silence_duration_ms,
            ..SpeechOptions::default()
        };
        let found = classifier.speech(&path, &options).unwrap();
        let segments: Vec<(f64, f64)> =
            found.segments.iter().map(|segment| (segment.start_seconds, segment.end_seconds)).collect();
        let mut stream = StreamClassifier::new(&model).unwrap();
        let mut speech = SpeechStream::new(&model, &options).unwrap();
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let mut add = |time| match time {
            SpeechTime::Start(seconds) => starts.push(seconds),
            SpeechTime::End(seconds) => ends.push(seconds),
        };
        resampled(&clip, chunk, |samples| stream.push(samples, |row| speech.push(row, &mut add)).unwrap());
        stream.finish(|row| speech.push(row, &mut add)).unwrap();
        speech.finish(clip.seconds(), &mut add);
        let streamed: Vec<(f64, f64)> = starts.into_iter().zip(ends).collect();
        prop_assert!(!segments.is_empty());
        prop_assert_eq!(segments, streamed);
    }
}
