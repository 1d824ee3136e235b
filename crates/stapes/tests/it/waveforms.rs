//! Training with waveform augmentation: recorded noise, interruption, resuming, and deleted files.

use std::sync::atomic::AtomicBool;

use crate::support::{Scratch, TONES, same_bytes, wav};
use stapes::experiment::ExperimentInputs;
use stapes::train::{SingleProcess, Start};
use stapes::{Error, Experiment, Recipe};
use stapes_random::Rng;

const AUGMENT: &str = r#"
[augment.waveform.shift]
seconds = 0.01
[augment.waveform.gain]
db = [-10.0, 6.0]
[augment.waveform.noise]
snr_db = [10.0, 30.0]
folder = "noise"
[augment.spec_augment]
time_masks = 1
time_frames = 2
feature_masks = 1
feature_width = 2
"#;

const TRAIN: &str = "train noisy.toml --data tones --json --set train.epochs=14";

/// Writes the tones with a folder of noise, and a recipe that uses it.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.tones();
    write_noise(&scratch, 1);
    scratch.write("noisy.toml", format!("{TONES}{AUGMENT}"));
    scratch
}

fn write_noise(scratch: &Scratch, seed: u64) {
    let mut rng = Rng::new(seed, "noise");
    let noise: Vec<f32> = (0..20_000).map(|_| rng.symmetric(0.5)).collect();
    scratch.write("tones/noise/street.wav", wav(&noise, 8000));
}

fn record(scratch: &Scratch, run: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(scratch.path(run).join("run.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn waveform_augmentation_gives_the_same_bits_with_any_number_of_threads() {
    let scratch = scratch();
    let summary = scratch.run(&format!("{TRAIN} --out run")).succeeds().last_json();
    assert!(summary["test_accuracy"].as_f64().unwrap() > 0.7, "{summary}");
    let data_wait = summary["data_wait_fraction"].as_f64().unwrap();
    assert!(data_wait > 0.0 && data_wait < 1.0, "{data_wait}");
    let noise = record(&scratch, "run")["augment_fingerprint"].clone();
    assert_eq!(noise.as_str().unwrap().len(), 16);
    let arguments = TRAIN.replace("--json", "");
    let other = scratch.run_with("RAYON_NUM_THREADS", "3", &format!("{arguments} --out other")).succeeds();
    assert!(other.stdout().contains(" % of the training time\n"), "{}", other.stdout());
    let model = |run: &str| scratch.path(run).join("last.safetensors");
    assert!(same_bytes(&model("run"), &model("other")));
    // The noise has an effect: without it the model differs, and there is no data wait.
    scratch.write("plain.toml", TONES);
    let plain = TRAIN.replace("noisy", "plain");
    let summary = scratch.run(&format!("{plain} --out plain")).succeeds().last_json();
    assert!(summary.get("data_wait_fraction").is_none(), "{summary}");
    assert!(record(&scratch, "plain").get("augment_fingerprint").is_none());
    assert!(!same_bytes(&model("run"), &model("plain")));
    write_noise(&scratch, 2);
    scratch.run(&format!("{TRAIN} --out louder")).succeeds();
    assert!(!same_bytes(&model("run"), &model("louder")));
    assert_ne!(record(&scratch, "louder")["augment_fingerprint"], noise);
    // Evaluation does not need the noise.
    std::fs::remove_dir_all(scratch.path("tones/noise")).unwrap();
    scratch.run("eval run").succeeds();
}

#[test]
fn interrupted_run_resumes_to_the_same_bits_and_only_with_the_same_noise() {
    let scratch = scratch();
    let arguments = TRAIN.replace("epochs=14", "epochs=60");
    scratch.run(&format!("{arguments} --out whole")).succeeds();
    // Four steps per epoch.
    scratch.run_interrupted(&format!("{arguments} --out run"), r#""step":20"#).fails(1, &[]);
    write_noise(&scratch, 2);
    scratch.run(&format!("{arguments} --out run --resume")).fails(2, &["different data", "--force"]);
    write_noise(&scratch, 1);
    scratch.run(&format!("{arguments} --out run --resume")).succeeds();
    for file in ["model.safetensors", "last.safetensors"] {
        assert!(same_bytes(&scratch.path("whole").join(file), &scratch.path("run").join(file)), "{file}");
    }
}

#[test]
fn missing_noise_is_named_before_training() {
    let scratch = scratch();
    let absent = format!("{TRAIN} --out run --set augment.waveform.noise.folder=street");
    scratch.run(&absent).fails(2, &["augment.waveform.noise.folder", "folder does not exist"]);
    scratch.write("tones/noise/broken.wav", "RIFF");
    scratch.run(&format!("{TRAIN} --out run")).fails(2, &["broken.wav"]);
    assert!(!scratch.path("run").exists());
}

#[test]
fn recording_deleted_during_training_is_named() {
    let scratch = scratch();
    let changes = ["train.batch_size=1".to_string()];
    let recipe = Recipe::read(&scratch.path("noisy.toml"), &changes).unwrap();
    let experiment = Experiment::open(recipe, Some(&scratch.path("tones"))).unwrap();
    let stop = AtomicBool::new(false);
    let load = |indices: &[usize]| experiment.load(indices, &stop, &|_| {}).unwrap();
    let (train, validation) = (load(&experiment.split.train), load(&experiment.split.validation));
    let model = experiment.untrained_model(&train).unwrap();
    let inputs = ExperimentInputs {
        model: &model,
        train: &train,
        validation: &validation,
        start: Start::Random,
        communicator: &SingleProcess,
        stop: &stop,
    };
    let mut steps = 0;
    // All are deleted after the first step; the loader has only the first few in memory.
    let result = experiment.train(&inputs, |_| {
        if steps == 0 {
            std::fs::remove_dir_all(scratch.path("tones/recordings")).unwrap();
        }
        steps += 1;
        Ok(())
    });
    let Err(error @ Error::Train(_)) = result else { panic!("trained without recordings") };
    let error = error.to_string();
    assert!(error.starts_with("training example ") && error.contains(".wav"), "{error}");
    assert!(steps < train.indices.len(), "{steps} events");
}
