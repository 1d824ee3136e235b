//! Exported C code on integers: the bits of the reference arithmetic, without warnings and errors of memory.

#[path = "support/c.rs"]
mod c;
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use c::{compile, has_compiler, run, run_exported_test, write_files};
use stapes_audio::Clip;
use stapes_export::{COptions, c_files};
use stapes_features::Features;
use stapes_infer::{ClipExtractor, Input, Model};
use stapes_quantize::{Calibration, QuantizedNetwork};
use support::cases::{self, Case};
use support::{model, recipe, sound};

/// Frames of a sound.
fn frames(model: &Model, length: usize, seed: usize) -> Features {
    let Input::Recordings(features) = &model.input else { panic!("a model of frames") };
    let clip = Clip { samples: sound(length, seed), sample_rate_hz: features.sample_rate_hz };
    ClipExtractor::new(features).unwrap().extract(&clip).unwrap()
}

/// Quantizes a model with the ranges of a sound.
fn quantized(model: &Model, length: usize) -> QuantizedNetwork {
    let calibration = Calibration::new(model).unwrap();
    calibration.add(&frames(model, length, 0)).unwrap();
    calibration.quantize().unwrap()
}

/// Runs the network on sounds of these lengths; every score must have the bits of the reference.
fn assert_same_bits(name: &str, model: &Model, max_seconds: Option<f64>, lengths: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let network = quantized(model, lengths[0]);
    let options = COptions { max_seconds, quantized: Some(&network), ..COptions::default() };
    let files = c_files(model, &options).unwrap();
    write_files(folder.path(), &files);
    let source = std::str::from_utf8(&files[1].bytes).unwrap();
    let is_stream = source.contains("model_push");
    let driver = stapes_testkit::fixture::workspace_root().join("crates/export/tests/c/network.c");
    let width = model.shape.features();
    let features = format!("-DFEATURES={width}");
    let mut flags = vec!["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", &features];
    flags.extend(is_stream.then_some("-DSTREAM"));
    flags.extend(source.contains("*network(model_model *model, int frames)").then_some("-DFRAMES"));
    let program = compile(folder.path(), &[&driver], &flags);
    let mut ends = Vec::new();
    for (&length, seed) in lengths.iter().flat_map(|length| [(length, 0), (length, 1)]) {
        let normalized = model.normalize(&frames(model, length, seed)).unwrap();
        let input = network.input(normalized.values());
        let row = network.graph.nodes.last().unwrap().output.features();
        let expected = match is_stream {
            true => network.stream_scores(&input).concat(),
            false => network.scores(&input),
        };
        let bytes = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        let output = run(&program, if is_stream { row } else { expected.len() }, bytes);
        let got: Vec<i16> =
            output.as_chunks::<2>().0.iter().map(|&bytes| i16::from_le_bytes(bytes)).collect();
        assert!(got == expected, "{name}: {length} samples: {got:?} {expected:?}");
        ends.push(expected[expected.len() - row..].to_vec());
    }
    assert!(ends.iter().any(|end| *end != ends[0]), "{name}: the scores do not depend on the recording");
    println!("{name}: {} bytes of weights, same bits", network.bytes());
    run_exported_test(name, folder.path());
}

/// Runs all cases, and reports those that failed.
fn assert_all(cases: &[Case]) {
    let failed = cases.iter().filter(|case| {
        let model = model(&case.features, case.network, case.classes);
        // Integers have no logarithm.
        if Calibration::new(&model).is_err() {
            assert!(case.network.contains("cdnn-raw"), "{}", case.network);
            return false;
        }
        std::panic::catch_unwind(|| assert_same_bits(case.network, &model, case.max_seconds, &[3999, 1700]))
            .is_err()
    });
    let failed: Vec<&str> = failed.map(|case| case.network).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn recurrent_networks_have_the_bits_of_the_reference() {
    if has_compiler() {
        assert_all(&cases::recurrent());
    }
}

#[test]
fn convolutional_networks_have_the_bits_of_the_reference() {
    if has_compiler() {
        assert_all(&cases::convolutional());
    }
}

#[test]
fn five_recipes_have_the_bits_of_the_reference() {
    if !has_compiler() {
        return;
    }
    let gru = "[recurrent]\ncell = 'gru'\nhidden_size = 48\nnum_layers = 2\nhead = 'last'";
    let (word_features, _) = recipe("speech-commands-crnn.toml");
    assert_same_bits("gru", &model(&word_features, gru, 12), None, &[16_000, 5000]);
    for (name, classes, max_seconds) in [
        ("upc-vad.toml", 2, None),
        ("speech-commands-ds-cnn.toml", 12, Some(1.0)),
        ("speech-commands-bc-resnet.toml", 12, Some(1.0)),
        ("fsdd-mfcc-cnn.toml", 12, Some(1.0)),
    ] {
        let (features, network) = recipe(name);
        assert_same_bits(name, &model(&features, &network, classes), max_seconds, &[16_000, 7777]);
    }
}
