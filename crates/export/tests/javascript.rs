//! The package for JavaScript returns the scores of this program: every network, front end and recipe, with and without vector
//! instructions. The committed modules are tested; a change of the sources that changes results fails here until `npm/build` of
//! the web crate has built them again.

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::Path;
use std::process::Command;

use serde_json::json;
use stapes_audio::Clip;
use stapes_export::{WebOptions, web_files};
use stapes_infer::{Classifier, Input, Model, StreamClassifier};
use stapes_testkit::fixture::workspace_root;
use support::{cases, model, recipe, sound};

const LARGEST_DIFFERENCE: f64 = 1e-5;

/// Returns false without Node.js, where fixtures are not required.
fn has_node() -> bool {
    let found = Command::new("node").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("STAPES_REQUIRE_FIXTURES").is_none(), "node is missing");
    found
}

fn rate(model: &Model) -> u32 {
    let Input::Recordings(features) = &model.input else { unreachable!("the models read recordings") };
    features.sample_rate_hz
}

fn write(path: &Path, values: &[f32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(path, bytes).unwrap();
}

/// Writes a model, recordings, and the scores of this program; returns the entry of the list.
fn write_case(folder: &Path, name: &str, model: &Model, lengths: &[usize]) -> serde_json::Value {
    std::fs::write(folder.join(format!("{name}.safetensors")), model.to_bytes().unwrap()).unwrap();
    let rate = rate(model);
    let is_frame_level = model.network().unwrap().objective().is_frame_level();
    let recordings: Vec<String> = (0..lengths.len()).map(|at| format!("{name}-{at}")).collect();
    for (seed, (&length, recording)) in lengths.iter().zip(&recordings).enumerate() {
        let samples = sound(length, seed);
        write(&folder.join(format!("{recording}.samples")), &samples);
        let clip = Clip { samples: samples.clone(), sample_rate_hz: rate };
        write(
            &folder.join(format!("{recording}.scores")),
            &Classifier::new(model).unwrap().classify(&clip).unwrap(),
        );
        if let (true, Ok(mut stream)) = (is_frame_level, StreamClassifier::new(model)) {
            let mut scores = Vec::new();
            stream.push(&samples, |row| scores.extend_from_slice(row)).unwrap();
            stream.finish(|row| scores.extend_from_slice(row)).unwrap();
            write(&folder.join(format!("{recording}.stream")), &scores);
        }
    }
    json!({ "name": name, "rate": rate, "recordings": recordings })
}

/// Runs models in Node.js.
fn assert_same(models: Vec<(String, Model, Vec<usize>)>) {
    let folder = tempfile::tempdir().unwrap();
    for file in
        web_files(&models[0].1, &WebOptions { name: "model".into(), ..WebOptions::default() }).unwrap()
    {
        let path = folder.path().join(file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.bytes).unwrap();
    }
    let case = |(name, model, lengths): &(String, Model, Vec<usize>)| {
        write_case(
            folder.path(),
            &name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_"),
            model,
            lengths,
        )
    };
    let cases: Vec<_> = models.iter().map(case).collect();
    std::fs::write(folder.path().join("cases.json"), json!(cases).to_string()).unwrap();
    for module in ["stapes-simd.wasm", "stapes.wasm"] {
        let script = workspace_root().join("crates/export/tests/javascript/compare.mjs");
        let output = Command::new("node").arg(script).arg(folder.path()).arg(module).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut compared = 0;
        let mut largest = 0f64;
        for line in text.lines() {
            let (name, differences) = line.split_once(' ').unwrap();
            for difference in differences.split(' ').map(|text| text.parse::<f64>().unwrap()) {
                assert!(difference <= LARGEST_DIFFERENCE, "{module}, {name}: {difference}");
                largest = largest.max(difference);
                compared += 1;
            }
        }
        assert!(compared >= models.len(), "{compared} comparisons of {} models", models.len());
        println!("{module}: {compared} comparisons, largest difference {largest:.1e}");
    }
}

#[test]
fn the_package_runs_every_network() {
    if !has_node() {
        return;
    }
    let cases = cases::recurrent().into_iter().chain(cases::convolutional()).enumerate();
    let model = |(at, case): (usize, cases::Case)| {
        (format!("network-{at}"), model(&case.features, case.network, case.classes), vec![1700, 3999])
    };
    assert_same(cases.map(model).collect());
}

#[test]
fn the_package_computes_every_front_end() {
    if !has_node() {
        return;
    }
    let lstm = "[recurrent]\ncell = 'lstm'\nhidden_size = 6\nhead = 'per_frame'";
    let cases = cases::front_ends().into_iter().enumerate();
    let model = |(at, (features, _)): (usize, (String, bool))| {
        (format!("front-end-{at}"), model(&features, lstm, 3), vec![9600, 6001])
    };
    assert_same(cases.map(model).collect());
}

#[test]
fn the_package_runs_every_recipe() {
    if !has_node() {
        return;
    }
    let folder = workspace_root().join("crates/stapes/recipes");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    let mut models = Vec::new();
    for name in names {
        // Recipes of frames have no front end.
        if std::fs::read_to_string(folder.join(&name)).unwrap().contains("\n[features") {
            let (features, network) = recipe(&name);
            models.push((name, model(&features, &network, 2), vec![16_000]));
        }
    }
    assert!(models.len() > 10, "{} recipes of recordings", models.len());
    assert_same(models);
}
