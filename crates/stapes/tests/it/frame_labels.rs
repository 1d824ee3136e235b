//! Frame-level models: train, evaluate, predict.

use std::f32::consts::TAU;

use crate::support::{Scratch, same_bytes, wav};
use serde_json::Value;

pub(crate) const RATE: usize = 8000;

/// Returns start and end of the voice in recording `index`, in hundredths of a second, of 150.
pub(crate) fn voice_segment(index: usize) -> (usize, usize) {
    (20 + 7 * (index % 5), 80 + 9 * (index % 7))
}

/// Writes a data set with the layout of upc-vad: a tone in noise is voice, noise alone is silence.
pub(crate) fn voices(scratch: &Scratch) {
    let mut noise = 1u32;
    for index in 0..20 {
        let (from, to) = voice_segment(index);
        let samples: Vec<f32> = (0..150 * RATE / 100)
            .map(|n| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let white = 0.05 * ((noise >> 8) as f32 / (1 << 24) as f32 - 0.5);
                let voiced = (from * RATE / 100..to * RATE / 100).contains(&n);
                let pitch = (400 + 60 * index) as f32;
                white + if voiced { 0.4 * (TAU * pitch * n as f32 / RATE as f32).sin() } else { 0.0 }
            })
            .collect();
        let name = format!("voices/{}/pav_{index:02}", ["first", "second"][index % 2]);
        scratch.write(&format!("{name}.wav"), wav(&samples, RATE as u32));
        let rows = [("S", 0, from), ("V", from, to), ("S", to, 150)];
        let row = |(letter, from, to): (&str, usize, usize)| {
            format!("{:.2}\t{:.2}\t{letter}\n", from as f64 / 100.0, to as f64 / 100.0)
        };
        scratch.write(&format!("{name}.lab"), rows.map(row).concat());
    }
    scratch.write("voices.toml", RECIPE);
}

const RECIPE: &str = r#"
title = "Tones in noise"
[data.upc-vad]
folds = 4
validation_fraction = 0.2
[features]
sample_rate_hz = 8000
normalization = "per-coefficient"
[features.front_end.kaldi-fbank]
mel_opts = { num_bins = 12 }
[model.recurrent]
cell = "lstm"
hidden_size = 8
head = "per_frame"
[train]
batch_size = 4
epochs = 12
learning_rate = 3e-2
segment_frames = 50
frames_per_epoch = 1500
"#;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn frame_level_model_learns_and_eval_matches_train() {
    let scratch = Scratch::new();
    voices(&scratch);
    let ran = scratch.run("train voices.toml --data voices --out run --json").succeeds();
    let trained = ran.last_json();
    for key in ["test_accuracy", "test_f1", "test_auc"] {
        assert!(number(&trained[key]) > 0.95, "{key} in {trained}");
    }
    assert!(ran.stderr().contains("voice: F1 0.9") && ran.stderr().contains("examples/s"));
    assert!(ran.stderr().contains("95 % CI over 5 recordings"), "{}", ran.stderr());
    let lines = scratch.run("eval run --json").succeeds().json();
    let evaluated = lines.last().unwrap();
    assert_eq!(evaluated["accuracy"], trained["test_accuracy"]);
    assert_eq!(evaluated["detection"]["auc"]["value"], trained["test_auc"]);
    assert_eq!(evaluated["detection"]["f1"]["value"], trained["test_f1"]);
    // Five recordings of 148 frames: 1.5 s minus a window of 25 ms, every 10 ms.
    assert_eq!((lines.len(), &evaluated["total"]), (6, &Value::from(5 * 148)));
    let correct: f64 = lines[..5].iter().map(|line| number(&line["correct"])).sum();
    assert_eq!(correct, number(&evaluated["correct"]));
    // The center of frame t is at 12.5 + 10 t ms, so the first frame of voice is the one after the start of the segment.
    let (from, to) = voice_segment(0);
    let labels = serde_json::json!([[0, "silence"], [from - 1, "voice"], [to - 1, "silence"]]);
    assert_eq!(lines[0]["true_labels"], labels);
    let page = std::fs::read_to_string(scratch.path("run/report.html")).unwrap();
    assert!(page.contains("ROC AUC") && page.contains("CI over 5 recordings"));
    // Errors are frames, not recordings.
    assert!(!page.contains("<audio") && !page.contains("id=\"errors\""));
    assert!(scratch.run("gradients run --examples 3").succeeds().stdout().contains("layer 1"));
}

