//! Training with several processes, started by `mpirun`.

use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::{Scratch, same_bytes};

const RECIPE: &str =
    "train tones.toml --data tones --set train.epochs=12 --set model.recurrent.head_dropout=0.3";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch
}

fn mpirun(scratch: &Scratch, arguments: &str) -> Command {
    mpirun_processes(scratch, 2, arguments)
}

fn mpirun_processes(scratch: &Scratch, processes: usize, arguments: &str) -> Command {
    let mut command = Command::new("mpirun");
    // In a container the tests run as root, possibly on fewer cores than processes.
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command
        .args(["--oversubscribe", "-n", &processes.to_string()])
        .arg(assert_cmd::cargo::cargo_bin("stapes"));
    command.args(arguments.split_whitespace()).current_dir(scratch.path("."));
    command
}

#[track_caller]
fn succeeds(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn losses(scratch: &Scratch, run: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(scratch.path(run).join("metrics.jsonl")).unwrap();
    let point = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    text.lines()
        .map(point)
        .flat_map(|point| ["train_loss", "validation_loss"].map(|key| point[key].as_f64().unwrap()))
        .collect()
}

#[test]
fn two_processes_train_like_one_and_one_prints() {
    let scratch = scratch();
    scratch.run(&format!("{RECIPE} --out one")).succeeds();
    let stdout = succeeds(mpirun(&scratch, &format!("{RECIPE} --out two")).output().unwrap());
    assert_eq!(stdout.matches("95 % CI").count(), 1, "{stdout}");
    assert!(same_bytes(&scratch.path("one/model.safetensors"), &scratch.path("two/model.safetensors")));
    // Neither process changes a complete run.
    succeeds(mpirun(&scratch, &format!("{RECIPE} --out two --resume")).output().unwrap());
}

#[test]
fn bits_depend_on_shards_and_not_on_processes_and_threads() {
    let scratch = scratch();
    let short = RECIPE.replace("epochs=12", "epochs=3");
    for shards in [4, 5] {
        let run = |processes: usize, threads: usize| {
            let out = format!("{shards}-{processes}-{threads}");
            let arguments = format!("{short} --set train.shards={shards} --threads {threads} --out {out}");
            match processes {
                1 => drop(scratch.run(&arguments).succeeds()),
                _ => drop(succeeds(mpirun_processes(&scratch, processes, &arguments).output().unwrap())),
            }
            (scratch.path(&out).join("model.safetensors"), losses(&scratch, &out))
        };
        let (model, expected) = run(1, 1);
        for (processes, threads) in [(1, 2), (2, 1), (2, 2), (4, 1)] {
            let (other, losses) = run(processes, threads);
            let case = format!("{shards} shards, {processes} processes, {threads} threads");
            assert!(same_bytes(&model, &other), "{case}");
            assert_eq!(losses, expected, "{case}");
        }
    }
}

/// Returns the output of a job whose second process is killed at its first checkpoint; `None` if the job was faster.
fn killed(scratch: &Scratch, arguments: &str) -> Option<Output> {
    let mut job = mpirun(scratch, arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while !scratch.path("run/checkpoint.safetensors").is_file() && job.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(2));
    }
    // The second of the processes that mpirun started.
    let children = Command::new("pgrep").args(["-P", &job.id().to_string()]).output().unwrap();
    let children = String::from_utf8(children.stdout).unwrap();
    let second = children.split_whitespace().nth(1);
    let killed = second.is_some_and(|second| {
        Command::new("kill").args(["-9", second]).stderr(Stdio::null()).status().unwrap().success()
    });
    let output = job.wait_with_output().unwrap();
    let failed = !output.status.success();
    assert!(killed || !failed, "{}", String::from_utf8_lossy(&output.stderr));
    failed.then_some(output)
}

#[test]
fn killed_process_ends_the_job_and_the_run_can_be_resumed() {
    let scratch = scratch();
    scratch.run(&format!("{RECIPE} --out whole --set train.epochs=300")).succeeds();
    let arguments = format!("{RECIPE} --out run --set train.epochs=300 --checkpoint-every 0");
    let output = loop {
        if let Some(output) = killed(&scratch, &arguments) {
            break output;
        }
        std::fs::remove_dir_all(scratch.path("run")).unwrap();
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("rank 1") && stderr.contains("signal 9"), "{stderr}");
    succeeds(mpirun(&scratch, &format!("{arguments} --resume")).output().unwrap());
    assert!(same_bytes(&scratch.path("whole/model.safetensors"), &scratch.path("run/model.safetensors")));
}

#[test]
fn error_of_one_process_ends_all_with_its_message() {
    let scratch = scratch();
    scratch.write("tones/recordings/5_ann_7.wav", "no sound");
    let output = mpirun(&scratch, &format!("{RECIPE} --out run")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("5_ann_7.wav"), "{stderr}");
    std::fs::remove_file(scratch.path("tones/recordings/5_ann_7.wav")).unwrap();
    for (arguments, part) in [
        (format!("{RECIPE} --out run --set train.shards=1"), "2 processes train together"),
        (format!("{RECIPE} --out run --seeds 2"), "one model after the other"),
    ] {
        let output = mpirun(&scratch, &arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(part), "{stderr}");
    }
}
