//! Exported C code returns the scores of this program, without warnings, and without errors of memory.

#[path = "support/c.rs"]
mod c;
mod support;

use stapes_audio::Clip;
use stapes_export::{COptions, c_files};
use stapes_infer::{Classifier, Model, StreamClassifier};

use c::{compile, has_compiler, run, run_exported_test, write_files};
use support::cases::{self, Case, SMALL};
use support::{model, recipe, sound};

/// Scores of this program.
fn expected(model: &Model, samples: &[f32], stream: bool, rate: u32) -> Vec<f32> {
    if !stream {
        let clip = Clip { samples: samples.to_vec(), sample_rate_hz: rate };
        return Classifier::new(model).unwrap().classify(&clip).unwrap();
    }
    let (mut scores, mut stream) = (Vec::new(), StreamClassifier::new(model).unwrap());
    stream.push(samples, |row| scores.extend_from_slice(row)).unwrap();
    stream.finish(|row| scores.extend_from_slice(row)).unwrap();
    scores
}

/// Exports a model, runs it on recordings of these lengths, and returns the largest difference.
fn largest_difference(name: &str, model: &Model, max_seconds: Option<f64>, lengths: &[usize]) -> f32 {
    let folder = tempfile::tempdir().unwrap();
    let files = c_files(model, &COptions { max_seconds, ..COptions::default() }).unwrap();
    write_files(folder.path(), &files);
    let header = std::str::from_utf8(&files[0].bytes).unwrap();
    let stream = header.contains("model_push");
    let rate = header.split("#define MODEL_RATE ").nth(1).unwrap().split_whitespace().next().unwrap();
    let rate: u32 = rate.parse().unwrap();
    let tests = stapes_testkit::fixture::workspace_root().join("crates/export/tests/c");
    let driver = tests.join(if stream { "stream.c" } else { "clip.c" });
    let (mut largest, mut ends) = (0f32, Vec::new());
    for flags in [&[][..], &["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]] {
        let program = compile(folder.path(), &[&folder.path().join("model.c"), &driver], flags);
        for (seed, &length) in lengths.iter().enumerate() {
            let samples = sound(length, seed);
            let expected = expected(model, &samples, stream, rate);
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let output = run(&program, 1 + 333 * seed, bytes);
            let got: Vec<f32> =
                output.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            assert_eq!(got.len(), expected.len(), "{name}: {length} samples");
            ends.push(expected[expected.len() - model.labels.len()..].to_vec());
            let differences = got.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            // NaN is the largest.
            largest = differences.fold(largest, |largest, next| if next <= largest { largest } else { next });
        }
    }
    // Otherwise equal scores would show nothing; a vote of an untrained model may be unanimous.
    let apart = |other: &Vec<f32>| ends[0].iter().zip(other).any(|(a, b)| (a - b).abs() > 1e-4);
    assert!(
        name.contains("vote") || ends.iter().any(apart),
        "{name}: the scores do not depend on the recording"
    );
    println!("{name}: largest difference {largest:.1e}");
    largest
}

/// Runs all models, and reports those whose scores differ.
fn assert_same(cases: &[(&str, Model, Option<f64>, &[usize])]) {
    let failed = cases.iter().filter(|(name, model, max_seconds, lengths)| {
        let largest = std::panic::catch_unwind(|| largest_difference(name, model, *max_seconds, lengths));
        !largest.is_ok_and(|largest| largest <= 1e-5)
    });
    let failed: Vec<&str> = failed.map(|(name, ..)| *name).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn c_code_of_five_recipes_returns_the_scores_of_stapes() {
    if !has_compiler() {
        return;
    }
    // An LSTM that detects voice per frame and a GRU for words, both on a stream.
    let (vad_features, vad) = recipe("upc-vad.toml");
    let (word_features, _) = recipe("speech-commands-crnn.toml");
    let gru = "[recurrent]\ncell = 'gru'\nhidden_size = 48\nnum_layers = 2\nhead = 'last'";
    let clip = |name: &str| {
        let (features, network) = recipe(name);
        model(&features, &network, 12)
    };
    let cases: [(&str, Model, Option<f64>, &[usize]); 5] = [
        ("upc-vad", model(&vad_features, &vad, 2), None, &[16_000, 400, 3333]),
        ("gru", model(&word_features, gru, 12), None, &[16_000, 1024, 5000]),
        ("ds-cnn", clip("speech-commands-ds-cnn.toml"), Some(1.0), &[16_000, 7777, 900]),
        ("bc-resnet", clip("speech-commands-bc-resnet.toml"), Some(1.0), &[16_000, 5001]),
        ("mfcc-cnn", clip("fsdd-mfcc-cnn.toml"), Some(1.0), &[6000, 200, 9000]),
    ];
    assert_same(&cases);
    for (name, model, max_seconds, _) in &cases {
        let folder = tempfile::tempdir().unwrap();
        let options = COptions { max_seconds: *max_seconds, ..COptions::default() };
        write_files(folder.path(), &c_files(model, &options).unwrap());
        run_exported_test(name, folder.path());
    }
}

/// Runs networks on recordings of three lengths.
fn assert_same_cases(cases: &[Case]) {
    let cases: Vec<_> = cases
        .iter()
        .map(|case| {
            let model = model(&case.features, case.network, case.classes);
            (case.network, model, case.max_seconds, &[1700, 3999, 900][..])
        })
        .collect();
    assert_same(&cases);
}

#[test]
fn c_code_runs_every_recurrent_network() {
    if has_compiler() {
        assert_same_cases(&cases::recurrent());
    }
}

#[test]
fn c_code_runs_every_convolutional_network() {
    if has_compiler() {
        assert_same_cases(&cases::convolutional());
    }
}

#[test]
fn c_code_computes_every_front_end() {
    if !has_compiler() {
        return;
    }
    let lstm = "[recurrent]\ncell = 'lstm'\nhidden_size = 6\nhead = 'per_frame'";
    let front_ends = cases::front_ends();
    let cases: Vec<_> = front_ends
        .iter()
        .map(|(features, clip)| {
            (&**features, model(features, lstm, 3), clip.then_some(0.6), &[9600, 6001, 8000][..])
        })
        .collect();
    assert_same(&cases);
}

#[test]
fn models_that_c_cannot_run_are_refused_with_the_layer_and_the_reason() {
    let refused = |features: &str, network: &str, options: COptions| {
        c_files(&model(features, network, 3), &options).unwrap_err().to_string()
    };
    let attention = "[recurrent]\ncell = 'gru'\nhidden_size = 5\nhead = 'attention'";
    let error = refused(SMALL, attention, COptions::default());
    assert!(
        error.starts_with("max_seconds = absent: the model reads whole recordings (attention over frames needs future frames"),
        "{error}"
    );
    let short = COptions { max_seconds: Some(0.01), ..COptions::default() };
    assert!(refused(SMALL, attention, short).contains("use at least 0.025"));
    let endless = COptions { max_seconds: Some(f64::NAN), ..COptions::default() };
    assert!(refused(SMALL, attention, endless).starts_with("max_seconds = NaN: must be above 0"));
    let name = COptions { name: "my model".into(), ..COptions::default() };
    assert!(refused(SMALL, attention, name).starts_with("name = my model: must be at most 40"));
    let wrapped = format!("{SMALL}\n[deltas]\nmode = 'wrap'");
    let error = refused(&wrapped, attention, COptions { max_seconds: Some(0.5), ..COptions::default() });
    assert!(error.starts_with("C cannot run deltas: mode = \"wrap\""), "{error}");
    let mirrored = SMALL.to_owned() + "\nframe_opts = { snip_edges = false }";
    let lstm = "[recurrent]\ncell = 'lstm'\nhidden_size = 5";
    let error = refused(&mirrored, lstm, COptions::default());
    assert!(error.starts_with("C cannot run the front end: frames that are mirrored"), "{error}");
}
