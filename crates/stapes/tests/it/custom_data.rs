//! Custom data: folders and manifests, valid and invalid.

use std::f32::consts::TAU;
use std::fs;

use crate::support::{Scratch, TONES, wav};

const FSDD: &str = "[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2";

/// Returns a tone of a class; every number gives a different recording.
fn tone(high: bool, number: usize) -> Vec<u8> {
    let hz = if high { 1800.0 } else { 500.0 };
    let length = 1600 + 7 * number;
    wav(&(0..length).map(|n| 0.4 * (TAU * hz * n as f32 / 8000.0).sin()).collect::<Vec<_>>(), 8000)
}

/// Writes folders `low` and `high` with recordings of five speakers, and a recipe with this data section.
fn tones(keys: &str) -> Scratch {
    let scratch = Scratch::new();
    let mut number = 0;
    for class in ["low", "high"] {
        for speaker in ["ann", "bob", "cid", "dan", "eva"] {
            for index in 0..4 {
                number += 1;
                scratch.write(&format!("my/{class}/{speaker}_{index}.wav"), tone(class == "high", number));
            }
        }
    }
    scratch.write("my.toml", TONES.replace(FSDD, keys));
    scratch
}

#[test]
fn folders_train_a_model_with_their_classes() {
    let scratch = tones("[data.folders]\nspeaker = \"before _\"");
    let trained = scratch.run("train my.toml --data my --out run --json").succeeds().last_json();
    assert_eq!(trained["test_accuracy"], 1.0, "{trained}");
    let recipe = std::fs::read_to_string(scratch.path("run/recipe.toml")).unwrap();
    assert!(
        recipe.contains("classes = [\"high\", \"low\"]") && recipe.contains("split = \"by-speaker\""),
        "{recipe}"
    );
    let evaluated = scratch.run("eval run").succeeds();
    assert!(
        evaluated.stdout().contains("8 of 8") && !evaluated.stderr().contains("warning"),
        "{}",
        evaluated.stdout()
    );
    scratch.run("predict run my/low/ann_0.wav").succeeds();
    let ran = scratch.run("summary my.toml").fails(2, &["data.folders", "--data", "classes"]);
    assert!(ran.stdout().is_empty());
    scratch.run("summary my.toml --data my").succeeds();
    scratch.run("summary run/recipe.toml").succeeds();
    // The weights match the recipe only if it has the classes of the data.
    scratch
        .run("train my.toml --data my --out again --weights run/model.safetensors --set train.max_steps=1")
        .succeeds();
}

#[test]
fn leave_one_out_trains_one_model_per_speaker() {
    let scratch = tones("[data.folders]\nspeaker = \"before _\"\nsplit = \"leave-one-out\"");
    let arguments = "train my.toml --data my --out folds --folds --json --set train.max_steps=2";
    let folds = scratch.run(arguments).succeeds().last_json();
    assert_eq!(folds["folds"].as_array().unwrap().len(), 5);
    assert!(scratch.path("folds/eva/model.safetensors").is_file());
    scratch.run("train my.toml --data my --out run").fails(2, &["my.toml", "data.folders.group", "ann, bob"]);
}

#[test]
fn manifest_trains_on_segments_of_recordings() {
    let scratch = tones("[data.manifest]\nfile = \"list.csv\"\ntest_fraction = 0.4");
    let mut rows = "path,label,start,end\n".to_owned();
    for class in ["low", "high"] {
        for speaker in ["ann", "bob", "cid", "dan", "eva"] {
            for index in 0..4 {
                rows += &format!("{class}/{speaker}_{index}.wav,{class},0.02,0.1\n");
                rows += &format!("{class}/{speaker}_{index}.wav,{class},0.1,\n");
            }
        }
    }
    scratch.write("my/list.csv", rows);
    let trained = scratch.run("train my.toml --data my --out run --json").succeeds().last_json();
    assert_eq!(trained["test_accuracy"], 1.0, "{trained}");
    let info = scratch.run("data info my.toml --data my --json").succeeds().last_json();
    assert_eq!(info["counts"]["total"]["test"], 32);
    let seconds = &info["seconds"];
    assert_eq!((seconds["min"].as_f64().unwrap() * 1e6).round(), 80e3, "{seconds}");
}

