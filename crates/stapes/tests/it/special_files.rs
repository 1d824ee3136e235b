//! Pipes, devices and endless texts in place of files are rejected by name, and the program never waits for them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::support::{Ran, Scratch, TONES, wav};
use stapes_testkit::hang::fifo;

const FSDD: &str = "[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2";

fn prepared() -> Scratch {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch
}

fn run(scratch: &Scratch, arguments: &str) -> Ran {
    scratch.run_watched(arguments, Stdio::null())
}

/// Writes classes `low` and `high` with a pipe among the recordings, and a recipe.
fn folders_with_a_pipe() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("my.toml", TONES.replace(FSDD, "[data.folders]"));
    for number in 0..20 {
        let step = if number % 2 == 0 { 0.2 } else { 1.1 };
        let samples: Vec<f32> = (0..1600 + number).map(|n| 0.4 * (step * n as f32).sin()).collect();
        let class = if number % 2 == 0 { "low" } else { "high" };
        scratch.write(&format!("my/{class}/{number}.wav"), wav(&samples, 8000));
    }
    fifo(&scratch.path("my/low/pipe.wav"));
    scratch
}

#[test]
fn pipe_among_the_recordings_is_named_and_not_opened() {
    let scratch = folders_with_a_pipe();
    let before = scratch.names();
    let train = "train my.toml --data my --out run --set train.max_steps=1";
    run(&scratch, train).fails(2, &["1 of 21 files", "my/low/pipe.wav: is a pipe"]);
    run(&scratch, &format!("{train} --cache kept")).fails(2, &["my/low/pipe.wav: is a pipe"]);
    fs::remove_dir_all(scratch.path("kept")).unwrap();
    assert_eq!(scratch.names(), before);
    let info = run(&scratch, "data info --data my");
    assert_eq!(info.output.status.code(), Some(1));
    assert!(info.stdout().contains("low/pipe.wav: is a pipe"), "{}", info.stdout());
    let allowed = format!("{train} --set data.folders.max_unreadable_fraction=0.5");
    run(&scratch, &allowed).fails(1, &["skipped: ", "my/low/pipe.wav: is a pipe"]);

    let scratch = prepared();
    fifo(&scratch.path("tones/recordings/3_ann_9.wav"));
    run(&scratch, "train tones.toml --data tones --out run").fails(2, &["3_ann_9.wav: is a pipe"]);
}

#[test]
fn pipe_as_manifest_or_row_or_noise_is_named() {
    let scratch = folders_with_a_pipe();
    scratch.write("my.toml", TONES.replace(FSDD, "[data.manifest]"));
    let train = "train my.toml --data my --out run";
    let row = |number: usize| {
        let class = if number.is_multiple_of(2) { "low" } else { "high" };
        format!("{class}/{number}.wav,{class}\n")
    };
    let rows: String = (0..20).map(row).collect();
    scratch.write("my/manifest.csv", format!("path,label\n{rows}low/pipe.wav,low\n"));
    run(&scratch, train).fails(2, &["my/low/pipe.wav: is a pipe"]);
    // An unclosed quote is an error.
    scratch.write("my/manifest.csv", format!("path,label\n{rows}").replace("4.wav,low", "4.wav,\"low"));
    run(&scratch, train).fails(2, &["manifest.csv:6: the value of column label begins with a quote"]);
    assert!(!scratch.path("run").exists());
    fs::remove_file(scratch.path("my/manifest.csv")).unwrap();
    fifo(&scratch.path("my/manifest.csv"));
    run(&scratch, train).fails(2, &["my/manifest.csv: is a pipe"]);
    run(&scratch, "data info --data my").fails(2, &["my/manifest.csv: is a pipe"]);
    run(&scratch, "data info --data my/manifest.csv").fails(2, &["my/manifest.csv: is a pipe"]);

    let scratch = prepared();
    fs::create_dir(scratch.path("noises")).unwrap();
    fifo(&scratch.path("noises/hum.wav"));
    scratch.write(
        "noisy.toml",
        format!("{TONES}[augment.waveform.noise]\nsnr_db = [0, 9]\nfolder = '../noises'\n"),
    );
    run(&scratch, "train noisy.toml --data tones --out run").fails(2, &["hum.wav: is a pipe"]);
}

#[test]
fn recipes_and_sweeps_are_read_from_pipes_up_to_a_limit() {
    let scratch = prepared();
    scratch.run_piped("summary /dev/stdin", TONES.as_bytes()).succeeds();
    let path = scratch.path("tones.toml");
    let sweep =
        format!("title = 'One'\nrecipe = '{}'\nconfigurations = [{{ name = 'a' }}]\n", path.display());
    fs::create_dir(scratch.path("runs")).unwrap();
    scratch.run_piped("compare /dev/stdin --out runs --table", sweep.as_bytes()).succeeds();
    // A sparse file takes no space.
    File::create(scratch.path("huge.toml")).unwrap().set_len(3 << 30).unwrap();
    for file in ["/dev/zero", "huge.toml"] {
        for command in
            ["summary FILE", "train FILE --out out", "compare FILE --out out", "search FILE --out out"]
        {
            let command = command.replace("FILE", file);
            run(&scratch, &command).fails(2, &[file, "longer than 16 MiB, the limit", "right file"]);
        }
    }
    let long = format!("{TONES}# {}\n", "x".repeat(16 << 20));
    scratch.run_piped("summary /dev/stdin", long.as_bytes()).fails(2, &["longer than 16 MiB"]);
    let folder = "tones/recordings";
    run(&scratch, &format!("summary {folder}"))
        .fails(2, &[&format!("{folder}: cannot read the recipe: it is a folder")]);
    // The recipe of a sweep is read for each configuration.
    fifo(&scratch.path("pipe.toml"));
    scratch.write("sweep.toml", sweep.replace("tones.toml", "pipe.toml"));
    run(&scratch, "compare sweep.toml --out out").fails(2, &["sweep.toml: ", "pipe.toml", "it is a pipe"]);
    assert!(!scratch.path("out").exists());
}

