//! `stapes features`: arrays in the layouts of the toolkits, plots, and errors.

mod support;

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};
use stapes_testkit::tensors::{Tensor, read_npy};
use stapes_testkit::tolerance;
use support::{Scratch, wav};

type Check = fn();

const ALONE: [(&str, Check); 12] = [
    ("every_preset_has_the_layout_and_number_type_of_its_toolkit", layouts),
    ("settings_are_overridden_by_full_key_or_its_end", settings),
    ("unknown_setting_names_the_closest_match", unknown_settings),
    ("deltas_and_stacking_after_psf_are_computed_in_f32", psf_with_deltas),
    ("recordings_of_other_sample_rates_are_resampled", resampled),
    ("failed_files_are_named_and_others_are_exported", some_fail),
    ("nothing_is_written_if_nothing_can_be_done", nothing_done),
    ("files_with_equal_names_are_rejected", one_name),
    ("plots_are_written_beside_the_arrays", pictures),
    ("results_do_not_depend_on_threads", threads),
    ("presets_and_their_settings_are_listed", list),
    ("recipe_uses_a_preset", recipe),
];

fn main() -> ExitCode {
    suite::run(Fixture::Golden, |golden| {
        let alone = ALONE.into_iter().map(|(name, check)| {
            Case::new(name, move || {
                check();
                Ok(())
            })
        });
        Ok(alone.chain(recorded(&golden.join("frontends"))?).collect())
    })
}

/// Returns one second of a rising tone with peak 0.5.
fn tone(rate: u32) -> Vec<u8> {
    let samples: Vec<f32> =
        (0..rate).map(|n| (n as f32).powi(2) / rate as f32 * 0.4).map(|x| 0.5 * x.sin()).collect();
    wav(&samples, rate)
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("one.wav", tone(16_000));
    scratch
}

fn npy(scratch: &Scratch, inside: &str) -> Tensor {
    read_npy(&scratch.path(inside)).unwrap()
}

fn layouts() {
    let scratch = scratch();
    for (preset, shape, dtype) in [
        ("librosa-mfcc", [20, 32], "float32"),
        ("torchaudio-mfcc", [40, 81], "float32"),
        ("log-mel", [40, 101], "float32"),
        ("psf-mfcc", [99, 13], "float64"),
        ("kaldi-mfcc-39", [98, 39], "float32"),
        ("waveform", [16_000, 1], "float32"),
    ] {
        let lines =
            scratch.run(&format!("features {preset} one.wav --out {preset} --json")).succeeds().json();
        let array = npy(&scratch, &format!("{preset}/one.wav.npy"));
        assert_eq!((array.shape.as_slice(), array.dtype), (&shape[..], dtype), "{preset}");
        assert_eq!(lines[0]["shape"], serde_json::json!(shape));
        assert_eq!((lines[0]["dtype"].as_str(), lines[0]["file"].as_str()), (Some(dtype), Some("one.wav")));
        assert_eq!(lines[1], serde_json::json!({ "files": 1, "failed": 0 }));
        let header = std::fs::read(scratch.path(&format!("{preset}/one.wav.npy"))).unwrap();
        assert!(String::from_utf8_lossy(&header[..128]).contains("'fortran_order': False"));
    }
}

fn settings() {
    let scratch = scratch();
    for (set, width) in [
        ("--set n_mels=24", 24),
        ("--set front_end.librosa-mel-db.n_mels=25", 25),
        ("--set features.front_end.librosa-mel-db.n_mels=26 --set hop_length=320", 26),
    ] {
        scratch.run(&format!("features log-mel one.wav --out out {set}")).succeeds();
        assert_eq!(npy(&scratch, "out/one.wav.npy").shape[0], width);
    }
    assert_eq!(npy(&scratch, "out/one.wav.npy").shape, [26, 51]);
    let refused = |set: &str, parts: &[&str]| {
        scratch.run(&format!("features log-mel one.wav --out none --set {set}")).fails(2, parts);
    };
    refused("n_mels=many", &["n_mels=many"]);
    refused("n_mels", &["n_mels", "key=value"]);
    refused("hop_length=0", &["features.front_end.librosa-mel-db.hop_length = 0", "must be at least 1"]);
    refused("normalization=per-coefficient", &["per-coefficient", "per-utterance"]);
    let both = "features torchaudio-mfcc one.wav --out none --set norm=slaney";
    scratch.run(both).fails(2, &["norm", "front_end.torchaudio-mfcc.melkwargs.norm", " or "]);
    assert_eq!(scratch.names(), ["one.wav", "out"]);
}

fn unknown_settings() {
    let scratch = scratch();
    for (given, nearest) in [
        ("n_mel", "front_end.librosa-mel-db.n_mels"),
        ("hoplength", "front_end.librosa-mel-db.hop_length"),
        ("delta.order", "deltas.order"),
        ("samplerate", "sample_rate_hz"),
        ("front_end.librosa-mel-db.ftm", "front_end.librosa-mel-db."),
    ] {
        let run = scratch.run(&format!("features log-mel one.wav --out none --set {given}=1"));
        run.fails(2, &[given, &format!("the closest match is {nearest}"), "--list log-mel"]);
    }
    assert_eq!(scratch.names(), ["one.wav"]);
}

