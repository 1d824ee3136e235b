//! Runs that are interrupted, killed or ended by a full disk resume to the result of an uninterrupted run.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Scratch, TONES, same_bytes};
use stapes_random::Rng;

/// Training with dropout, momentum and a schedule, so that the whole state matters.
const RECIPE: &str = "train tones.toml --data tones --set train.epochs=30 --set model.recurrent.head_dropout=0.3 \
                      --set train.schedule=cosine --set train.weight_decay=0.05 --set train.validate_every_steps=2";

/// Writes recipe and data, and trains an uninterrupted run.
fn scratch_with_uninterrupted_run() -> Scratch {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run(&format!("{RECIPE} --out whole")).succeeds();
    scratch
}

/// Returns the learning curves without times.
fn curves(scratch: &Scratch, run: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(scratch.path(run).join("metrics.jsonl")).unwrap();
    let mut lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.iter_mut().for_each(|line| line["seconds"] = 0.into());
    lines
}

#[track_caller]
fn assert_equals_uninterrupted_run(scratch: &Scratch, run: &str) {
    for file in ["model.safetensors", "last.safetensors"] {
        assert!(same_bytes(&scratch.path("whole").join(file), &scratch.path(run).join(file)), "{run}/{file}");
    }
    assert_eq!(curves(scratch, run), curves(scratch, "whole"));
    let left = std::fs::read_dir(scratch.path(run)).unwrap();
    let left: Vec<String> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let needless = |name: &&String| name.starts_with('.') || name.starts_with("checkpoint");
    assert!(!left.iter().any(|name| needless(&name)), "{left:?}");
    assert_eq!(left.iter().filter(|name| name.starts_with("events.out.tfevents.")).count(), 1, "{left:?}");
}

#[test]
fn run_killed_at_random_times_resumes_to_the_same_bits() {
    let scratch = scratch_with_uninterrupted_run();
    // With a checkpoint after every step, many kills come while one is written.
    let arguments = format!("{RECIPE} --checkpoint-every 0 --resume");
    let started = Instant::now();
    scratch.run(&format!("{arguments} --out timed")).succeeds();
    let mut whole = started.elapsed().as_secs_f32();
    let mut rng = Rng::new(9, "moments");
    for number in 0..20 {
        let run = format!("killed-{number}");
        let mut kills = 0;
        // One to three kills per run, then it may end. If it ended before a kill, it starts again with another time.
        while kills < 1 + number % 3 {
            let mut child = Command::new(assert_cmd::cargo::cargo_bin("stapes"))
                .current_dir(scratch.path("."))
                .args(format!("{arguments} --out {run}").split_whitespace())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            sleep(Duration::from_secs_f32(whole * rng.uniform()));
            let ended = child.try_wait().unwrap().is_some();
            child.kill().unwrap(); // SIGKILL
            child.wait().unwrap();
            if ended {
                std::fs::remove_dir_all(scratch.path(&run)).unwrap();
                // The machine is less busy than before.
                whole *= 0.8;
            }
            kills = if ended { 0 } else { kills + 1 };
        }
        scratch.run(&format!("{arguments} --out {run}")).succeeds();
        assert_equals_uninterrupted_run(&scratch, &run);
    }
}