#[test]
fn manifest_trains_on_frame_labels() {
    let keys = "[data.manifest]\nframe_labels = true\ntest_fraction = 0.4\nvalidation_fraction = 0.3";
    let scratch = tones(keys);
    let text = TONES.replace(FSDD, keys).replace("head = \"mean\"", "head = \"per_frame\"");
    scratch.write("my.toml", text);
    let mut rows = "path,label,start,end\n".to_owned();
    for number in 0..10 {
        let sound = |n: usize| if n < 1600 { 0.0 } else { 0.4 * (TAU * 700.0 * n as f32 / 8000.0).sin() };
        let samples: Vec<f32> = (0..3200 + number).map(sound).collect();
        scratch.write(&format!("my/{number}.wav"), wav(&samples, 8000));
        rows += &format!("{number}.wav,silence,0,0.2\n{number}.wav,sound,0.2,0.4\n");
    }
    scratch.write("my/manifest.csv", &rows);
    let trained = scratch.run("train my.toml --data my --out run --json").succeeds().last_json();
    assert!(trained["test_accuracy"].as_f64().unwrap() > 0.9, "{trained}");
    // The labels end long before the recording.
    scratch.write("my/7.wav", wav(&[0.1; 8000], 8000));
    scratch
        .run("train my.toml --data my --out other")
        .fails(2, &["7.wav", "labels are shorter than the audio"]);
    scratch.run("data info my.toml --data my").fails(1, &[]);
}

#[test]
fn unreadable_files_are_named_and_skipped_only_if_the_recipe_allows_it() {
    let scratch = tones("[data.folders]");
    scratch.write("my/low/cid_1.wav", "no sound");
    std::fs::remove_file(scratch.path("my/high/eva_3.wav")).unwrap();
    std::os::unix::fs::symlink("nowhere.wav", scratch.path("my/high/eva_3.wav")).unwrap();
    let before = scratch.names();
    scratch.run("train my.toml --data my --out run").fails(2, &["low/cid_1.wav: ", "cannot be used"]);
    assert_eq!(scratch.names(), before);
    let allowed = "train my.toml --data my --out run --set data.folders.max_unreadable_fraction=0.5 --set train.max_steps=2";
    scratch.run(allowed).fails(1, &["skipped: ", "my/low/cid_1.wav: not a WAV", "my/high/eva_3.wav: "]);
    assert!(scratch.path("run/model.safetensors").is_file());
    let strict = "train my.toml --data my --out other --set data.folders.max_unreadable_fraction=0.01";
    scratch.run(strict).fails(2, &["cannot be used"]);
    let info = scratch.run("data info --data my --json");
    assert_eq!(info.output.status.code(), Some(1));
    assert_eq!(info.last_json()["unreadable"].as_array().unwrap().len(), 2);
    // All files of one class are unreadable.
    for file in std::fs::read_dir(scratch.path("my/low")).unwrap() {
        let path = file.unwrap().path();
        std::fs::write(&path, format!("no sound in {}", path.display())).unwrap();
    }
    let lost = "train my.toml --data my --out lost --set data.folders.max_unreadable_fraction=0.9";
    scratch.run(lost).fails(2, &["class `low` has no train examples", "all its files were skipped"]);
}

#[test]
fn duplicates_and_shared_speakers_are_rejected_by_name() {
    let scratch = tones("[data.folders]\nspeaker = \"before _\"\nsplit = \"random\"");
    let train = "train my.toml --data my --out run --set train.max_steps=1";
    scratch.run(train).fails(2, &["my.toml", "data.folders", "5 speakers are in more", "by-speaker"]);
    let allow = format!("{train} --set data.folders.allow_shared_speakers=true");
    scratch.run(&allow).succeeds();
    for number in 0..10 {
        std::fs::copy(scratch.path("my/low/ann_0.wav"), scratch.path(&format!("my/low/fay_{number}.wav")))
            .unwrap();
    }
    let allow = allow.replace("--out run", "--out other");
    scratch.run(&allow).fails(2, &["my.toml", "equal content in different subsets", "low/fay_"]);
}