#[test]
fn recordings_must_be_regular_files() {
    let scratch = prepared();
    let train = "train tones.toml --data tones --out run --set train.max_steps=1 --set model.recurrent.head=attention";
    run(&scratch, train).succeeds();
    fifo(&scratch.path("pipe.wav"));
    symlink("/dev/zero", scratch.path("zero.wav")).unwrap();
    for (file, kind) in
        [("pipe.wav", "pipe"), ("zero.wav", "device"), ("/dev/stdin", "pipe"), ("tones", "folder")]
    {
        for command in [
            "predict run FILE",
            "inspect FILE --out page.html",
            "inspect FILE --model run --out page.html",
            "features log-mel FILE --out frames",
            "attention run FILE --out pictures",
        ] {
            if kind == "folder" && command.starts_with("predict") {
                // The recordings of the folder are classified.
                continue;
            }
            let ran = scratch.run_piped(&command.replace("FILE", file), b"RIFF");
            ran.fails(2, &[&format!("{file}: is a {kind}"), "regular file", "save the audio to a file"]);
        }
    }
    let sound = "tones/recordings/1_ann_1.wav";
    run(&scratch, &format!("predict run pipe.wav {sound}")).fails(1, &["pipe.wav: is a pipe"]);
}

#[test]
fn frames_are_read_from_pipes_up_to_a_limit() {
    let scratch = Scratch::new();
    run(&scratch, "quickstart --set train.max_steps=1 --out run").succeeds();
    let example = fs::read(scratch.path("run/example.csv")).unwrap();
    let said = run(&scratch, "predict run run/example.csv").succeeds().stdout();
    let piped = scratch.run_piped("predict run /dev/stdin", &example).succeeds().stdout();
    assert_eq!(piped, said.replace("run/example.csv", "/dev/stdin"));
    run(&scratch, "predict run /dev/zero").fails(2, &["/dev/zero", "longer than 256 MiB"]);
    // A missing value is an error, and a long word is truncated in the message.
    scratch.write("gap.csv", "1,,3\n");
    run(&scratch, "predict run gap.csv").fails(2, &["gap.csv:1: \"\" is not a finite number"]);
    scratch.write("word.csv", "x".repeat(5000));
    let ran = run(&scratch, "predict run word.csv").fails(2, &["word.csv:1: \"xxxxxxxxxxxxxxxxxxxx\" is"]);
    assert!(ran.stderr().len() < 200);
}

#[test]
fn files_of_a_run_must_be_regular_files() {
    let scratch = prepared();
    let train = "train tones.toml --data tones --set train.max_steps=1 --out";
    run(&scratch, &format!("{train} run")).succeeds();
    let sound = "tones/recordings/1_ann_1.wav";
    let with_pipe = |file: &str, command: &str| {
        let (path, aside) = (scratch.path("run").join(file), scratch.path("aside"));
        let was_there = fs::rename(&path, &aside).is_ok();
        fifo(&path);
        let ran = run(&scratch, command);
        fs::remove_file(&path).unwrap();
        if was_there {
            fs::rename(&aside, &path).unwrap();
        }
        ran
    };
    let predict = format!("predict run {sound}");
    for (file, commands) in [
        ("recipe.toml", vec!["eval run", "report run --out page", "gradients run"]),
        ("run.json", vec!["eval run", "gradients run"]),
        ("model.safetensors", vec!["eval run", &predict]),
        (
            "checkpoint.safetensors",
            vec!["train tones.toml --data tones --set train.max_steps=1 --out run --resume"],
        ),
        (".lock", vec!["train tones.toml --data tones --set train.max_steps=1 --out run --resume"]),
    ] {
        for command in commands {
            with_pipe(file, command).fails(2, &[&format!("run/{file}: "), "it is a pipe"]);
        }
    }
    // Other runs are still compared.
    run(&scratch, &format!("{train} other --seed 2")).succeeds();
    for file in ["run.json", "metrics.jsonl", "predictions.safetensors"] {
        with_pipe(file, "report run other --out page").fails(1, &[&format!("run/{file}: "), "it is a pipe"]);
    }
    run(&scratch, "eval run").succeeds();

    fifo(&scratch.path("pipe.safetensors"));
    run(&scratch, &format!("predict pipe.safetensors {sound}"))
        .fails(2, &["pipe.safetensors: ", "it is a pipe"]);
    run(&scratch, &format!("{train} new --weights pipe.safetensors"))
        .fails(2, &["pipe.safetensors: cannot read the weights: it is a pipe"]);
    assert!(!scratch.path("new").exists());
}

#[test]
fn times_of_a_sweep_must_be_a_regular_file() {
    let scratch = prepared();
    scratch.write(
        "sweep.toml",
        "title = 'One'\nrecipe = 'tones.toml'\nset = ['train.max_steps=1']\nconfigurations = [{ name = 'a' }]\n",
    );
    run(&scratch, "compare sweep.toml --data tones --out runs").succeeds();
    fifo(&scratch.path("runs/a/timing.json"));
    for command in ["compare sweep.toml --data tones --out runs --table", "report runs --out page"] {
        run(&scratch, command)
            .fails(1, &["runs/a/timing.json: cannot read the timing of a configuration: it is a pipe"]);
    }
}
