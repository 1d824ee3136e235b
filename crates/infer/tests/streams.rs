//! A model on a stream gives what it gives on the recording, and a model file keeps all that a model has.

use std::path::Path;

use stapes_audio::Clip;
use stapes_features::{FeatureConfig, Features, Normalisation, Standardiser};
use stapes_infer::{Bundle, Classifier, InferError, Input, StreamClassifier};
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;

const RATE_HZ: u32 = 8000;

/// A made-up model: parameters by formula.
fn bundle(features: &str, model: &str, standardised: bool) -> Bundle {
    let mut config: FeatureConfig =
        toml::from_str(&format!("sample_rate_hz = {RATE_HZ}\n{features}")).unwrap();
    let front_end = config.init().unwrap();
    let width = front_end.width();
    // Near what decibels are.
    let wave = |from: f32, middle: f32| (0..width).map(|at| middle + (from + at as f32).sin()).collect();
    let standardiser = standardised.then(|| {
        config.normalisation = Normalisation::PerCoefficient;
        Standardiser { mean: wave(1.0, -20.0), scale: wave(2.0, 20.0) }
    });
    let model: ModelConfig = toml::from_str(model).unwrap();
    let frames = config.fixed_length_samples.map(|samples| front_end.frames_for(samples));
    let shape = Shape::Sequence { features: width, frames };
    let mut network = model.build(shape, 2).unwrap();
    let mut parameters = network.initial_parameters(1);
    for view in network.views().iter().filter(|view| !view.trained) {
        let statistics = view.of_mut(&mut parameters).iter_mut().enumerate();
        statistics.for_each(|(at, value)| *value += 0.5 * (at as f32 + 0.3).sin().abs());
    }
    network.prepare(&parameters);
    let (input, labels) = (Input::Recordings(config), vec!["a".into(), "b".into()]);
    Bundle { input, model, labels, shape, standardiser, parameters, recipe: String::new() }
}

fn samples(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at as f32 * 0.21).sin() * (at as f32 * 0.003).cos()).collect()
}

fn clip(samples: &[f32]) -> Clip {
    Clip { samples: samples.to_vec(), sample_rate_hz: RATE_HZ }
}

/// The probabilities after each frame, with the samples in pieces.
fn streamed(bundle: &Bundle, samples: &[f32], piece: usize) -> Vec<Vec<f32>> {
    let mut stream = StreamClassifier::new(bundle).unwrap();
    let mut rows = Vec::new();
    for piece in samples.chunks(piece) {
        stream.push(piece, |row| rows.push(row.to_vec())).unwrap();
    }
    stream.finish(|row| rows.push(row.to_vec())).unwrap();
    rows
}

const KALDI: &str = "[front_end.kaldi-mfcc]\n[deltas]\norder = 1";
const LIBROSA: &str =
    "[front_end.librosa-mel-db]\nn_fft = 256\nhop_length = 80\nn_mels = 20\ntop_db = 'none'\ncenter = false";

#[test]
fn decisions_for_frames_are_those_of_the_whole_recording() {
    let samples = samples(6000);
    for (features, standardised) in [(KALDI, false), (LIBROSA, true)] {
        for model in [
            "[recurrent]\ncell = 'lstm'\nhidden = 6\nlayers = 2\nhead = 'per_frame'",
            "[cdnn]\nfilters = 3\ncells = 4",
        ] {
            let bundle = bundle(features, model, standardised);
            let whole = Classifier::new(&bundle).unwrap().classify(&clip(&samples)).unwrap();
            for piece in [37, 800, 6000] {
                assert_eq!(streamed(&bundle, &samples, piece).concat(), whole, "{features} {model} {piece}");
            }
        }
    }
}

#[test]
fn the_last_decision_for_a_recording_is_that_of_the_whole() {
    let samples = samples(5000);
    for (features, model) in [
        (LIBROSA, "[recurrent]\ncell = 'gru'\nhidden = 6\nhead = 'max'"),
        (LIBROSA, "[recurrent]\ncell = 'rnn_tanh'\nhidden = 6\nhead = 'vote'"),
        (LIBROSA, "[crnn]\nfilters = 4\ncells = 5\nhidden = 16"),
    ] {
        let bundle = bundle(features, model, true);
        let mut classifier = Classifier::new(&bundle).unwrap();
        let rows = streamed(&bundle, &samples, 100);
        assert_eq!(rows.last().unwrap(), &classifier.classify(&clip(&samples)).unwrap(), "{model}");
        // Votes of a model that was never trained may all be for one label.
        let changes = rows.windows(2).any(|rows| rows[0] != rows[1]);
        assert!(changes || model.contains("vote"), "{model}: {rows:?}");
    }
}

#[test]
fn what_looks_ahead_is_refused_in_words() {
    let lstm = "[recurrent]\ncell = 'lstm'\nhidden = 6";
    let error = |features: &str, model: &str| {
        StreamClassifier::new(&bundle(features, model, false)).err().unwrap().to_string()
    };
    let centred = LIBROSA.replace("center = false", "center = true");
    assert!(error(&centred, lstm).contains("center"), "{}", error(&centred, lstm));
    let both = format!("{lstm}\nwiring = 'stacked'");
    let message = error(LIBROSA, &both);
    assert!(message.starts_with("the model cannot run on a stream: lstm 20 -> 6"), "{message}");
}

#[test]
fn a_sample_that_is_no_number_is_an_error_and_the_stream_goes_on() {
    let bundle = bundle(LIBROSA, "[recurrent]\ncell = 'lstm'\nhidden = 6", false);
    let samples = samples(2000);
    let mut stream = StreamClassifier::new(&bundle).unwrap();
    let mut rows = Vec::new();
    stream.push(&samples[..1000], |row| rows.push(row.to_vec())).unwrap();
    let error = stream.push(&[0.5, f32::NAN], |_| unreachable!("scores of what is no number"));
    assert!(matches!(error, Err(InferError::Features(_))), "{error:?}");
    stream.push(&samples[1000..], |row| rows.push(row.to_vec())).unwrap();
    stream.finish(|row| rows.push(row.to_vec())).unwrap();
    assert_eq!(rows, streamed(&bundle, &samples, 2000));
}

#[test]
fn a_model_file_keeps_running_statistics() {
    for model in ["[mfcc-cnn]", "[bc-resnet]", "[tc-resnet]"] {
        let features = "fixed_length_samples = 6000\n[front_end.librosa-mfcc]\nn_fft = 512\nhop_length = 80\nn_mfcc = 40";
        let bundle = bundle(features, model, false);
        let read = Bundle::from_bytes(&bundle.to_bytes().unwrap(), Path::new("model")).unwrap();
        assert_eq!(read, bundle, "{model}");
        let probabilities = [&bundle, &read]
            .map(|bundle| Classifier::new(bundle).unwrap().classify(&clip(&samples(6000))).unwrap());
        assert_eq!(probabilities[0], probabilities[1], "{model}");
    }
}

#[test]
fn a_recording_of_more_frames_than_a_net_takes_is_refused() {
    let features = "[front_end.waveform]\nframe_length = 1\nhop_length = 1";
    let bundle = bundle(features, "[tc-resnet]\nchannels = [1, 2]", false);
    let frames = Features::new(1, vec![0.5; (1 << 22) + 1]);
    let error = Classifier::new(&bundle).unwrap().classify_frames(&frames).unwrap_err().to_string();
    assert!(error.contains("at most 4194304 frames") && error.contains("4194305"), "{error}");
}