#[test]
fn interrupted_run_keeps_its_model_and_resumes() {
    let scratch = scratch_with_uninterrupted_run();
    let stopped = scratch
        .run_interrupted(&format!("{RECIPE} --out run --json"), r#""step":14"#)
        .fails(1, &["--resume"]);
    let steps = stopped.last_json()["steps"].as_u64().unwrap();
    assert!((14..150).contains(&steps), "{steps}");
    scratch.run("eval run").succeeds();
    scratch.run(&format!("{RECIPE} --out run")).fails(2, &["unfinished", "--resume", "--force"]);
    scratch.run(&format!("{RECIPE} --out run --resume")).succeeds();
    assert_equals_uninterrupted_run(&scratch, "run");
    // Resuming a complete run does nothing and reports it.
    let again = scratch.run(&format!("{RECIPE} --out run --resume")).succeeds();
    assert!(again.stderr().contains("already complete"), "{}", again.stderr());
    assert_equals_uninterrupted_run(&scratch, "run");
}

#[test]
fn resumed_run_must_have_the_same_recipe_and_data() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let arguments = "train tones.toml --data tones --out run --json --set train.epochs=400";
    scratch.run_interrupted(arguments, r#""step":10"#).fails(1, &[]);
    let other = format!("{arguments} --resume --set train.learning_rate=1e-3");
    scratch.run(&other).fails(2, &["run", "learning_rate = 0.02", "learning_rate = 0.001"]);
    std::fs::remove_file(scratch.path("tones/recordings/3_ann_7.wav")).unwrap();
    let ran = scratch.run(&format!("{arguments} --resume")).fails(2, &["different data", "--force"]);
    assert!(!ran.stderr().contains("continue from there"), "{}", ran.stderr());
    let model = std::fs::read(scratch.path("run/checkpoint.safetensors")).unwrap();
    scratch.write("run/checkpoint.safetensors", &model[..model.len() / 2]);
    scratch.run(&format!("{arguments} --resume")).fails(2, &["checkpoint.safetensors", "--force"]);
    scratch.run("train tones.toml --data tones --out run --force").succeeds();
    assert!(!scratch.path("run/checkpoint.safetensors").exists());
}

#[test]
fn interrupted_seeds_resume() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let arguments = "train tones.toml --data tones --seeds 3 --json --set train.epochs=12 --set train.validate_every_steps=1";
    let whole = scratch.run(&format!("{arguments} --out whole")).succeeds().last_json();
    let seed_1_and_step_10 = ["run/seed-1\"", r#""step":10"#];
    scratch.run_killed(&format!("{arguments} --out run --checkpoint-every 0"), &seed_1_and_step_10);
    assert!(scratch.path("run/seed-2/checkpoint.safetensors").is_file());
    let seconds = |seed: &str| {
        let text = std::fs::read_to_string(scratch.path(&format!("run/{seed}/run.json"))).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["seconds"].clone()
    };
    let first = seconds("seed-1");
    let resumed = scratch.run(&format!("{arguments} --out run --resume")).succeeds().last_json();
    assert_eq!((&resumed["median"], &resumed["complete"]), (&whole["median"], &whole["complete"]));
    assert_eq!(seconds("seed-1"), first, "the first seed was trained again");
    for seed in ["seed-1", "seed-2", "seed-3"] {
        let model = |run: &str| scratch.path(&format!("{run}/{seed}/model.safetensors"));
        assert!(same_bytes(&model("run"), &model("whole")), "{seed}");
    }
    // With fewer seeds than before, the others are kept and reported.
    let fewer = "train tones.toml --data tones --seeds 2 --set train.epochs=1 --out run --force";
    let notes = scratch.run(fewer).succeeds().stderr();
    assert!(notes.contains("run: seed-3 of an earlier training: kept, not counted"), "{notes}");
}

#[test]
fn run_folder_is_locked_against_other_processes() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let arguments = "train tones.toml --data tones --out run --set train.epochs=100000";
    let mut first = Command::new(assert_cmd::cargo::cargo_bin("stapes"))
        .current_dir(scratch.path("."))
        .args(format!("{arguments} --checkpoint-every 0").split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !scratch.path("run/checkpoint.safetensors").is_file() {
        assert!(first.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(5));
    }
    scratch.run(&format!("{arguments} --resume")).fails(2, &["run", "another process"]);
    scratch.run(&format!("{arguments} --force")).fails(2, &["run", "another process"]);
    assert!(scratch.path("run/checkpoint.safetensors").is_file());
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn replaced_run_is_kept_until_the_new_one_is_complete() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out run --set train.epochs=1").succeeds();
    let old = std::fs::read(scratch.path("run/model.safetensors")).unwrap();
    // The training fails before its first step: the old run is restored.
    scratch.write("tones/recordings/5_ann_7.wav", "no sound");
    scratch.run("train tones.toml --data tones --out run --force").fails(2, &["5_ann_7.wav"]);
    assert_eq!(std::fs::read(scratch.path("run/model.safetensors")).unwrap(), old);
    assert!(!scratch.path("run.replaced").exists());
    std::fs::remove_file(scratch.path("tones/recordings/5_ann_7.wav")).unwrap();
    // Interrupted: both runs exist, and the old one is deleted when the new one is complete.
    let long = "train tones.toml --data tones --out run --json --set train.epochs=200";
    scratch.run_interrupted(&format!("{long} --force"), r#""step":10"#).fails(1, &[]);
    assert_eq!(std::fs::read(scratch.path("run.replaced/model.safetensors")).unwrap(), old);
    scratch.run(&format!("{long} --resume")).succeeds();
    assert!(!scratch.path("run.replaced").exists());
    assert_ne!(std::fs::read(scratch.path("run/model.safetensors")).unwrap(), old);
}

#[test]
fn initial_weights_need_not_be_repeated_to_resume() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.write("tones.toml", TONES);
    scratch.run("train tones.toml --data tones --out first --set train.epochs=1").succeeds();
    let arguments =
        "train tones.toml --data tones --weights first/model.safetensors --json --set train.epochs=40";
    scratch.run(&format!("{arguments} --out whole")).succeeds();
    scratch.run_interrupted(&format!("{arguments} --out run"), r#""step":12"#).fails(1, &[]);
    // The weights are in the first checkpoint.
    let resume = arguments.replace("--weights first/model.safetensors ", "");
    scratch.run(&format!("{resume} --out run --resume")).succeeds();
    assert!(same_bytes(&scratch.path("whole/model.safetensors"), &scratch.path("run/model.safetensors")));
}

#[test]
fn replaced_run_is_restored_if_training_does_not_start() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let arguments = "train tones.toml --data tones --json --set train.epochs=400";
    scratch.run_interrupted(&format!("{arguments} --out run"), r#""step":10"#).fails(1, &[]);
    let checkpoint = std::fs::read(scratch.path("run/checkpoint.safetensors")).unwrap();
    scratch.run("train tones.toml --data nowhere --out run --force").fails(2, &["nowhere"]);
    assert_eq!(std::fs::read(scratch.path("run/checkpoint.safetensors")).unwrap(), checkpoint);
    assert!(!scratch.path("run.replaced").exists());
    // Folders that are not runs are never removed, and neither are runs without --force.
    scratch.write("mine/.git/config", "");
    scratch.run("train tones.toml --data nowhere --out mine").fails(2, &["mine", "not a run folder"]);
    assert!(scratch.path("mine/.git/config").is_file());
    std::fs::create_dir(scratch.path("empty")).unwrap();
    scratch.run("train tones.toml --data nowhere --out empty").fails(2, &["nowhere"]);
    assert!(scratch.path("empty").is_dir());
    let short = "train tones.toml --data tones --set train.max_steps=2";
    scratch.run(&format!("{short} --out other.replaced")).succeeds();
    scratch.run(&format!("{short} --out other")).succeeds();
    assert!(scratch.path("other.replaced/run.json").is_file());
    scratch.run(&format!("{short} --out other --force")).fails(2, &["other.replaced", "move it away"]);
    assert!(scratch.path("other/run.json").is_file());
}

#[test]
fn complete_run_is_not_accepted_with_other_data() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let arguments = "train tones.toml --data tones --out run --set train.max_steps=2";
    scratch.run(arguments).succeeds();
    std::fs::remove_file(scratch.path("tones/recordings/3_ann_0.wav")).unwrap();
    scratch.run(&format!("{arguments} --resume")).fails(2, &["different data"]);
    assert!(scratch.path("run/run.json").is_file());
}

#[test]
fn full_disk_ends_the_run_with_an_intact_checkpoint() {
    let scratch = scratch_with_uninterrupted_run();
    // The system can limit the size of files; the checkpoint grows with the curves up to the limit.
    let arguments = format!("{RECIPE} --set train.validate_every_steps=1 --out whole-1");
    scratch.run(&arguments).succeeds();
    let arguments = arguments.replace("whole-1", "run --checkpoint-every 0");
    scratch.run_interrupted(&format!("{arguments} --json"), r#""step":3"#).fails(1, &[]);
    let blocks = std::fs::metadata(scratch.path("run/checkpoint.safetensors")).unwrap().len() / 512 + 4;
    std::fs::remove_dir_all(scratch.path("run")).unwrap();
    let program = assert_cmd::cargo::cargo_bin("stapes");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {} {arguments}", program.display());
    let full = Command::new("sh").args(["-c", &script]).current_dir(scratch.path(".")).output().unwrap();
    let message = String::from_utf8_lossy(&full.stderr).into_owned();
    assert_eq!(full.status.code(), Some(2), "{message}");
    for part in ["checkpoint.safetensors", "last checkpoint is in run", "--resume"] {
        assert!(message.contains(part), "{message}");
    }
    scratch.run(&format!("{arguments} --resume")).succeeds();
    for file in ["model.safetensors", "last.safetensors"] {
        assert!(same_bytes(&scratch.path("whole-1").join(file), &scratch.path("run").join(file)), "{file}");
    }
}
