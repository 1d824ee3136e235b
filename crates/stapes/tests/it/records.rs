//! The program reads what it writes: infinite thresholds, runs of earlier versions, values that are not finite, diverged
//! trainings, and run folders that are moved during training.

use std::f32::consts::TAU;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::{Ran, Scratch, TONES, wav};
use serde_json::Value;
use stapes::Recipe;
use stapes::infer::Input;
use stapes::nn::ModelConfig;
use stapes_testkit::fixture::workspace_root;

const FSDD: &str = "[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2";

/// Returns a recording of a pure tone; every number gives a different length.
fn tone(hz: f32, number: usize) -> Vec<u8> {
    let length = 1600 + 11 * number;
    wav(&(0..length).map(|n| 0.4 * (TAU * hz * n as f32 / 8000.0).sin()).collect::<Vec<_>>(), 8000)
}

/// Writes two classes with identical validation recordings: no threshold has the required error rates, so every chosen
/// threshold is infinite.
fn two_classes() -> Scratch {
    let scratch = Scratch::new();
    let mut rows = "path,label,split\n".to_string();
    for number in 0..12 {
        let (label, hz) = if number % 2 == 0 { ("no", 500.0) } else { ("yes", 1800.0) };
        let part = if number < 8 { "train" } else { "test" };
        scratch.write(&format!("two/{number}.wav"), tone(hz, number));
        rows += &format!("{number}.wav,{label},{part}\n");
    }
    for label in ["no", "yes"] {
        scratch.write(&format!("two/same-{label}.wav"), tone(1100.0, 20));
        rows += &format!("same-{label}.wav,{label},validation\n");
    }
    scratch.write("two/manifest.csv", rows);
    scratch.write("two.toml", TONES.replace(FSDD, "[data.manifest]"));
    scratch.write("sweep.toml", "title = 'Two'\nrecipe = 'two.toml'\nseeds = 2\nset = ['train.epochs=2']");
    scratch
}

const TRAIN: &str = "train two.toml --data two --out run --set train.epochs=2";

/// Asserts that every command that reads a run succeeds.
fn every_command_reads(scratch: &Scratch) {
    let says = |ran: Ran, part: &str| assert!(ran.stderr().contains(part), "{part}:\n{}", ran.stderr());
    scratch.run("eval run").succeeds();
    scratch.run("gradients run --split test").succeeds();
    says(scratch.run(&format!("{TRAIN} --resume")).succeeds(), "already complete");
    let reported = scratch.run("report run runs --out page").succeeds();
    assert!(!reported.stderr().contains("run.json"), "{}", reported.stderr());
    scratch.run("compare sweep.toml --data two --out runs").succeeds();
    let table = fs::read_to_string(scratch.path("runs/table.csv")).unwrap();
    let fields = |line: usize| table.lines().nth(line).unwrap().split(',').collect::<Vec<_>>();
    let seeds = fields(0).iter().position(|key| *key == "seeds").unwrap();
    assert_eq!(fields(1)[seeds], "2", "{table}");
    for page in ["run/report.html", "page/report.html", "runs/report.html"] {
        let page = fs::read_to_string(scratch.path(page)).unwrap();
        assert!(page.contains("<td class=\"number\">none</td>"));
        assert!(!page.contains(">inf") && !page.contains(">NaN") && !page.contains("Infinity"));
    }
}

#[test]
fn run_with_infinite_thresholds_is_read_by_every_command() {
    let scratch = two_classes();
    scratch.run(TRAIN).succeeds();
    scratch.run("compare sweep.toml --data two --out runs").succeeds();
    let written = fs::read_to_string(scratch.path("run/run.json")).unwrap();
    let record: Value = serde_json::from_str(&written).unwrap();
    let points = record["operating_points"].as_array().unwrap();
    assert!(points.len() == 3 && points.iter().all(|point| point["threshold"] == "Infinity"), "{record:#}");
    every_command_reads(&scratch);

    // Earlier versions wrote null.
    for run in ["run", "runs/recipe/seed-1", "runs/recipe/seed-2"] {
        let file = format!("{run}/run.json");
        let text = fs::read_to_string(scratch.path(&file)).unwrap();
        assert!(text.contains("\"threshold\": \"Infinity\""), "{text}");
        scratch.write(&file, text.replace("\"threshold\": \"Infinity\"", "\"threshold\": null"));
    }
    every_command_reads(&scratch);
}