#[test]
fn info_describes_the_data_as_text_and_json() {
    let scratch = tones("[data.folders]\nspeaker = \"before _\"\nsplit = \"random\"");
    scratch.write("my/low/silent_1.wav", wav(&[0.0; 4000], 8000));
    scratch.write("my/low/loud_1.wav", wav(&[1.0; 4000], 16_000));
    std::fs::copy(scratch.path("my/low/ann_0.wav"), scratch.path("my/high/ann_9.wav")).unwrap();
    let text = scratch.run("data info my.toml --data my").succeeds().stdout();
    for part in [
        "folders: 43 examples of 2 classes, 7 speakers; split random\n",
        "sample rates: 8000 Hz (42), 16000 Hz (1)",
        "silent (all samples below -60 dBFS): 1\n  low/silent_1.wav",
        "clipped (3 successive samples at full scale): 1\n  low/loud_1.wav",
        "duplicates (equal samples): 1\n  high/ann_9.wav",
        "with different classes",
        "speakers in more than one subset: 5",
        "unreadable: 0",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    let info = scratch.run("data info my.toml --data my --json").succeeds().last_json();
    assert_eq!(info["counts"]["classes"][0]["class"], "high");
    assert_eq!(info["silent"][0], "low/silent_1.wav");
    assert_eq!(info["seconds"]["min"], 0.200_875);
    assert_eq!(info["rates_hz"]["8000"], 42);
    let detected = scratch.run("data info --data my").succeeds().stdout();
    assert!(detected.contains("folders: 43 examples of 2 classes; split random\n"), "{detected}");
    scratch
        .write("my/manifest.csv", "path,label,split\nlow/ann_0.wav,low,train\nhigh/ann_0.wav,high,train\n");
    let detected = scratch.run("data info --data my").succeeds().stdout();
    assert!(detected.contains("manifest: 2 examples") && detected.contains("not split: "), "{detected}");
    scratch.run("data info").fails(2, &["--data"]);
    scratch.run("data info --data nowhere").fails(2, &["nowhere", "does not exist"]);
    scratch.run("data info my.toml --data my/low").fails(2, &["my/low", "one folder per class"]);
}

#[test]
fn large_manifest_is_counted_and_its_first_errors_are_named() {
    let scratch = tones("[data.manifest]");
    let rows: String = (0..50_000).map(|row| format!("clips/{row:07}.wav,class {}\n", row % 7)).collect();
    scratch.write("my/manifest.csv", format!("path,label\n{rows}"));
    // None of the files exists: all are counted, and the first are named.
    let info = scratch.run("data info --data my");
    assert_eq!(info.output.status.code(), Some(1));
    let text = info.stdout();
    assert!(text.contains("50,000 examples of 7 classes") && text.contains("unreadable: 50,000"), "{text}");
    assert!(text.contains("clips/0000000.wav: ") && text.contains("and 49,990 more"), "{text}");
}

#[test]
fn table_is_written_without_the_data() {
    let scratch = tones("[data.folders]\nspeaker = \"before _\"");
    let sweep = |epochs: usize| {
        format!(
            "title = 'Own'\nrecipe = 'my.toml'\nset = ['train.epochs={epochs}']\nconfigurations = [{{ name = 'a' }}]"
        )
    };
    scratch.write("sweep.toml", sweep(1));
    scratch.run("compare sweep.toml --data my --out runs").succeeds();
    let table = fs::read(scratch.path("runs/table.csv")).unwrap();
    scratch.run("compare sweep.toml --out runs --table").succeeds();
    assert_eq!(fs::read(scratch.path("runs/table.csv")).unwrap(), table);
    // Keys that do not depend on the data are still compared.
    scratch.write("sweep.toml", sweep(2));
    scratch.run("compare sweep.toml --out runs --table").fails(2, &["`epochs = 1` then, `epochs = 2` now"]);
}

#[test]
fn a_manifest_of_nemo_trains_a_model() {
    let scratch = tones("[data.manifest]\ntest_fraction = 0.4");
    let mut rows = String::new();
    for class in ["low", "high"] {
        for speaker in ["ann", "bob", "cid", "dan", "eva"] {
            for index in 0..4 {
                rows += &format!(
                    "{{\"audio_filepath\": \"{class}/{speaker}_{index}.wav\", \"offset\": 0.05, \"duration\": 0.1, \
                     \"command\": \"{class}\"}}\n"
                );
            }
        }
    }
    scratch.write("my/manifest.json", &rows);
    let advice = "set data.manifest.layout = \"nemo\"";
    scratch
        .run("train my.toml --data my --out run")
        .fails(2, &["manifest.json:1: there is no key path", advice]);
    scratch.run("data info --data my/manifest.json").succeeds();
    let nemo = "--set data.manifest.layout=nemo";
    let trained =
        scratch.run(&format!("train my.toml --data my --out run --json {nemo}")).succeeds().last_json();
    assert_eq!(trained["test_accuracy"], 1.0, "{trained}");
    scratch.run("eval run").succeeds();
    let info = scratch.run(&format!("data info my.toml --data my --json {nemo}")).succeeds().last_json();
    assert_eq!(info["seconds"]["max"], 0.1);
    // The same with names in the recipe.
    let columns = "--set data.manifest.columns.path=audio_filepath --set data.manifest.columns.label=command";
    let mapped = scratch.run(&format!("data info my.toml --data my {columns}")).succeeds().stdout();
    assert!(mapped.contains("1 column of the manifest is not used: offset"), "{mapped}");
    scratch
        .run(&format!("data info my.toml --data my {columns} --set data.manifest.columns.start=from"))
        .fails(2, &["data.manifest.columns.start = \"from\": there is no such column", "audio_filepath"]);
}

/// Returns a stereo WAV file of these channels.
fn stereo(left: &[f32], right: &[f32]) -> Vec<u8> {
    let mut bytes = wav(left, 8000);
    let interleaved = left.iter().zip(right).flat_map(|(left, right)| [*left, *right]);
    bytes = [&bytes[..44], &wav(&interleaved.collect::<Vec<_>>(), 8000)[44..]].concat();
    let data = bytes.len() as u32 - 44;
    bytes[4..8].copy_from_slice(&(36 + data).to_le_bytes());
    bytes[22..24].copy_from_slice(&2u16.to_le_bytes());
    bytes[28..32].copy_from_slice(&32_000u32.to_le_bytes());
    bytes[32..34].copy_from_slice(&4u16.to_le_bytes());
    bytes[40..44].copy_from_slice(&data.to_le_bytes());
    bytes
}

#[test]
fn one_channel_of_stereo_recordings_is_trained_on() {
    let scratch = tones("[data.folders]\nspeaker = \"before _\"");
    let mut number = 0;
    for (class, hz) in [("low", 500.0), ("high", 1800.0)] {
        for speaker in ["ann", "bob", "cid", "dan", "eva"] {
            for index in 0..4 {
                number += 1;
                let tone: Vec<f32> =
                    (0..1600 + 7 * number).map(|n| 0.4 * (TAU * hz * n as f32 / 8000.0).sin()).collect();
                let opposite: Vec<f32> = tone.iter().map(|sample| -sample).collect();
                scratch.write(&format!("my/{class}/{speaker}_{index}.wav"), stereo(&tone, &opposite));
            }
        }
    }
    let mean = scratch.run("data info my.toml --data my").succeeds().stdout();
    for part in [
        "channels: 2 (40); their mean is used",
        "silent (all samples below -60 dBFS): 40",
        "ann_0.wav: its channels cancel in their mean; set data.folders.channel = 0",
    ] {
        assert!(mean.contains(part), "no {part:?} in\n{mean}");
    }
    let second = "--set data.folders.channel=1";
    let info = scratch.run(&format!("data info my.toml --data my {second}")).succeeds().stdout();
    assert!(info.contains("channels: 2 (40); channel 1, counted from 0, is used"), "{info}");
    assert!(info.contains("silent (all samples below -60 dBFS): 0"), "{info}");
    let train = format!("train my.toml --data my --json {second}");
    let trained = scratch.run(&format!("{train} --out run --cache frames")).succeeds().last_json();
    assert_eq!(trained["test_accuracy"], 1.0, "{trained}");
    let recipe = fs::read_to_string(scratch.path("run/recipe.toml")).unwrap();
    assert!(recipe.contains("channel = 1"), "{recipe}");
    let evaluated = scratch.run("eval run").succeeds().stdout();
    assert!(evaluated.contains("8 of 8"), "{evaluated}");
    // A file with one channel is named.
    scratch.write("my/low/ann_0.wav", tone(false, 99));
    let third = "low/ann_0.wav: channel 1 does not exist: the file has 1 channel";
    scratch.run(&format!("{train} --out other")).fails(2, &[third]);
    scratch.run(&format!("data info my.toml --data my {second}")).fails(1, &[]);
}
