//! The example programs run, and are short enough to read at a glance.

use std::path::PathBuf;
use std::process::Command;

use stapes_testkit::fixture::workspace_root;

use crate::support::{Scratch, wav};

const NAMES: [&str; 5] = ["features", "train_arrays", "classify", "stream", "segment"];

/// Runs an example that cargo built beside this test, and returns its output.
fn run(name: &str, arguments: &[PathBuf]) -> String {
    let program = std::env::current_exe().unwrap();
    let program = program.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    let output = Command::new(&program).args(arguments).output();
    let output = output
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo test` for all targets", program.display()));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn examples_have_at_most_25_lines() {
    for name in NAMES {
        let path = workspace_root().join(format!("crates/stapes/examples/{name}.rs"));
        let lines = std::fs::read_to_string(path).unwrap().lines().count();
        assert!(lines <= 25, "{name}: {lines} lines");
    }
}

#[test]
fn features_and_training_on_arrays_run() {
    assert!(run("features", &[]).starts_with("32 frames of 13 coefficients"));
    assert!(run("train_arrays", &[]).starts_with("up "));
}

#[test]
fn classification_streaming_and_segmentation_run() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --set train.epochs=1 --out run").succeeds();
    let file = scratch.path("tones").join("recordings/0_a_0.wav");
    let file = if file.is_file() {
        file
    } else {
        scratch.write(
            "tone.wav",
            wav(&(0..8000).map(|n| (0.3 * n as f32).sin() * 0.4).collect::<Vec<_>>(), 8000),
        )
    };
    let output = run("classify", &[scratch.path("run/model.safetensors"), file]);
    assert_eq!(output.trim_end().split('\t').count(), 3, "{output}");
}