#[test]
fn divergence_is_reported() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let train = "train tones.toml --data tones --set train.learning_rate=1e30 --set train.epochs=2";
    let ran = scratch.run(&format!("{train} --out run")).fails(1, &[]);
    let warning = ran.stdout().lines().next().unwrap().to_string();
    assert!(warning.starts_with("warning        training diverged: the loss rose to "), "{warning}");
    let record: Value =
        serde_json::from_str(&fs::read_to_string(scratch.path("run/run.json")).unwrap()).unwrap();
    assert!(record["diverged_loss"].as_f64().unwrap() > 1e7, "{record:#}");
    let page = fs::read_to_string(scratch.path("run/report.html")).unwrap();
    assert!(page.contains("Training diverged: the loss rose to "));
    let json = scratch.run(&format!("{train} --out again --json")).fails(1, &[]).last_json();
    assert_eq!(json["diverged_loss"], record["diverged_loss"]);
    scratch.run("report run --out page").succeeds().stderr().contains("run: training diverged: ");
    let seeds = scratch.run(&format!("{train} --out seeds --seeds 2")).fails(1, &[]);
    assert_eq!(seeds.stdout().lines().filter(|line| line.ends_with("  diverged")).count(), 2);
    // A run that does not diverge has no such field.
    let well = scratch.run("train tones.toml --data tones --out well --json").succeeds().last_json();
    assert_eq!(well.get("diverged_loss"), None);
}

#[test]
fn diverged_trial_is_not_the_best() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.write(
        "search.toml",
        "title = 'Rates'\nrecipe = 'tones.toml'\nset = ['train.epochs=2']\nsearch = { trials = 2, rungs = 1 }\n\
         axes = [{ name = 'rate', key = 'train.learning_rate', values = [1e-6, 1e30] }]",
    );
    scratch.run("search search.toml --data tones --out runs").succeeds();
    let recipe = fs::read_to_string(scratch.path("runs/best/seed-1/recipe.toml")).unwrap();
    assert!(!recipe.contains("learning_rate = 1e30"), "{recipe}");
}

#[test]
fn run_with_a_moved_folder_fails_and_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let train = "train tones.toml --data tones --set train.epochs=40 --checkpoint-every 0";
    for in_its_place in [false, true] {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("stapes"))
            .current_dir(scratch.path("."))
            .args(format!("{train} --out run").split_whitespace())
            .stdout(Stdio::null())
            .stderr(fs::File::create(scratch.path("stderr")).unwrap())
            .spawn()
            .unwrap();
        while !scratch.path("run/checkpoint.safetensors").is_file() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before its folder was moved");
            sleep(Duration::from_millis(2));
        }
        fs::rename(scratch.path("run"), scratch.path("elsewhere")).unwrap();
        if in_its_place {
            fs::create_dir(scratch.path("run")).unwrap();
        }
        assert_eq!(child.wait().unwrap().code(), Some(2));
        let stderr = fs::read_to_string(scratch.path("stderr")).unwrap();
        assert!(stderr.contains("run: the folder was moved or removed"), "{stderr}");
        let left = fs::read_dir(scratch.path("run")).map_or(0, |entries| entries.count());
        assert_eq!((left, scratch.path("run").exists()), (0, in_its_place));
        scratch.run(&format!("{train} --out elsewhere --resume")).succeeds();
        assert!(
            scratch.path("elsewhere/recipe.toml").is_file() && scratch.path("elsewhere/run.json").is_file()
        );
        fs::remove_dir_all(scratch.path("elsewhere")).unwrap();
    }
}

/// Collects the keys of a recipe whose values are floats or lists of floats, each with the text around a value.
fn float_keys(path: &str, value: &toml::Value, keys: &mut Vec<(String, [&'static str; 2])>) {
    match value {
        toml::Value::Float(_) => keys.push((path.into(), ["", ""])),
        toml::Value::Array(items) if items.iter().any(toml::Value::is_float) => {
            keys.push((path.into(), ["[", ", 1.0]"]));
            keys.push((path.into(), ["[1.0, ", "]"]));
        }
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            float_keys(&inner, value, keys);
        }),
        _ => {}
    }
}