#[test]
fn predict_prints_segments_and_frame_probabilities() {
    let scratch = Scratch::new();
    voices(&scratch);
    scratch.run("train voices.toml --data voices --out run").succeeds();
    let file = "voices/first/pav_04.wav";
    let (from, to) = voice_segment(4);
    let text = scratch.run(&format!("predict run {file}")).succeeds().stdout();
    let fields: Vec<&str> = text.trim_end().split('\t').collect();
    assert_eq!(&fields[2..], ["voice", file], "{text}");
    for (field, expected) in fields.iter().zip([from, to]) {
        let seconds: f64 = field.parse().unwrap();
        assert!((seconds - expected as f64 / 100.0).abs() < 0.03, "{text}");
    }
    let line = &scratch.run(&format!("predict run {file} --json")).succeeds().json()[0];
    assert_eq!((number(&line["seconds"]), number(&line["hop_seconds"])), (1.5, 0.01));
    assert!((number(&line["first_frame_seconds"]) - 0.0125).abs() < 1e-12);
    let segments = line["segments"].as_array().unwrap();
    assert_eq!(segments.iter().map(|one| &one["label"]).collect::<Vec<_>>(), ["silence", "voice", "silence"]);
    assert_eq!((number(&segments[0]["start"]), number(&segments[2]["end"])), (0.0, 1.5));
    let probabilities = |label: &str| line["probabilities"][label].as_array().unwrap().clone();
    assert_eq!(probabilities("voice").len(), 148);
    for (silence, voice) in probabilities("silence").iter().zip(probabilities("voice")) {
        assert!((number(silence) + number(&voice) - 1.0).abs() < 1e-6);
    }
    // Noise only, at another sample rate.
    scratch.write("noise.wav", wav(&[0.001; 16_000], 16_000));
    let ran = scratch.run("predict run noise.wav").succeeds();
    assert_eq!(ran.stdout(), "");
    assert!(ran.stderr().contains("noise.wav: only silence"), "{}", ran.stderr());
}

#[test]
fn training_on_segments_does_not_depend_on_threads() {
    let scratch = Scratch::new();
    voices(&scratch);
    for threads in [1, 2] {
        let set = "--set train.epochs=2 --set model.recurrent.bidirectional=true";
        let command = format!("train voices.toml --data voices --out {threads} {set} --threads {threads}");
        scratch.run(&command).succeeds();
    }
    assert!(same_bytes(&scratch.path("1/model.safetensors"), &scratch.path("2/model.safetensors")));
}

#[test]
fn settings_incompatible_with_frame_labels_are_rejected() {
    let scratch = Scratch::new();
    voices(&scratch);
    let train = "train voices.toml --data voices --out run";
    for (set, parts) in [
        ("model.recurrent.head=last", &["voices.toml: ", "frame-level labels", "per_frame"][..]),
        ("features.fixed_length_samples=8000", &["features.fixed_length_samples = 8000", "remove the key"]),
        ("data.upc-vad.fold=4", &["data.upc-vad.fold = 4: must be from 0 to 3"]),
        ("train.segment_frames=0", &["train.segment_frames = 0"]),
    ] {
        scratch.run(&format!("{train} --set {set}")).fails(2, parts);
    }
    scratch.write("voices/first/pav_00.lab", "0.0 0.9 S\n");
    scratch.run(train).fails(2, &["pav_00.wav: ", "pav_00.lab:1"]);
    scratch.write("voices/first/pav_00.lab", "0.0 0.9 S\n0.8 1.5 V\n");
    scratch.run(train).fails(2, &["pav_00.lab:2", "overlaps"]);
    assert!(!scratch.names().contains(&"run".to_string()));
}

