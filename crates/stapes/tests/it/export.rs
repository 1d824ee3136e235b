//! Models for other programs.

use std::fs;

use crate::support::Scratch;

#[test]
fn a_model_is_written_for_every_program() {
    let scratch = Scratch::new();
    let onnx = scratch.run("export digits --to onnx --with-features").succeeds().stdout();
    assert!(onnx.contains("runs/digits.onnx") && onnx.contains("8000 Hz"), "{onnx}");
    assert!(fs::metadata(scratch.path("runs/digits.onnx")).unwrap().len() > 200_000);
    let second = scratch.run("export digits --to onnx --json").succeeds().last_json();
    assert_eq!(second["files"][0], "runs/digits-2.onnx");
    scratch.run("export vad --to triton --with-features --streaming --out repository").succeeds();
    let config = fs::read_to_string(scratch.path("repository/vad/config.pbtxt")).unwrap();
    assert!(
        config.contains("sequence_batching") && config.contains("output_name: \"rnn_l0_h_next\""),
        "{config}"
    );
    assert_eq!(fs::read_to_string(scratch.path("repository/vad/labels.txt")).unwrap().lines().count(), 2);
    let file = fs::read(scratch.path("repository/vad/1/model.onnx")).unwrap();
    scratch.run("export vad --to onnx --with-features --streaming --out vad.onnx").succeeds();
    assert_eq!(fs::read(scratch.path("vad.onnx")).unwrap(), file);
    scratch.run("export vad --to torch --out module").succeeds();
    scratch.run("export vad --to c").succeeds();
    let header = fs::read_to_string(scratch.path("runs/vad-c/vad.h")).unwrap();
    assert!(header.contains("vad_push"), "{header}");
    let module = fs::read_to_string(scratch.path("module/model.py")).unwrap();
    assert!(module.contains("nn.Module"), "{module}");
    scratch.run("predict module/model.safetensors nothing.wav").fails(2, &["nothing.wav"]);
}

#[test]
fn a_model_on_integers_is_calibrated_on_its_training_data_and_compared() {
    let scratch = Scratch::new();
    let (data, recipe) = (scratch.tones(), scratch.tones_recipe());
    let [data, recipe] = [&data, &recipe].map(|path| path.to_str().unwrap().to_owned());
    scratch.run_words(&["train", &recipe, "--data", &data, "--out", "run"]).succeeds();
    let exported = scratch.run("export run --to c --int8 --max-seconds 1 --out code").succeeds().stdout();
    for part in [
        "float32  accuracy 100.00 %",
        "int8     accuracy 100.00 %",
        "0 of ",
        " decisions differ",
        "code/run.c",
    ] {
        assert!(exported.contains(part), "{part}: {exported}");
    }
    let source = fs::read_to_string(scratch.path("code/run.c")).unwrap();
    assert!(source.contains("static const int8_t ") && source.contains("quantize_frames"));
    let float = scratch.run("eval run --json").succeeds().last_json();
    let int8 = scratch.run("eval run --int8 --json").succeeds().last_json();
    assert_eq!(float["accuracy"], int8["accuracy"]);
    // A model file has no training data.
    let words =
        ["export", "run/model.safetensors", "--to", "c", "--int8", "--max-seconds", "1", "--out", "file"];
    scratch.run_words(&words).fails(2, &["--int8", "not a run folder", "--data DIR"]);
    let exported = scratch.run_words(&[&words[..], &["--data", &data]].concat()).succeeds().stdout();
    assert!(exported.contains("int8     accuracy"), "{exported}");
    scratch.run("export run --to onnx --int8").fails(2, &["--int8 is for C", "--to c"]);
    scratch.run("export run --to c --int8").fails(2, &["--max-seconds"]);
}

#[test]
fn what_cannot_be_exported_is_refused_before_anything_is_written() {
    let scratch = Scratch::new();
    scratch.run("export digits --to onnx --streaming").fails(2, &["bidirectional", "future frames"]);
    scratch.run("export vad --to torch --streaming").fails(2, &["--streaming", "--to onnx"]);
    scratch.run("export digits --to c").fails(2, &["--max-seconds", "whole"]);
    scratch.run("export digits --to onnx --max-seconds 1").fails(2, &["--max-seconds", "--to c"]);
    scratch.run("export nothing --to onnx").fails(2, &["nothing"]);
    assert_eq!(fs::read_dir(scratch.path(".")).unwrap().count(), 0);
    scratch.write("file", "a file");
    scratch.run("export vad --to triton --out file").fails(2, &["is a file"]);
    fs::create_dir(scratch.path("folder")).unwrap();
    scratch.run("export vad --to onnx --out folder").fails(2, &["is a folder"]);
    assert_eq!(fs::read_dir(scratch.path("folder")).unwrap().count(), 0);
}

#[test]
fn existing_files_are_replaced_with_force_only_and_runs_never() {
    let scratch = Scratch::new();
    scratch.write("my.toml", "a recipe");
    scratch.run("export vad --to onnx --out my.toml").fails(2, &["my.toml: exists", "--force"]);
    assert_eq!(fs::read(scratch.path("my.toml")).unwrap(), b"a recipe");
    scratch.run("export vad --to onnx --out my.toml --force").succeeds();
    assert!(fs::read(scratch.path("my.toml")).unwrap().len() > 1000);
    // One of the files exists: none is written.
    fs::create_dir(scratch.path("project")).unwrap();
    scratch.write("project/Makefile", "all:");
    scratch.run("export vad --to c --out project").fails(2, &["Makefile: exists", "--force"]);
    assert_eq!(fs::read_dir(scratch.path("project")).unwrap().count(), 1);
    fs::create_dir(scratch.path("run")).unwrap();
    for file in ["run.json", "model.safetensors"] {
        scratch.write(&format!("run/{file}"), "a run");
    }
    let refused = ["is a file of a trained model", "--out"];
    scratch.run("export vad --to torch --out run --force").fails(2, &refused);
    for file in ["run.json", "model.safetensors"] {
        scratch.run(&format!("export vad --to onnx --out run/{file} --force")).fails(2, &refused);
        assert_eq!(fs::read(scratch.path("run").join(file)).unwrap(), b"a run");
    }
    // A new file beside them, and the model itself.
    scratch.run("export vad --to onnx --out run/vad.onnx").succeeds();
    scratch.run("export vad --to torch --out module").succeeds();
    fs::create_dir(scratch.path("copy")).unwrap();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/vad/model.safetensors");
    fs::copy(model, scratch.path("copy/model.safetensors")).unwrap();
    for model in ["copy", "copy/model.safetensors"] {
        scratch.run(&format!("export {model} --to torch --out copy --force")).fails(2, &refused);
    }
    assert_eq!(fs::read(scratch.path("copy/model.safetensors")).unwrap(), fs::read(model).unwrap());
    // A device is written to.
    #[cfg(unix)]
    scratch.run("export vad --to onnx --out /dev/null").succeeds();
}
