//! Damaged files of a run, stopped runs, and weights of other programs.

use crate::support::{Scratch, wav};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch
}

#[test]
fn files_of_a_run_with_a_flipped_bit_are_refused() {
    let scratch = scratch();
    let train = "train tones.toml --data tones --out run --json --set train.epochs=400";
    scratch.run_interrupted(train, r#""step":10"#).fails(1, &[]);
    let flip = |file: &str| {
        let mut bytes = std::fs::read(scratch.path(file)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        scratch.write(file, bytes);
    };
    flip("run/checkpoint.safetensors");
    scratch.run(&format!("{train} --resume")).fails(2, &["checksum is wrong", "--force"]);
    let sound = scratch.path("tones/recordings/3_ann_7.wav");
    let predict = format!("predict run {}", sound.display());
    scratch.run(&predict).succeeds();
    flip("run/model.safetensors");
    scratch.run(&predict).fails(2, &["model.safetensors: not a complete model file", "checksum is wrong"]);
    let weights = "train tones.toml --data tones --out other --weights run/model.safetensors";
    scratch.run(weights).fails(2, &["checksum is wrong"]);
}

#[test]
fn a_stopped_run_is_reported_with_its_step() {
    let scratch = scratch();
    let train = "train tones.toml --data tones --out run --json --checkpoint-every 0 --set train.epochs=400";
    scratch.run_killed(train, &[r#""step":10"#]);
    for command in ["report run --out page", "eval run --data tones"] {
        scratch.run(command).fails(2, &["run: the run stopped at step ", "stapes train --resume"]);
    }
}

#[test]
fn a_stopped_quickstart_ends_with_1_and_can_be_continued() {
    let scratch = Scratch::new();
    let quickstart = "quickstart --out run --json --set train.epochs=8 --set train.validate_every_steps=1";
    let advice = "continue it with `stapes train run/recipe.toml --out run --resume`";
    scratch.run_interrupted(quickstart, r#""step":3"#).fails(1, &[advice]);
    scratch.run("train run/recipe.toml --out run --resume").succeeds();
}

#[test]
fn a_log_has_a_line_per_validation() {
    let scratch = scratch();
    let train = "train tones.toml --data tones --out run --set train.epochs=3";
    let log = scratch.run(train).succeeds().stderr();
    let lines = log.lines().filter(|line| line.starts_with("step ") && line.contains(": training loss "));
    let lines: Vec<&str> = lines.collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.contains(", validation loss ")), "{log}");
}

#[test]
fn the_rest_of_a_recording_that_is_not_used_is_named() {
    let scratch = scratch();
    let set = "--set train.epochs=1 --set features.fixed_length_samples=2000";
    scratch.run(&format!("train tones.toml --data tones --out run {set}")).succeeds();
    let samples: Vec<f32> = (0..20_000).map(|n| (n as f32 * 0.3).sin() / 2.0).collect();
    scratch.write("long.wav", wav(&samples, 8000));
    scratch.write("short.wav", wav(&samples[..2000], 8000));
    let cut = scratch.run("predict run long.wav short.wav --json").succeeds();
    let note = "long.wav: only the first 0.250 s were read";
    assert!(cut.stderr().contains(note) && !cut.stderr().contains("short.wav: only"), "{}", cut.stderr());
    let lines = cut.json();
    assert_eq!(lines[0]["probabilities"], lines[1]["probabilities"]);
}