#[test]
fn folds_test_every_recording_once_and_are_summarized() {
    let scratch = Scratch::new();
    voices(&scratch);
    let command = "train voices.toml --data voices --out runs --folds --set train.epochs=6";
    let ran = scratch.run(&format!("{command} --json")).succeeds();
    let summary = ran.last_json();
    let folds = summary["folds"].as_array().unwrap();
    assert_eq!(folds.len(), 4);
    for (number, fold) in folds.iter().enumerate() {
        assert_eq!(fold["fold"], format!("fold-{number}"));
        let evaluated = scratch.run(&format!("eval runs/fold-{number} --json")).succeeds().last_json();
        assert_eq!(evaluated["accuracy"], fold["accuracy"]);
    }
    let mean = folds.iter().map(|fold| number(&fold["accuracy"])).sum::<f64>() / 4.0;
    assert!((number(&summary["mean"]["accuracy"]["value"]) - mean).abs() < 1e-12, "{summary}");
    assert!(number(&summary["mean"]["auc"]["interval"]["low"]) < number(&summary["mean"]["auc"]["value"]));
    // All 20 recordings; the folds have equal sizes, so the pooled accuracy is the mean.
    assert_eq!(
        (&summary["pooled"]["recordings"], &summary["pooled"]["total"]),
        (&20.into(), &(20 * 148).into())
    );
    assert!((number(&summary["pooled"]["accuracy"]) - mean).abs() < 1e-12);
    let text = ran.stderr();
    assert!(text.contains("mean auc") && text.contains("over 4 folds") && text.contains("fold-3 "), "{text}");
    let file = std::fs::read_to_string(scratch.path("runs/folds.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap(), summary);
    assert_eq!(
        (&summary["requested"], &summary["complete"], &summary["stopped"]),
        (&4.into(), &4.into(), &false.into())
    );
    scratch.run(command).fails(2, &["runs/fold-0", "exists"]);
    scratch.run(&format!("{command} --seeds 2")).fails(2, &["--folds", "--seeds"]);
}

#[test]
fn leave_speaker_out_tests_each_speaker_once() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let train = "train tones.toml --data tones --folds --set train.epochs=2";
    let leave_out = "--set data.fsdd.split=leave-speaker-out --set data.fsdd.speaker=ann";
    let text = scratch.run(&format!("{train} --out runs {leave_out}")).succeeds().stdout();
    for part in ["\nann ", "\nbob ", "mean accuracy", "over 2 folds", "all tests      accuracy", "of 180"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    for (fold, other) in [("ann", "bob"), ("bob", "ann")] {
        let lines = scratch.run(&format!("eval runs/{fold} --json")).succeeds().json();
        let of = |speaker: &str| {
            lines
                .iter()
                .filter(|line| line["example"].as_str().is_some_and(|id| id.contains(speaker)))
                .count()
        };
        assert_eq!((of(fold), of(other)), (90, 0));
        // The validation subset, which selects the checkpoint, has only the other speaker.
        let lines = scratch.run(&format!("eval runs/{fold} --split validation --json")).succeeds().json();
        assert!(
            lines[..lines.len() - 1].iter().all(|line| line["example"].as_str().unwrap().contains(other))
        );
    }
    scratch.run(&format!("{train} --out none")).fails(2, &["data.fsdd has no folds", "leave-speaker-out"]);
}

#[test]
fn interrupted_folds_and_seeds_report_missing_runs() {
    let scratch = Scratch::new();
    voices(&scratch);
    let train = "train voices.toml --data voices --json --set train.epochs=100000";
    let ran = scratch.run_interrupted(&format!("{train} --out folds --folds"), "\"validation\"");
    let summary = ran.fails(1, &["stopped: 0 of 4", "stopped, not counted"]).last_json();
    let counts = |summary: &Value| {
        (number(&summary["requested"]), number(&summary["complete"]), summary["stopped"] == true)
    };
    assert_eq!(counts(&summary), (4.0, 0.0, true));
    assert_eq!(
        (summary["folds"].as_array().unwrap().len(), &summary["folds"][0]["stopped"]),
        (1, &true.into())
    );
    assert_eq!((&summary["mean"], &summary["pooled"]), (&serde_json::json!({}), &Value::Null));
    assert!(scratch.path("folds/folds.json").is_file() && scratch.path("folds/fold-0/run.json").is_file());

    let ran = scratch.run_interrupted(&format!("{train} --out seeds --seeds 3"), "\"validation\"");
    let summary = ran.fails(1, &["stopped: 0 of 3", "stopped, not counted"]).last_json();
    assert_eq!(counts(&summary), (3.0, 0.0, true));
    assert_eq!((&summary["runs"][0]["stopped"], &summary["median"]), (&true.into(), &Value::Null));
}

#[test]
fn invalid_folds_are_rejected_before_training() {
    let scratch = Scratch::new();
    voices(&scratch);
    let before = scratch.names();
    for (out, set, part) in [
        ("runs", "data.upc-vad.folds=102", "voices.toml: data.upc-vad.folds = 102: must be at most 20"),
        ("runs", "data.upc-vad.folds=9000000000000", "must be at most 20"),
        ("runs", "model.recurrent.head=max", "voices.toml: the data has frame-level labels"),
        ("voices.toml/runs", "train.epochs=1", "voices.toml/runs"),
    ] {
        let command = format!("train voices.toml --data voices --folds --out {out} --set {set}");
        let ran = scratch.run(&command).fails(2, &[part]);
        assert!(!ran.stderr().contains("(1 of"), "{}", ran.stderr());
        assert_eq!(scratch.names(), before, "{set}");
    }
}

#[test]
fn folds_and_seeds_are_not_written_into_a_run() {
    let scratch = Scratch::new();
    voices(&scratch);
    let train = "train voices.toml --data voices --out run --set train.epochs=1";
    scratch.run(train).succeeds();
    for several in ["--folds", "--folds --force", "--seeds 2"] {
        scratch.run(&format!("{train} {several}")).fails(2, &["run: is a single run", "another --out"]);
    }
    assert!(!scratch.path("run/fold-0").exists() && !scratch.path("run/seed-1").exists());
}

#[test]
fn incompatible_settings_are_rejected_when_the_recipe_is_read() {
    let scratch = Scratch::new();
    voices(&scratch);
    scratch.tones_recipe();
    for (command, parts) in [
        ("voices.toml --set model.recurrent.head=max", &["voices.toml: the data has frame-level labels"][..]),
        (
            "voices.toml --set features.fixed_length_samples=8000",
            &["voices.toml: features.fixed_length_samples = 8000"],
        ),
        (
            "tones.toml --set model.recurrent.head=per_frame",
            &["tones.toml: the data has one label per recording"],
        ),
        (
            "tones.toml --set features.fixed_length_samples=8000 --set train.segment_frames=10",
            &["tones.toml: train.segment_frames = 10", "remove"],
        ),
    ] {
        scratch.run(&format!("summary {command}")).fails(2, parts);
    }
}

#[test]
fn key_that_does_not_match_the_data_is_named_with_its_recipe() {
    let scratch = Scratch::new();
    voices(&scratch);
    scratch.tones();
    scratch.tones_recipe();
    scratch
        .run("train voices.toml --data voices --out run --set data.upc-vad.folds=102")
        .fails(2, &["error: voices.toml: data.upc-vad.folds = 102: must be at most 20"]);
    let nobody = "--set data.fsdd.split=leave-speaker-out --set data.fsdd.speaker=nobody";
    scratch
        .run(&format!("train tones.toml --data tones --out run {nobody}"))
        .fails(2, &["error: tones.toml: data.fsdd.speaker = nobody"]);
}
