//! A model gives the same results on a stream as on the recording, and a model file preserves the whole model.

use std::path::Path;

use stapes_audio::Clip;
use stapes_features::{FeatureConfig, Features, Normalization, StandardScaler};
use stapes_infer::{Classifier, InferError, Model, StreamClassifier};
use stapes_nn::ModelConfig;

const RATE_HZ: u32 = 8000;

/// Returns a model with initial parameters and running statistics from a formula.
fn model(features: &str, network: &str, standardized: bool) -> Model {
    let mut features: FeatureConfig =
        toml::from_str(&format!("sample_rate_hz = {RATE_HZ}\n{features}")).unwrap();
    let width = features.init().unwrap().width();
    // In the range of decibels.
    let wave = |from: f32, middle: f32| (0..width).map(|at| middle + (from + at as f32).sin()).collect();
    let normalizer = standardized.then(|| {
        features.normalization = Normalization::PerCoefficient;
        StandardScaler { mean: wave(1.0, -20.0), scale: wave(2.0, 20.0) }
    });
    let config: ModelConfig = toml::from_str(network).unwrap();
    let mut model = Model::untrained(features, config, vec!["a".into(), "b".into()], 1).unwrap();
    for tensor in model.network().unwrap().tensors().iter().filter(|tensor| !tensor.trained) {
        let statistics = tensor.slice_mut(&mut model.parameters).iter_mut().enumerate();
        statistics.for_each(|(at, value)| *value += 0.5 * (at as f32 + 0.3).sin().abs());
    }
    Model { normalizer, ..model }
}

fn samples(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at as f32 * 0.21).sin() * (at as f32 * 0.003).cos()).collect()
}

fn clip(samples: &[f32]) -> Clip {
    Clip { samples: samples.to_vec(), sample_rate_hz: RATE_HZ }
}

/// Returns the probabilities after each frame, with the samples in chunks.
fn streamed(model: &Model, samples: &[f32], chunk_len: usize) -> Vec<Vec<f32>> {
    let mut stream = StreamClassifier::new(model).unwrap();
    let mut rows = Vec::new();
    for chunk in samples.chunks(chunk_len) {
        stream.push(chunk, |row| rows.push(row.to_vec())).unwrap();
    }
    stream.finish(|row| rows.push(row.to_vec())).unwrap();
    rows
}

const KALDI: &str = "[front_end.kaldi-mfcc]\n[deltas]\norder = 1";
const LIBROSA: &str =
    "[front_end.librosa-mel-db]\nn_fft = 256\nhop_length = 80\nn_mels = 20\ntop_db = 'none'\ncenter = false";

#[test]
fn streamed_frame_probabilities_match_those_of_the_whole_recording() {
    let samples = samples(6000);
    for (features, standardized) in [(KALDI, false), (LIBROSA, true)] {
        for network in [
            "[recurrent]\ncell = 'lstm'\nhidden_size = 6\nnum_layers = 2\nhead = 'per_frame'",
            "[cdnn]\nfilters = 3\nhidden_size = 4",
        ] {
            let model = model(features, network, standardized);
            let expected = Classifier::new(&model).unwrap().classify(&clip(&samples)).unwrap();
            for chunk_len in [37, 800, 6000] {
                let streamed = streamed(&model, &samples, chunk_len).concat();
                assert_eq!(streamed, expected, "{features} {network} {chunk_len}");
            }
        }
    }
}

#[test]
fn the_last_streamed_probabilities_are_those_of_the_recording() {
    let samples = samples(5000);
    for (features, network) in [
        (LIBROSA, "[recurrent]\ncell = 'gru'\nhidden_size = 6\nhead = 'max'"),
        (LIBROSA, "[recurrent]\ncell = 'rnn_tanh'\nhidden_size = 6\nhead = 'vote'"),
        (LIBROSA, "[crnn]\nfilters = 4\nhidden_size = 5\nfc_size = 16"),
    ] {
        let model = model(features, network, true);
        let mut classifier = Classifier::new(&model).unwrap();
        let rows = streamed(&model, &samples, 100);
        assert_eq!(rows.last().unwrap(), &classifier.classify(&clip(&samples)).unwrap(), "{network}");
        // An untrained model may vote for the same label in all frames.
        let changes = rows.windows(2).any(|rows| rows[0] != rows[1]);
        assert!(changes || network.contains("vote"), "{network}: {rows:?}");
    }
}

#[test]
fn front_ends_and_layers_that_need_future_frames_are_errors() {
    let lstm = "[recurrent]\ncell = 'lstm'\nhidden_size = 6";
    let error = |features: &str, network: &str| {
        StreamClassifier::new(&model(features, network, false)).err().unwrap().to_string()
    };
    let centered = LIBROSA.replace("center = false", "center = true");
    assert!(error(&centered, lstm).contains("center"), "{}", error(&centered, lstm));
    let both = format!("{lstm}\nbidirectional = true");
    let message = error(LIBROSA, &both);
    assert!(message.starts_with("the model cannot run on a stream: lstm 20 -> 6"), "{message}");
}

#[test]
fn a_stream_continues_after_an_error_for_a_sample_that_is_not_finite() {
    let model = model(LIBROSA, "[recurrent]\ncell = 'lstm'\nhidden_size = 6", false);
    let samples = samples(2000);
    let mut stream = StreamClassifier::new(&model).unwrap();
    let mut rows = Vec::new();
    stream.push(&samples[..1000], |row| rows.push(row.to_vec())).unwrap();
    let error = stream.push(&[0.5, f32::NAN], |_| unreachable!("probabilities of NaN"));
    assert!(matches!(error, Err(InferError::Features(_))), "{error:?}");
    stream.push(&samples[1000..], |row| rows.push(row.to_vec())).unwrap();
    stream.finish(|row| rows.push(row.to_vec())).unwrap();
    assert_eq!(rows, streamed(&model, &samples, 2000));
}

#[test]
fn a_model_file_preserves_running_statistics() {
    for network in ["[mfcc-cnn]", "[bc-resnet]", "[tc-resnet]"] {
        let features = "fixed_length_samples = 6000\n[front_end.librosa-mfcc]\nn_fft = 512\nhop_length = 80\nn_mfcc = 40";
        let model = model(features, network, false);
        let read = Model::from_bytes(&model.to_bytes().unwrap(), Path::new("model")).unwrap();
        assert_eq!(read, model, "{network}");
        let probabilities = [&model, &read]
            .map(|model| Classifier::new(model).unwrap().classify(&clip(&samples(6000))).unwrap());
        assert_eq!(probabilities[0], probabilities[1], "{network}");
    }
}

#[test]
fn more_frames_than_a_network_takes_are_an_error() {
    let features = "[front_end.waveform]\nframe_length = 1\nhop_length = 1";
    let model = model(features, "[tc-resnet]\nchannels = [1, 2]", false);
    let frames = Features::new(1, vec![0.5; (1 << 22) + 1]);
    let error = Classifier::new(&model).unwrap().classify_frames(&frames).unwrap_err().to_string();
    assert!(error.contains("at most 4194304 frames") && error.contains("4194305"), "{error}");
}
