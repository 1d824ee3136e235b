//! Quantized networks of all kinds, against the same networks in floating point.

#[path = "../../export/tests/support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use stapes_audio::Clip;
use stapes_features::Features;
use stapes_infer::{Classifier, ClipExtractor, Input, Model};
use stapes_kernels::Sequences;
use stapes_quantize::{Calibration, QuantizeError, QuantizedClassifier};

use support::cases::{self, Case};
use support::{model, recipe, sound};

/// Frames of a sound.
fn frames(model: &Model, length: usize, seed: usize) -> Features {
    let Input::Recordings(features) = &model.input else { panic!("a model of frames") };
    let clip = Clip { samples: sound(length, seed), sample_rate_hz: features.sample_rate_hz };
    ClipExtractor::new(features).unwrap().extract(&clip).unwrap()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |largest, next| if next <= largest { largest } else { next })
}

/// Calibrates a model on sounds; compares its probabilities in floating point and as integers with those of the classifier, and
/// returns the largest differences.
fn differences(model: &Model, lengths: &[usize]) -> [f32; 2] {
    let calibration = Calibration::new(model).unwrap();
    let mut classifier = Classifier::new(model).unwrap();
    let objective = model.network().unwrap().graph().objective;
    let mut differences = [0f32; 2];
    for (seed, &length) in lengths.iter().enumerate() {
        let frames = frames(model, length, seed);
        let scores = calibration.add(&frames).unwrap();
        let sequences = Sequences::new(&[frames.frames()]).unwrap();
        let probabilities = objective.probabilities(&scores, &sequences);
        let expected = classifier.classify_frames(&frames).unwrap();
        differences[0] = differences[0].max(largest_difference(&probabilities, &expected));
    }
    let network = calibration.quantize().unwrap();
    let quantized = QuantizedClassifier::new(model, &network).unwrap();
    for (seed, &length) in lengths.iter().enumerate() {
        let frames = frames(model, length, seed);
        let expected = classifier.classify_frames(&frames).unwrap();
        let got = quantized.classify_frames(&frames).unwrap();
        differences[1] = differences[1].max(largest_difference(&got, &expected));
    }
    differences
}

fn assert_close(cases: &[Case]) {
    for Case { features, network, classes, .. } in cases {
        let model = model(features, network, *classes);
        if Calibration::new(&model).is_err() {
            assert!(network.contains("cdnn-raw"), "{network}");
            continue;
        }
        let [float, integer] = differences(&model, &[1700, 3999, 900]);
        println!("{network:?}: float {float:.1e}, int8 {integer:.1e}");
        assert!(float <= 2e-5, "{network}: {float}");
        // A vote counts frames: all may agree, and one may change sides.
        let is_vote = network.contains("vote");
        assert!(is_vote || integer > 0.0, "{network}");
        assert!(integer <= if is_vote { 0.15 } else { 0.03 }, "{network}: {integer}");
    }
}

#[test]
fn recurrent_networks_are_close_to_floating_point() {
    assert_close(&cases::recurrent());
}

#[test]
fn convolutional_networks_are_close_to_floating_point() {
    assert_close(&cases::convolutional());
}

#[test]
fn networks_of_recipes_are_close_to_floating_point() {
    for name in [
        "upc-vad.toml",
        "fsdd-mfcc-cnn.toml",
        "speech-commands-ds-cnn.toml",
        "speech-commands-bc-resnet.toml",
    ] {
        let (features, network) = recipe(name);
        let [float, integer] = differences(&model(&features, &network, 2), &[16_000, 9000]);
        println!("{name}: float {float:.1e}, int8 {integer:.1e}");
        assert!(float <= 2e-5 && integer > 0.0 && integer <= 0.02, "{name}: {float} {integer}");
    }
}

#[test]
fn values_beyond_the_calibration_saturate_and_scores_stay_finite() {
    let model = model(cases::SMALL, "[recurrent]\ncell = 'lstm'\nhidden_size = 5\nhead = 'mean'", 3);
    let calibration = Calibration::new(&model).unwrap();
    calibration.add(&frames(&model, 3000, 1)).unwrap();
    let network = calibration.quantize().unwrap();
    let quantized = QuantizedClassifier::new(&model, &network).unwrap();
    let mut loud = frames(&model, 3000, 1);
    loud.values_mut().iter_mut().for_each(|value| *value *= 1e6);
    let probabilities = quantized.classify_frames(&loud).unwrap();
    assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{probabilities:?}");
}

#[test]
fn a_layer_without_an_integer_form_is_refused_with_the_reason() {
    let (features, network) = recipe("upc-vad-cdnn-raw.toml");
    let model = model(&features, &network, 2);
    let error = Calibration::new(&model).err().unwrap().to_string();
    assert!(
        error.starts_with("int8 cannot run a convolution along the samples of each frame, with log-ReLU: "),
        "{error}"
    );
    let model = support::model(cases::SMALL, "[recurrent]\ncell = 'gru'\nhidden_size = 4", 2);
    let empty = Calibration::new(&model).unwrap().quantize();
    assert!(matches!(empty, Err(QuantizeError::NoRecordings)));
}