/// Sets every such key of a recipe, and those in `more`, to values that are not finite; returns the number of checks.
fn check_keys(name: &str, text: &str, changes: &[&str], more: &[&str]) -> usize {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let whole = Recipe::from_toml(name, text, &changes).unwrap();
    let mut keys = Vec::new();
    float_keys("", &toml::Value::Table(toml::from_str(&whole.to_toml()).unwrap()), &mut keys);
    keys.extend(more.iter().map(|key| (key.to_string(), ["", ""])));
    for ((key, [before, behind]), value) in
        keys.iter().flat_map(|key| ["inf", "-inf", "nan"].map(|value| (key, value)))
    {
        let change = format!("{key}={before}{value}{behind}");
        let Ok(recipe) =
            Recipe::from_toml(name, text, &[&changes[..], std::slice::from_ref(&change)].concat())
        else {
            continue;
        };
        assert_ne!(value, "nan", "{name}: {change} is taken");
        let again = Recipe::from_toml(name, &recipe.to_toml(), &[]).unwrap();
        assert_eq!(again, recipe, "{name}: {change}");
        // The metadata of a model file.
        let model = serde_json::to_string(&recipe.model).unwrap();
        assert_eq!(serde_json::from_str::<ModelConfig>(&model).unwrap(), recipe.model, "{name}: {change}");
        if let Some(features) = recipe.features {
            let input = Input::Recordings(features);
            let said = serde_json::to_string(&input).unwrap();
            assert_eq!(serde_json::from_str::<Input>(&said).unwrap(), input, "{name}: {change}");
        }
    }
    3 * keys.len()
}

/// Recipe with every key of training and augmentation whose value is a number.
const FULL: &str = "
title = 'Everything'
[data.folders]
classes = ['a', 'b']
test_fraction = 0.2
validation_fraction = 0.2
max_unreadable_fraction = 0.1
[features]
sample_rate_hz = 8000
[features.front_end.librosa-mel-db]
[model.recurrent]
cell = 'lstm'
hidden_size = 4
num_layers = 2
dropout = 0.1
head_dropout = 0.1
forget_bias = 1.0
[train]
batch_size = 4
epochs = 2
optimizer = 'sgd'
momentum = 0.9
learning_rate = 0.1
weight_decay = 0.1
max_grad_norm = 1.0
label_smoothing = 0.1
class_weights = [1.0, 2.0]
mixup = 0.1
ema_decay = 0.9
max_seconds = 1.0
schedule = { plateau = { patience = 2, factor = 0.5 } }
[augment]
warp = { spread = 0.1 }
scale = { factor = [0.9, 1.1] }
jitter = { std = 0.1 }
level = { offset = 0.5, slope = 0.5 }
spec_augment = { time_masks = 1, time_frames = 3 }
stretch = { factor = [0.9, 1.1] }
drop = { fraction = 0.1 }
[augment.waveform]
speed = { factor = [0.9, 1.1] }
shift = { seconds = 0.1 }
reverb = { rt60_seconds = [0.2, 0.5], direct_to_reverberant_db = [0.0, 10.0] }
gain = { db = [-10.0, 6.0] }
noise = { snr_db = [0.0, 20.0], color = 'pink' }
clipping = { threshold = [0.3, 0.9] }
codec = { low_hz = [200.0, 400.0], high_hz = [3000.0, 3800.0] }
";

#[test]
fn values_that_are_not_finite_are_rejected_or_survive_a_round_trip() {
    let mut checked = check_keys("full.toml", FULL, &[], &[]);
    for entry in fs::read_dir(workspace_root().join("recipes")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            checked += check_keys(
                &path.display().to_string(),
                &fs::read_to_string(&path).unwrap(),
                &[],
                &["train.max_grad_norm"],
            );
        }
    }
    for preset in stapes::features::PRESETS {
        let front_end = format!("features.front_end.{}", preset.config().front_end.name());
        let unset =
            ["fmax", "f_max", "highfreq", "top_db", "energy_floor", "mel_opts.high_freq", "norm", "mel_norm"];
        let more: Vec<String> = unset.iter().map(|key| format!("{front_end}.{key}")).collect();
        let change = format!("features.preset={}", preset.name);
        checked +=
            check_keys("fsdd.toml", TONES, &[&change], &more.iter().map(|key| &**key).collect::<Vec<_>>());
    }
    assert!(checked > 500, "{checked}");
}
