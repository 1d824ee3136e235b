//! The workflow of a model: train, evaluate, predict.

use crate::support::{Scratch, TONES, same_bytes};

#[test]
fn quickstart_needs_no_data_and_its_suggested_commands_work() {
    let scratch = Scratch::new();
    let ran = scratch.run("quickstart --set train.epochs=2").succeeds();
    assert!(ran.stdout().contains("95 % CI"), "{}", ran.stdout());
    for file in
        ["recipe.toml", "model.safetensors", "metrics.jsonl", "run.json", "report.html", "example.csv"]
    {
        assert!(scratch.path("runs/quickstart").join(file).is_file(), "{file}");
    }
    scratch.run("eval runs/quickstart --split test").succeeds();
    let predicted = scratch.run("predict runs/quickstart runs/quickstart/example.csv").succeeds();
    assert_eq!(predicted.stdout().lines().count(), 1);

    let again = scratch.run("quickstart --set train.epochs=1").succeeds();
    assert!(again.stdout().contains("runs/quickstart-2"), "{}", again.stdout());
    scratch.run("quickstart --out runs/quickstart").fails(2, &["runs/quickstart", "exists"]);
}

#[test]
fn quickstart_identifies_the_speakers_with_any_seed() {
    let scratch = Scratch::new();
    for seed in 1..=5 {
        let trained = scratch.run(&format!("quickstart --json --seed {seed}")).succeeds().last_json();
        assert!(trained["test_accuracy"].as_f64().unwrap() >= 0.96, "{trained}");
        // Few steps, because a quickstart takes seconds.
        assert!(trained["steps"].as_u64().unwrap() <= 1_000, "{trained}");
    }
}

#[test]
fn model_learns_and_eval_matches_train() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let trained = scratch.run("train tones.toml --data tones --out run --json").succeeds().last_json();
    for key in ["run", "seconds", "steps", "best_step", "validation_accuracy", "test_accuracy", "parameters"]
    {
        assert!(!trained[key].is_null(), "{key} in {trained}");
    }
    assert!(trained["test_accuracy"].as_f64().unwrap() > 0.8, "{trained}");

    let evaluated = scratch.run("eval run --split test --json").succeeds().last_json();
    assert_eq!(evaluated["accuracy"], trained["test_accuracy"]);
    for key in ["accuracy", "correct", "total", "interval", "per_class", "confusion"] {
        assert!(!evaluated[key].is_null(), "{key} in {evaluated}");
    }
    assert_eq!(evaluated["total"], 100);
}

#[test]
fn without_validation_examples_the_last_step_is_tested() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.write("tones.toml", TONES.replace("validation_fraction = 0.2", "validation_fraction = 0"));
    let ran = scratch.run("train tones.toml --data tones --out run").succeeds();
    assert!(ran.stdout().contains("none; the model is that of the last step"), "{}", ran.stdout());
    assert!(same_bytes(&scratch.path("run/model.safetensors"), &scratch.path("run/last.safetensors")));
    let record = std::fs::read_to_string(scratch.path("run/run.json")).unwrap();
    assert!(record.contains("\"best_step\": 40") && !record.contains("validation_accuracy"), "{record}");
}

#[test]
fn predict_matches_eval_with_the_model_file_alone() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out run --set train.epochs=2").succeeds();
    let evaluated = scratch.run("eval run --json").succeeds().json();
    std::fs::create_dir(scratch.path("elsewhere")).unwrap();
    std::fs::copy(scratch.path("run/model.safetensors"), scratch.path("elsewhere/m.safetensors")).unwrap();
    for file in ["7_ann_0.wav", "0_bob_4.wav", "9_bob_2.wav"] {
        let arguments = format!("predict m.safetensors ../tones/recordings/{file} --json");
        let predicted = scratch.run_in("elsewhere", &arguments).succeeds().json();
        let same =
            evaluated.iter().find(|line| line["example"].as_str().is_some_and(|id| id.ends_with(file)));
        assert_eq!(same.expect(file)["probabilities"], predicted[0]["probabilities"]);
    }
}

#[test]
fn model_depends_on_the_seed_and_not_on_threads() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    for (out, threads) in [("one", 1), ("two", 2)] {
        let arguments =
            format!("train tones.toml --data tones --out {out} --set train.epochs=2 --threads {threads}");
        scratch.run(&arguments).succeeds();
    }
    assert!(same_bytes(&scratch.path("one/model.safetensors"), &scratch.path("two/model.safetensors")));
    scratch.run("train tones.toml --data tones --out three --set train.epochs=2 --seed 2").succeeds();
    assert!(!same_bytes(&scratch.path("one/model.safetensors"), &scratch.path("three/model.safetensors")));
}

#[test]
fn summary_counts_parameters_and_macs() {
    let scratch = Scratch::new();
    scratch.tones_recipe();
    let summary = scratch.run("summary tones.toml --json").succeeds().last_json();
    // LSTM: 4 * 16 * (12 + 16 + 2); linear: 16 * 10 + 10.
    assert_eq!(summary["parameters"], 1920 + 170);
    // 100 frames per second, 4 * 16 * (12 + 16) per frame, 160 once.
    assert_eq!(summary["macs_per_second"], 100 * 1792 + 160);
}

#[test]
fn unreadable_file_does_not_stop_the_others() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out run --set train.epochs=1").succeeds();
    scratch.write("text.wav", "not a sound");
    let ran = scratch.run("predict run text.wav tones/recordings/3_ann_1.wav").fails(1, &["text.wav"]);
    assert_eq!(ran.stdout().lines().count(), 1);
    scratch.run("predict run text.wav").fails(2, &["text.wav"]);
}

#[test]
fn eval_can_override_the_front_end() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out run").succeeds();
    let accuracy =
        |set: &str| scratch.run(&format!("eval run --json {set}")).succeeds().last_json()["accuracy"].clone();
    let as_trained = accuracy("");
    assert_eq!(accuracy("--set front_end.librosa-mfcc.hop_length=80"), as_trained);
    // The samples are 32,768 times as large.
    assert_ne!(accuracy("--set scale=int16"), as_trained);
    scratch
        .run("eval run --set front_end.librosa-mfcc.n_mfcc=5")
        .fails(2, &["5 values, but the model reads 12"]);
    scratch.run("eval run --set front_end.librosa-mfcc.hop=5").fails(2, &["hop"]);
}