fn psf_with_deltas() {
    let scratch = scratch();
    scratch.run("features psf-mfcc one.wav --out own").succeeds();
    scratch
        .run("features psf-mfcc one.wav --out steps --set deltas.order=1 --set deltas.kind=psf")
        .succeeds();
    let (own, steps) = (npy(&scratch, "own/one.wav.npy"), npy(&scratch, "steps/one.wav.npy"));
    assert_eq!((steps.shape.as_slice(), steps.dtype), (&[99, 26][..], "float32"));
    for frame in 0..99 {
        for value in 0..13 {
            let (a, b) = (own.values[frame * 13 + value], steps.values[frame * 26 + value]);
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
    // The values are not rounded to f32.
    assert!(own.values.iter().any(|value| f64::from(*value as f32) != *value));
}

fn resampled() {
    let scratch = Scratch::new();
    scratch.write("slow.wav", tone(8000));
    scratch.run("features log-mel slow.wav --out a").succeeds();
    scratch.run("features psf-mfcc slow.wav --out a2 --set fixed_length_samples=8000").succeeds();
    scratch.run("features log-mel slow.wav --out b --set sample_rate_hz=8000").succeeds();
    assert_eq!(npy(&scratch, "a/slow.wav.npy").shape, [40, 101]);
    assert_eq!(npy(&scratch, "a2/slow.wav.npy").shape, [49, 13]);
    assert_eq!(npy(&scratch, "b/slow.wav.npy").shape, [40, 51]);
}

fn some_fail() {
    let scratch = scratch();
    scratch.write("text.wav", "not a sound at all, only text that was renamed");
    scratch.write("short.wav", wav(&[0.1; 100], 16_000));
    let files = "one.wav text.wav absent.wav short.wav";
    let run = scratch.run(&format!("features kaldi-mfcc-39 {files} --out out --json"));
    let run = run.fails(1, &["text.wav", "absent.wav", "short.wav: 100 samples are too few"]);
    let lines = run.json();
    let failed: Vec<&str> = lines
        .iter()
        .filter(|line| line["error"].is_string())
        .map(|line| line["file"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["text.wav", "absent.wav", "short.wav"]);
    assert_eq!(run.last_json(), serde_json::json!({ "files": 4, "failed": 3 }));
    assert_eq!(written(&scratch, "out"), ["one.wav.npy"]);
    scratch.run("features kaldi-mfcc-39 text.wav absent.wav --out out").fails(2, &["text.wav", "absent.wav"]);
}

/// Returns the sorted names in a folder.
fn written(scratch: &Scratch, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.path(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn nothing_done() {
    let scratch = scratch();
    scratch.write("taken", "a file");
    scratch.run("features mel one.wav --out out").fails(2, &["preset = mel", "librosa-mfcc, psf-mfcc"]);
    scratch.run("features log-mel one.wav --out taken").fails(2, &["taken: is a file", "folder"]);
    scratch.run("features log-mel --out out").fails(2, &["<FILE>"]);
    scratch.run("features --out out").fails(2, &["<PRESET>"]);
    scratch.run("features --list mel").fails(2, &["preset = mel"]);
    assert_eq!(scratch.names(), ["one.wav", "taken"]);
    scratch.run("features log-mel one.wav").succeeds();
    assert!(scratch.path("runs/log-mel/one.wav.npy").is_file());
}

fn one_name() {
    let scratch = scratch();
    scratch.write("other/one.wav", tone(16_000));
    let run = scratch.run("features log-mel one.wav other/one.wav --out out");
    run.fails(2, &["other/one.wav", "one.wav.npy", "two folders"]);
    assert_eq!(scratch.names(), ["one.wav", "other"]);
}

fn pictures() {
    let scratch = scratch();
    for preset in ["log-mel", "kaldi-mfcc-39", "waveform"] {
        scratch.run(&format!("features {preset} one.wav --out {preset} --png")).succeeds();
        assert_eq!(written(&scratch, preset), ["one.wav.npy", "one.wav.png"]);
        let png = std::fs::read(scratch.path(&format!("{preset}/one.wav.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 5000, "{}", png.len());
    }
}

fn threads() {
    let scratch = Scratch::new();
    let names: Vec<String> = (0..9).map(|index| format!("{index}.wav")).collect();
    for (index, name) in names.iter().enumerate() {
        scratch.write(name, tone(8000 + 500 * index as u32));
    }
    let files = names.join(" ");
    let one =
        scratch.run(&format!("features log-mel {files} --out a --json --threads 1")).succeeds().stdout();
    let two =
        scratch.run(&format!("features log-mel {files} --out b --json --threads 2")).succeeds().stdout();
    assert_eq!(one.replace("\"a/", "\"b/"), two);
    for name in names {
        let [a, b] =
            ["a", "b"].map(|folder| std::fs::read(scratch.path(&format!("{folder}/{name}.npy"))).unwrap());
        assert!(a == b, "{name}");
    }
}

fn list() {
    let scratch = Scratch::new();
    let all = scratch.run("features --list").succeeds().stdout();
    for part in [
        "librosa-mfcc     20 coefficients",
        "all presets",
        "sample_rate_hz ",
        "16000 Hz",
        "front_end.psf-mfcc.numcep ",
    ] {
        assert!(all.contains(part), "no {part:?} in {all}");
    }
    let one = scratch.run("features --list psf-mfcc").succeeds().stdout();
    assert!(
        one.contains("front_end.psf-mfcc.winlen")
            && one.contains("0.025 s")
            && !one.contains("librosa-mfcc.")
    );
    let lines = scratch.run("features --list --json").succeeds().json();
    assert_eq!(lines.len(), 6);
    for line in lines {
        let settings = line["settings"].as_array().unwrap();
        assert!(
            settings.len() > 10 && settings.iter().all(|setting| setting["description"].is_string()),
            "{line}"
        );
    }
}

fn recipe() {
    let scratch = Scratch::new();
    scratch.tones();
    let written: Vec<&str> = support::TONES.split("[features").collect();
    let rest = written[2].split_once("[model").unwrap().1;
    let preset = "[features]\npreset = \"log-mel\"\nsample_rate_hz = 8000\nnormalization = \"per-coefficient\"\n\
                  [features.front_end.librosa-mel-db]\nn_mels = 24\n";
    scratch.write("tones.toml", format!("{}{preset}[model{rest}", written[0]));
    scratch.run("train tones.toml --data tones --out run --set train.max_steps=1").succeeds();
    let kept = std::fs::read_to_string(scratch.path("run/recipe.toml")).unwrap();
    assert!(
        !kept.contains("preset") && kept.contains("n_mels = 24") && kept.contains("hop_length = 80"),
        "{kept}"
    );
    scratch.run("summary run/recipe.toml").succeeds();
    scratch.write("bad.toml", format!("{}{}[model{rest}", written[0], preset.replace("log-mel", "mel")));
    scratch.run("summary bad.toml").fails(2, &["bad.toml", "features.preset = mel", "log-mel"]);
}

/// Returns the recorded cases that a preset computes with the settings given here.
fn recorded(folder: &Path) -> Result<Vec<Case>, String> {
    let path = folder.join("manifest.json");
    let say = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|error| say(&error))?;
    let manifest: Value = serde_json::from_str(&text).map_err(|error| say(&error))?;
    let cases = manifest["cases"].as_array().ok_or_else(|| say(&"no cases"))?;
    let mut found = Vec::new();
    for case in cases {
        let Some((preset, tolerance)) = preset_of(case) else { continue };
        let text = |key: &str| case[key].as_str().map(str::to_owned).ok_or_else(|| say(&format!("no {key}")));
        let (input, output) = (folder.join(text("input")?), folder.join(text("output")?));
        // Cases with a nominal rate that differs from the file's cannot be replayed, because the program would resample.
        let rate = manifest["inputs"][input.file_stem().unwrap_or_default().to_string_lossy().as_ref()]["sr"]
            .clone();
        if rate != case["sr"] || !output.exists() {
            continue;
        }
        let mut command =
            format!("features {preset} {} --out out --set sample_rate_hz={rate}", input.display());
        command += &format!(" --set scale={}", text("scale")?);
        if let Some(length) = case["fix"].as_u64() {
            command += &format!(" --set fixed_length_samples={length}");
        }
        found.push(Case::new(text("output")?, move || replayed(&command, &input, &output, tolerance)));
    }
    match found.is_empty() {
        true => Err(say(&"no case that a preset computes")),
        false => Ok(found),
    }
}

/// Returns the preset with exactly the settings of a case, and the tolerance.
fn preset_of(case: &Value) -> Option<(&'static str, f64)> {
    let parameters = case["params"].as_object()?;
    let are = |expected: &[(&str, u64)]| {
        parameters.len() == expected.len()
            && expected.iter().all(|(key, value)| case["params"][key] == *value)
    };
    match case["kind"].as_str()? {
        "psf_mfcc" if parameters.is_empty() => Some(("psf-mfcc", 1e-9)),
        "librosa_mfcc"
            if case["input_dtype"] == "float32"
                && are(&[("n_fft", 2048), ("hop_length", 512), ("n_mfcc", 20)]) =>
        {
            Some(("librosa-mfcc", 5e-4))
        }
        "kaldi_mfcc" if are(&[("deltas", 2)]) => Some(("kaldi-mfcc-39", 5e-3)),
        _ => None,
    }
}

fn replayed(command: &str, input: &Path, output: &Path, tolerance: f64) -> Result<(), String> {
    let scratch = Scratch::new();
    scratch.run(command).succeeds();
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    let (got, expected) = (npy(&scratch, &format!("out/{name}.npy")), read_npy(output)?);
    if (&got.shape, got.dtype) != (&expected.shape, expected.dtype) {
        return Err(format!(
            "{:?} {}, expected {:?} {}",
            got.shape, got.dtype, expected.shape, expected.dtype
        ));
    }
    tolerance::check_absolute("features", &got.values, &expected.values, tolerance)
}
